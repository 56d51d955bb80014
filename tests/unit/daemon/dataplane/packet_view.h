// SPDX-License-Identifier: Apache-2.0
// The tables with a packet's eyes: walks the arrays as bpf/match_endpoint.h and bpf/match_rule.h do,
// written a second time so that the writer is judged by somebody else.
#pragma once

#include <ostream>

#include "daemon/policy/image.h"
#include "tests/unit/daemon/dataplane/memory_tables.h"

namespace meetfence::test {

struct Packet {
    std::uint32_t port_slot = 0;
    IpAddress local;
    IpAddress remote;
    Country country;
    std::uint64_t now_ns = 1;
};

struct Seen {
    std::uint32_t reason = MF_OTHER_TRAFFIC;
    std::uint64_t meeting = 0;
    std::uint64_t rule = 0;

    friend bool operator==(const Seen&, const Seen&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Seen& seen)
{
    return out << "reason " << seen.reason << " meeting " << seen.meeting << " rule " << seen.rule;
}

class PacketView {
public:
    explicit PacketView(const MemoryTables& tables) : tables_(tables) {}

    [[nodiscard]] Seen judge(const Packet& packet) const
    {
        const auto index = meeting_of(packet);
        if (index == 0 || index >= tables_.meetings.memory.size()) {
            return {};
        }
        const auto& meeting = tables_.meetings.memory[index];
        if (in_set(tables_.control.memory[0].exempt_set, packet.remote)) {
            return {MF_EXEMPT, meeting.number, 0};
        }
        if (packet.country.none()) {
            return {MF_UNPLACED, meeting.number, 0};
        }
        const Seen unconcerned{MF_COUNTRY_NOT_CONCERNED, meeting.number, 0};
        if (meeting.policy >= tables_.policies.memory.size()) {
            return unconcerned;
        }
        const auto& policy = tables_.policies.memory[meeting.policy];
        return names(policy.countries, packet.country) ? match_rules(policy, packet, unconcerned)
                                                       : unconcerned;
    }

    /// The counter that a packet of this rule and country goes to.
    [[nodiscard]] std::uint32_t cell_of(std::uint64_t rule_number, Country country) const
    {
        for (std::size_t i = 1; i < tables_.rules.memory.size(); ++i) {
            const auto& rule = tables_.rules.memory[i];
            if (rule.number == rule_number) {
                std::uint32_t rank = 0;
                for (std::uint8_t number = 1; number < country.number(); ++number) {
                    rank += names(rule.countries, Country(number)) ? 1 : 0;
                }
                return rule.cells + rank;
            }
        }
        throw std::logic_error("rule " + std::to_string(rule_number) + " is not in the tables");
    }

    /// Drops by the rules' own counters, as `status` adds them up to find drops outside of scope.
    [[nodiscard]] std::uint64_t accounted_drops() const
    {
        std::uint64_t total = tables_.control.memory[0].retired_drops;
        std::set<std::uint32_t> seen;
        for (std::size_t i = 1; i < tables_.rules.memory.size(); ++i) {
            const auto& rule = tables_.rules.memory[i];
            if (rule.number == 0 || !seen.insert(rule.cells).second) {
                continue;
            }
            for (auto cell = rule.cells; cell < rule.cells + rule.cell_count; ++cell) {
                const auto it = tables_.cells.find(cell);
                total += it == tables_.cells.end() ? 0 : it->second.dropped_packets;
            }
        }
        return total;
    }

private:
    template <std::size_t N> static bool names(const __u64 (&countries)[N], Country country)
    {
        return (countries[country.number() / 64U] >> (country.number() % 64U) & 1) != 0;
    }

    [[nodiscard]] bool in_set(std::uint32_t set, const IpAddress& remote) const
    {
        const auto it = tables_.prefixes.find(set);
        return set != 0 && it != tables_.prefixes.end() &&
               std::ranges::any_of(it->second, [&](const auto& prefix) { return prefix.contains(remote); });
    }

    [[nodiscard]] std::uint32_t meeting_of(const Packet& packet) const
    {
        const IpAddress any;
        auto index = tables_.ports.memory[packet.port_slot];
        for (std::uint32_t step = 0; step < MF_ENDPOINTS_PER_PORT && index != 0; ++step) {
            if (index >= tables_.endpoints.memory.size()) {
                break;
            }
            const auto& endpoint = tables_.endpoints.memory[index];
            IpAddress::Bytes local;
            std::ranges::copy(endpoint.local, local.begin());
            if (local == any.bytes() || local == packet.local.bytes()) {
                return endpoint.meeting;
            }
            index = endpoint.next;
        }
        return 0;
    }

    [[nodiscard]] std::uint32_t judge_rule(const mf_rule& rule, const Packet& packet) const
    {
        if (packet.now_ns >= rule.until_ns) {
            return MF_RULE_ENDED;
        }
        if (packet.now_ns < rule.from_ns) {
            return MF_RULE_NOT_STARTED;
        }
        if (in_set(rule.except_set, packet.remote)) {
            return MF_EXCEPTED;
        }
        return rule.mode == MF_MONITOR ? MF_MONITORED : MF_DROP_COUNTRY;
    }

    [[nodiscard]] Seen match_rules(const mf_policy& policy, const Packet& packet, Seen seen) const
    {
        for (std::uint32_t i = 0; i < std::min(policy.rule_count, MF_RULES_PER_MEETING); ++i) {
            const auto index = policy.rules[i];
            if (seen.reason >= MF_FIRST_DROP || index >= tables_.rules.memory.size()) {
                break;
            }
            const auto& rule = tables_.rules.memory[index];
            if (!names(rule.countries, packet.country)) {
                continue;
            }
            if (const auto reason = judge_rule(rule, packet); reason > seen.reason) {
                seen = {reason, seen.meeting, rule.number};
            }
        }
        return seen;
    }

    const MemoryTables& tables_;
};

} // namespace meetfence::test
