// SPDX-License-Identifier: Apache-2.0
// A network namespace of its own with a veth pair, a pin directory, and programs for egress: frames
// go out of one end, "left", and are looked for at the other, "right".
#pragma once

#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "daemon/dataplane/settings.h"
#include "egress_drop.skel.h"
#include "pins/egress_pin.h"
#include "tests/support/addresses.h"
#include "tests/support/packet.h"

namespace meetfence::test {

inline constexpr std::uint16_t kBlocked = 5001, kAlsoBlocked = 5002, kBlockedToo = 5003, kFree = 5004,
                               kMarker = 5005;

inline void shell(const std::string& command)
{
    if (std::system(command.c_str()) != 0) { // NOLINT(cert-env33-c): constant words
        throw std::runtime_error("failed: " + command);
    }
}

inline std::string output_of(const std::string& command)
{
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose); // NOLINT
    std::string text;
    for (int byte = fgetc(pipe.get()); byte != EOF; byte = fgetc(pipe.get())) {
        text += static_cast<char>(byte);
    }
    return text;
}

/// The namespace, for the calling thread and those it starts.
class Namespace {
public:
    Namespace() : outside_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
    {
        if (!outside_ || unshare(CLONE_NEWNET) != 0) {
            throw std::runtime_error("making a network namespace (CAP_SYS_ADMIN is needed)");
        }
    }
    ~Namespace() { setns(outside_.get(), CLONE_NEWNET); }
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;

private:
    UniqueFd outside_;
};

/// What goes out of `left` and what arrives at `right`.
class Wire {
public:
    Wire(const std::string& left, const std::string& right)
    {
        shell("ip link add " + left + " type veth peer name " + right);
        shell("ip link set " + left + " up && ip link set " + right + " up");
        out_ = open_socket(left, 0);
        in_ = open_socket(right, ETH_P_IP);
        await_carrier();
    }

    void send(std::uint16_t port) const
    {
        const auto& all = hosts(Family::ipv4);
        const Bytes frame = Packet(Transport::udp, {all.server, 10000}, {all.chinese, port});
        // A frame dropped on egress is reported as ENOBUFS; what counts is what arrives.
        if (::send(out_.get(), frame.data(), frame.size(), 0) < 0 && errno != ENOBUFS) {
            throw std::runtime_error("sending a frame: " + std::string(std::strerror(errno)));
        }
    }

    /// How many frames to this port arrived before one that is sent now, to a port nobody blocks.
    [[nodiscard]] unsigned arrived(std::uint16_t port) const
    {
        send(kMarker);
        unsigned count = 0;
        for (std::uint16_t to = receive(); to != kMarker; to = receive()) {
            count += to == port ? 1 : 0;
        }
        return count;
    }

    [[nodiscard]] bool passes(std::uint16_t port) const
    {
        send(port);
        return arrived(port) == 1;
    }

private:
    static UniqueFd open_socket(const std::string& interface, int protocol)
    {
        UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(static_cast<std::uint16_t>(protocol));
        address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
        if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            throw std::runtime_error("opening a packet socket on " + interface);
        }
        return fd;
    }

    /// The kernel gives a new device its queue from a work item, some time after it is up; what is sent
    /// before is lost.
    void await_carrier() const
    {
        constexpr std::uint16_t kTries = 1000;
        for (std::uint16_t port = 1; port <= kTries; ++port) {
            send(port);
            for (auto to = receive(10); to; to = receive(10)) {
                if (*to == port) {
                    return;
                }
            }
        }
        throw std::runtime_error("a new pair of devices carries nothing");
    }

    [[nodiscard]] std::uint16_t receive() const
    {
        const auto port = receive(10'000);
        if (!port) {
            throw std::runtime_error("the marker did not arrive");
        }
        return *port;
    }

    /// The port that the next frame is sent to, where one arrives within this time.
    [[nodiscard]] std::optional<std::uint16_t> receive(int milliseconds) const
    {
        constexpr std::size_t kToPort = 14 + 20 + 2;
        std::array<std::uint8_t, 2048> frame{};
        pollfd arrival{in_.get(), POLLIN, 0};
        if (poll(&arrival, 1, milliseconds) != 1 || recv(in_.get(), frame.data(), frame.size(), 0) < 0) {
            return std::nullopt;
        }
        return static_cast<std::uint16_t>(frame[kToPort] << 8U | frame[kToPort + 1]);
    }

    UniqueFd out_, in_;
};

/// The programs of egress_drop.bpf.c, for one port.
class Programs {
public:
    explicit Programs(std::uint16_t port) : skeleton_(egress_drop_bpf__open(), egress_drop_bpf__destroy)
    {
        skeleton_->rodata->blocked_port = port;
        if (egress_drop_bpf__load(skeleton_.get()) != 0) {
            throw std::runtime_error("loading the test's programs");
        }
    }
    [[nodiscard]] int ours() const { return bpf_program__fd(skeleton_->progs.ours); }
    [[nodiscard]] int foreign() const { return bpf_program__fd(skeleton_->progs.foreign); }
    [[nodiscard]] int foreign_accept() const { return bpf_program__fd(skeleton_->progs.foreign_accept); }

private:
    std::unique_ptr<egress_drop_bpf, void (*)(egress_drop_bpf*)> skeleton_;
};

inline UniqueFd link_by_tcx(const std::string& interface, int program_fd)
{
    return UniqueFd(bpf_link_create(program_fd, static_cast<int>(if_nametoindex(interface.c_str())),
                                    pins::kTcxEgress, nullptr));
}

/// Somebody else's filter.
inline void put_filter(const std::string& interface, bpf_tc_attach_point point, int program_fd, __u32 handle)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(if_nametoindex(interface.c_str())),
                .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program_fd, .handle = handle,
                .priority = pins::kFilterPriority);
    ASSERT_EQ(bpf_tc_attach(&hook, &filter), 0);
}

inline std::string qdiscs(const std::string& interface = "left")
{
    return output_of("tc qdisc show dev " + interface + " parent ffff:fff1");
}

inline std::string filters(const std::string& interface = "left")
{
    return output_of("tc filter show dev " + interface + " egress");
}

/// How many tcx programs an interface's egress has; 0 where the kernel knows none.
inline __u32 tcx_programs(const std::string& interface = "left")
{
    __u32 count = 0;
    const auto ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    bpf_prog_query(ifindex, pins::kTcxEgress, 0, nullptr, nullptr, &count);
    return count;
}

class EgressWorld : public testing::Test {
protected:
    EgressWorld() { std::filesystem::create_directory(bpf_dir); }
    ~EgressWorld() override { std::filesystem::remove_all(bpf_dir); }

    [[nodiscard]] dataplane::Settings settings(const std::vector<std::string>& interfaces = {"left"}) const
    {
        dataplane::Settings result{bpf_dir, {}, dataplane::Capacities::for_limits(10, 10, 10)};
        for (const auto& name : interfaces) {
            result.interfaces.push_back({name});
        }
        return result;
    }
    void expect_nothing_left(const std::string& interface = "left") const
    {
        EXPECT_EQ(tcx_programs(interface), 0U);
        EXPECT_EQ(filters(interface), "");
        EXPECT_EQ(qdiscs(interface), "");
        EXPECT_FALSE(std::filesystem::exists(pins::egress_link(bpf_dir, interface)));
    }

    Namespace of_its_own;
    pins::Path bpf_dir = "/sys/fs/bpf/meetfence_egress_test_" + std::to_string(getpid());
    std::optional<Wire> wire{std::in_place, "left", "right"};
    Programs first{kBlocked}, second{kAlsoBlocked};
};

} // namespace meetfence::test
