// SPDX-License-Identifier: Apache-2.0
// Somebody of the blocked meeting writes a bystander's address on packets with an own ufrag; the server
// answers to the bystander. Whatever comes first, the bystander notices nothing, and somebody is told.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class FlowPoisoning : public SharedPortTest {
protected:
    FlowPoisoning() : rule(block(theirs)) {}

    /// The member's requests are dropped while the rule holds; so it works ahead.
    void spoof(const SocketAddress& victim, std::string_view ufrag)
    {
        program.rules[rule.index].from_ns = ~0ULL;
        handshake(victim, ufrag);
        program.rules[rule.index].from_ns = 0;
    }
    void spoof(const SocketAddress& victim) { spoof(victim, member.ufrag); }

    void expect_alarm_of(std::uint32_t meeting)
    {
        const auto events = take_events(MF_EVENT_CONTESTED);
        ASSERT_EQ(events.size(), 1U);
        EXPECT_EQ(events[0].meeting, program.meetings[meeting].number);
        EXPECT_EQ(events[0].rule, 0U);
        EXPECT_EQ(events[0].participant, 0U);
        EXPECT_EQ(events[0].reason, MF_CONTESTED);
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, FlowPoisoning, kEveryFamilyAndTransport, family_and_transport);

TEST_P(FlowPoisoning, BeforeTheBystander)
{
    spoof(chinese);
    EXPECT_EQ(owner_of(chinese), member.owner);
    expect(check(chinese, bystander.ufrag, 1), MF_COUNTRY_NOT_CONCERNED);
    expect_out(answer(chinese, 1), MF_COUNTRY_NOT_CONCERNED);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 1U);
    expect_alarm_of(theirs);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(FlowPoisoning, BetweenTheBystandersRequestAndItsAnswer)
{
    expect(check(chinese, bystander.ufrag, 1), MF_COUNTRY_NOT_CONCERNED);
    spoof(chinese);
    expect_out(answer(chinese, 1), MF_COUNTRY_NOT_CONCERNED);
    expect_media(chinese, MF_CONTESTED);
    expect_alarm_of(theirs);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(FlowPoisoning, ByAUfragThatIsHandedOverAfterwards)
{
    handshake(chinese, "unknown"); // the bystander, who never is
    handshake(chinese, "late");
    program.bind(member.owner, port(), "late");
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, "late", 3), MF_PROVING);
    expect_out(answer(chinese, 3), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, "unknown");
}

TEST_P(FlowPoisoning, BetweenTheBystandersChecks)
{
    handshake(chinese, bystander);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
    spoof(chinese);
    expect_alarm_of(ours);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
}

TEST_P(FlowPoisoning, AgainAndAgain)
{
    for (unsigned round = 0; round < 10; ++round) {
        spoof(chinese);
        expect_untouched(chinese, bystander.ufrag);
    }
    EXPECT_GE(program.tally(MF_TALLY_CONTESTED), 10U);
    expect_alarm_of(theirs); // once, not with every packet
}

TEST_P(FlowPoisoning, EndsWithItself)
{
    handshake(chinese, bystander);
    spoof(chinese);
    expect_media(chinese, MF_CONTESTED);
    flow(chinese)->contested -= LoadedProgram::kFlowIdle;
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
    (void)program.take_events();
    spoof(chinese);
    expect_media(chinese, MF_CONTESTED);
    expect_alarm_of(ours); // a new one
}

TEST_P(FlowPoisoning, OfAFlowThatIsIdle)
{
    handshake(chinese, bystander);
    flow(chinese)->proven -= LoadedProgram::kFlowIdle;
    spoof(chinese); // takes it over: nobody is there
    EXPECT_EQ(owner_of(chinese), member.owner);
    expect_untouched(chinese, bystander.ufrag); // who is back
}

TEST_P(FlowPoisoning, OfAMeetingThatWasNeverHandedOver)
{
    spoof(chinese);
    expect(check(chinese, "unknown", 1), MF_UNKNOWN_UFRAG);
    expect_out(answer(chinese, 1), MF_UNKNOWN_UFRAG);
    expect_alarm_of(theirs);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, "unknown");
    spoof(chinese);
    expect_untouched(chinese, "unknown");
}

TEST_P(FlowPoisoning, LetsTheServerRefuseTheBystander)
{
    // A role conflict before the first success: the bystander must learn of it.
    spoof(chinese);
    expect(check(chinese, bystander.ufrag, 3), MF_COUNTRY_NOT_CONCERNED);
    expect_out(out(chinese, error(3)), MF_COUNTRY_NOT_CONCERNED);
    expect(check(chinese, "unknown", 1), MF_UNKNOWN_UFRAG);
    expect_out(out(chinese, error(1)), MF_UNKNOWN_UFRAG);
    expect_out(server_check(chinese, "unknown", 2), MF_UNKNOWN_UFRAG);
    expect(in(chinese, error(2)), MF_UNKNOWN_UFRAG);
}

TEST_P(FlowPoisoning, ByTheServersOwnChecks)
{
    // The member names the bystander's address as its own; the server asks there. Nobody answers, or with
    // an error, and that proves nothing.
    program.rules[rule.index].from_ns = ~0ULL;
    expect_out(server_check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    expect(in(chinese, error(1)), MF_RULE_NOT_STARTED, rule);
    program.rules[rule.index].from_ns = 0;
    EXPECT_EQ(owner_of(chinese), 0U);
    expect_untouched(chinese, bystander.ufrag);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
}

TEST_P(FlowPoisoning, ByTwoNamesInOneRequest)
{
    program.rules[rule.index].from_ns = ~0ULL;
    for (const bool member_first : {true, false}) {
        const SocketAddress client = member_first ? chinese : neighbour;
        const auto transaction = next_transaction();
        const auto first = (member_first ? member : bystander).ufrag + ":c";
        const auto second = (member_first ? bystander : member).ufrag + ":c";
        const Bytes both = Stun(kBindingRequest, transaction).username(first).username(second).integrity();
        EXPECT_EQ(program.run(in(client, both)).verdict, Verdict::pass);
        EXPECT_EQ(program.run_egress(answer(client, transaction)).verdict, Verdict::pass);
    }
    program.rules[rule.index].from_ns = 0;
    expect_media(chinese, MF_CONTESTED);
    expect_media(neighbour, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(FlowPoisoning, ByTwoNamesInTheFirstRequestRaisesTheAlarm)
{
    program.rules[rule.index].from_ns = ~0ULL;
    const Bytes both =
        Stun(kBindingRequest, 1).username(member.ufrag + ":c").username(bystander.ufrag + ":c").integrity();
    EXPECT_EQ(program.run(in(chinese, both)).verdict, Verdict::pass);
    EXPECT_EQ(program.run_egress(answer(chinese, 1)).verdict, Verdict::pass);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 1U);
    expect_alarm_of(theirs);
}

TEST_P(FlowPoisoning, ByTwoNamesOnAFlowThatIsProven)
{
    handshake(chinese, bystander);
    program.rules[rule.index].from_ns = ~0ULL;
    const Bytes both =
        Stun(kBindingRequest, 1).username(bystander.ufrag + ":c").username(member.ufrag + ":c").integrity();
    EXPECT_EQ(program.run(in(chinese, both)).verdict, Verdict::pass);
    EXPECT_EQ(program.run_egress(answer(chinese, 1)).verdict, Verdict::pass);
    program.rules[rule.index].from_ns = 0;
    expect_media(chinese, MF_CONTESTED);
    expect_alarm_of(ours);
}

TEST_P(FlowPoisoning, DoesNotEndByASecondNameThatNobodyKnows)
{
    // The member's flow is contested by a bystander who was not handed over, and whose ufrag leaked. Behind
    // its own, where servers that take the first do not look, it clears nothing.
    spoof(chinese);
    handshake(chinese, "unknown");
    expect_media(chinese, MF_CONTESTED);
    program.rules[rule.index].from_ns = ~0ULL;
    const Bytes both =
        Stun(kBindingRequest, 1).username(member.ufrag + ":c").username("unknown:c").integrity();
    EXPECT_EQ(program.run(in(chinese, both)).verdict, Verdict::pass);
    EXPECT_EQ(program.run_egress(answer(chinese, 1)).verdict, Verdict::pass);
    program.rules[rule.index].from_ns = 0;
    expect_media(chinese, MF_CONTESTED);
}

TEST_P(FlowPoisoning, DoesNotEndByTheMembersOwnNewTransport)
{
    // The member's flow is contested by the bystander, and then by a transport of the member's own that is
    // handed over late: that settles the second contest and not the first.
    spoof(chinese);
    handshake(chinese, bystander);
    handshake(chinese, "n8Wk3zYq5TbV7cXm");
    program.bind(member.owner, port(), "n8Wk3zYq5TbV7cXm");
    expect(check(chinese, "n8Wk3zYq5TbV7cXm", 1), MF_DROP_COUNTRY, rule);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(FlowPoisoning, ByAnotherOfTheSameMeetingLeavesTheCountryRules)
{
    const auto second = join(theirs, "second");
    program.rules[rule.index].from_ns = ~0ULL;
    handshake(chinese, member);
    handshake(chinese, second);
    program.rules[rule.index].from_ns = 0;
    EXPECT_EQ(owner_of(chinese), member.owner);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    EXPECT_TRUE(take_events(MF_EVENT_CONTESTED).empty());
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowPoisoning, ByAnotherOfTheSameMeetingEndsTheParticipantRules)
{
    const auto second = join(ours, "second");
    const auto one = block_participant(bystander);
    program.rules[one.index].from_ns = ~0ULL;
    handshake(chinese, bystander);
    program.rules[one.index].from_ns = 0;
    expect_media(chinese, MF_DROP_PARTICIPANT, one);
    handshake(chinese, second);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
    // The ufrag still says who asks.
    expect(check(chinese, bystander.ufrag, 1), MF_DROP_PARTICIPANT, one);
    expect(check(chinese, second.ufrag, 2), MF_COUNTRY_NOT_CONCERNED);
    flow(chinese)->rivalled -= LoadedProgram::kFlowIdle;
    expect_media(chinese, MF_DROP_PARTICIPANT, one);
}

TEST_P(FlowPoisoning, ByAParticipantWhoIsKeptOut)
{
    // Of the same meeting, before and between the fellow's checks.
    const auto fellow = join(ours, "fellow");
    const auto one = block_participant(fellow);
    for (const auto& client : {chinese, neighbour}) {
        if (client.port == neighbour.port) {
            handshake(client, bystander);
        }
        program.rules[one.index].from_ns = ~0ULL;
        handshake(client, fellow);
        program.rules[one.index].from_ns = 0;
        handshake(client, bystander);
        expect_media(client, MF_COUNTRY_NOT_CONCERNED);
        expect(check(client, fellow.ufrag, 1), MF_DROP_PARTICIPANT, one);
    }
    expect_untouched(chinese, bystander.ufrag);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
}

TEST_P(FlowPoisoning, OfAFlowThatTheApiTold)
{
    program.add_flow(bystander.owner, transport, chinese, server).proven = MF_TICK_ALWAYS;
    spoof(chinese);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(FlowPoisoning, LeavesTheNeighbourAlone)
{
    handshake(neighbour, bystander);
    spoof(chinese);
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
}

TEST_P(FlowPoisoning, IsOverWithTheRule)
{
    // While it is in force the member's own requests do not get through, spoofed or not.
    handshake(chinese, bystander);
    expect(check(chinese, member.ufrag, 1), MF_DROP_COUNTRY, rule);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
    expect_untouched(chinese, bystander.ufrag);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
}

} // namespace
} // namespace meetfence::test
