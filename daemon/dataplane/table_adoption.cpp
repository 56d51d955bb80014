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
    return writer;
}

Result<> TableWriter::adopt_meetings()
{
    for (std::uint32_t slot = 1; slot < tables_.meetings.size(); ++slot) {
        const auto& meeting = tables_.meetings[slot];
        if (meeting.number == 0) {
            continue;
        }
        if (meeting.policy >= tables_.policies.size() || meetings_.contains(meeting.number)) {
            return nonsense("meeting " + std::to_string(slot));
        }
        LinkedMeeting linked{.slot = slot, .policy = meeting.policy};
        meeting_pool_.take_exactly(slot);
        if (linked.policy != 0) {
            policy_pool_.take_exactly(linked.policy);
            const auto& policy = tables_.policies[linked.policy];
            for (std::uint32_t i = 0; i < std::min(policy.rule_count, MF_RULES_PER_MEETING); ++i) {
                linked.rules.push_back(TRY(adopt_rule(policy.rules[i])));
            }
            std::ranges::sort(linked.rules, {}, [](const LinkedRule& rule) { return rule.image.number; });
        }
        meetings_.emplace(meeting.number, std::move(linked));
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
    linked.image = {
        .number = rule.number, .from_ns = rule.from_ns, .until_ns = rule.until_ns, .mode = rule.mode};
    std::ranges::copy(rule.countries, linked.image.countries.begin());
    if (rule.number == 0 || rule.cells + rule.cell_count > control().cells ||
        rule.cell_count != policy::country_count(linked.image.countries)) {
        return nonsense("rule " + std::to_string(index));
    }
    rule_pool_.take_exactly(index);
    cell_pool_.take_exactly(rule.cells, rule.cell_count);
    return linked;
}

// Ports lead to endpoints, endpoints to meetings. One that leads to no meeting is a removal that
// stopped half-way: it is completed.
Result<> TableWriter::adopt_endpoints()
{
    std::map<std::uint32_t, LinkedMeeting*> by_slot;
    for (auto& [number, meeting] : meetings_) {
        by_slot[meeting.slot] = &meeting;
    }
    std::vector<LinkedEndpoint> orphans;
    for (std::uint32_t port = 0; port < tables_.ports.size(); ++port) {
        std::uint32_t steps = 0;
        for (auto index = tables_.ports[port]; index != 0; index = tables_.endpoints[index].next) {
            if (index >= tables_.endpoints.size() || ++steps > MF_ENDPOINTS_PER_PORT) {
                return nonsense("port " + std::to_string(port));
            }
            const auto& element = tables_.endpoints[index];
            LinkedEndpoint linked{{.port_slot = port}, index};
            std::ranges::copy(element.local, linked.image.local.begin());
            endpoint_pool_.take_exactly(index);
            const auto owner = by_slot.find(element.meeting);
            if (owner == by_slot.end()) {
                orphans.push_back(linked);
            } else {
                owner->second->endpoints.push_back(linked);
            }
        }
    }
    for (auto& [number, meeting] : meetings_) {
        std::ranges::sort(meeting.endpoints, {}, &LinkedEndpoint::image);
    }
    std::ranges::for_each(orphans, [&](const auto& endpoint) { unlink(endpoint); });
    return {};
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
                control().retired_drops += TRY(tables_.read_cell(cell)).dropped_packets;
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
        std::ranges::for_each(prefixes, [&](const auto& prefix) { tables_.remove_prefix(set, prefix); });
    }
    return {};
}

} // namespace meetfence::dataplane
