// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a report: classes, medians, ledgers, parts of a period.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "audit/report.h"
#include "audit/report_orders.h"

namespace meetfence::audit {

/// Upper bounds of all classes but the last, which has none.
inline constexpr std::array<std::chrono::seconds, kClasses - 1> kClassBounds{
    std::chrono::hours(6), std::chrono::hours(24), std::chrono::hours(3 * 24), std::chrono::hours(7 * 24),
    std::chrono::hours(30 * 24)};
[[nodiscard]] std::size_t class_of(std::chrono::seconds duration);

/// The median of an even number is the middle of the two in the middle.
[[nodiscard]] DurationSummary summarize(std::vector<std::chrono::seconds> durations);

/// How long at least one of them lasted.
[[nodiscard]] std::chrono::seconds length_of_union(std::vector<Span> spans);

/// Adds an order that was open at any moment of the period.
void add(Tally& tally, const OrderLife& life, Time since, bool in_force);

/// The period by hours, days, weeks or calendar months, so that the parts are not too many to be seen.
[[nodiscard]] std::vector<TimeBucket> buckets_of(Time since, Time until);

} // namespace meetfence::audit
