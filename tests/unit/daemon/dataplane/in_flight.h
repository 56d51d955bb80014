// SPDX-License-Identifier: Apache-2.0
// Packets that are still on their way: what one of them could have reached since the last grace period must
// not change under its hands. Watches the tables from step to step and says what did.
#pragma once

#include <map>
#include <string>

#include "tests/unit/daemon/dataplane/memory_tables.h"

namespace meetfence::test {

class InFlight {
public:
    explicit InFlight(MemoryTables& tables) : tables_(tables)
    {
        tables.on_wait = [this] { reached_ = reachable(); };
        tables.on_zero_cell = [this](std::uint32_t cell) {
            if (reached_.cells.contains(cell)) {
                complaint_ = "cell " + std::to_string(cell) + " is zeroed while a rule uses it";
            }
        };
        tables.on_remove_prefix = [this](std::uint32_t set) {
            if (reached_.sets.contains(set)) {
                complaint_ = "prefix set " + std::to_string(set) + " is taken away while a rule uses it";
            }
        };
    }

    /// "" where nothing changed that a packet could be looking at. Once after every step.
    std::string check()
    {
        for (const auto& [index, rule] : reached_.rules) {
            if (!same(rule, tables_.rules.memory[index])) {
                complaint_ = "rule " + std::to_string(index) + " is written while packets may see it";
            }
        }
        for (const auto& [index, policy] : reached_.policies) {
            if (!same(policy, tables_.policies.memory[index])) {
                complaint_ = "policy " + std::to_string(index) + " is written while packets may see it";
            }
        }
        for (const auto& [index, endpoint] : reached_.endpoints) {
            auto now = tables_.endpoints.memory[index];
            now.next = endpoint.next; // may change while linked
            if (!same(endpoint, now)) {
                complaint_ = "endpoint " + std::to_string(index) + " is written while packets may see it";
            }
        }
        for (const auto& [index, number] : reached_.meetings) {
            const auto now = tables_.meetings.memory[index].number;
            if (now != number && now != 0) {
                complaint_ = "meeting " + std::to_string(index) + " is another while packets may see it";
            }
        }
        auto now = reachable();
        reached_.rules.merge(now.rules);
        reached_.policies.merge(now.policies);
        reached_.endpoints.merge(now.endpoints);
        reached_.meetings.merge(now.meetings);
        reached_.cells.merge(now.cells);
        reached_.sets.merge(now.sets);
        return std::exchange(complaint_, {});
    }

    /// Between two daemons there is time enough for every packet.
    void forget() { reached_ = reachable(); }

private:
    struct Elements {
        std::map<std::uint32_t, mf_rule> rules;
        std::map<std::uint32_t, mf_policy> policies;
        std::map<std::uint32_t, mf_endpoint> endpoints;
        std::map<std::uint32_t, std::uint64_t> meetings;
        std::set<std::uint32_t> cells, sets;
    };

    template <class T> static bool same(const T& a, const T& b)
    {
        return std::memcmp(&a, &b, sizeof(T)) == 0;
    }

    [[nodiscard]] Elements reachable() const
    {
        Elements found;
        if (const auto set = tables_.control.memory[0].exempt_set; set != 0) {
            found.sets.insert(set);
        }
        for (std::size_t port = 0; port < MemoryTables::kPorts; ++port) {
            for (auto index = tables_.ports.memory[port]; index != 0;
                 index = tables_.endpoints.memory[index].next) {
                const auto& endpoint = tables_.endpoints.memory[index];
                found.endpoints.emplace(index, endpoint);
                if (endpoint.meeting != 0) {
                    add_meeting(found, endpoint.meeting);
                }
            }
        }
        // Participants lead to these.
        for (std::uint32_t index = 1; index < tables_.meetings.memory.size(); ++index) {
            const auto& meeting = tables_.meetings.memory[index];
            if (meeting.shared != 0 && meeting.number != 0 && meeting.retired == 0) {
                add_meeting(found, index);
            }
        }
        return found;
    }

    void add_meeting(Elements& found, std::uint32_t index) const
    {
        const auto& meeting = tables_.meetings.memory[index];
        if (!found.meetings.emplace(index, meeting.number).second || meeting.policy == 0) {
            return;
        }
        const auto& policy = tables_.policies.memory[meeting.policy];
        found.policies.emplace(meeting.policy, policy);
        for (std::uint32_t i = 0; i < policy.rule_count; ++i) {
            const auto& rule = tables_.rules.memory[policy.rules[i]];
            found.rules.emplace(policy.rules[i], rule);
            for (std::uint32_t cell = 0; cell < rule.cell_count; ++cell) {
                found.cells.insert(rule.cells + cell);
            }
            if (rule.except_set != 0) {
                found.sets.insert(rule.except_set);
            }
        }
    }

    MemoryTables& tables_;
    Elements reached_;
    std::string complaint_;
};

} // namespace meetfence::test
