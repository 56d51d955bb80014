// SPDX-License-Identifier: Apache-2.0
// The tables with a packet's eyes: walks the arrays as bpf/filter.h, bpf/match_endpoint.h and
// bpf/match_rule.h do, written a second time so that the writer is judged by somebody else.
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
    std::uint32_t shared_slot = 0; // of the meeting that a flow says it belongs to; 0 = none says
    std::uint64_t participant = 0; // owner; 0 = two of the meeting claim the flow
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
        const auto* endpoint = endpoint_of(packet);
        if (endpoint == nullptr || endpoint->meeting >= tables_.meetings.memory.size()) {
            return {};
        }
        return endpoint->meeting == 0 ? judge_shared(packet) : judge_dedicated(*endpoint, packet);
    }

    /// The counter that a packet of this rule and country goes to.
    [[nodiscard]] std::uint32_t cell_of(std::uint64_t rule_number, Country country) const
    {
        for (std::size_t i = 1; i < tables_.rules.memory.size(); ++i) {
            const auto& rule = tables_.rules.memory[i];
            if (rule.number == rule_number) {
                std::uint32_t rank = 0;
                if (rule.whom != MF_WHOM_COUNTRIES) {
                    return rule.cells;
                }
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
                total += it == tables_.cells.end() ? 0 : it->second.total().dropped_packets;
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

    [[nodiscard]] const mf_endpoint* endpoint_of(const Packet& packet) const
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
                return &endpoint;
            }
            index = endpoint.next;
        }
        return nullptr;
    }

    // Whom no rule concerns is not asked about: the meeting is not told then.
    [[nodiscard]] Seen judge_shared(const Packet& packet) const
    {
        const auto& control = tables_.control.memory[0];
        if (in_set(control.exempt_set, packet.remote)) {
            return {MF_EXEMPT, 0, 0};
        }
        const Seen unconcerned{not_concerned(packet.country), 0, 0};
        if (!names(control.concerned, packet.country)) {
            return unconcerned;
        }
        if (packet.shared_slot == 0) {
            return {MF_UNATTRIBUTED, 0, 0};
        }
        const auto seen = judge_by_rules(tables_.meetings.memory[packet.shared_slot], packet);
        return seen.rule == 0 ? unconcerned : seen;
    }

    // Who it is matters where flows are known, and to the endpoint's own meeting.
    [[nodiscard]] Seen judge_dedicated(const mf_endpoint& endpoint, Packet packet) const
    {
        const auto& meeting = tables_.meetings.memory[endpoint.meeting];
        if (in_set(tables_.control.memory[0].exempt_set, packet.remote)) {
            return {MF_EXEMPT, meeting.number, 0};
        }
        if ((endpoint.flags & MF_ENDPOINT_LEARNS) == 0 ||
            tables_.meetings.memory[packet.shared_slot].number != meeting.number) {
            packet.participant = 0;
        }
        return judge_by_rules(meeting, packet);
    }

    [[nodiscard]] Seen judge_by_rules(const mf_meeting& meeting, const Packet& packet) const
    {
        const Seen unconcerned{not_concerned(packet.country), meeting.number, 0};
        if (meeting.policy >= tables_.policies.memory.size()) {
            return unconcerned;
        }
        const auto& policy = tables_.policies.memory[meeting.policy];
        return names(policy.countries, packet.country) ? match_rules(policy, packet, unconcerned)
                                                       : unconcerned;
    }

    static std::uint32_t not_concerned(Country country)
    {
        return country.none() ? MF_UNPLACED : MF_COUNTRY_NOT_CONCERNED;
    }

    static bool keeps_out(const mf_rule& rule, const Packet& packet)
    {
        return rule.whom == MF_WHOM_PARTICIPANT
                   ? packet.participant != 0 && rule.participant == packet.participant
                   : names(rule.countries, packet.country);
    }

    static std::uint32_t drop_reason(const mf_rule& rule)
    {
        return rule.whom == MF_WHOM_PARTICIPANT ? MF_DROP_PARTICIPANT
               : rule.whom == MF_WHOM_ALL_BUT   ? MF_DROP_NOT_ALLOWED
                                                : MF_DROP_COUNTRY;
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
        return rule.mode == MF_MONITOR ? std::uint32_t{MF_MONITORED} : drop_reason(rule);
    }

    [[nodiscard]] Seen match_rules(const mf_policy& policy, const Packet& packet, Seen seen) const
    {
        for (std::uint32_t i = 0; i < std::min(policy.rule_count, MF_RULES_PER_MEETING); ++i) {
            const auto index = policy.rules[i];
            if (seen.reason >= MF_FIRST_DROP || index >= tables_.rules.memory.size()) {
                break;
            }
            const auto& rule = tables_.rules.memory[index];
            if (!keeps_out(rule, packet)) {
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
