// SPDX-License-Identifier: Apache-2.0
// The tc program on the egress of interfaces: by a pinned tcx link where the kernel has them (6.6),
// else by a clsact filter. Other people's programs there go on running.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/dataplane/attachment.h"

namespace meetfence::dataplane {

enum class EgressHook : std::uint8_t { tcx, clsact };

/// Puts the program on the egress of every configured interface and takes it off all others. Where
/// one fails, the interfaces that had no program before have none after. `only` is for tests: this
/// hook, or none.
[[nodiscard]] Result<Attached> attach_egress(const Settings& settings, int program_fd,
                                             std::optional<EgressHook> only = {});

/// The same for one interface that has come, or whose program somebody took off.
[[nodiscard]] Result<> attach_egress_again(const Interface& interface, int program_fd,
                                           const pins::Path& bpf_dir);

/// Takes the program off every interface.
[[nodiscard]] Result<> detach_egress(const pins::Path& bpf_dir);

} // namespace meetfence::dataplane
