// SPDX-License-Identifier: Apache-2.0
// The packet builder is honest: libtins, which knows nothing of it, reads from its frames what the
// tests asked for.
#include <gtest/gtest.h>
#include <tins/dot1q.h>
#include <tins/ethernetII.h>
#include <tins/ip.h>
#include <tins/ipv6.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>
#include <tins/udp.h>

#include "tests/support/addresses.h"
#include "tests/support/packet.h"

namespace meetfence::test {
namespace {

Packet packet(Family family, Transport transport)
{
    const auto& host = hosts(family);
    return {transport, {host.chinese, kClientPort}, {host.server, kMeetingPort}};
}

Tins::EthernetII read(const Bytes& frame)
{
    return {frame.data(), static_cast<std::uint32_t>(frame.size())};
}

TEST(PacketBuilder, WritesUdpInIpv4ThatLibtinsReads)
{
    const auto frame = read(packet(Family::ipv4, Transport::udp).options(8).payload(100));
    const auto& ip = frame.rfind_pdu<Tins::IP>();
    EXPECT_EQ(ip.src_addr(), "203.0.113.10");
    EXPECT_EQ(ip.dst_addr(), "198.18.0.1");
    EXPECT_EQ(ip.head_len(), 7);
    EXPECT_EQ(ip.tot_len(), 20 + 8 + 8 + 100);
    const auto& udp = frame.rfind_pdu<Tins::UDP>();
    EXPECT_EQ(udp.sport(), kClientPort);
    EXPECT_EQ(udp.dport(), kMeetingPort);
    EXPECT_EQ(udp.length(), 108);
    EXPECT_EQ(frame.rfind_pdu<Tins::RawPDU>().payload_size(), 100U);
}

TEST(PacketBuilder, WritesTheIpv4ChecksumThatLibtinsComputes)
{
    const auto bytes = packet(Family::ipv4, Transport::udp).fragment(0x4d46, 0, true).payload(7).bytes();
    auto frame = read(bytes);
    const auto again = frame.serialize();
    EXPECT_EQ(bytes[14 + 10], again[14 + 10]);
    EXPECT_EQ(bytes[14 + 11], again[14 + 11]);
}

TEST(PacketBuilder, WritesTcpInIpv6ThatLibtinsReads)
{
    const auto frame = read(packet(Family::ipv6, Transport::tcp).payload(9));
    const auto& ip = frame.rfind_pdu<Tins::IPv6>();
    EXPECT_EQ(ip.src_addr(), "2001:db8:c::10");
    EXPECT_EQ(ip.dst_addr(), "2001:db8::1");
    EXPECT_EQ(ip.payload_length(), 29);
    const auto& tcp = frame.rfind_pdu<Tins::TCP>();
    EXPECT_EQ(tcp.dport(), kMeetingPort);
    EXPECT_EQ(tcp.data_offset(), 5);
    EXPECT_TRUE(tcp.get_flag(Tins::TCP::SYN) != 0);
}

TEST(PacketBuilder, WritesTagsThatLibtinsReads)
{
    const auto frame = read(packet(Family::ipv4, Transport::tcp).vlan(kDot1Q, 21).vlan(kDot1Q, 22));
    const auto& outer = frame.rfind_pdu<Tins::Dot1Q>();
    EXPECT_EQ(outer.id(), 21);
    const auto& inner = outer.inner_pdu()->rfind_pdu<Tins::Dot1Q>();
    EXPECT_EQ(inner.id(), 22);
    EXPECT_EQ(inner.rfind_pdu<Tins::TCP>().dport(), kMeetingPort);
}

TEST(PacketBuilder, WritesExtensionHeadersThatLibtinsReads)
{
    const auto frame = read(packet(Family::ipv6, Transport::udp)
                                .extension(kHopByHop, 16)
                                .extension(kRouting, 24)
                                .extension(kDestinationOptions, 264));
    const auto& ip = frame.rfind_pdu<Tins::IPv6>();
    ASSERT_EQ(ip.headers().size(), 3U);
    EXPECT_EQ(ip.headers()[0].data_size(), 14U);
    EXPECT_EQ(ip.headers()[1].data_size(), 22U);
    EXPECT_EQ(ip.headers()[2].data_size(), 262U);
    EXPECT_EQ(frame.rfind_pdu<Tins::UDP>().dport(), kMeetingPort);
}

TEST(PacketBuilder, WritesIpv4FragmentsThatLibtinsReads)
{
    const auto first = read(packet(Family::ipv4, Transport::udp).fragment(0x4d46, 0, true));
    EXPECT_EQ(first.rfind_pdu<Tins::IP>().id(), 0x4d46);
    EXPECT_EQ(first.rfind_pdu<Tins::IP>().flags(), Tins::IP::MORE_FRAGMENTS);
    const auto last = read(packet(Family::ipv4, Transport::udp).fragment(0x4d46, 1480, false));
    EXPECT_EQ(last.rfind_pdu<Tins::IP>().fragment_offset(), 1480 / 8);
    EXPECT_EQ(last.rfind_pdu<Tins::IP>().tot_len(), 20 + 32);
}

} // namespace
} // namespace meetfence::test
