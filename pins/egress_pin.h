// SPDX-License-Identifier: Apache-2.0
// What is pinned for an interface's egress: the tcx link that holds the program there or, where the
// kernel has no tcx, the program itself, which runs in a clsact filter at a place of ours.
#pragma once

#include <array>
#include <bpf/bpf.h>
#include <optional>
#include <string>

#include "pins/paths.h"
#include "pins/unique_fd.h"

namespace meetfence::pins {

// Linux 6.6 has them; the headers of the oldest supported Debian do not.
inline constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47); // BPF_TCX_EGRESS
inline constexpr __u32 kTcxLink = 11;                                // BPF_LINK_TYPE_TCX
inline constexpr __u32 kTcxBefore = 1U << 3U;                        // BPF_F_BEFORE

// First of all priorities: a filter before ours could end the packet's way through them. The handle
// says who made the qdisc, so that the knowledge lives and dies with the filter.
inline constexpr __u32 kFilterPriority = 1;
inline constexpr __u32 kFilterOnOwnQdisc = 0x6d660001;
inline constexpr __u32 kFilterOnFoundQdisc = 0x6d660002;
inline constexpr std::array kFilterHandles{kFilterOnOwnQdisc, kFilterOnFoundQdisc};

struct ProgramInfo {
    __u32 id = 0;
    std::string name;
};

/// Nothing where the descriptor is not a tc program's.
[[nodiscard]] inline std::optional<ProgramInfo> program_info(int fd)
{
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0 || info.type != BPF_PROG_TYPE_SCHED_CLS) {
        return std::nullopt;
    }
    return ProgramInfo{info.id, info.name};
}

struct EgressPin {
    UniqueFd fd;
    bool is_link = false;
    __u32 ifindex = 0;   // a link's; 0 = its interface is gone
    ProgramInfo program; // without a link
};

[[nodiscard]] inline std::optional<EgressPin> open_egress_pin(const Path& path)
{
    EgressPin pin{UniqueFd(bpf_obj_get(path.c_str()))};
    // The kernel tells about whatever the descriptor is; a type comes first of links and programs, and
    // no tc program's type is a tcx link's.
    bpf_link_info info{};
    __u32 size = sizeof(info);
    if (!pin.fd || bpf_obj_get_info_by_fd(pin.fd.get(), &info, &size) != 0) {
        return std::nullopt;
    }
    if (info.type == kTcxLink) {
        pin.is_link = true;
        pin.ifindex = info.xdp.ifindex; // of the union; a tcx link's is at the same place
        return pin;
    }
    auto program = program_info(pin.fd.get());
    if (!program) {
        return std::nullopt;
    }
    pin.program = *std::move(program);
    return pin;
}

} // namespace meetfence::pins
