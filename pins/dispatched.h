// SPDX-License-Identifier: Apache-2.0
// Our program where libxdp's dispatcher calls it. libxdp pins what a dispatcher calls, as
// dispatch-<interface's number>-<dispatcher's id>/prog<n>-prog (its protocol.org). Which of those are ours
// is told by the map `control` they use: that map is pinned under its id before a program over it gets
// into a dispatcher, so that none is lost whenever the daemon dies.
#pragma once

#include <linux/types.h>
#include <set>
#include <string>
#include <vector>

#include "pins/paths.h"

namespace meetfence::pins {

inline constexpr const char* kIngressProgram = "meetfence_xdp";

struct ProgramDetails {
    __u32 id = 0;
    std::string name;
    std::string tag; // bytes
    std::set<__u32> maps;
};

/// Empty where it cannot be had.
[[nodiscard]] ProgramDetails program_details(int fd);

/// The ids of every map `control` that a program of ours may use.
[[nodiscard]] std::set<__u32> control_maps(const Path& bpf_dir);
[[nodiscard]] bool is_ours(const ProgramDetails& program, const std::set<__u32>& control_maps);

/// What libxdp pins for one dispatcher.
[[nodiscard]] Path dispatcher(const Path& bpf_dir, __u32 ifindex, __u32 id);
/// The pins of the programs of ours in such a folder; none where it cannot be read.
[[nodiscard]] std::vector<Path> ours_in(const Path& dispatcher, const std::set<__u32>& control_maps);
/// Whether a program is a dispatcher that calls ours.
[[nodiscard]] bool calls_ours(const Path& bpf_dir, __u32 ifindex, __u32 id);

} // namespace meetfence::pins
