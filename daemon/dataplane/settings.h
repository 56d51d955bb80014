// SPDX-License-Identifier: Apache-2.0
// What the data plane needs to know of the configuration.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "pins/paths.h"

namespace meetfence::dataplane {

enum class AttachMode : std::uint8_t {
    native,    // in the driver, or not at all
    generic,   // in the network stack, any driver
    automatic, // native where the driver can, else generic
    dispatcher // called by libxdp's dispatcher, beside other people's programs
};

struct Interface {
    std::string name;
    AttachMode mode = AttachMode::native;
    bool required = true; // else a start without it is no failure: it is awaited
};

/// max_entries of the maps, index 0 included where it means none.
struct Capacities {
    std::uint32_t meetings, policies, rules, endpoints, cells;
    std::uint32_t participants;
    std::uint32_t participant_ids, ufrags; // hashes: a power of two is not rounded up to the next one
    std::uint32_t flow_slots;              // a power of two

    /// Changed rules and policies need elements beside the ones they replace, for a moment; a meeting has
    /// two elements. Half of the table of flows stays empty: 16 probes then find room for all but one
    /// flow in 65,000.
    [[nodiscard]] static Capacities for_limits(std::uint64_t limit, std::uint64_t most_participants,
                                               std::uint64_t most_flows)
    {
        constexpr std::uint32_t kSpare = 1024;
        constexpr std::uint32_t kSpareCells = 4096;
        const auto count = static_cast<std::uint32_t>(limit);
        const auto participants = static_cast<std::uint32_t>(most_participants);
        return {.meetings = 2 * count + 1 + kSpare,
                .policies = count + 1 + kSpare,
                .rules = count + 1 + kSpare,
                .endpoints = 4 * count + 1 + kSpare,
                .cells = count + kSpareCells,
                .participants = participants + 1 + kSpare,
                .participant_ids = participants,
                .ufrags = 2 * participants,
                .flow_slots = std::bit_ceil(2 * static_cast<std::uint32_t>(most_flows))};
    }
    friend bool operator==(const Capacities&, const Capacities&) = default;
};

struct Settings {
    pins::Path bpf_dir;
    std::vector<Interface> interfaces;
    Capacities capacities;
    std::chrono::seconds flow_idle{60}; // after which a flow that was not proven again is none
};

} // namespace meetfence::dataplane
