// SPDX-License-Identifier: Apache-2.0
// The program on an interface, held by a pinned bpf_link: nobody displaces it by accident, it stays
// when the daemon dies, and it is replaced in one step. Or called by a dispatcher (dispatcher.h).
#pragma once

#include <vector>

#include "daemon/dataplane/settings.h"
#include "model/result.h"

namespace meetfence::dataplane {

/// Every interface exists, may be awaited or was filtered before, and carries no XDP program but ours, or a
/// dispatcher that may be joined. Changes nothing.
[[nodiscard]] Result<> check_interfaces(const Settings& settings);

struct Attached {
    std::vector<std::string> warnings; // for the log
};

/// Puts the program on every configured interface that is there and takes it off all others. Where one
/// fails, the interfaces that had no program before have none after.
[[nodiscard]] Result<Attached> attach_interfaces(const Settings& settings, int program_fd);

/// The same for one interface that has come, or whose program somebody took off.
[[nodiscard]] Result<> attach_again(const Interface& interface, int program_fd, const pins::Path& bpf_dir);

/// Takes the program off every interface.
[[nodiscard]] Result<> detach_interfaces(const pins::Path& bpf_dir);

} // namespace meetfence::dataplane
