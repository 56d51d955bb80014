// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/peer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <sys/socket.h>
#include <vector>

namespace meetfence::control {
namespace {

constexpr std::size_t kDatabaseBuffer = 16384;

std::optional<gid_t> group_id(const std::string& name)
{
    group entry{};
    group* found = nullptr;
    // The entry lists all members: of a large group it is large.
    for (std::vector<char> buffer(kDatabaseBuffer);; buffer.resize(2 * buffer.size())) {
        const int error = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error != ERANGE) {
            return error == 0 && found != nullptr ? std::optional(entry.gr_gid) : std::nullopt;
        }
    }
}

std::string user_name(uid_t uid)
{
    std::array<char, kDatabaseBuffer> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return {};
    }
    return entry.pw_name;
}

// The supplementary groups of the connecting process (Linux 4.13). The user database could name others:
// groups that a service was given, or gave up, are the process's own.
std::vector<gid_t> groups_of(int socket_fd)
{
    std::vector<gid_t> groups(64);
    socklen_t size = 0;
    for (;;) {
        size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
            groups.resize(size / sizeof(gid_t));
            return groups;
        }
        if (errno != ERANGE) {
            return {};
        }
        groups.resize(size / sizeof(gid_t));
    }
}

} // namespace

std::string Peer::text() const
{
    return "uid " + std::to_string(uid) + (user.empty() ? "" : " (" + user + ")");
}

Peer judge_peer(uid_t uid, std::span<const gid_t> member_of, const Groups& groups)
{
    Peer peer{.uid = uid, .user = user_name(uid)};
    if (uid == 0) {
        peer.role = Role::operator_;
        return peer;
    }
    const auto is_in = [&](const std::string& name) {
        const auto id = group_id(name);
        return id && std::ranges::find(member_of, *id) != member_of.end();
    };
    if (is_in(groups.operators)) {
        peer.role = Role::operator_;
    } else if (is_in(groups.viewers)) {
        peer.role = Role::viewer;
    }
    return peer;
}

Result<Peer> identify(int socket_fd, const Groups& groups)
{
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return fail(ErrorCode::internal, std::string("asking who connected: ") + std::strerror(errno));
    }
    auto member_of = groups_of(socket_fd);
    member_of.push_back(credentials.gid);
    return judge_peer(credentials.uid, member_of, groups);
}

} // namespace meetfence::control
