// SPDX-License-Identifier: Apache-2.0
#include "bench/traffic.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <string_view>

namespace meetfence::bench {
namespace {

constexpr std::uint32_t kMeetingsPerAddress = 50000; // ports from kFirstPort on

bench_packet packet(const IpAddress& remote, std::uint32_t number, std::uint16_t port, std::uint8_t local)
{
    constexpr std::uint32_t kFirst = 1024;
    constexpr std::uint32_t kCount = 64000;
    bench_packet packet{.local_port = htons(port),
                        .remote_port = htons(static_cast<std::uint16_t>(kFirst + number * 40503U % kCount)),
                        .local_number = local};
    std::ranges::copy(remote.bytes(), packet.remote);
    std::ranges::copy(ufrag_of(number), packet.ufrag);
    return packet;
}

} // namespace

IpAddress local_address(bool is_v4, std::uint8_t number)
{
    IpAddress::Bytes bytes{0x20, 0x01, 0x0d, 0xb8};
    if (is_v4) {
        const std::uint32_t v4 = htonl(BENCH_LOCAL_V4);
        bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        std::memcpy(&bytes[12], &v4, sizeof(v4));
    }
    bytes.back() = number;
    return IpAddress(bytes);
}

std::uint8_t address_number(std::uint32_t meeting)
{
    return static_cast<std::uint8_t>(1 + meeting / kMeetingsPerAddress);
}

std::uint16_t port_of(std::uint32_t meeting)
{
    return static_cast<std::uint16_t>(kFirstPort + meeting % kMeetingsPerAddress);
}

// Neighbours in time are of meetings far apart, as on a wire.
std::uint32_t meeting_of(std::uint32_t number, std::uint32_t meetings)
{
    return static_cast<std::uint32_t>(std::uint64_t{number} * 2654435761U % meetings);
}

std::uint64_t owner_of(std::uint32_t number)
{
    const std::uint32_t index = number + 1;
    return std::uint64_t{index} << MF_PARTICIPANT_SHIFT | index;
}

std::array<std::uint8_t, 3> ufrag_of(std::uint32_t number)
{
    // ice-char, RFC 8839 section 5.4
    constexpr std::string_view kChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto one = [&](unsigned shift) { return static_cast<std::uint8_t>(kChars[number >> shift & 63U]); };
    return {one(12), one(6), one(0)};
}

bench_packet packet_to_meeting(const IpAddress& remote, std::uint32_t number, std::uint32_t meetings)
{
    const auto meeting = meeting_of(number, meetings);
    return packet(remote, number, port_of(meeting), address_number(meeting));
}

bench_packet packet_to_shared(const IpAddress& remote, std::uint32_t number)
{
    return packet(remote, number, kSharedPort, kSharedAddress);
}

bench_packet packet_to_nobody(const IpAddress& remote, std::uint32_t number)
{
    return packet(remote, number, kUnregisteredPort, 1);
}

mf_flow_key key_of(const bench_packet& packet)
{
    IpAddress::Bytes remote{};
    std::ranges::copy(packet.remote, remote.begin());
    mf_flow_key key{
        .remote_port = packet.remote_port, .local_port = packet.local_port, .protocol = IPPROTO_UDP};
    std::ranges::copy(remote, key.remote);
    std::ranges::copy(local_address(IpAddress(remote).is_v4(), packet.local_number).bytes(), key.local);
    return key;
}

} // namespace meetfence::bench
