// SPDX-License-Identifier: Apache-2.0
// The program as a filter of the clsact qdisc: how an interface's egress is had before Linux 6.6.
// Nothing holds a filter but the interface, so its place and its program's name say that it is ours.
#pragma once

#include <linux/types.h>
#include <string>

#include "model/result.h"

namespace meetfence::dataplane {

/// Puts the program on an interface's egress, in one step where an older one of ours is there.
/// Returns whether there was none. A filter that is not ours is never replaced: conflict.
[[nodiscard]] Result<bool> attach_filter(const std::string& interface, __u32 ifindex, int program_fd);

/// Takes our filter off, and the qdisc where we made it and nobody else uses it.
void detach_filter(__u32 ifindex, const std::string& program_name);

} // namespace meetfence::dataplane
