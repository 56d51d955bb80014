// SPDX-License-Identifier: Apache-2.0
#include "tests/support/linux_host.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/addresses.h"

namespace meetfence::test {
namespace {

void check(int result, const char* what)
{
    if (result < 0) {
        throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
    }
}

// The builder's frames go to this hardware address, from 198.18.0.0/15's and 2001:db8::/32's
// participants; without an address check of its own, IPv6 is ready at once.
void configure()
{
    for (const auto* command :
         {"ip link set tap0 address 02:00:00:00:00:01 up", "ip address add 198.18.0.1/32 dev tap0",
          "ip -6 address add 2001:db8::1/128 dev tap0 nodad", "ip route add default dev tap0",
          "ip -6 route add default dev tap0"}) {
        if (std::system(command) != 0) { // NOLINT(cert-env33-c): constant words
            throw std::runtime_error(std::string("failed: ") + command);
        }
    }
}

UniqueFd open_tap()
{
    UniqueFd tap(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    check(tap.get(), "opening /dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strcpy(request.ifr_name, "tap0");
    check(ioctl(tap.get(), TUNSETIFF, &request), "making a TAP interface");
    return tap;
}

UniqueFd open_socket(int family, const sockaddr* address, socklen_t length)
{
    UniqueFd udp(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    check(udp.get(), "opening a socket");
    const int on = 1;
    if (family == AF_INET6) {
        check(setsockopt(udp.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), "IPV6_V6ONLY");
        check(setsockopt(udp.get(), IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on)), "UDP_NO_CHECK6_RX");
    }
    check(bind(udp.get(), address, length), "binding a socket");
    return udp;
}

unsigned drain(int fd)
{
    std::array<char, 65536> buffer{};
    unsigned count = 0;
    while (recv(fd, buffer.data(), buffer.size(), 0) >= 0) {
        ++count;
    }
    return count;
}

} // namespace

LinuxHost::LinuxHost() : outside_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
{
    check(outside_.get(), "opening the namespace");
    check(unshare(CLONE_NEWNET), "making a network namespace (CAP_SYS_ADMIN is needed)");
    try {
        tap_ = open_tap();
        configure();
        sockaddr_in any_v4{};
        any_v4.sin_family = AF_INET;
        any_v4.sin_port = htons(kMeetingPort);
        socket_v4_ = open_socket(AF_INET, reinterpret_cast<const sockaddr*>(&any_v4), sizeof(any_v4));
        sockaddr_in6 any_v6{};
        any_v6.sin6_family = AF_INET6;
        any_v6.sin6_port = htons(kMeetingPort);
        socket_v6_ = open_socket(AF_INET6, reinterpret_cast<const sockaddr*>(&any_v6), sizeof(any_v6));
        await_link();
    } catch (...) {
        setns(outside_.get(), CLONE_NEWNET);
        throw;
    }
}

LinuxHost::~LinuxHost()
{
    setns(outside_.get(), CLONE_NEWNET);
}

// IPv6 takes an interface into use only some moments after it is up, when a kernel thread has seen it.
void LinuxHost::await_link()
{
    using Clock = std::chrono::steady_clock;
    const auto& host = hosts(Family::ipv6);
    const Bytes frame = Packet(Transport::udp, {host.chinese, kClientPort}, {host.server, kMeetingPort});
    for (const auto deadline = Clock::now() + std::chrono::seconds(10); Clock::now() < deadline;) {
        if (deliver(frame) > 0) {
            return;
        }
        pollfd arrival{socket_v6_.get(), POLLIN, 0};
        poll(&arrival, 1, 10);
    }
    throw std::runtime_error("the TAP interface takes no IPv6");
}

unsigned LinuxHost::deliver(Bytes frame)
{
    fix_ipv4_checksum(frame);
    const auto written = write(tap_.get(), frame.data(), frame.size());
    if (written != static_cast<ssize_t>(frame.size()) && errno != EINVAL) {
        check(-1, "writing a frame");
    }
    std::array<char, 65536> sent; // what the host sends is of no interest, but fills the queue
    while (read(tap_.get(), sent.data(), sent.size()) > 0) {
    }
    return drain(socket_v4_.get()) + drain(socket_v6_.get());
}

} // namespace meetfence::test
