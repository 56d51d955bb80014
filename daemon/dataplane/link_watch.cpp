// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/link_watch.h"

#include <array>
#include <cerrno>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "daemon/dataplane/kernel_error.h"

namespace meetfence::dataplane {

Result<LinkWatch> LinkWatch::open()
{
    UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return kernel_error("listening for changes of network devices");
    }
    return LinkWatch(std::move(fd));
}

void LinkWatch::drain()
{
    std::array<char, 16384> buffer{};
    // ENOBUFS: the kernel had more to tell than there was room for; it goes on with what comes.
    while (recv(fd_.get(), buffer.data(), buffer.size(), 0) >= 0 || errno == ENOBUFS || errno == EINTR) {
    }
}

} // namespace meetfence::dataplane
