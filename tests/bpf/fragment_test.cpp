// SPDX-License-Identifier: Apache-2.0
// Fragments after the first: they follow a first fragment that was dropped, and pass otherwise.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint32_t kId = 0x4d46;
constexpr std::uint64_t kSecond = 1'000'000'000;

class Fragments : public MeetingTest {
protected:
    Fragments() : rule(program.add_rule(meeting, {.countries = {"CN", "HK"}})) {}

    [[nodiscard]] Packet first(const IpAddress& remote, std::uint32_t id = kId) const
    {
        return from(remote).fragment(id, 0, true);
    }
    [[nodiscard]] Packet later(const IpAddress& remote, std::uint32_t id = kId) const
    {
        return from(remote).fragment(id, 1480, false);
    }
    void expect(const Bytes& frame, mf_reason reason)
    {
        EXPECT_EQ(program.run(frame), counted(reason, frame));
    }
    void expect_booked(const Bytes& frame, mf_reason reason, std::uint32_t rank = 0)
    {
        EXPECT_EQ(program.run(frame), booked(reason, frame, rule.first_cell + rank));
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Fragments, kEveryFamilyAndTransport, family_and_transport);

TEST_P(Fragments, FollowTheirDroppedFirstOne)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    for (const std::size_t offset : {1480, 2960, 8, 65528}) {
        expect_booked(from(host.chinese).fragment(kId, offset, true), MF_DROP_FRAGMENT);
        expect_booked(from(host.chinese).fragment(kId, offset, false).vlan(kDot1Q), MF_DROP_FRAGMENT);
    }
}

TEST_P(Fragments, AreBookedToTheCountryOfTheirFirstOne)
{
    expect_booked(first(host.hong_kong), MF_DROP_COUNTRY, 1);
    expect_booked(first(host.chinese), MF_DROP_COUNTRY, 0);
    expect_booked(later(host.hong_kong), MF_DROP_FRAGMENT, 1);
    expect_booked(later(host.chinese), MF_DROP_FRAGMENT, 0);
}

TEST_P(Fragments, PassWithTheirFirstOne)
{
    expect(first(host.american), MF_COUNTRY_NOT_CONCERNED);
    expect(later(host.american), MF_LATER_FRAGMENT);
}

TEST_P(Fragments, PassBeforeTheirFirstOne)
{
    expect(later(host.chinese), MF_LATER_FRAGMENT);
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    expect_booked(later(host.chinese), MF_DROP_FRAGMENT);
}

TEST_P(Fragments, PassWhileTheirRuleMonitors)
{
    program.rules[rule.index].mode = MF_MONITOR;
    expect_booked(first(host.chinese), MF_MONITORED);
    expect(later(host.chinese), MF_LATER_FRAGMENT);
    EXPECT_TRUE(program.fragments().empty());
}

TEST_P(Fragments, PassOnceTheirIdentificationIsUsedAgainByAPacketThatPasses)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    // The same participant sends the next datagram under this number to another service.
    expect(packet(host.chinese, host.server, 443).fragment(kId, 0, true), MF_OTHER_TRAFFIC);
    expect(later(host.chinese), MF_LATER_FRAGMENT);
    EXPECT_TRUE(program.fragments().empty());
}

TEST_P(Fragments, PassOnceTheirIdentificationIsUsedAgainByAPacketThatIsNotUnderstood)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    const auto nonsense = transport == Transport::udp
                              ? first(host.chinese).udp_length(7).bytes()
                              : first(host.chinese).ip_length(family == Family::ipv4 ? 24 : 12).bytes();
    expect(nonsense, transport == Transport::udp ? MF_BAD_L4 : MF_TRUNCATED_L4);
    expect(later(host.chinese), MF_LATER_FRAGMENT);
}

TEST_P(Fragments, OfOtherPacketsPass)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    expect(later(host.chinese, kId + 1), MF_LATER_FRAGMENT);
    expect(later(host.chinese, kId ^ 0x100), MF_LATER_FRAGMENT);
    expect(later(host.hong_kong), MF_LATER_FRAGMENT);
    expect(packet(host.chinese, host.other_server).fragment(kId, 1480, false), MF_LATER_FRAGMENT);
    expect(packet(host.server, host.chinese).fragment(kId, 1480, false),
           MF_LATER_FRAGMENT); // the other way round
    expect_booked(later(host.chinese), MF_DROP_FRAGMENT);
}

TEST_P(Fragments, AreToldApartByAllBitsOfTheIdentification)
{
    constexpr std::uint32_t kHigh = 0x80000000;
    expect_booked(first(host.chinese, kHigh | kId), MF_DROP_COUNTRY);
    if (family == Family::ipv6) {
        expect(later(host.chinese, kId), MF_LATER_FRAGMENT);
    }
    expect_booked(later(host.chinese, kHigh | kId), MF_DROP_FRAGMENT);
}

TEST_P(Fragments, AreToldApartByProtocolInIpv4AndNotInIpv6)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    // Reassembly goes by source, destination, identification, and in IPv4 (RFC 791) by protocol.
    const Bytes other = later(host.chinese).protocol(transport == Transport::udp ? kTcp : kUdp);
    if (family == Family::ipv4) {
        expect(other, MF_LATER_FRAGMENT);
    } else {
        expect_booked(other, MF_DROP_FRAGMENT);
    }
}

TEST_P(Fragments, FollowAFirstOneBehindOtherHeaders)
{
    if (family == Family::ipv4) {
        expect_booked(first(host.chinese).options(40), MF_DROP_COUNTRY);
        expect_booked(later(host.chinese).options(8), MF_DROP_FRAGMENT);
        return;
    }
    expect_booked(
        from(host.chinese).extension(kHopByHop).fragment(kId, 0, true).extension(kDestinationOptions),
        MF_DROP_COUNTRY);
    expect_booked(from(host.chinese).extension(kHopByHop).extension(kRouting).fragment(kId, 1480, false),
                  MF_DROP_FRAGMENT);
}

TEST_P(Fragments, LeaveNoTraceOfBystanders)
{
    expect(first(host.american), MF_COUNTRY_NOT_CONCERNED);
    expect(first(host.unplaced), MF_UNPLACED);
    expect(later(host.american), MF_LATER_FRAGMENT);
    expect(later(host.chinese, 3), MF_LATER_FRAGMENT);
    expect(packet(host.chinese, host.other_server).fragment(4, 0, true), MF_OTHER_TRAFFIC);
    expect_booked(from(host.chinese), MF_DROP_COUNTRY); // whole
    if (family == Family::ipv6) {
        expect_booked(from(host.chinese).fragment(kId, 0, false), MF_DROP_COUNTRY); // atomic, so whole
    }
    EXPECT_TRUE(program.fragments().empty());
}

TEST_P(Fragments, AreRememberedForTwoSeconds)
{
    const auto before = boot_clock_ns();
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    const auto after = boot_clock_ns();
    const auto entries = program.fragments();
    ASSERT_EQ(entries.size(), 1U);
    const auto& [key, value] = entries.front();
    EXPECT_GE(value.until_ns, before + 2 * kSecond);
    EXPECT_LE(value.until_ns, after + 2 * kSecond);
    EXPECT_EQ(value.rule, rule.index);
    EXPECT_EQ(value.rule_number, rule.number);
    EXPECT_EQ(value.cell, rule.first_cell);
    EXPECT_EQ(value.meeting_number, program.meetings[meeting].number);
    EXPECT_EQ(value.country, country("CN").number());
    EXPECT_EQ(key.protocol, family == Family::ipv6 ? 0 : transport == Transport::udp ? kUdp : kTcp);
}

TEST_P(Fragments, PassWhenTheMemoryHasEnded)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    auto [key, value] = program.fragments().at(0);
    value.until_ns = boot_clock_ns(); // exclusive
    program.write_fragment(key, value);
    expect(later(host.chinese), MF_LATER_FRAGMENT);
    value.until_ns = boot_clock_ns() + kSecond * 1000;
    program.write_fragment(key, value);
    expect_booked(later(host.chinese), MF_DROP_FRAGMENT);
}

TEST_P(Fragments, AreNotRememberedLongerThanTheRuleHolds)
{
    const auto end = boot_clock_ns() + kSecond * 3 / 2;
    program.rules[rule.index].until_ns = end;
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    EXPECT_EQ(program.fragments().at(0).second.until_ns, end);
}

TEST_P(Fragments, PassOnceTheRuleIsAnother)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    program.rules[rule.index].number += 1; // withdrawn, and its place given to the next rule
    expect(later(host.chinese), MF_LATER_FRAGMENT);
    program.rules[rule.index].number -= 1;
    expect_booked(later(host.chinese), MF_DROP_FRAGMENT);
    program.rules[rule.index] = {};
    expect(later(host.chinese), MF_LATER_FRAGMENT);
}

TEST_P(Fragments, PassWhereTheEntryLeadsNowhere)
{
    expect_booked(first(host.chinese), MF_DROP_COUNTRY);
    auto [key, value] = program.fragments().at(0);
    value.rule = 1'000'000;
    program.write_fragment(key, value);
    expect(later(host.chinese), MF_LATER_FRAGMENT);
}

TEST_P(Fragments, AreJudgedRightWhenTheTableOverflows)
{
    constexpr std::uint32_t kFlood = 10'000;
    static_assert(kFlood > 2 * MF_FRAGMENTS);
    for (std::uint32_t id = 0; id < kFlood; ++id) {
        const auto frame = first(host.chinese, id).bytes();
        ASSERT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, rule.first_cell)) << id;
    }
    EXPECT_LE(program.fragments().size(), MF_FRAGMENTS);
    expect_booked(later(host.chinese, kFlood - 1), MF_DROP_FRAGMENT);
    expect(later(host.chinese, 0), MF_LATER_FRAGMENT); // left long ago
    expect(first(host.american, kFlood), MF_COUNTRY_NOT_CONCERNED);
    expect(later(host.american, kFlood), MF_LATER_FRAGMENT);
}

} // namespace
} // namespace meetfence::test
