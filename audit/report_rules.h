// SPDX-License-Identifier: Apache-2.0
// A rule as the audit log tells it, and when it was in force. What was undone later never happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/entry.h"
#include "model/country.h"
#include "model/time.h"

namespace meetfence::audit {

/// Entries whose change did not come into effect: it failed, or the daemon died before.
class Undone {
public:
    void add(std::uint64_t first, std::uint64_t last);
    /// Once all are added.
    void settle();
    [[nodiscard]] bool contains(std::uint64_t sequence) const;

private:
    std::vector<std::pair<std::uint64_t, std::uint64_t>> spans_; // sorted, apart
};

struct Span {
    Time begin, end;

    [[nodiscard]] bool overlaps(Time since, Time until) const { return begin < until && since < end; }
};

struct RuleStep {
    std::uint64_t sequence = 0;
    Time time;
    enum class Kind : std::uint8_t { terms, withdrawn, suspended } kind = Kind::terms;
    bool enforced = false; // neither pending nor only monitored
    Time from, until;
};

struct RuleEnd {
    std::uint64_t sequence = 0;
    Time time, ended;
    std::uint64_t packets_dropped = 0, bytes_dropped = 0, participants = 0;
    std::uint64_t drops_checked = 0, drops_outside_scope = 0;
};

struct RuleLog {
    std::string order; // "" = asked for by the host
    std::uint32_t meeting = 0;
    bool all_but = false, participant = false;
    CountrySet countries;
    std::vector<RuleStep> steps;
    std::vector<RuleEnd> ends; // one, and those that were undone
};

/// Notes what `rule_…` says of the rule.
void note(RuleLog& rule, const Entry& entry);

/// When it kept somebody out or would have, up to `until`; sorted, none touching the next.
[[nodiscard]] std::vector<Span> spans_in_force(const RuleLog& rule, const Undone& undone, Time until);

} // namespace meetfence::audit
