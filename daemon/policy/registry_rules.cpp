// SPDX-License-Identifier: Apache-2.0
// The registry's rules: what is granted, which meeting they are at, when they begin and end.
#include <algorithm>

#include "daemon/policy/registry.h"
#include "kernel-headers/abi.h"

namespace meetfence::policy {

std::vector<const Rule*> Registry::rules_of(const RegisteredMeeting& meeting) const
{
    std::vector<const Rule*> result;
    for (const auto number : meeting.rules) {
        result.push_back(&rules_.at(number));
    }
    return result;
}

std::vector<const Rule*> Registry::rules_for(const std::string& meeting) const
{
    if (const auto it = meetings_.find(meeting); it != meetings_.end()) {
        return rules_of(it->second);
    }
    std::vector<const Rule*> result;
    if (const auto it = waiting_.find(meeting); it != waiting_.end()) {
        std::ranges::transform(it->second, std::back_inserter(result),
                               [&](std::uint64_t number) { return &rules_.at(number); });
    }
    return result;
}

std::vector<const Rule*> Registry::rules_under(const std::string& order) const
{
    std::vector<const Rule*> result;
    if (const auto it = by_order_.find(order); it != by_order_.end()) {
        std::ranges::transform(it->second, std::back_inserter(result),
                               [&](std::uint64_t number) { return &rules_.at(number); });
    }
    return result;
}

bool Registry::is_armed(const Rule& rule, Time now) const
{
    return rule.in_kernel(now) && !meetings_.contains(rule.meeting);
}

bool Registry::has_rule_in_force(const std::string& order, Time now) const
{
    return std::ranges::any_of(rules_under(order),
                               [&](const Rule* rule) { return rule->state(now) == RuleState::active; });
}

Result<Rule> Registry::grant(const RuleRequest& request, Time now, const Order* order) const
{
    const auto meeting = find_meeting(request.meeting);
    if (!meeting && order == nullptr) {
        return fail(std::move(meeting).error());
    }
    Rule rule{.number = 0,
              .meeting = request.meeting,
              .whom = request.whom,
              .countries = request.countries,
              .participant = request.participant,
              .mode = request.mode,
              .from = std::max(request.from.value_or(now), now),
              .until = {},
              .except = request.except,
              .withdrawn = {},
              .why = {},
              .order = request.order};
    if (order != nullptr) {
        rule.from = std::max(rule.from, *order->terms.from);
        rule.until = request.until.value_or(*order->terms.expires);
        rule.pending = !order->approved();
        rule.countries.add(order->terms.jurisdiction); // of a participant: only while placed there
    } else {
        const auto end = (*meeting)->meeting.until;
        const auto longest = rule.from + limits_.max_duration;
        rule.until = request.until.value_or(std::min(end.value_or(longest), longest));
        rule.until = std::min(rule.until, end.value_or(rule.until)); // never outlives it
    }
    TRY(check_span(rule, now));
    const auto rules = rules_for(request.meeting);
    if (rules.size() >= MF_RULES_PER_MEETING) {
        return fail(ErrorCode::exhausted,
                    "meeting '" + request.meeting + "' has " + std::to_string(rules.size()) +
                        " rules already, the most there can be: withdraw one, or name several "
                        "countries in one rule");
    }
    return rule;
}

Result<> Registry::check_span(const Rule& rule, Time now) const
{
    if (rule.until <= now) {
        return fail(ErrorCode::invalid, "the rule would have ended already, at " + format_time(rule.until));
    }
    if (rule.until <= rule.from) {
        return fail(ErrorCode::invalid, "the rule would end at " + format_time(rule.until) +
                                            ", before it begins at " + format_time(rule.from));
    }
    if (!parse_time(format_time(rule.until))) { // nobody could read it
        return fail(ErrorCode::invalid, "the rule would end after the year 9999: let it begin earlier");
    }
    const auto longest = rule.from + limits_.max_duration;
    if (rule.order.empty() && rule.until > longest) { // an order was asked about its own end
        return fail(ErrorCode::invalid, "the rule would last until " + format_time(rule.until) +
                                            ", longer than policy.max_duration (" +
                                            format_duration(limits_.max_duration) + ") allows: end it by " +
                                            format_time(longest));
    }
    return {};
}

std::vector<std::uint64_t>* Registry::present(const std::string& meeting)
{
    if (const auto it = meetings_.find(meeting); it != meetings_.end()) {
        return &it->second.rules;
    }
    const auto it = waiting_.find(meeting);
    return it == waiting_.end() ? nullptr : &it->second;
}

void Registry::put(Rule rule)
{
    last_rule_ = std::max(last_rule_, rule.number);
    const auto number = rule.number;
    auto* numbers = present(rule.meeting);
    if (numbers == nullptr && !rule.order.empty() && !rule.withdrawn) {
        numbers = &waiting_[rule.meeting];
    }
    if (numbers != nullptr) {
        const bool known = std::ranges::find(*numbers, number) != numbers->end();
        if (known) {
            remove_deadlines(rules_.at(number));
        }
        if (!known && !rule.withdrawn) {
            numbers->push_back(number);
        }
        if (known || !rule.withdrawn) {
            add_deadlines(rule);
        }
    }
    if (!rule.order.empty() && !rules_.contains(number)) {
        by_order_[rule.order].push_back(number);
    }
    const bool withdrawn = rule.withdrawn.has_value();
    rules_.insert_or_assign(number, std::move(rule));
    if (withdrawn) {
        end_rule(number);
    }
}

void Registry::end_rule(std::uint64_t number)
{
    const auto& rule = rules_.at(number);
    auto* numbers = present(rule.meeting);
    if (numbers != nullptr && std::erase(*numbers, number) != 0) {
        remove_deadlines(rule);
    }
    if (const auto it = waiting_.find(rule.meeting); it != waiting_.end() && it->second.empty()) {
        waiting_.erase(it);
    }
}

void Registry::add_deadlines(const Rule& rule)
{
    deadlines_.insert(rule.from);
    deadlines_.insert(rule.until);
}

void Registry::remove_deadlines(const Rule& rule)
{
    for (const auto time : {rule.from, rule.until}) {
        if (const auto it = deadlines_.find(time); it != deadlines_.end()) {
            deadlines_.erase(it);
        }
    }
}

std::optional<Time> Registry::next_deadline(Time now) const
{
    const auto it = deadlines_.upper_bound(now);
    return it == deadlines_.end() ? std::nullopt : std::optional(*it);
}

std::vector<std::uint64_t> Registry::expired_rules(Time now) const
{
    std::vector<std::uint64_t> result;
    for (const auto& [id, entry] : meetings_) {
        for (const auto* rule : rules_of(entry)) {
            const auto end = rule->order.empty() ? entry.meeting.until : std::nullopt;
            if (now >= std::min(rule->until, end.value_or(rule->until))) {
                result.push_back(rule->number);
            }
        }
    }
    for (const auto& [id, numbers] : waiting_) {
        std::ranges::copy_if(numbers, std::back_inserter(result),
                             [&](std::uint64_t number) { return now >= rules_.at(number).until; });
    }
    return result;
}

} // namespace meetfence::policy
