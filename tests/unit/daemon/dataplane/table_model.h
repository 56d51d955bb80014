// SPDX-License-Identifier: Apache-2.0
// What the tables shall mean, kept as plain values: the simple thing the table writer is compared with.
#pragma once

#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "tests/unit/daemon/dataplane/images.h"
#include "tests/unit/daemon/dataplane/packet_view.h"

namespace meetfence::test {

struct TableChange {
    std::vector<MeetingImage> images;
    std::vector<std::uint64_t> removed;
    std::map<EndpointImage, std::uint32_t> named; // flags
};

struct TableModel {
    std::map<std::uint64_t, MeetingImage> meetings;
    std::map<EndpointImage, std::uint32_t> named;                    // flags, none 0
    std::map<std::uint64_t, std::map<Country, std::uint64_t>> drops; // by rule, of rules that are there
    std::uint64_t all_drops = 0;
    std::vector<IpPrefix> exempt;

    /// `whose`: the meeting that the packet's flow is known to belong to; 0 = it has none.
    [[nodiscard]] Seen judge(const Packet& packet, std::uint64_t whose) const
    {
        const auto* meeting = find(packet);
        const bool is_shared = is_named(packet);
        if (meeting == nullptr && !is_shared) {
            return {};
        }
        if (covers(exempt, packet.remote)) {
            return {MF_EXEMPT, meeting == nullptr ? 0 : meeting->number, 0};
        }
        if (meeting != nullptr) {
            const bool is_known = is_shared && whose == meeting->number;
            return by_rules(*meeting, packet, is_known ? packet.participant : 0);
        }
        const Seen unconcerned{not_concerned(packet.country), 0, 0};
        if (!names(concerned(), packet.country)) {
            return unconcerned;
        }
        const auto it = meetings.find(whose);
        if (it == meetings.end()) {
            return {MF_UNATTRIBUTED, 0, 0};
        }
        const auto seen = by_rules(it->second, packet, packet.participant);
        return seen.rule == 0 ? unconcerned : seen;
    }

    /// Whether flows are known where the packet goes.
    [[nodiscard]] bool is_named(const Packet& packet) const
    {
        return named.contains({packet.port_slot, packet.local.bytes()}) ||
               named.contains({packet.port_slot, {}});
    }

    /// Whether a flow of the meeting can be known there: it is nobody else's alone.
    [[nodiscard]] bool may_have_flow(const Packet& packet, std::uint64_t whose) const
    {
        const auto* meeting = find(packet);
        return is_named(packet) && (meeting == nullptr || meeting->number == whose);
    }

    using Countries = std::array<std::uint64_t, MF_COUNTRY_WORDS>;
    [[nodiscard]] Countries concerned() const
    {
        Countries all{};
        for (const auto& [number, meeting] : meetings) {
            for (const auto& rule : meeting.rules) {
                for (std::size_t word = 0; word < all.size(); ++word) {
                    all.at(word) |= rule.countries.at(word);
                }
            }
        }
        return all;
    }

    /// Drops of the rule are counted for this one.
    [[nodiscard]] Country counted_for(std::uint64_t rule_number, Country country) const
    {
        for (const auto& [number, meeting] : meetings) {
            for (const auto& rule : meeting.rules) {
                if (rule.number == rule_number) {
                    return rule.whom == MF_WHOM_COUNTRIES ? country : Country();
                }
            }
        }
        throw std::logic_error("rule " + std::to_string(rule_number) + " is in no meeting");
    }

    void apply(const TableChange& change)
    {
        const auto& [images, removed, names] = change;
        for (const auto& [at, flags] : names) {
            named[at] = flags;
        }
        std::erase_if(named, [](const auto& entry) { return entry.second == 0; });
        for (const auto number : removed) {
            meetings.erase(number);
        }
        for (const auto& image : images) {
            meetings[image.number] = image;
        }
        std::map<std::uint64_t, std::map<Country, std::uint64_t>> kept;
        for (const auto& [number, meeting] : meetings) {
            for (const auto& rule : meeting.rules) {
                kept[rule.number] = drops[rule.number];
            }
        }
        drops = std::move(kept);
    }

    /// More elements than a change can need while it is ready and the old state still in force: each meeting
    /// a second slot, each port it touches a second chain.
    [[nodiscard]] TableSizes needed(const TableChange& change) const
    {
        const auto& [images, removed, names] = change;
        TableSizes size{1, 1, 1, 1, 0};
        auto after = *this;
        after.apply(change);
        std::set<std::uint32_t> ports;
        for (const auto& [at, flags] : names) {
            ports.insert(at.port_slot);
        }
        for (const auto* state : {this, &std::as_const(after)}) {
            for (const auto& [number, meeting] : state->meetings) {
                const auto is_image =
                    std::ranges::find(images, number, &MeetingImage::number) != images.end();
                const auto is_removed = std::ranges::find(removed, number) != removed.end();
                if (state == this || is_image) {
                    add(size, meeting);
                }
                for (const auto& endpoint : meeting.endpoints) {
                    if (is_image || is_removed) {
                        ports.insert(endpoint.port_slot);
                    }
                    size.endpoints += state == this ? 1 : 0;
                }
            }
        }
        for (const auto& [number, meeting] : after.meetings) {
            for (const auto& endpoint : meeting.endpoints) {
                size.endpoints += ports.contains(endpoint.port_slot) ? 1 : 0;
            }
        }
        size.endpoints += static_cast<std::uint32_t>(named.size() + after.named.size());
        return size;
    }

    [[nodiscard]] bool is_free(const EndpointImage& endpoint, std::uint64_t asker) const
    {
        const IpAddress::Bytes any{};
        return std::ranges::all_of(meetings, [&](const auto& entry) {
            return entry.first == asker ||
                   std::ranges::none_of(entry.second.endpoints, [&](const EndpointImage& held) {
                       return held.port_slot == endpoint.port_slot &&
                              (held.local == endpoint.local || held.local == any || endpoint.local == any);
                   });
        });
    }

private:
    static void add(TableSizes& size, const MeetingImage& meeting)
    {
        size.meetings += 2; // one element for its endpoints, one for its participants
        size.rules += static_cast<std::uint32_t>(meeting.rules.size());
        size.policies += meeting.rules.empty() ? 0 : 1;
        for (const auto& rule : meeting.rules) {
            size.cells += rule.cell_count();
        }
    }

    [[nodiscard]] const MeetingImage* find(const Packet& packet) const
    {
        for (const auto& [number, meeting] : meetings) {
            for (const auto& endpoint : meeting.endpoints) {
                if (endpoint.port_slot == packet.port_slot &&
                    (endpoint.local == IpAddress().bytes() || endpoint.local == packet.local.bytes())) {
                    return &meeting;
                }
            }
        }
        return nullptr;
    }

    static bool covers(const std::vector<IpPrefix>& prefixes, const IpAddress& remote)
    {
        return std::ranges::any_of(prefixes, [&](const auto& prefix) { return prefix.contains(remote); });
    }

    static std::uint32_t not_concerned(Country country)
    {
        return country.none() ? MF_UNPLACED : MF_COUNTRY_NOT_CONCERNED;
    }

    static Seen by_rules(const MeetingImage& meeting, const Packet& packet, std::uint64_t participant)
    {
        Seen seen{not_concerned(packet.country), meeting.number, 0};
        for (const auto& rule : meeting.rules) {
            const bool is_meant = rule.whom == MF_WHOM_PARTICIPANT
                                      ? participant != 0 && participant == rule.participant
                                      : names(rule.countries, packet.country);
            if (is_meant && reason(rule, packet) > seen.reason) {
                seen = {reason(rule, packet), meeting.number, rule.number};
            }
            if (seen.reason >= MF_FIRST_DROP) {
                break; // the first rule that drops has it
            }
        }
        return seen;
    }

    static bool names(const Countries& countries, Country country)
    {
        return (countries.at(country.number() / 64U) >> (country.number() % 64U) & 1) != 0;
    }

    static std::uint32_t reason(const RuleImage& rule, const Packet& packet)
    {
        if (packet.now_ns >= rule.until_ns) {
            return MF_RULE_ENDED;
        }
        if (packet.now_ns < rule.from_ns) {
            return MF_RULE_NOT_STARTED;
        }
        if (covers(rule.except, packet.remote)) {
            return MF_EXCEPTED;
        }
        if (rule.mode == MF_MONITOR) {
            return MF_MONITORED;
        }
        constexpr std::array<std::uint32_t, 3> kDrops{MF_DROP_COUNTRY, MF_DROP_NOT_ALLOWED,
                                                      MF_DROP_PARTICIPANT};
        return kDrops.at(rule.whom);
    }
};

} // namespace meetfence::test
