// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/table_writer.h"

#include <algorithm>

namespace meetfence::dataplane {

static const LinkedRule* find_rule(const LinkedMeeting& meeting, std::uint64_t number)
{
    const auto it =
        std::ranges::find(meeting.rules, number, [](const LinkedRule& rule) { return rule.image.number; });
    return it == meeting.rules.end() ? nullptr : &*it;
}

namespace {

bool same_rules(const LinkedMeeting& before, const policy::MeetingImage& image)
{
    return std::ranges::equal(before.rules, image.rules, {}, &LinkedRule::image);
}

} // namespace

Result<TableWriter::Staged> TableWriter::stage(std::span<const policy::MeetingImage> images,
                                               std::span<const std::uint64_t> removed)
{
    Staged staged;
    for (const auto number : removed) {
        const auto it = meetings_.find(number);
        if (it != meetings_.end()) {
            staged.meetings.push_back({.number = number,
                                       .remove = true,
                                       .unlink = it->second.endpoints,
                                       .retired = it->second.rules});
        }
    }
    for (const auto& image : images) {
        auto& one = staged.meetings.emplace_back(Staged::OneMeeting{.number = image.number});
        if (auto result = stage_meeting(image, one); !result) {
            discard(std::move(staged));
            return fail(std::move(result).error());
        }
    }
    return staged;
}

Result<> TableWriter::stage_meeting(const policy::MeetingImage& image, Staged::OneMeeting& staged)
{
    static const LinkedMeeting kNothing;
    const auto it = meetings_.find(image.number);
    const auto& before = it == meetings_.end() ? kNothing : it->second;
    staged.next = before;
    if (before.slot == 0) {
        staged.next.slot = TRY(take(meeting_pool_, "meetings"));
        staged.new_slot = true;
        tables_.meetings[staged.next.slot] = {.number = image.number};
    }
    TRY(stage_endpoints(image, before, staged));
    if (!same_rules(before, image)) {
        TRY(stage_rules(image, before, staged));
    }
    return {};
}

Result<> TableWriter::stage_endpoints(const policy::MeetingImage& image, const LinkedMeeting& before,
                                      Staged::OneMeeting& staged)
{
    staged.next.endpoints.clear();
    for (const auto& wanted : image.endpoints) {
        const auto it = std::ranges::lower_bound(before.endpoints, wanted, {}, &LinkedEndpoint::image);
        if (it != before.endpoints.end() && it->image == wanted) {
            staged.next.endpoints.push_back(*it);
            continue;
        }
        const LinkedEndpoint fresh{wanted, TRY(take(endpoint_pool_, "endpoints"))};
        auto& element = tables_.endpoints[fresh.index] = {.meeting = staged.next.slot};
        std::ranges::copy(wanted.local, element.local);
        staged.link.push_back(fresh);
        staged.next.endpoints.push_back(fresh);
    }
    for (const auto& linked : before.endpoints) {
        if (!std::ranges::binary_search(image.endpoints, linked.image)) {
            staged.unlink.push_back(linked);
        }
    }
    return {};
}

Result<> TableWriter::stage_rules(const policy::MeetingImage& image, const LinkedMeeting& before,
                                  Staged::OneMeeting& staged)
{
    staged.next.rules.clear();
    staged.next.policy = 0;
    staged.new_policy = true;
    for (const auto& wanted : image.rules) {
        const auto* old = dataplane::find_rule(before, wanted.number);
        if (old != nullptr && old->image == wanted) {
            staged.next.rules.push_back(*old);
            continue;
        }
        const auto rule = TRY(make_rule(wanted, old));
        staged.fresh.push_back(rule);
        staged.next.rules.push_back(rule);
    }
    for (const auto& old : before.rules) {
        const auto* now = dataplane::find_rule(staged.next, old.image.number);
        if (now == nullptr || now->index != old.index) {
            staged.retired.push_back(old);
        }
    }
    return make_policy(staged);
}

// A changed rule keeps its cells: its counts go on.
Result<LinkedRule> TableWriter::make_rule(const policy::RuleImage& image, const LinkedRule* before)
{
    LinkedRule rule{.image = image, .index = TRY(take(rule_pool_, "rules"))};
    const auto count = policy::country_count(image.countries);
    if (before != nullptr) {
        rule.cells = before->cells;
    } else {
        auto cells = take_cells(count);
        if (!cells) {
            rule_pool_.give_back(rule.index);
            return fail(std::move(cells).error());
        }
        rule.cells = *cells;
    }
    auto set = make_prefix_set(image.except);
    if (!set) {
        if (before == nullptr) {
            cell_pool_.give_back(rule.cells, count);
        }
        rule_pool_.give_back(rule.index);
        return fail(std::move(set).error());
    }
    rule.except_set = *set;
    auto& element = tables_.rules[rule.index] = {
        .from_ns = image.from_ns,
        .until_ns = image.until_ns,
        .cells = rule.cells,
        .cell_count = count,
        .except_set = rule.except_set,
        .mode = image.mode,
    };
    std::ranges::copy(image.countries, element.countries);
    element.number = image.number;
    return rule;
}

Result<> TableWriter::make_policy(Staged::OneMeeting& staged)
{
    if (staged.next.rules.empty()) {
        return {}; // policy 0: no rule
    }
    staged.next.policy = TRY(take(policy_pool_, "policies"));
    auto& policy = tables_.policies[staged.next.policy] = {};
    for (const auto& rule : staged.next.rules) {
        policy.rules[policy.rule_count++] = rule.index;
        for (std::size_t word = 0; word < MF_COUNTRY_WORDS; ++word) {
            policy.countries[word] |= rule.image.countries.at(word);
        }
    }
    return {};
}

Result<std::uint32_t> TableWriter::make_prefix_set(const std::vector<IpPrefix>& prefixes)
{
    if (prefixes.empty()) {
        return 0U;
    }
    const auto set = ++last_set_;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        if (auto added = tables_.add_prefix(set, prefixes[i]); !added) {
            for (std::size_t undo = 0; undo < i; ++undo) {
                tables_.remove_prefix(set, prefixes[undo]);
            }
            return fail(std::move(added).error());
        }
    }
    return set;
}

Result<std::uint32_t> TableWriter::take(IndexPool& pool, const char* what)
{
    if (pool.available() == 0) {
        TRY(reclaim());
    }
    if (const auto index = pool.take()) {
        return *index;
    }
    return fail(ErrorCode::exhausted, std::string("the kernel's table of ") + what +
                                          " is full: remove something, or raise limits.meetings and restart");
}

Result<std::uint32_t> TableWriter::take_cells(std::uint32_t count)
{
    auto first = cell_pool_.take(count);
    if (!first) {
        TRY(reclaim());
        first = cell_pool_.take(count);
    }
    if (!first) {
        return fail(ErrorCode::exhausted,
                    "the kernel's table of counters has no room for " + std::to_string(count) +
                        " countries: withdraw a rule, or raise limits.meetings and restart");
    }
    for (std::uint32_t cell = *first; cell < *first + count; ++cell) {
        tables_.cell_events[cell] = 0;
        TRY(tables_.zero_cell(cell));
    }
    return *first;
}

void TableWriter::publish(Staged staged)
{
    for (auto& one : staged.meetings) {
        auto& linked = meetings_[one.number];
        if (one.remove) {
            std::ranges::for_each(one.unlink, [&](const auto& endpoint) { unlink(endpoint); });
            dataplane::publish(tables_.meetings[linked.slot].policy, 0);
            tables_.meetings[linked.slot].number = 0;
            meeting_pool_.retire(linked.slot);
        } else {
            // The rules before the endpoints: a port that becomes visible is judged by them at once.
            dataplane::publish(tables_.meetings[one.next.slot].policy, one.next.policy);
            std::ranges::for_each(one.link, [&](const auto& endpoint) { link(endpoint); });
            std::ranges::for_each(one.unlink, [&](const auto& endpoint) { unlink(endpoint); });
        }
        if ((one.new_policy || one.remove) && linked.policy != 0) {
            policy_pool_.retire(linked.policy);
        }
        for (const auto& rule : one.retired) {
            retire_rule(rule, one.remove || dataplane::find_rule(one.next, rule.image.number) == nullptr);
        }
        if (one.remove) {
            meetings_.erase(one.number);
        } else {
            linked = std::move(one.next);
        }
    }
}

void TableWriter::discard(Staged staged)
{
    for (auto& one : staged.meetings) {
        discard_one(one);
    }
}

void TableWriter::discard_one(Staged::OneMeeting& staged)
{
    const auto it = meetings_.find(staged.number);
    for (const auto& rule : staged.fresh) {
        const bool changed =
            it != meetings_.end() && dataplane::find_rule(it->second, rule.image.number) != nullptr;
        discard_rule(rule, !changed);
    }
    for (const auto& endpoint : staged.link) {
        endpoint_pool_.give_back(endpoint.index);
    }
    if (staged.new_policy && staged.next.policy != 0) {
        policy_pool_.give_back(staged.next.policy);
    }
    if (staged.new_slot) {
        tables_.meetings[staged.next.slot] = {};
        meeting_pool_.give_back(staged.next.slot);
    }
}

void TableWriter::discard_rule(const LinkedRule& rule, bool with_cells)
{
    tables_.rules[rule.index] = {};
    rule_pool_.give_back(rule.index);
    if (with_cells) {
        cell_pool_.give_back(rule.cells, policy::country_count(rule.image.countries));
    }
    for (const auto& prefix : rule.image.except) {
        tables_.remove_prefix(rule.except_set, prefix);
    }
}

void TableWriter::link(const LinkedEndpoint& endpoint)
{
    auto& head = tables_.ports[endpoint.image.port_slot];
    tables_.endpoints[endpoint.index].next = head;
    dataplane::publish(head, endpoint.index);
}

void TableWriter::unlink(const LinkedEndpoint& endpoint)
{
    auto* word = &tables_.ports[endpoint.image.port_slot];
    while (*word != 0 && *word != endpoint.index) {
        word = &tables_.endpoints[*word].next;
    }
    if (*word == endpoint.index) {
        dataplane::publish(*word, tables_.endpoints[endpoint.index].next);
        endpoint_pool_.retire(endpoint.index);
    }
}

void TableWriter::retire_rule(const LinkedRule& rule, bool with_cells)
{
    rule_pool_.retire(rule.index);
    if (with_cells) {
        retired_cells_.push_back({rule.cells, policy::country_count(rule.image.countries)});
    }
    if (rule.except_set != 0) {
        retired_sets_.push_back({rule.except_set, rule.image.except});
    }
}

Result<> TableWriter::set_exempt(const std::vector<IpPrefix>& prefixes)
{
    if (prefixes == exempt_.prefixes) {
        return {};
    }
    const auto set = TRY(make_prefix_set(prefixes));
    dataplane::publish(control().exempt_set, set);
    if (exempt_.set != 0) {
        retired_sets_.push_back(std::move(exempt_));
    }
    exempt_ = {set, prefixes};
    return {};
}

bool TableWriter::has_garbage() const
{
    return !endpoint_pool_.limbo().empty() || !meeting_pool_.limbo().empty() ||
           !policy_pool_.limbo().empty() || !rule_pool_.limbo().empty() || !retired_sets_.empty();
}

Result<> TableWriter::reclaim()
{
    if (!has_garbage()) {
        return {};
    }
    TRY(tables_.wait_for_packets());
    TRY(reclaim_rules());
    for (const auto& [set, prefixes] : retired_sets_) {
        for (const auto& prefix : prefixes) {
            tables_.remove_prefix(set, prefix);
        }
    }
    retired_sets_.clear();
    endpoint_pool_.recycle();
    meeting_pool_.recycle();
    policy_pool_.recycle();
    return {};
}

// The drops of a rule that is gone stay in the sum before its cells are used again.
Result<> TableWriter::reclaim_rules()
{
    for (const auto& [first, count] : retired_cells_) {
        for (std::uint32_t cell = first; cell < first + count; ++cell) {
            control().retired_drops += TRY(tables_.read_cell(cell)).dropped_packets;
        }
        cell_pool_.give_back(first, count);
    }
    retired_cells_.clear();
    for (const auto index : rule_pool_.limbo()) {
        tables_.rules[index] = {};
    }
    rule_pool_.recycle();
    return {};
}

const LinkedRule* TableWriter::find_rule(std::uint64_t meeting, std::uint64_t rule) const
{
    const auto it = meetings_.find(meeting);
    return it == meetings_.end() ? nullptr : dataplane::find_rule(it->second, rule);
}

Result<std::vector<CountryCounts>> TableWriter::counts(const LinkedRule& rule) const
{
    std::vector<CountryCounts> result;
    auto cell = rule.cells;
    for (const auto country : policy::countries_of(rule.image.countries)) {
        result.push_back({country, TRY(tables_.read_cell(cell++))});
    }
    return result;
}

} // namespace meetfence::dataplane
