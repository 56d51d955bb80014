// SPDX-License-Identifier: Apache-2.0
// TableWriter::adopt: what do the tables hold that an earlier daemon left, perhaps in mid-change?
#include <algorithm>
#include <set>

#include "daemon/dataplane/table_writer.h"

namespace meetfence::dataplane {
namespace {

auto nonsense(const std::string& what)
{
    return fail(ErrorCode::conflict, "the pinned tables make no sense: " + what);
}

} // namespace

Result<TableWriter> TableWriter::adopt(KernelTables tables)
{
    TableWriter writer(std::move(tables));
    const auto& control = writer.control();
    writer.endpoint_pool_ = IndexPool(control.endpoints);
    writer.meeting_pool_ = IndexPool(control.meetings);
    writer.policy_pool_ = IndexPool(control.policies);
    writer.rule_pool_ = IndexPool(control.rules);
    writer.cell_pool_ = RunPool(control.cells);
    TRY(writer.adopt_meetings());
    TRY(writer.adopt_endpoints());
    TRY(writer.adopt_leftovers());
    writer.publish_concerned();
    return writer;
}

Result<> TableWriter::adopt_meetings()
{
    std::map<std::uint64_t, std::uint32_t> shared; // number → slot
    for (std::uint32_t slot = 1; slot < tables_.meetings.size(); ++slot) {
        const auto& meeting = tables_.meetings[slot];
        if (meeting.number == 0 || meeting.retired != 0) {
            continue;
        }
        if (meeting.shared != 0) {
            if (!meeting_pool_.take_exactly(slot)) {
                return nonsense("meeting " + std::to_string(slot));
            }
            shared[meeting.number] = slot;
            continue;
        }
        if (meeting.policy >= tables_.policies.size() || meetings_.contains(meeting.number)) {
            return nonsense("meeting " + std::to_string(slot));
        }
        LinkedMeeting linked{.slot = slot, .policy = meeting.policy};
        if (!meeting_pool_.take_exactly(slot) ||
            (linked.policy != 0 && !policy_pool_.take_exactly(linked.policy))) {
            return nonsense("meeting " + std::to_string(slot));
        }
        if (linked.policy != 0) {
            const auto& policy = tables_.policies[linked.policy];
            for (std::uint32_t i = 0; i < std::min(policy.rule_count, MF_RULES_PER_MEETING); ++i) {
                linked.rules.push_back(TRY(adopt_rule(policy.rules[i])));
            }
            std::ranges::sort(linked.rules, {}, [](const LinkedRule& rule) { return rule.image.number; });
        }
        meetings_.emplace(meeting.number, std::move(linked));
    }
    for (auto& [number, meeting] : meetings_) {
        const auto it = shared.find(number);
        if (it == shared.end()) {
            return nonsense("meeting number " + std::to_string(number));
        }
        meeting.shared_slot = it->second;
        shared.erase(it);
        // One store of two was done.
        dataplane::publish(tables_.meetings[meeting.shared_slot].policy, meeting.policy);
        count_concerned(meeting.rules, 1);
    }
    for (const auto& [number, slot] : shared) { // of a removal that stopped half-way
        tables_.meetings[slot].retired = 1;
        meeting_pool_.retire(slot);
    }
    return {};
}

Result<LinkedRule> TableWriter::adopt_rule(std::uint32_t index)
{
    if (index == 0 || index >= tables_.rules.size()) {
        return nonsense("rule " + std::to_string(index));
    }
    const auto& rule = tables_.rules[index];
    LinkedRule linked{.index = index, .cells = rule.cells, .except_set = rule.except_set};
    linked.image = {.number = rule.number,
                    .whom = rule.whom,
                    .participant = rule.participant,
                    .from_ns = rule.from_ns,
                    .until_ns = rule.until_ns,
                    .mode = rule.mode};
    std::ranges::copy(rule.countries, linked.image.countries.begin());
    if (rule.number == 0 || std::uint64_t{rule.cells} + rule.cell_count > control().cells ||
        rule.cell_count != linked.image.cell_count()) {
        return nonsense("rule " + std::to_string(index));
    }
    if (!rule_pool_.take_exactly(index) || !cell_pool_.take_exactly(rule.cells, rule.cell_count)) {
        return nonsense("rule " + std::to_string(index) + " is used twice");
    }
    return linked;
}

// Ports lead to endpoints, endpoints to meetings. One that leads to no meeting is a removal that
// stopped half-way: its port gets a chain without it.
Result<> TableWriter::adopt_endpoints()
{
    std::map<std::uint32_t, std::uint64_t> numbers; // by slot
    for (const auto& [number, meeting] : meetings_) {
        numbers[meeting.slot] = number;
    }
    Staged repair;
    for (std::uint32_t port_slot = 0; port_slot < tables_.ports.size(); ++port_slot) {
        if (tables_.ports[port_slot] != 0) {
            auto& chain = ports_[port_slot] = TRY(adopt_chain(port_slot, numbers));
            if (std::ranges::any_of(chain, [](const LinkedEndpoint& endpoint) {
                    return endpoint.meeting == 0 && !endpoint.shared;
                })) {
                repair.ports.try_emplace(port_slot);
            }
        }
    }
    for (auto& [number, meeting] : meetings_) {
        std::ranges::sort(meeting.endpoints);
    }
    repair.meetings.push_back({.number = 0, .remove = true}); // whose endpoints are left out
    const auto wanted = wanted_of({}, repair);
    for (auto& [port_slot, chain] : repair.ports) {
        TRY(stage_port(wanted, repair, port_slot, chain));
        publish_port(port_slot, std::move(chain));
    }
    return {};
}

Result<std::vector<LinkedEndpoint>>
TableWriter::adopt_chain(std::uint32_t port_slot, const std::map<std::uint32_t, std::uint64_t>& numbers)
{
    std::vector<LinkedEndpoint> chain;
    for (auto index = tables_.ports[port_slot]; index != 0; index = tables_.endpoints[index].next) {
        if (index >= tables_.endpoints.size() || chain.size() >= MF_ENDPOINTS_PER_PORT) {
            return nonsense("port " + std::to_string(port_slot));
        }
        if (!endpoint_pool_.take_exactly(index)) {
            return nonsense("endpoint " + std::to_string(index) + " is used twice");
        }
        const auto& element = tables_.endpoints[index];
        LinkedEndpoint linked{.flags = element.flags, .shared = element.meeting == 0, .index = index};
        std::ranges::copy(element.local, linked.local.begin());
        if (element.flags != 0) {
            named_[{port_slot, linked.local}] |= element.flags;
        }
        if (const auto owner = numbers.find(element.meeting); owner != numbers.end()) {
            linked.meeting = owner->second;
            meetings_.at(owner->second).endpoints.push_back({port_slot, linked.local});
        }
        chain.push_back(linked);
    }
    std::ranges::reverse(chain); // kept with the head last
    return chain;
}

// Rules that no policy uses, and prefix sets that no rule uses.
Result<> TableWriter::adopt_leftovers()
{
    std::set<std::uint32_t> used_rules;
    std::set<std::uint32_t> used_cells;
    for (const auto& [number, meeting] : meetings_) {
        for (const auto& rule : meeting.rules) {
            used_rules.insert(rule.index);
            used_cells.insert(rule.cells);
        }
    }
    for (std::uint32_t index = 1; index < tables_.rules.size(); ++index) {
        auto& rule = tables_.rules[index];
        if (rule.number == 0 || used_rules.contains(index)) {
            continue;
        }
        if (used_cells.insert(rule.cells).second) {
            for (auto cell = rule.cells; cell < std::min(rule.cells + rule.cell_count, control().cells);
                 ++cell) {
                control().retired_drops += TRY(tables_.read_cell(cell)).total().dropped_packets;
            }
        }
        rule = {};
    }

    auto sets = TRY(tables_.list_prefixes());
    for (auto& [set, prefixes] : sets) {
        std::ranges::sort(prefixes);
        last_set_ = std::max(last_set_, set);
    }
    for (auto& [number, meeting] : meetings_) {
        for (auto& rule : meeting.rules) {
            if (const auto it = sets.find(rule.except_set); it != sets.end()) {
                rule.image.except = it->second;
                sets.erase(it);
            }
        }
    }
    if (const auto it = sets.find(control().exempt_set); it != sets.end()) {
        exempt_ = {it->first, it->second};
        sets.erase(it);
    }
    for (const auto& [set, prefixes] : sets) {
        for (const auto& prefix : prefixes) {
            tables_.remove_prefix(set, prefix);
        }
    }
    return {};
}

} // namespace meetfence::dataplane
