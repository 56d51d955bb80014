// SPDX-License-Identifier: Apache-2.0
// What is said of a configured interface that is not there.
#pragma once

#include <string>

#include "model/result.h"

namespace meetfence::dataplane {

[[nodiscard]] inline Error no_interface(const std::string& name)
{
    return {ErrorCode::not_found,
            "interface " + name +
                " does not exist: `ip link` shows those that do; the configuration names it in 'interfaces' "
                R"(("required": false awaits it))"};
}

} // namespace meetfence::dataplane
