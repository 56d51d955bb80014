// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/explain.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <cstring>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "daemon/dataplane/kernel_error.h"

namespace meetfence::dataplane {
namespace {

constexpr std::size_t kSmallestFrame = ETH_HLEN; // the kernel runs nothing shorter
constexpr std::size_t kLargestFrame = 3072;      // fits one buffer with head room

template <class Header> void append(std::vector<std::uint8_t>& frame, const Header& header)
{
    const auto at = frame.size();
    frame.resize(at + sizeof(Header));
    std::memcpy(frame.data() + at, &header, sizeof(Header));
}

void append_ip(std::vector<std::uint8_t>& frame, const IpAddress& from, const IpAddress& to,
               std::uint8_t protocol, std::uint16_t payload)
{
    if (from.is_v4()) {
        iphdr ip{};
        ip.version = 4;
        ip.ihl = sizeof(ip) / 4;
        ip.tot_len = htons(static_cast<std::uint16_t>(sizeof(ip) + payload));
        ip.ttl = 64;
        ip.protocol = protocol;
        ip.saddr = htonl(from.v4_host_order());
        ip.daddr = htonl(to.v4_host_order());
        append(frame, ip);
        return;
    }
    ipv6hdr ip{};
    ip.version = 6;
    ip.payload_len = htons(payload);
    ip.nexthdr = protocol;
    ip.hop_limit = 64;
    std::memcpy(&ip.saddr, from.bytes().data(), sizeof(ip.saddr));
    std::memcpy(&ip.daddr, to.bytes().data(), sizeof(ip.daddr));
    append(frame, ip);
}

// A Binding Request (RFC 8489) with a USERNAME; on TCP behind its length (RFC 4571).
std::vector<std::uint8_t> ice_check(std::string_view ufrag, Transport transport)
{
    constexpr std::uint16_t kBindingRequest = 0x0001;
    constexpr std::uint16_t kUsername = 0x0006;
    constexpr std::uint32_t kCookie = 0x2112A442;
    constexpr std::size_t kHeader = 20;
    const auto name = std::string(ufrag) + ":peer";
    const auto padded = (name.size() + 3) / 4 * 4;
    std::vector<std::uint8_t> bytes;
    const auto put = [&](std::uint16_t value) {
        bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
        bytes.push_back(static_cast<std::uint8_t>(value));
    };
    if (transport == Transport::tcp) {
        put(static_cast<std::uint16_t>(kHeader + 4 + padded));
    }
    put(kBindingRequest);
    put(static_cast<std::uint16_t>(4 + padded));
    put(kCookie >> 16U);
    put(kCookie & 0xffffU);
    bytes.resize(bytes.size() + 12); // transaction
    put(kUsername);
    put(static_cast<std::uint16_t>(name.size()));
    const auto end = bytes.size() + padded;
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.resize(end);
    return bytes;
}

} // namespace

std::vector<std::uint8_t> build_frame(const SocketAddress& from, Transport transport, const SocketAddress& to,
                                      std::string_view ufrag)
{
    std::vector<std::uint8_t> frame;
    const auto check = ufrag.empty() ? std::vector<std::uint8_t>() : ice_check(ufrag, transport);
    const auto behind = static_cast<std::uint16_t>(check.size());
    ethhdr ethernet{};
    ethernet.h_proto = htons(from.address.is_v4() ? ETH_P_IP : ETH_P_IPV6);
    append(frame, ethernet);
    if (transport == Transport::udp) {
        const auto bytes = static_cast<std::uint16_t>(sizeof(udphdr) + behind);
        append_ip(frame, from.address, to.address, IPPROTO_UDP, bytes);
        udphdr udp{};
        udp.source = htons(from.port);
        udp.dest = htons(to.port);
        udp.len = htons(bytes);
        append(frame, udp);
    } else {
        append_ip(frame, from.address, to.address, IPPROTO_TCP,
                  static_cast<std::uint16_t>(sizeof(tcphdr) + behind));
        tcphdr tcp{};
        tcp.source = htons(from.port);
        tcp.dest = htons(to.port);
        tcp.doff = sizeof(tcp) / 4;
        tcp.syn = ufrag.empty() ? 1 : 0;
        append(frame, tcp);
    }
    frame.insert(frame.end(), check.begin(), check.end());
    return frame;
}

Result<mf_explain> ask_program(int program_fd, std::span<const std::uint8_t> frame)
{
    if (frame.size() < kSmallestFrame || frame.size() > kLargestFrame) {
        return fail(ErrorCode::invalid, "a packet has " + std::to_string(kSmallestFrame) + " to " +
                                            std::to_string(kLargestFrame) +
                                            " bytes from its Ethernet header on, this one " +
                                            std::to_string(frame.size()));
    }
    mf_explain question{.magic = MF_EXPLAIN_MAGIC};
    std::vector<std::uint8_t> in(sizeof(question) + frame.size());
    std::memcpy(in.data(), &question, sizeof(question));
    std::memcpy(in.data() + sizeof(question), frame.data(), frame.size());
    std::vector<std::uint8_t> out(in.size());
    // Everything before `data` is metadata.
    xdp_md context{.data = sizeof(question), .data_end = static_cast<__u32>(in.size())};
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_out = out.data(),
                .data_size_in = static_cast<__u32>(in.size()),
                .data_size_out = static_cast<__u32>(out.size()), .ctx_in = &context,
                .ctx_size_in = sizeof(context), .repeat = 1);
    if (const int error = bpf_prog_test_run_opts(program_fd, &opts); error != 0) {
        return kernel_error("asking the loaded program", -error);
    }
    mf_explain answer{};
    std::memcpy(&answer, out.data(), sizeof(answer));
    return answer;
}

} // namespace meetfence::dataplane
