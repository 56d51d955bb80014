// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of the control socket, by the kernel's word (SO_PEERCRED), and what that
// user may do.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "model/result.h"

namespace meetfence::control {

enum class Role : std::uint8_t { none, viewer, operator_ };

struct Peer {
    uid_t uid = 0;
    std::string user; // name, or "" where the system knows none
    Role role = Role::none;

    [[nodiscard]] std::string text() const; // "uid 1000 (alice)"
};

struct Groups {
    std::string operators, viewers;
};

/// Root is always an operator. Others by their primary and supplementary groups in the user
/// database: credentials of the connecting process carry the primary one only.
[[nodiscard]] Result<Peer> identify(int socket_fd, const Groups& groups);

/// The kernel's other facts are the caller's; for tests.
[[nodiscard]] Peer judge_peer(uid_t uid, gid_t gid, const Groups& groups);

} // namespace meetfence::control
