// SPDX-License-Identifier: Apache-2.0
// What the data plane needs to know of the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pins/paths.h"

namespace meetfence::dataplane {

enum class AttachMode : std::uint8_t {
    native,   // in the driver, or not at all
    generic,  // in the network stack, any driver
    automatic // native where the driver can, else generic
};

struct Interface {
    std::string name;
    AttachMode mode = AttachMode::native;
};

/// max_entries of the maps, index 0 included where it means none.
struct Capacities {
    std::uint32_t meetings, policies, rules, endpoints, cells;

    /// Changed rules and policies need elements beside the ones they replace, for a moment.
    [[nodiscard]] static Capacities for_meetings(std::uint64_t limit)
    {
        constexpr std::uint32_t kSpare = 1024;
        constexpr std::uint32_t kSpareCells = 4096;
        const auto count = static_cast<std::uint32_t>(limit);
        return {count + 1 + kSpare, count + 1 + kSpare, count + 1 + kSpare, 4 * count + 1 + kSpare,
                count + kSpareCells};
    }
    friend bool operator==(const Capacities&, const Capacities&) = default;
};

struct Settings {
    pins::Path bpf_dir;
    std::vector<Interface> interfaces;
    Capacities capacities;
};

} // namespace meetfence::dataplane
