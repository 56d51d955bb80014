// SPDX-License-Identifier: Apache-2.0
// A configured interface's number.
#pragma once

#include <net/if.h>
#include <string>

#include "model/result.h"

namespace meetfence::dataplane {

[[nodiscard]] inline Result<unsigned> find_interface(const std::string& name)
{
    const auto ifindex = if_nametoindex(name.c_str());
    if (ifindex == 0) {
        return fail(ErrorCode::not_found, "interface " + name +
                                              " does not exist: `ip link` shows those that do; the "
                                              "configuration names it in 'interfaces'");
    }
    return ifindex;
}

} // namespace meetfence::dataplane
