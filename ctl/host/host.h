// SPDX-License-Identifier: Apache-2.0
// This host beside its interfaces: who asks, clock, CPUs, the directory of the pins, the daemon's process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/time.h"
#include "pins/paths.h"

namespace meetfence::host {

/// Bits of an effective set, as in /proc/PID/status.
using Capabilities = std::uint64_t;
inline constexpr Capabilities kNetAdmin = 1ULL << 12U;
inline constexpr Capabilities kSysAdmin = 1ULL << 21U;
inline constexpr Capabilities kPerfmon = 1ULL << 38U;
inline constexpr Capabilities kBpf = 1ULL << 39U;

struct PinDirectory {
    int error = 0; // an errno: that it is not there, or may not be seen
    bool on_bpffs = false;
    unsigned uid = 0, mode = 0;
    bool parent_on_bpffs = false; // where it itself is not there
};

struct ProcessFacts {
    int pid = 0;
    unsigned uid = 0;
    std::optional<Capabilities> capabilities;
    std::uint64_t memory = 0, most_memory = 0; // bytes of its control group; 0 = no limit, or not known
};

struct HostFacts {
    unsigned uid = 0;
    Capabilities capabilities = 0;
    Time now;
    bool clock_synchronised = false;
    unsigned cpus = 1;
    std::optional<int> jit_harden; // net.core.bpf_jit_harden, which root alone may read
    PinDirectory pins;
    std::optional<ProcessFacts> daemon; // whoever listens on the control socket
};

[[nodiscard]] HostFacts read_host(const pins::Path& bpf_dir, const std::string& socket_path);

} // namespace meetfence::host
