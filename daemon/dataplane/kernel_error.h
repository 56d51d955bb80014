// SPDX-License-Identifier: Apache-2.0
// errno of a kernel call as an Error.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "model/result.h"

namespace meetfence::dataplane {

[[nodiscard]] inline tl::unexpected<Error> kernel_error(const std::string& doing, int error = errno)
{
    std::string message = doing + ": " + std::strerror(error);
    if (error == EPERM || error == EACCES) {
        message += " (needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and a pin directory of its own)";
    }
    return fail(error == ENOSPC || error == E2BIG || error == ENOMEM ? ErrorCode::exhausted
                                                                     : ErrorCode::internal,
                std::move(message));
}

} // namespace meetfence::dataplane
