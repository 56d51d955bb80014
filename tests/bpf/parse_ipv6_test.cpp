// SPDX-License-Identifier: Apache-2.0
// IPv6's own: chains of extension headers.
#include <random>

#include "tests/support/parse_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint8_t kWalked[] = {kHopByHop, kRouting, kDestinationOptions, kAuthentication, kMobility};

class ParseIpv6 : public ParseTest {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ParseIpv6, parse_cases(Family::ipv6), parse_case);

TEST_P(ParseIpv6, WalksOneToEightHeadersOfEachKindAndNoNinth)
{
    for (const auto type : kWalked) {
        auto chain = packet();
        for (unsigned count = 1; count <= MF_MAX_EXTENSIONS; ++count) {
            expect(chain.extension(type, 16), MF_DROP_COUNTRY);
        }
        expect(chain.extension(type, 16), MF_TOO_MANY_EXTENSIONS);
    }
}

TEST_P(ParseIpv6, WalksHeadersOfEverySize)
{
    for (const auto type : {kHopByHop, kRouting, kDestinationOptions, kMobility}) {
        for (const std::size_t bytes : {8, 16, 24, 256, 1024, 2048}) {
            expect(packet().extension(type, bytes), MF_DROP_COUNTRY);
        }
    }
    for (const std::size_t bytes : {8, 12, 16, 20, 24, 28, 1028}) { // AH counts in words of 4 bytes
        expect(packet().extension(kAuthentication, bytes), MF_DROP_COUNTRY);
    }
}

TEST_P(ParseIpv6, WalksMixedChains)
{
    constexpr unsigned kSeed = 8200;
    std::mt19937 random(kSeed);
    for (unsigned round = 0; round < 200; ++round) {
        auto chain = packet();
        const auto count = random() % (MF_MAX_EXTENSIONS + 3);
        for (unsigned i = 0; i < count; ++i) {
            const auto type = kWalked[random() % std::size(kWalked)];
            chain.extension(type, type == kAuthentication ? 12 + random() % 8 * 4 : 8 + random() % 6 * 8);
        }
        expect(chain, count <= MF_MAX_EXTENSIONS ? MF_DROP_COUNTRY : MF_TOO_MANY_EXTENSIONS);
    }
}

TEST_P(ParseIpv6, PassesAHeaderThatRunsBeyondThePacket)
{
    for (const auto type : kWalked) {
        auto frame = packet().extension(type, 16).bytes();
        for (const auto length : std::initializer_list<std::uint8_t>{50, 200, 255}) {
            frame[14 + 40 + 1] = length;
            expect(frame, MF_TRUNCATED_EXTENSION);
        }
    }
}

TEST_P(ParseIpv6, PassesAPacketThatEndsInsideAnExtension)
{
    for (std::uint16_t length = 0; length < 16; ++length) {
        expect(packet().extension(kDestinationOptions, 16).ip_length(length), MF_TRUNCATED_EXTENSION);
    }
    expect(packet().extension(kDestinationOptions, 16).ip_length(16), MF_TRUNCATED_L4);
}

TEST_P(ParseIpv6, PassesUnknownNextHeadersBehindAChain)
{
    for (const auto number : {kEsp, kIcmpV6, kNoNextHeader, kExperiment}) {
        expect(packet().protocol(number), MF_OTHER_PROTOCOL);
        expect(packet().extension(kHopByHop).extension(kDestinationOptions, 24).protocol(number),
               MF_OTHER_PROTOCOL);
        expect(packet().fragment(1, 0, true).protocol(number), MF_OTHER_PROTOCOL);
    }
}

TEST_P(ParseIpv6, TakesNoNoticeOfAFragmentHeadersReservedByte)
{
    for (const auto reserved : std::initializer_list<std::uint8_t>{1, 2, 127, 255}) {
        expect(packet().fragment(5, 0, false, reserved), MF_DROP_COUNTRY);
        expect(packet().fragment(5, 0, true, reserved), MF_DROP_COUNTRY);
        expect(packet().fragment(6, 8, true, reserved), MF_LATER_FRAGMENT);
    }
}

TEST_P(ParseIpv6, TakesNoNoticeOfAFragmentHeadersReservedBits)
{
    auto frame = packet().fragment(5, 0, false).bytes();
    frame[14 + 40 + 3] = 0x06;
    expect(frame, MF_DROP_COUNTRY);
}

TEST_P(ParseIpv6, JudgesAnAtomicFragmentAsAWholePacket)
{
    expect(packet().fragment(5, 0, false), MF_DROP_COUNTRY);
    EXPECT_TRUE(program.fragments().empty());
    expect(packet().fragment(5, 0, false).fragment(6, 0, false), MF_DROP_COUNTRY);
    // A whole packet's lengths are judged, unlike a first fragment's.
    if (transport == Transport::udp) {
        expect(packet().fragment(5, 0, false).udp_length(8000), MF_BAD_L4);
    } else {
        expect(packet().fragment(5, 0, false).data_offset(15), MF_BAD_L4);
    }
}

TEST_P(ParseIpv6, FindsALaterFragmentAnywhereInTheChain)
{
    expect(packet().extension(kHopByHop).extension(kRouting).fragment(5, 8, true), MF_LATER_FRAGMENT);
    expect(packet().fragment(5, 0, false).fragment(6, 8, false), MF_LATER_FRAGMENT);
    auto seven_before = packet();
    for (unsigned i = 0; i < MF_MAX_EXTENSIONS - 1; ++i) {
        seven_before.extension(kDestinationOptions);
    }
    expect(seven_before.fragment(5, 8, true), MF_LATER_FRAGMENT);
}

TEST_P(ParseIpv6, ReadsAJumbogramToTheEndOfTheFrame)
{
    expect(packet().extension(kHopByHop).ip_length(0), MF_DROP_COUNTRY);
    expect(packet().extension(kHopByHop).extension(kDestinationOptions, 64).ip_length(0), MF_DROP_COUNTRY);
    // Payload length 0 before anything else is a packet that ends with its header.
    expect(packet().ip_length(0), MF_TRUNCATED_L4);
    expect(packet().extension(kDestinationOptions).ip_length(0), MF_TRUNCATED_EXTENSION);
}

TEST_P(ParseIpv6, PassesWhatACutJumbogramLeaves)
{
    const auto whole = packet().extension(kHopByHop).ip_length(0).bytes();
    for (std::size_t length = 14 + 40; length < 14 + 40 + 8; ++length) {
        expect(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)),
               MF_TRUNCATED_EXTENSION);
    }
    expect(Bytes(whole.begin(), whole.begin() + 14 + 40 + 8 + 7), MF_TRUNCATED_L4);
}

} // namespace
} // namespace meetfence::test
