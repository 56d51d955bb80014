// SPDX-License-Identifier: Apache-2.0
// What the parser understands and what it lets go, below and above IP; families' own cases are in
// parse_ipv4_test.cpp and parse_ipv6_test.cpp.
#include "tests/support/parse_fixture.h"

namespace meetfence::test {
namespace {

class Parse : public ParseTest {};
INSTANTIATE_TEST_SUITE_P(Everywhere, Parse, parse_cases(Family::ipv4, Family::ipv6), parse_case);

TEST_P(Parse, UnderstandsAPlainPacket)
{
    expect(packet(), MF_DROP_COUNTRY);
}

TEST_P(Parse, UnderstandsAPacketWithoutPayload)
{
    expect(packet().payload(0), MF_DROP_COUNTRY);
}

TEST_P(Parse, UnderstandsOneToFourTagsOfEitherKind)
{
    for (unsigned count = 1; count <= MF_MAX_VLAN_TAGS; ++count) {
        for (unsigned kinds = 0; kinds < 1U << count; ++kinds) {
            auto tagged = packet();
            for (unsigned tag = 0; tag < count; ++tag) {
                tagged.vlan((kinds >> tag & 1U) != 0 ? kDot1Ad : kDot1Q,
                            static_cast<std::uint16_t>(tag * 1000));
            }
            expect(tagged, MF_DROP_COUNTRY);
        }
    }
}

TEST_P(Parse, UnderstandsPriorityTags)
{
    expect(packet().vlan(kDot1Q, 0xE000), MF_DROP_COUNTRY);
}

TEST_P(Parse, PassesFiveTags)
{
    expect(packet().vlan(kDot1Ad).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q), MF_VLAN_TOO_DEEP);
    expect(packet().vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Ad), MF_VLAN_TOO_DEEP);
}

TEST_P(Parse, PassesWhatIsNotIp)
{
    constexpr std::uint16_t kArp = 0x0806;
    constexpr std::uint16_t kLldp = 0x88CC;
    constexpr std::uint16_t kIeee8023 = 60; // a length, not a type
    for (const auto type :
         {kArp, kLldp, kIeee8023, std::uint16_t{0}, std::uint16_t{0x9100}, std::uint16_t{0xFFFF}}) {
        expect(packet().ethertype(type), MF_NOT_IP);
        expect(packet().ethertype(type).vlan(kDot1Q), MF_NOT_IP);
    }
}

TEST_P(Parse, PassesTheOtherFamilysEtherType)
{
    const bool ipv4 = family == Family::ipv4;
    expect(packet().ethertype(ipv4 ? 0x86DD : 0x0800), ipv4 ? MF_BAD_IPV6 : MF_BAD_IPV4);
}

TEST_P(Parse, PassesEveryWrongVersion)
{
    for (std::uint8_t version = 0; version < 16; ++version) {
        const bool right = version == (family == Family::ipv4 ? 4 : 6);
        const auto reason = family == Family::ipv4 ? MF_BAD_IPV4 : MF_BAD_IPV6;
        expect(packet().version(version), right ? MF_DROP_COUNTRY : reason);
    }
}

TEST_P(Parse, IgnoresEthernetPadding)
{
    for (const std::size_t bytes : {1, 18, 46, 300}) {
        expect(packet().payload(0).trailer(bytes), MF_DROP_COUNTRY);
    }
}

TEST_P(Parse, DoesNotReadTransportFromPadding)
{
    // The IP packet ends before its transport header; what follows in the frame is none of it.
    const auto header = static_cast<std::uint16_t>(family == Family::ipv4 ? 20 : 0);
    for (std::uint16_t bytes = 0; bytes < 8; ++bytes) {
        expect(packet().ip_length(static_cast<std::uint16_t>(header + bytes)), MF_TRUNCATED_L4);
    }
}

TEST_P(Parse, PassesAFrameShorterThanItsIpLength)
{
    const auto length =
        static_cast<std::uint16_t>(packet().bytes().size() - 14 - (family == Family::ipv4 ? 0 : 40));
    expect(packet().ip_length(length), MF_DROP_COUNTRY);
    for (const auto longer :
         {static_cast<std::uint16_t>(length + 1), std::uint16_t{1500}, std::uint16_t{65535}}) {
        expect(packet().ip_length(longer), family == Family::ipv4 ? MF_BAD_IPV4 : MF_BAD_IPV6);
    }
}

TEST_P(Parse, PassesEveryOtherProtocol)
{
    for (unsigned number = 0; number < 256; ++number) {
        const auto protocol = static_cast<std::uint8_t>(number);
        auto other = packet().protocol(protocol);
        const bool is_transport = protocol == kUdp || protocol == kTcp;
        const bool walked = protocol == kHopByHop || protocol == kRouting || protocol == kFragment ||
                            protocol == kAuthentication || protocol == kDestinationOptions ||
                            protocol == kMobility;
        if (!is_transport && (family == Family::ipv4 || !walked)) {
            expect(other, MF_OTHER_PROTOCOL);
        }
    }
}

TEST_P(Parse, JudgesUdpLengthAsLinuxDoes)
{
    if (transport != Transport::udp) {
        return;
    }
    for (std::uint16_t length = 1; length < 8; ++length) {
        expect(packet().udp_length(length), MF_BAD_L4);
    }
    expect(packet().udp_length(8), MF_DROP_COUNTRY); // shorter than the packet: the rest is cut off
    expect(packet().udp_length(39), MF_DROP_COUNTRY);
    expect(packet().udp_length(41), MF_BAD_L4);
    expect(packet().udp_length(65535), MF_BAD_L4);
    expect(packet().udp_length(41).trailer(10), MF_BAD_L4); // padding is not the datagram's
    // Length 0 is a jumbogram's (RFC 2675); Linux takes it in any IPv6 packet, and in no IPv4 one.
    expect(packet().udp_length(0), family == Family::ipv4 ? MF_BAD_L4 : MF_DROP_COUNTRY);
}

TEST_P(Parse, JudgesTcpDataOffsetAsLinuxDoes)
{
    if (transport != Transport::tcp) {
        return;
    }
    for (std::uint8_t words = 0; words < 16; ++words) { // 20 bytes of header, 20 of options or payload
        const bool good = words >= 5 && words <= 10;
        expect(packet().payload(20).data_offset(words), good ? MF_DROP_COUNTRY : MF_BAD_L4);
        expect(packet().payload(20).data_offset(words).trailer(60), good ? MF_DROP_COUNTRY : MF_BAD_L4);
    }
}

TEST_P(Parse, CountsPacketsToOtherPortsAsOtherTraffic)
{
    for (const auto port : std::initializer_list<std::uint16_t>{0, 1, 39999, 40001, 65535}) {
        expect(Packet(transport, {host.chinese, kMeetingPort}, {host.server, port}), MF_OTHER_TRAFFIC);
    }
}

TEST_P(Parse, JudgesAFirstFragmentByItsPorts)
{
    expect(packet().fragment(77, 0, true), MF_DROP_COUNTRY);
    // UDP's length is the whole datagram's, not the fragment's.
    expect(packet().fragment(77, 0, true).udp_length(8000), MF_DROP_COUNTRY);
}

TEST_P(Parse, JudgesATcpFirstFragmentOfEightBytes)
{
    if (transport != Transport::tcp) {
        return;
    }
    auto frame = packet().payload(0).fragment(77, 0, true).bytes();
    frame.resize(frame.size() - 12);
    const auto transport_header = frame.size() - 8;
    // The IP length that goes with it.
    const std::size_t length_at = family == Family::ipv4 ? 16 : 18;
    frame[length_at + 1] = static_cast<std::uint8_t>(frame[length_at + 1] - 12);
    expect(frame, MF_DROP_COUNTRY);
    ASSERT_EQ(frame[transport_header + 2] << 8 | frame[transport_header + 3], kMeetingPort);
}

TEST_P(Parse, PassesALaterFragmentWhoseFirstOneWasNotSeen)
{
    for (const std::size_t offset : {8, 1480, 65528}) {
        expect(packet().fragment(77, offset, true), MF_LATER_FRAGMENT);
        expect(packet().fragment(77, offset, false), MF_LATER_FRAGMENT);
        expect(packet().fragment(77, offset, false).payload(0), MF_LATER_FRAGMENT);
    }
}

TEST_P(Parse, PassesEveryTruncationOfEveryKindOfFrame)
{
    for (const auto& [kind, whole] : good_frames(family, transport)) {
        for (std::size_t length = 14; length <= whole.size(); ++length) {
            const Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            const auto outcome = program.run(frame);
            ASSERT_EQ(outcome, program.expected(frame))
                << kind << " cut to " << length << " of " << whole.size();
            if (kind != "padded" && kind != "jumbogram" && length < whole.size()) {
                ASSERT_EQ(outcome.verdict, Verdict::pass)
                    << kind << " cut to " << length << " of " << whole.size();
            }
            program.forget_fragments();
        }
    }
}

} // namespace
} // namespace meetfence::test
