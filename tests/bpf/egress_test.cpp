// SPDX-License-Identifier: Apache-2.0
// What goes out of dedicated endpoints: the same rules, with the ends exchanged.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint32_t kId = 0x4d46;

class EgressMatch : public MeetingTest {
protected:
    EgressMatch() : rule(program.add_rule(meeting, {.countries = {"CN", "HK"}})) {}

    [[nodiscard]] Packet towards(const IpAddress& remote, std::uint16_t port = kMeetingPort) const
    {
        return {transport, {host.server, port}, {remote, kClientPort}};
    }
    void expect_out(const Bytes& frame, mf_reason reason)
    {
        EXPECT_EQ(program.run_egress(frame), counted(reason, frame, MF_EGRESS));
    }
    void expect_booked_out(const Bytes& frame, mf_reason reason, std::uint32_t rank = 0)
    {
        EXPECT_EQ(program.run_egress(frame), booked(reason, frame, rule.first_cell + rank, MF_EGRESS));
    }
    void expect_booked_in(const Bytes& frame, mf_reason reason)
    {
        EXPECT_EQ(program.run(frame), booked(reason, frame, rule.first_cell));
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, EgressMatch, kEveryFamilyAndTransport, family_and_transport);

TEST_P(EgressMatch, IsJudgedByWhereItGoes)
{
    expect_booked_out(towards(host.chinese), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.hong_kong), MF_DROP_COUNTRY, 1);
    expect_out(towards(host.american), MF_COUNTRY_NOT_CONCERNED);
    expect_out(towards(host.unplaced), MF_UNPLACED);
}

TEST_P(EgressMatch, IsBookedApartFromWhatComesIn)
{
    expect_booked_in(from(host.chinese), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese), MF_DROP_COUNTRY);
    const auto cell = program.counters().cells.at(rule.first_cell);
    EXPECT_EQ(cell.by_direction[MF_INGRESS].dropped_packets, 1U);
    EXPECT_EQ(cell.by_direction[MF_EGRESS].dropped_packets, 1U);
}

TEST_P(EgressMatch, DoesNotTakeRemoteForLocal)
{
    expect_out(from(host.chinese), MF_OTHER_TRAFFIC); // as it comes in
    // A client that happens to use the meeting's port, of another service of the host.
    expect_out(Packet(transport, {host.server, 443}, {host.chinese, kMeetingPort}), MF_OTHER_TRAFFIC);
    // The meeting's port, of a host elsewhere.
    expect_out(Packet(transport, {host.server, kClientPort}, {host.other_server, kMeetingPort}),
               MF_OTHER_TRAFFIC);
    const Bytes back = towards(host.chinese);
    EXPECT_EQ(program.run(back), counted(MF_OTHER_TRAFFIC, back));
}

TEST_P(EgressMatch, DoesNotTakeTheLocalCountryForTheRemote)
{
    program.add_endpoint(meeting, endpoint(transport, host.chinese));
    expect_out(Packet(transport, {host.chinese, kMeetingPort}, {host.american, kClientPort}),
               MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(EgressMatch, LeavesOtherTrafficAlone)
{
    expect_out(towards(host.chinese, kMeetingPort + 1), MF_OTHER_TRAFFIC);
    expect_out(Packet(transport, {host.other_server, kMeetingPort}, {host.chinese, kClientPort}),
               MF_OTHER_TRAFFIC);
    expect_out(towards(host.chinese).ethertype(0x0806), MF_NOT_IP);
    expect_out(towards(host.chinese).protocol(kEsp), MF_OTHER_PROTOCOL);
    expect_out(towards(host.chinese).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q),
               MF_VLAN_TOO_DEEP);
}

TEST_P(EgressMatch, LeavesExemptAddressesAlone)
{
    program.exempt(host.chinese_prefix);
    expect_out(towards(host.chinese), MF_EXEMPT);
    expect_booked_out(towards(host.hong_kong), MF_DROP_COUNTRY, 1);
    program.exempt(host.server.text()); // whose own address is of no account
    expect_booked_out(towards(host.hong_kong), MF_DROP_COUNTRY, 1);
}

TEST_P(EgressMatch, KnowsModeTimeAndExceptions)
{
    auto& element = program.rules[rule.index];
    element.mode = MF_MONITOR;
    expect_booked_out(towards(host.chinese), MF_MONITORED);
    element.mode = MF_ENFORCE;
    element.until_ns = 1;
    expect_booked_out(towards(host.chinese), MF_RULE_ENDED);
    element.until_ns = MF_NO_END;
    element.from_ns = ~0ULL;
    expect_booked_out(towards(host.chinese), MF_RULE_NOT_STARTED);
    const auto lenient = program.add_rule(meeting, {.countries = {"US"}, .except = {host.american_prefix}});
    const Bytes frame = towards(host.american);
    EXPECT_EQ(program.run_egress(frame), booked(MF_EXCEPTED, frame, lenient.first_cell, MF_EGRESS));
}

TEST_P(EgressMatch, IsReadBehindTagsAndOptions)
{
    expect_booked_out(towards(host.chinese).vlan(kDot1Q), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese).vlan(kDot1Ad).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q),
                      MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese).trailer(20), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese).payload(1400), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese).payload(0), MF_DROP_COUNTRY);
    if (family == Family::ipv4) {
        expect_booked_out(towards(host.chinese).options(4), MF_DROP_COUNTRY);
        expect_booked_out(towards(host.chinese).options(40).vlan(kDot1Q), MF_DROP_COUNTRY);
        return;
    }
    expect_booked_out(towards(host.chinese).extension(kHopByHop), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese)
                          .vlan(kDot1Q)
                          .extension(kHopByHop)
                          .extension(kRouting, 24)
                          .extension(kAuthentication, 12)
                          .extension(kDestinationOptions, 256),
                      MF_DROP_COUNTRY);
}

TEST_P(EgressMatch, DropsLaterFragmentsWithTheirFirst)
{
    expect_booked_out(towards(host.chinese).fragment(kId, 0, true), MF_DROP_COUNTRY);
    expect_booked_out(towards(host.chinese).fragment(kId, 1480, true), MF_DROP_FRAGMENT);
    expect_booked_out(towards(host.chinese).fragment(kId, 2960, false), MF_DROP_FRAGMENT);
    expect_out(towards(host.chinese).fragment(kId + 1, 1480, false), MF_LATER_FRAGMENT);
    expect_out(towards(host.american).fragment(kId, 0, true), MF_COUNTRY_NOT_CONCERNED);
    expect_out(towards(host.american).fragment(kId, 1480, false), MF_LATER_FRAGMENT);
}

TEST_P(EgressMatch, KeepsFragmentsOfTheTwoDirectionsApart)
{
    const Bytes in_first = from(host.chinese).fragment(kId, 0, true);
    const Bytes in_later = from(host.chinese).fragment(kId, 1480, false);
    const Bytes out_first = towards(host.chinese).fragment(kId, 0, true);
    const Bytes out_later = towards(host.chinese).fragment(kId, 1480, false);

    expect_booked_in(in_first, MF_DROP_COUNTRY);
    expect_out(out_later, MF_LATER_FRAGMENT);
    expect_booked_in(in_later, MF_DROP_FRAGMENT);
    program.forget_fragments();

    expect_booked_out(out_first, MF_DROP_COUNTRY);
    EXPECT_EQ(program.run(in_later), counted(MF_LATER_FRAGMENT, in_later));
    expect_booked_out(out_later, MF_DROP_FRAGMENT);
    const auto entries = program.fragments();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].first.direction, MF_EGRESS);

    // Nor does a passing one of one direction free the other's.
    const Bytes in_passing = packet(host.chinese, host.server, 443).fragment(kId, 0, true);
    EXPECT_EQ(program.run(in_passing), counted(MF_OTHER_TRAFFIC, in_passing));
    expect_booked_out(out_later, MF_DROP_FRAGMENT);
}

TEST_P(EgressMatch, TellsOfItsFirstDropOnce)
{
    for (unsigned i = 0; i < 20; ++i) {
        (void)program.run_egress(towards(host.chinese));
    }
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, MF_EVENT_RULE);
    EXPECT_EQ(events[0].direction, MF_EGRESS);
    EXPECT_EQ(events[0].rule, rule.number);
    EXPECT_EQ(events[0].meeting, program.meetings[meeting].number);
    EXPECT_EQ(events[0].participant, 0U);
    EXPECT_EQ(events[0].country, country("CN").number());
    EXPECT_EQ(events[0].reason, MF_DROP_COUNTRY);
}

TEST_P(EgressMatch, PassesFramesThatAreCutOff)
{
    const Bytes whole = towards(host.chinese);
    const std::size_t least = family == Family::ipv4 ? 14 + 20 : 14 + 40; // the kernel runs no shorter one
    for (std::size_t bytes = least; bytes < whole.size(); ++bytes) {
        const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
        const auto outcome = program.run_egress(part);
        ASSERT_EQ(outcome.verdict, Verdict::pass) << bytes << outcome;
        ASSERT_EQ(outcome.moved.reasons.size(), 1U);
        ASSERT_GE(outcome.moved.reasons.begin()->first, MF_REASONS);
        ASSERT_EQ(outcome.moved.reasons.begin()->second.packets, 1U);
        ASSERT_TRUE(outcome.moved.cells.empty());
    }
}

} // namespace
} // namespace meetfence::test
