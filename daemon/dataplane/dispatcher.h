// SPDX-License-Identifier: Apache-2.0
// The program where libxdp's dispatcher calls it, beside other people's: on hosts that run a dispatcher
// already. libxdp replaces the dispatcher as a whole, in one step, whenever a program joins or leaves.
#pragma once

#include <functional>

#include "daemon/dataplane/settings.h"
#include "model/result.h"

namespace meetfence::dataplane {

enum class OnInterface : std::uint8_t { nothing, other, dispatcher, dispatcher_for_us_alone };

/// What runs on an interface. Needs CAP_SYS_ADMIN, as libxdp does, where that is not nothing.
[[nodiscard]] Result<OnInterface> look_at(const std::string& interface, unsigned ifindex,
                                          const pins::Path& bpf_dir);

/// Has the dispatcher of an interface call the program, and no older one of ours. Where there is none, it
/// is made, in the driver. For a moment the older one and the new one judge both, one after the other.
/// `make_room` takes away what excludes a dispatcher, right before it is needed. Returns whether there was
/// no program of ours.
[[nodiscard]] Result<bool> join_dispatcher(const std::string& interface, unsigned ifindex, int program_fd,
                                           const pins::Path& bpf_dir, const std::function<void()>& make_room);

/// Takes our programs out of an interface's dispatcher, and the dispatcher where nobody else is in it.
[[nodiscard]] Result<> leave_dispatcher(const std::string& interface, const pins::Path& bpf_dir);

/// The same wherever they are, also on interfaces that were renamed since.
[[nodiscard]] Result<> leave_every_dispatcher(const pins::Path& bpf_dir);

} // namespace meetfence::dataplane
