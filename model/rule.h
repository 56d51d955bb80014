// SPDX-License-Identifier: Apache-2.0
// A rule: keep these countries, all but these countries, or one participant out of this meeting,
// from … until …
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
/// Whom a rule keeps out.
enum class Whom : std::uint8_t {
    countries,  // who is placed in one of them
    all_but,    // who is placed anywhere else; whom no database places is let in
    participant // this one, wherever placed
};
/// `pending`: its order is not approved yet.
enum class RuleState : std::uint8_t { pending, scheduled, active, expired, withdrawn };

[[nodiscard]] std::string_view to_text(Mode mode);
[[nodiscard]] std::string_view to_text(RuleState state);
[[nodiscard]] Result<Mode> parse_mode(std::string_view text);

/// What somebody asks for.
struct RuleRequest {
    std::string meeting;
    Whom whom = Whom::countries;
    CountrySet countries;    // empty where it is a participant
    std::string participant; // empty where it is not
    Mode mode = Mode::enforce;
    std::optional<Time> from;
    std::optional<Time> until;
    std::vector<IpPrefix> except; // sorted, none twice
    std::string order;            // empty: the meeting's owner asks

    friend bool operator==(const RuleRequest&, const RuleRequest&) = default;
};

struct RuleCounts {
    std::uint64_t dropped_packets = 0, dropped_bytes = 0;
    std::uint64_t would_drop_packets = 0, would_drop_bytes = 0;
    std::uint64_t passed_packets = 0, passed_bytes = 0; // not started, ended or excepted

    RuleCounts& operator+=(const RuleCounts& other);
};

/// One cell of a rule. It has no country where the rule tells none apart: it keeps out all but some
/// countries, or one participant.
struct CountryCounts {
    Country country;
    RuleCounts ingress = {}, egress = {};

    [[nodiscard]] RuleCounts total() const;
};

/// Country by country.
void add_counts(std::vector<CountryCounts>& to, const std::vector<CountryCounts>& more);

/// What was granted. `until` is set in every rule: a restriction without an end does not exist.
struct Rule {
    std::uint64_t number = 0; // never used again
    std::string meeting;
    Whom whom = Whom::countries;
    CountrySet countries;
    std::string participant;
    Mode mode = Mode::enforce;
    Time from;
    Time until;
    std::vector<IpPrefix> except;
    std::optional<Time> withdrawn;
    std::string why;        // of the withdrawal
    std::string order;      // empty: the meeting's owner asked
    bool pending = false;   // not in force: its order is not approved yet
    bool suspended = false; // withdrawn by the running check

    [[nodiscard]] std::string id() const { return "r" + std::to_string(number); }
    [[nodiscard]] RuleState state(Time now) const;
    [[nodiscard]] bool ended(Time now) const { return withdrawn || now >= until; }
    /// Whether packets are to be judged by it, or will be.
    [[nodiscard]] bool in_kernel(Time now) const { return !pending && !ended(now); }

    friend bool operator==(const Rule&, const Rule&) = default;
};

/// "CN HK", "all but US", "participant p-7"
[[nodiscard]] std::string describe(Whom whom, const CountrySet& countries, std::string_view participant);

/// The number in "r17".
[[nodiscard]] Result<std::uint64_t> parse_rule_id(std::string_view id);

} // namespace meetfence
