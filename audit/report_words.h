// SPDX-License-Identifier: Apache-2.0
// The words of a report: what its terms mean, and what its codes are called where people read them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "audit/report.h"

namespace meetfence::audit {

struct Definition {
    std::string_view term, meaning;
};
[[nodiscard]] std::span<const Definition> definitions();
/// How it was found out whether somebody outside a jurisdiction was affected.
[[nodiscard]] std::string_view scope_measurement();

[[nodiscard]] std::string_view to_text(Decision decision);
[[nodiscard]] std::string_view to_text(Ending ending);

inline constexpr std::array<std::string_view, kClasses> kClassNames{
    "up to 6 hours", "up to 1 day", "up to 3 days", "up to 7 days", "up to 30 days", "more than 30 days"};

/// "no_legal_basis" → "No legal basis"
[[nodiscard]] std::string in_words(std::string_view code);
/// What an incident of this kind means.
[[nodiscard]] std::string_view incident_words(std::string_view what);
/// What a guardrail refuses; "" for one that is not known here.
[[nodiscard]] std::string_view refusal_words(std::string_view code);

/// In its two largest units, "2 d 4 h", "45 min", "0 s", with blanks at which no line ends
[[nodiscard]] std::string duration_words(std::chrono::seconds duration);
/// "22 Nov 2026"; with the time of day unless that is midnight, "22 Nov 2026, 18:05"
[[nodiscard]] std::string day_words(Time time);
[[nodiscard]] std::string time_words(Time time);
/// "1 July to 31 December 2026" where whole days are covered.
[[nodiscard]] std::string period_words(const Report& report);
/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "China (CN)", "Unknown"
[[nodiscard]] std::string country_words(std::string_view code);

} // namespace meetfence::audit
