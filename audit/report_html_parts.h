// SPDX-License-Identifier: Apache-2.0
// The parts of a report's page; each is the inside of one section.
#pragma once

#include <string>

#include "audit/report.h"

namespace meetfence::audit {

[[nodiscard]] std::string definitions_markup();
[[nodiscard]] std::string period_markup(const Report& report);
[[nodiscard]] std::string orders_markup(const Report& report);
[[nodiscard]] std::string decision_times_markup(const Report& report);
[[nodiscard]] std::string durations_markup(const Report& report);
[[nodiscard]] std::string rows_markup(const Report& report);
[[nodiscard]] std::string hosts_markup(const Report& report);
[[nodiscard]] std::string over_time_markup(const Report& report);
[[nodiscard]] std::string outside_markup(const Report& report);
[[nodiscard]] std::string incidents_markup(const Report& report);
[[nodiscard]] std::string refusals_markup(const Report& report);
[[nodiscard]] std::string views_markup(const Report& report);
[[nodiscard]] std::string databases_markup(const Report& report);
[[nodiscard]] std::string checking_markup(const Report& report);

/// "1 order", "3 orders", "no orders"
[[nodiscard]] std::string count_words(std::uint64_t count, std::string_view one, std::string_view many);

} // namespace meetfence::audit
