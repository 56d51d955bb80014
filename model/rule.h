// SPDX-License-Identifier: Apache-2.0
// A rule: block these countries in this meeting, from … until …
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/country.h"
#include "model/ip.h"
#include "model/result.h"
#include "model/time.h"

namespace meetfence {

enum class Mode : std::uint8_t { enforce, monitor };
enum class RuleState : std::uint8_t { scheduled, active, expired, withdrawn };

[[nodiscard]] std::string_view to_text(Mode mode);
[[nodiscard]] std::string_view to_text(RuleState state);
[[nodiscard]] Result<Mode> parse_mode(std::string_view text);

/// What somebody asks for.
struct RuleRequest {
    std::string meeting;
    CountrySet countries;
    Mode mode = Mode::enforce;
    std::optional<Time> from;
    std::optional<Time> until;
    std::vector<IpPrefix> except; // sorted, none twice

    friend bool operator==(const RuleRequest&, const RuleRequest&) = default;
};

struct RuleCounts {
    std::uint64_t dropped_packets = 0, dropped_bytes = 0;
    std::uint64_t would_drop_packets = 0, would_drop_bytes = 0;
    std::uint64_t passed_packets = 0, passed_bytes = 0; // not started, ended or excepted

    RuleCounts& operator+=(const RuleCounts& other);
};

struct CountryCounts {
    Country country;
    RuleCounts counts;
};

/// What was granted. `until` is set in every rule: a restriction without an end does not exist.
struct Rule {
    std::uint64_t number = 0; // never used again
    std::string meeting;
    CountrySet countries;
    Mode mode = Mode::enforce;
    Time from;
    Time until;
    std::vector<IpPrefix> except;
    std::optional<Time> withdrawn;
    std::string why; // of the withdrawal

    [[nodiscard]] std::string id() const { return "r" + std::to_string(number); }
    [[nodiscard]] RuleState state(Time now) const;
    [[nodiscard]] bool ended(Time now) const { return withdrawn || now >= until; }
};

/// The number in "r17".
[[nodiscard]] Result<std::uint64_t> parse_rule_id(std::string_view id);

} // namespace meetfence
