// SPDX-License-Identifier: Apache-2.0
// A configured interface that is not there: a mistake, or weather (docs/decisions/0013).
#pragma once

#include <filesystem>

#include "daemon/dataplane/settings.h"
#include "model/result.h"
#include "pins/interface_status.h"

namespace meetfence::dataplane {

/// Good where it is there, was there before, or may be awaited.
[[nodiscard]] inline Result<> expect_interface(const Interface& interface, const pins::Path& bpf_dir)
{
    const bool was_there = std::filesystem::exists(pins::link(bpf_dir, interface.name)) ||
                           std::filesystem::exists(pins::dispatched(bpf_dir, interface.name));
    if (!interface.required || was_there || pins::device_of(bpf_dir, interface.name) != 0) {
        return {};
    }
    return fail(
        ErrorCode::not_found,
        "interface " + interface.name +
            " does not exist: `ip link` shows those that do; the configuration names it in 'interfaces' "
            R"(("required": false awaits it))");
}

} // namespace meetfence::dataplane
