// SPDX-License-Identifier: Apache-2.0
// IPv4's own: options, header length, total length.
#include "tests/support/parse_fixture.h"

namespace meetfence::test {
namespace {

class ParseIpv4 : public ParseTest {};
INSTANTIATE_TEST_SUITE_P(Everywhere, ParseIpv4, parse_cases(Family::ipv4), parse_case);

TEST_P(ParseIpv4, UnderstandsOptionsUpTo40Bytes)
{
    for (std::size_t bytes = 4; bytes <= 40; bytes += 4) {
        expect(packet().options(bytes), MF_DROP_COUNTRY);
        expect(packet().options(bytes).vlan(kDot1Ad).vlan(kDot1Q), MF_DROP_COUNTRY);
    }
}

TEST_P(ParseIpv4, PassesHeadersOfLessThanFiveWords)
{
    for (std::uint8_t words = 0; words < 5; ++words) {
        expect(packet().header_words(words), MF_BAD_IPV4);
    }
}

TEST_P(ParseIpv4, PassesATotalLengthSmallerThanTheHeader)
{
    for (std::uint16_t length = 0; length < 20; ++length) {
        expect(packet().ip_length(length), MF_BAD_IPV4);
    }
    for (std::uint16_t length = 20; length < 60; ++length) {
        expect(packet().options(40).ip_length(length), MF_BAD_IPV4);
    }
}

TEST_P(ParseIpv4, TellsAFrameThatEndsInItsOptionsFromOneThatEndsLater)
{
    const auto whole = packet().options(40).bytes();
    const Bytes in_options(whole.begin(), whole.begin() + 14 + 59);
    const Bytes behind_options(whole.begin(), whole.begin() + 14 + 60);
    expect(in_options, MF_TRUNCATED_IPV4);
    expect(behind_options, MF_BAD_IPV4);
}

TEST_P(ParseIpv4, TakesNoNoticeOfDontFragmentAndTheReservedBit)
{
    for (const auto flags : std::initializer_list<std::uint8_t>{0x40, 0x80, 0xC0}) {
        auto frame = packet().bytes();
        frame[14 + 6] = flags;
        expect(frame, MF_DROP_COUNTRY);
    }
}

TEST_P(ParseIpv4, DoesNotWalkIpv6ExtensionHeaders)
{
    for (const auto number :
         {kHopByHop, kRouting, kFragment, kAuthentication, kDestinationOptions, kMobility}) {
        expect(packet().protocol(number), MF_OTHER_PROTOCOL);
    }
}

} // namespace
} // namespace meetfence::test
