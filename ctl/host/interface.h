// SPDX-License-Identifier: Apache-2.0
// A network interface: its driver, what it does to packets before XDP sees them, and whose programs run
// there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ctl/host/tc_filters.h"
#include "pins/paths.h"

namespace meetfence::host {

struct XdpProgram {
    std::uint32_t id = 0;
    std::string name;
    bool native = false;
};

struct InterfaceFacts {
    std::string name;
    bool exists = false;
    bool up = false;
    std::string driver;
    std::optional<bool> strips_vlan, merges_tcp; // by rx-vlan-hw-parse; by rx-lro or rx-gro-hw
    std::string merging;                         // "rx-lro" or "rx-gro-hw"
    unsigned queues = 0, most_queues = 0;        // receive queues; 0 where the driver does not tell
    bool combined_queues = false;                // each of them sends as well
    std::optional<XdpProgram> xdp;
    std::vector<TcProgram> tc;
    bool programs_known = true;
    // Of what is pinned for it; 0 where nothing is, or may be read.
    std::uint32_t own_xdp = 0, own_egress = 0;
};

[[nodiscard]] InterfaceFacts read_interface(const std::string& name, const pins::Path& bpf_dir);

} // namespace meetfence::host
