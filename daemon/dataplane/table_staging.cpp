// SPDX-License-Identifier: Apache-2.0
// TableWriter::stage: everything that can fail, in elements that no packet reaches.
#include <algorithm>

#include "daemon/dataplane/table_writer.h"

namespace meetfence::dataplane {

Result<TableWriter::Staged> TableWriter::stage(std::span<const policy::MeetingImage> images,
                                               std::span<const std::uint64_t> removed,
                                               std::span<const policy::NamedEndpoint> named)
{
    Staged staged;
    for (const auto& endpoint : named) {
        const auto known = named_.find(endpoint.at);
        if ((known == named_.end() ? 0 : known->second) != endpoint.flags) {
            staged.named[endpoint.at] = endpoint.flags;
            staged.ports.try_emplace(endpoint.at.port_slot);
        }
    }
    for (const auto number : removed) {
        if (const auto it = meetings_.find(number); it != meetings_.end()) {
            staged.meetings.push_back({.number = number, .remove = true, .retired = it->second.rules});
            for (const auto& endpoint : it->second.endpoints) {
                staged.ports.try_emplace(endpoint.port_slot);
            }
        }
    }
    if (auto result = stage_all(images, staged); !result) {
        discard(std::move(staged));
        return fail(std::move(result).error());
    }
    return staged;
}

Result<> TableWriter::stage_all(std::span<const policy::MeetingImage> images, Staged& staged)
{
    for (const auto& image : images) {
        TRY(stage_meeting(image, staged));
    }
    const auto wanted = wanted_of(images, staged);
    for (auto& [port_slot, chain] : staged.ports) {
        TRY(stage_port(wanted, staged, port_slot, chain));
    }
    return {};
}

TableWriter::Wanted TableWriter::wanted_of(std::span<const policy::MeetingImage> images, const Staged& staged)
{
    Wanted wanted;
    for (const auto& one : staged.meetings) {
        wanted.slots[one.number] = one.next.slot;
    }
    for (const auto& image : images) {
        if (!wanted.slots.contains(image.number)) {
            continue; // nothing of it changes
        }
        for (const auto& endpoint : image.endpoints) {
            wanted.ports[endpoint.port_slot].push_back({.local = endpoint.local, .meeting = image.number});
        }
    }
    return wanted;
}

// How the places on a port are named: as they are, with what changes put over it.
TableWriter::Named TableWriter::named_on(const Staged& staged, std::uint32_t port_slot) const
{
    const policy::EndpointImage begin{port_slot, {}};
    const policy::EndpointImage end{port_slot + 1, {}};
    Named named(staged.named.lower_bound(begin), staged.named.lower_bound(end));
    named.insert(named_.lower_bound(begin), named_.lower_bound(end));
    return named;
}

Result<> TableWriter::stage_meeting(const policy::MeetingImage& image, Staged& all)
{
    static const LinkedMeeting kNothing;
    const auto it = meetings_.find(image.number);
    const auto& before = it == meetings_.end() ? kNothing : it->second;
    const bool other_rules = !before.has_rules_of(image);
    const bool other_endpoints = before.endpoints != image.endpoints;
    if (before.slot != 0 && !other_rules && !other_endpoints) {
        return {};
    }
    auto& staged = all.meetings.emplace_back(Staged::OneMeeting{.number = image.number, .next = before});
    staged.next.endpoints = image.endpoints;
    if (before.slot == 0 || (other_rules && other_endpoints)) {
        TRY(take_slots(staged, before.slot == 0));
    }
    if (other_rules) {
        TRY(stage_rules(image, before, staged));
    }
    if (staged.new_slot) {
        tables_.meetings[staged.next.slot] = {.policy = staged.next.policy};
    }
    if (before.slot == 0) {
        tables_.meetings[staged.next.shared_slot] = {.policy = staged.next.policy, .shared = 1};
    }
    // Ports whose chain changes: with a new slot all of them, else those that come or go.
    std::vector<policy::EndpointImage> touched;
    if (staged.new_slot) {
        std::ranges::set_union(before.endpoints, image.endpoints, std::back_inserter(touched));
    } else {
        std::ranges::set_symmetric_difference(before.endpoints, image.endpoints, std::back_inserter(touched));
    }
    for (const auto& endpoint : touched) {
        all.ports.try_emplace(endpoint.port_slot);
    }
    return {};
}

Result<> TableWriter::take_slots(Staged::OneMeeting& staged, bool is_new)
{
    const auto slot = TRY(take(meeting_pool_, "meetings"));
    if (is_new) {
        auto shared = take(meeting_pool_, "meetings");
        if (!shared) {
            meeting_pool_.give_back(slot);
            return fail(std::move(shared).error());
        }
        staged.next.shared_slot = *shared;
    }
    staged.next.slot = slot;
    staged.new_slot = true;
    return {};
}

// How the endpoint is to be named: as itself and as any local address on its port; any local address, as
// every one of them.
std::uint32_t TableWriter::flags_of(const IpAddress::Bytes& local, const Named& named)
{
    const IpAddress::Bytes any{};
    std::uint32_t flags = 0;
    for (const auto& [at, flags_there] : named) {
        const bool meant = local == any || at.local == any || at.local == local;
        flags |= meant ? flags_there : 0;
    }
    return flags;
}

// The chain as it will be: what other meetings have on the port, and what the images want there.
Result<> TableWriter::stage_port(const Wanted& changes, const Staged& staged, std::uint32_t port_slot,
                                 std::vector<LinkedEndpoint>& chain)
{
    const auto& slots = changes.slots;
    std::vector<LinkedEndpoint> wanted;
    if (const auto it = ports_.find(port_slot); it != ports_.end()) {
        std::ranges::copy_if(it->second, std::back_inserter(wanted), [&](const auto& endpoint) {
            return !endpoint.shared && !slots.contains(endpoint.meeting);
        });
    }
    if (const auto it = changes.ports.find(port_slot); it != changes.ports.end()) {
        std::ranges::copy(it->second, std::back_inserter(wanted));
    }
    const auto named = named_on(staged, port_slot);
    for (auto& endpoint : wanted) {
        endpoint.flags = flags_of(endpoint.local, named);
    }
    add_shared(named, wanted);
    // One address goes before any address: the last one is the head.
    std::ranges::stable_sort(wanted, {},
                             [](const auto& endpoint) { return endpoint.local != IpAddress::Bytes{}; });
    if (wanted.size() > MF_ENDPOINTS_PER_PORT) {
        return fail(ErrorCode::exhausted, "one port would be registered on more than " +
                                              std::to_string(MF_ENDPOINTS_PER_PORT) + " local addresses");
    }
    std::uint32_t next = 0;
    for (auto& endpoint : wanted) {
        const auto changed = slots.find(endpoint.meeting);
        const auto slot = endpoint.shared          ? 0
                          : changed != slots.end() ? changed->second
                                                   : meetings_.at(endpoint.meeting).slot;
        endpoint.index = TRY(take(endpoint_pool_, "endpoints"));
        chain.push_back(endpoint);
        auto& element =
            tables_.endpoints[endpoint.index] = {.meeting = slot, .next = next, .flags = endpoint.flags};
        std::ranges::copy(endpoint.local, element.local);
        next = endpoint.index; // the last one is the head
    }
    return {};
}

// Places that are named and that no meeting has for itself.
void TableWriter::add_shared(const Named& named, std::vector<LinkedEndpoint>& wanted)
{
    for (const auto& [at, flags] : named) {
        const bool dedicated = std::ranges::any_of(wanted, [&](const LinkedEndpoint& endpoint) {
            return !endpoint.shared && (endpoint.local == at.local || endpoint.local == IpAddress::Bytes{});
        });
        if (flags != 0 && !dedicated) {
            wanted.push_back({.local = at.local, .flags = flags, .shared = true});
        }
    }
}

Result<> TableWriter::stage_rules(const policy::MeetingImage& image, const LinkedMeeting& before,
                                  Staged::OneMeeting& staged)
{
    staged.next.rules.clear();
    staged.next.policy = 0;
    staged.new_policy = true;
    for (const auto& wanted : image.rules) {
        const auto* old = before.find_rule(wanted.number);
        if (old != nullptr && old->image == wanted) {
            staged.next.rules.push_back(*old);
            continue;
        }
        const auto rule = TRY(make_rule(wanted, old));
        staged.fresh.push_back(rule);
        staged.next.rules.push_back(rule);
    }
    for (const auto& old : before.rules) {
        const auto* now = staged.next.find_rule(old.image.number);
        if (now == nullptr || now->index != old.index) {
            staged.retired.push_back(old);
        }
    }
    return make_policy(staged);
}

// A changed rule keeps its cells while it names the same countries: its counts go on.
Result<LinkedRule> TableWriter::make_rule(const policy::RuleImage& image, const LinkedRule* before)
{
    LinkedRule rule{.image = image, .index = TRY(take(rule_pool_, "rules"))};
    const auto count = image.cell_count();
    const bool keeps_cells = before != nullptr && before->image.counts_like(image);
    auto cells = keeps_cells ? Result<std::uint32_t>(before->cells) : take_cells(count);
    auto set = cells ? make_prefix_set(image.except) : Result<std::uint32_t>(0U);
    if (!cells || !set) {
        if (cells && !keeps_cells) {
            cell_pool_.give_back(*cells, count);
        }
        rule_pool_.give_back(rule.index);
        return fail(cells ? std::move(set).error() : std::move(cells).error());
    }
    rule.cells = *cells;
    rule.except_set = *set;
    auto& element = tables_.rules[rule.index] = {
        .from_ns = image.from_ns,
        .until_ns = image.until_ns,
        .participant = image.participant,
        .cells = rule.cells,
        .cell_count = count,
        .except_set = rule.except_set,
        .mode = image.mode,
        .whom = image.whom,
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
        auto added = tables_.add_prefix(set, prefixes[i]);
        if (!added && !retired_sets_.empty()) {
            TRY(reclaim());
            added = tables_.add_prefix(set, prefixes[i]);
        }
        if (!added) {
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
        tables_.cell_times[cell] = {};
        if (auto zeroed = tables_.zero_cell(cell); !zeroed) {
            cell_pool_.give_back(*first, count);
            return fail(std::move(zeroed).error());
        }
    }
    return *first;
}

} // namespace meetfence::dataplane
