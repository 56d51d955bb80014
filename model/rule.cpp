// SPDX-License-Identifier: Apache-2.0
#include "model/rule.h"

#include <algorithm>
#include <charconv>

namespace meetfence {

std::string_view to_text(Mode mode)
{
    return mode == Mode::enforce ? "enforce" : "monitor";
}

std::string_view to_text(RuleState state)
{
    switch (state) {
    case RuleState::pending:
        return "pending";
    case RuleState::scheduled:
        return "scheduled";
    case RuleState::active:
        return "active";
    case RuleState::expired:
        return "expired";
    case RuleState::withdrawn:
        return "withdrawn";
    }
    return "";
}

Result<Mode> parse_mode(std::string_view text)
{
    if (text == "enforce") {
        return Mode::enforce;
    }
    if (text == "monitor") {
        return Mode::monitor;
    }
    return fail(ErrorCode::invalid, "mode '" + std::string(text) + "' is neither enforce nor monitor");
}

RuleCounts& RuleCounts::operator+=(const RuleCounts& other)
{
    dropped_packets += other.dropped_packets;
    dropped_bytes += other.dropped_bytes;
    would_drop_packets += other.would_drop_packets;
    would_drop_bytes += other.would_drop_bytes;
    passed_packets += other.passed_packets;
    passed_bytes += other.passed_bytes;
    return *this;
}

RuleCounts CountryCounts::total() const
{
    auto sum = ingress;
    return sum += egress;
}

void add_counts(std::vector<CountryCounts>& to, const std::vector<CountryCounts>& more)
{
    for (const auto& cell : more) {
        auto it = std::ranges::find(to, cell.country, &CountryCounts::country);
        if (it == to.end()) {
            it = to.insert(to.end(), {.country = cell.country});
        }
        it->ingress += cell.ingress;
        it->egress += cell.egress;
    }
}

RuleState Rule::state(Time now) const
{
    if (withdrawn) {
        return RuleState::withdrawn;
    }
    if (now >= until) {
        return RuleState::expired;
    }
    if (pending) {
        return RuleState::pending;
    }
    return now < from ? RuleState::scheduled : RuleState::active;
}

std::string describe(Whom whom, const CountrySet& countries, std::string_view participant)
{
    switch (whom) {
    case Whom::countries:
        return countries.text();
    case Whom::all_but:
        return "all but " + countries.text();
    case Whom::participant:
        return "participant " + std::string(participant);
    }
    return {};
}

Result<std::uint64_t> parse_rule_id(std::string_view id)
{
    std::uint64_t number = 0;
    const auto digits = id.substr(std::min<std::size_t>(1, id.size()));
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
    if (!id.starts_with('r') || error != std::errc{} || end != digits.end() || number == 0) {
        return fail(ErrorCode::invalid, "'" + std::string(id) + "' is not a rule: rules are named r1, r2, …");
    }
    return number;
}

} // namespace meetfence
