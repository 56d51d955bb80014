// SPDX-License-Identifier: Apache-2.0
// What the tables shall mean, kept as plain values: the simple thing the table writer is compared with.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "tests/unit/daemon/dataplane/images.h"
#include "tests/unit/daemon/dataplane/packet_view.h"

namespace meetfence::test {

struct TableModel {
    std::map<std::uint64_t, MeetingImage> meetings;
    std::map<std::uint64_t, std::map<Country, std::uint64_t>> drops; // by rule, of rules that are there
    std::uint64_t all_drops = 0;
    std::vector<IpPrefix> exempt;

    [[nodiscard]] Seen judge(const Packet& packet) const
    {
        const auto* meeting = find(packet);
        if (meeting == nullptr) {
            return {};
        }
        if (covers(exempt, packet.remote)) {
            return {MF_EXEMPT, meeting->number, 0};
        }
        Seen seen{packet.country.none() ? MF_UNPLACED : MF_COUNTRY_NOT_CONCERNED, meeting->number, 0};
        for (const auto& rule : meeting->rules) {
            if (names(rule, packet.country) && reason(rule, packet) > seen.reason) {
                seen = {reason(rule, packet), meeting->number, rule.number};
            }
        }
        return seen;
    }

    void apply(const std::vector<MeetingImage>& images, const std::vector<std::uint64_t>& removed)
    {
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
    [[nodiscard]] TableSizes needed(const std::vector<MeetingImage>& images,
                                    const std::vector<std::uint64_t>& removed) const
    {
        TableSizes size{1, 1, 1, 1, 0};
        auto after = *this;
        after.apply(images, removed);
        std::set<std::uint32_t> ports;
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
        ++size.meetings;
        size.rules += static_cast<std::uint32_t>(meeting.rules.size());
        size.policies += meeting.rules.empty() ? 0 : 1;
        for (const auto& rule : meeting.rules) {
            size.cells += policy::country_count(rule.countries);
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

    static bool names(const RuleImage& rule, Country country)
    {
        return (rule.countries.at(country.number() / 64U) >> (country.number() % 64U) & 1) != 0;
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
        return rule.mode == MF_MONITOR ? MF_MONITORED : MF_DROP_COUNTRY;
    }
};

} // namespace meetfence::test
