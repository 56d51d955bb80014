// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of the control socket, by the kernel's word (SO_PEERCRED), and what that
// user may do.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <sys/types.h>

#include "model/actor.h"
#include "model/result.h"

namespace meetfence::control {

enum class Role : std::uint8_t { none, viewer, operator_ };

struct Peer {
    uid_t uid = 0;
    std::string user; // name, or "" where the system knows none
    Role role = Role::none;

    [[nodiscard]] std::string text() const; // "uid 1000 (alice)"
    [[nodiscard]] Actor actor() const { return {uid, user}; }
};

struct Groups {
    std::string operators, viewers;
};

/// By what the kernel knew of the connecting process: user, primary and supplementary groups.
[[nodiscard]] Result<Peer> identify(int socket_fd, const Groups& groups);

/// Root is always an operator; others by the groups they are in.
[[nodiscard]] Peer judge_peer(uid_t uid, std::span<const gid_t> member_of, const Groups& groups);

} // namespace meetfence::control
