// SPDX-License-Identifier: Apache-2.0
// Who did something, by the kernel's word for the other end of a socket.
#pragma once

#include <cstdint>
#include <string>

namespace meetfence {

struct Actor {
    std::uint32_t uid = 0;
    std::string user; // name, or "" where the system knows none

    friend bool operator==(const Actor&, const Actor&) = default;
};

} // namespace meetfence
