// SPDX-License-Identifier: Apache-2.0
// Rules about one participant, and rules that let in some countries only: in both directions, on shared
// and on dedicated endpoints.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class ParticipantRule : public SharedPortTest {
protected:
    explicit ParticipantRule(const Settings& settings = {}) : SharedPortTest(MF_ENDPOINT_LEARNS, settings)
    {
        fellow = join(theirs, "fellow"); // of the member's meeting, behind the same NAT
        handshake(chinese, member);
        handshake(american, member);
        handshake(unplaced, member);
        handshake(neighbour, fellow);
    }
    /// The endpoint becomes their own.
    void dedicate() { program.endpoints[1].meeting = theirs; }

    Person fellow;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, ParticipantRule, kEveryFamilyAndTransport, family_and_transport);

TEST_P(ParticipantRule, DropsAllFlowsOfOneAndNobodyElses)
{
    const auto rule = block_participant(member);
    for (const auto& client : {chinese, american, unplaced}) {
        expect_media(client, MF_DROP_PARTICIPANT, rule);
        expect(check(client, member.ufrag, 1), MF_DROP_PARTICIPANT, rule);
        expect_out(server_check(client, member.ufrag, 2), MF_DROP_PARTICIPANT, rule);
        expect_out(answer(client, 3), MF_DROP_PARTICIPANT, rule);
        expect_out(out(client, error(4)), MF_DROP_PARTICIPANT, rule);
    }
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
    expect(check(neighbour, fellow.ufrag, 5), MF_COUNTRY_NOT_CONCERNED);
    const SocketAddress stranger{host.chinese, 1024};
    expect_media(stranger, MF_UNATTRIBUTED);
    const SocketAddress unplaced_stranger{host.unplaced, 1024};
    expect_media(unplaced_stranger, MF_UNATTRIBUTED);
    expect(check(stranger, "nobody", 6), MF_UNKNOWN_UFRAG);
    expect(check(unplaced_stranger, fellow.ufrag, 7), MF_UNPLACED);
    expect(check({host.chinese, 1025}, member.ufrag, 8), MF_DROP_PARTICIPANT, rule); // from wherever
    expect_out(server_check({host.unplaced, 1025}, member.ufrag, 9), MF_DROP_PARTICIPANT, rule);
}

// As a rule under an order is: it does not follow a person out of its country.
TEST_P(ParticipantRule, OfOneCountryHoldsOnlyWhileThere)
{
    const auto rule = program.add_rule(
        theirs, {.countries = {"CN"}, .whom = Whom::participant, .participant = member.owner});
    expect_media(chinese, MF_DROP_PARTICIPANT, rule);
    expect_out(answer(chinese, 1), MF_DROP_PARTICIPANT, rule);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);
    expect(check(american, member.ufrag, 2), MF_COUNTRY_NOT_CONCERNED);
    expect_media(unplaced, MF_UNPLACED);
    // Nor where another rule of the meeting is about that other country.
    program.add_rule(theirs, {.countries = {"US"}, .mode = Mode::monitor});
    expect_media(chinese, MF_DROP_PARTICIPANT, rule);
    const auto before = program.counters();
    (void)program.run(media_in(american));
    const auto moved = program.counters() - before;
    EXPECT_EQ(moved.reasons.at(MF_MONITORED).packets, 1U);
}

TEST_P(ParticipantRule, HoldsOnDedicatedEndpoints)
{
    dedicate();
    const auto rule = block_participant(member);
    for (const auto& client : {chinese, american, unplaced}) {
        expect_media(client, MF_DROP_PARTICIPANT, rule);
        expect(check(client, member.ufrag, 1), MF_DROP_PARTICIPANT, rule);
        expect_out(server_check(client, member.ufrag, 2), MF_DROP_PARTICIPANT, rule);
        expect_out(answer(client, 3), MF_DROP_PARTICIPANT, rule);
    }
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
    expect(check(neighbour, fellow.ufrag, 4), MF_COUNTRY_NOT_CONCERNED);
    // Whoever is not known is not the one.
    expect_media({host.chinese, 1024}, MF_COUNTRY_NOT_CONCERNED);
    expect_media({host.unplaced, 1024}, MF_UNPLACED);
    expect(check({host.chinese, 1024}, "nobody", 5), MF_COUNTRY_NOT_CONCERNED);
    expect(check({host.chinese, 1024}, member.ufrag, 6), MF_DROP_PARTICIPANT, rule);
}

TEST_P(ParticipantRule, LearnsOnDedicatedEndpoints)
{
    dedicate();
    const SocketAddress moved{host.american, 1024};
    handshake(moved, member);
    EXPECT_EQ(owner_of(moved), member.owner);
    const auto rule = block_participant(member);
    expect_media(moved, MF_DROP_PARTICIPANT, rule);
}

TEST_P(ParticipantRule, HoldsOnDedicatedEndpointsThatLearnOnly)
{
    dedicate();
    program.endpoints[1].flags = 0;
    block_participant(member);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(ParticipantRule, IsForItsOwnMeetingOnDedicatedEndpoints)
{
    // Somebody's flow of another meeting says nothing on this one's port.
    program.endpoints[1].meeting = ours;
    const auto rule = program.add_rule(ours, {.whom = Whom::participant, .participant = member.owner});
    (void)rule;
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(ParticipantRule, CountsInItsDirectionOnly)
{
    const auto rule = block_participant(member);
    const auto before = program.counters();
    const Bytes in_frame = media_in(chinese);
    const Bytes out_frame = media_out(chinese);
    for (unsigned i = 0; i < 3; ++i) {
        (void)program.run(in_frame);
    }
    (void)program.run_egress(out_frame);
    const auto moved = program.counters() - before;
    ASSERT_EQ(moved.cells.size(), 1U);
    const auto& cell = moved.cells.at(rule.first_cell);
    EXPECT_EQ(cell.by_direction[MF_INGRESS].dropped_packets, 3U);
    EXPECT_EQ(cell.by_direction[MF_INGRESS].dropped_bytes, 3 * in_frame.size());
    EXPECT_EQ(cell.by_direction[MF_EGRESS].dropped_packets, 1U);
    EXPECT_EQ(cell.by_direction[MF_EGRESS].dropped_bytes, out_frame.size());
}

TEST_P(ParticipantRule, MonitorsToo)
{
    const auto rule = block_participant(member, Mode::monitor);
    expect_media(chinese, MF_MONITORED, rule);
    expect(check(american, member.ufrag, 1), MF_MONITORED, rule);
    expect_out(answer(american, 1), MF_MONITORED, rule);
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
    EXPECT_TRUE(take_events(MF_EVENT_PARTICIPANT).empty()); // nobody was cut off
}

TEST_P(ParticipantRule, EndsAndBeginsByTheClock)
{
    const auto rule = block_participant(member);
    program.rules[rule.index].until_ns = 1;
    expect_media(chinese, MF_RULE_ENDED, rule);
    expect(check(chinese, member.ufrag, 1), MF_RULE_ENDED, rule);
    program.rules[rule.index].until_ns = MF_NO_END;
    program.rules[rule.index].from_ns = ~0ULL;
    expect_media(chinese, MF_RULE_NOT_STARTED, rule);
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(ParticipantRule, HasExceptions)
{
    const auto rule = program.add_rule(
        theirs, {.except = {host.american_prefix}, .whom = Whom::participant, .participant = member.owner});
    expect_media(american, MF_EXCEPTED, rule);
    expect(check(american, member.ufrag, 1), MF_EXCEPTED, rule);
    expect_media(chinese, MF_DROP_PARTICIPANT, rule);
}

TEST_P(ParticipantRule, EndsWithTheParticipant)
{
    block_participant(member);
    program.remove_participant(member.owner);
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, member.ufrag, 1), MF_UNKNOWN_UFRAG);
}

TEST_P(ParticipantRule, NeedsAProvenFlow)
{
    block_participant(member);
    flow(chinese)->proven -= LoadedProgram::kFlowIdle;
    expect_media(chinese, MF_UNATTRIBUTED);
    dedicate();
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(ParticipantRule, GivesWayToNoOtherRuleThatDrops)
{
    const auto one = block_participant(member);
    const auto country = block(theirs);
    expect_media(chinese, MF_DROP_PARTICIPANT, one); // the first that drops
    expect_media(american, MF_DROP_PARTICIPANT, one);
    expect_media(neighbour, MF_DROP_COUNTRY, country);
}

TEST_P(ParticipantRule, TellsOfTheOneWhoIsCutOff)
{
    const auto rule = block_participant(member);
    (void)program.take_events();
    for (unsigned i = 0; i < 20; ++i) {
        (void)program.run(media_in(chinese));
        (void)program.run_egress(media_out(chinese));
        (void)program.run(media_in(american));
    }
    const auto events = take_events(MF_EVENT_PARTICIPANT);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].participant, member.owner);
    EXPECT_EQ(events[0].meeting, program.meetings[theirs].number);
    EXPECT_EQ(events[0].rule, rule.number);
    EXPECT_EQ(events[0].country, country("CN").number());
    EXPECT_EQ(events[0].reason, MF_DROP_PARTICIPANT);
    EXPECT_EQ(events[0].direction, MF_INGRESS);
}

TEST_P(ParticipantRule, TellsOfWhoeverACountryRuleCutsOff)
{
    block(theirs);
    (void)program.run_egress(media_out(chinese));
    (void)program.run_egress(media_out(neighbour));
    (void)program.run_egress(media_out(chinese));
    const auto events = take_events(MF_EVENT_PARTICIPANT);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].participant, member.owner);
    EXPECT_EQ(events[1].participant, fellow.owner);
    for (const auto& event : events) {
        EXPECT_EQ(event.reason, MF_DROP_COUNTRY);
        EXPECT_EQ(event.direction, MF_EGRESS);
    }
}

TEST_P(ParticipantRule, TellsAgainAfterTheInterval)
{
    block_participant(member);
    (void)program.run(media_in(chinese));
    ASSERT_EQ(take_events(MF_EVENT_PARTICIPANT).size(), 1U);
    auto& told = program.participants[member.owner & MF_PARTICIPANT_INDEX].told;
    constexpr std::uint32_t kTicksOfTenSeconds = 10;
    ASSERT_NE(told, 0U);
    if (told > kTicksOfTenSeconds) { // since boot
        told -= kTicksOfTenSeconds;
        (void)program.run(media_in(chinese));
        EXPECT_EQ(take_events(MF_EVENT_PARTICIPANT).size(), 1U);
    }
    (void)program.run(media_in(chinese));
    EXPECT_TRUE(take_events(MF_EVENT_PARTICIPANT).empty());
}

class AllBut : public SharedPortTest {
protected:
    AllBut()
    {
        handshake(chinese, member);
        handshake(american, member);
        handshake(unplaced, member);
        handshake(neighbour, bystander);
        rule = program.add_rule(theirs, {.countries = {"US", "HK"}, .whom = Whom::all_but});
    }

    PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, AllBut, kEveryFamilyAndTransport, family_and_transport);

TEST_P(AllBut, DropsWhoIsPlacedElsewhere)
{
    expect_media(chinese, MF_DROP_NOT_ALLOWED, rule);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);
    expect_media(unplaced, MF_UNPLACED);
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
    const SocketAddress from_hong_kong{host.hong_kong, kClientPort};
    expect(check(chinese, member.ufrag, 1), MF_DROP_NOT_ALLOWED, rule);
    expect(check(from_hong_kong, member.ufrag, 2), MF_COUNTRY_NOT_CONCERNED);
    expect(check(unplaced, member.ufrag, 3), MF_UNPLACED);
    expect_out(server_check(chinese, member.ufrag, 4), MF_DROP_NOT_ALLOWED, rule);
    expect_media({host.chinese, 1024}, MF_UNATTRIBUTED);
}

TEST_P(AllBut, HoldsOnDedicatedEndpoints)
{
    program.endpoints[1].meeting = theirs;
    program.endpoints[1].flags = 0;
    expect_media(chinese, MF_DROP_NOT_ALLOWED, rule);
    expect_media({host.chinese, 1024}, MF_DROP_NOT_ALLOWED, rule);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);
    expect_media({host.hong_kong, 1024}, MF_COUNTRY_NOT_CONCERNED);
    expect_media(unplaced, MF_UNPLACED);
}

TEST_P(AllBut, MonitorsEndsAndExcepts)
{
    auto& element = program.rules[rule.index];
    element.mode = MF_MONITOR;
    expect_media(chinese, MF_MONITORED, rule);
    element.until_ns = 1;
    expect_media(chinese, MF_RULE_ENDED, rule);
    element.until_ns = MF_NO_END;
    element.mode = MF_ENFORCE;
    const auto lenient = program.add_rule(ours, {.except = {host.chinese_prefix}, .whom = Whom::all_but});
    expect_media(neighbour, MF_EXCEPTED, lenient);
    expect_media(chinese, MF_DROP_NOT_ALLOWED, rule);
}

} // namespace
} // namespace meetfence::test
