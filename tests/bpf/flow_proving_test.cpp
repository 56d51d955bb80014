// SPDX-License-Identifier: Apache-2.0
// Whoever is kept out, and whose media runs before anything has said whose it is: one more check passes, the
// other side's answer says whether it is genuine, and from then on nothing passes.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class FlowProving : public SharedPortTest {
protected:
    FlowProving() : rule(block(theirs)) {}

    void expect_kept_out(const SocketAddress& client)
    {
        EXPECT_EQ(owner_of(client), member.owner);
        const auto remembered = program.tally(MF_TALLY_PENDING);
        expect_media(client, MF_DROP_COUNTRY, rule);
        expect(check(client, member.ufrag, next_transaction()), MF_DROP_COUNTRY, rule);
        expect_out(server_check(client, member.ufrag, next_transaction()), MF_DROP_COUNTRY, rule);
        EXPECT_EQ(program.tally(MF_TALLY_PENDING), remembered);
    }
    void expect_refused(const SocketAddress& client)
    {
        const auto remembered = program.tally(MF_TALLY_PENDING);
        expect(check(client, member.ufrag, next_transaction()), MF_DROP_COUNTRY, rule);
        expect_out(server_check(client, member.ufrag, next_transaction()), MF_DROP_COUNTRY, rule);
        EXPECT_EQ(program.tally(MF_TALLY_PENDING), remembered);
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, FlowProving, kEveryFamilyAndTransport, family_and_transport);

TEST_P(FlowProving, EndsWithTheServersAnswer)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, member.ufrag, 1), MF_PROVING);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 1U);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect_media(chinese, MF_UNATTRIBUTED);
    expect_out(answer(chinese, 1), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 1U);
    expect_kept_out(chinese);
}

TEST_P(FlowProving, EndsWithTheClientsAnswer)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    expect_out(server_check(chinese, member.ufrag, 1), MF_PROVING);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 1U);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect(client_answer(chinese, 1), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 1U);
    expect_kept_out(chinese);
}

TEST_P(FlowProving, TakesMediaOfEitherDirection)
{
    expect(media_in(chinese), MF_UNATTRIBUTED);
    expect_out(server_check(chinese, member.ufrag, 1), MF_PROVING);
    expect_out(media_out(neighbour), MF_UNATTRIBUTED);
    expect(check(neighbour, member.ufrag, 2), MF_PROVING);
    EXPECT_EQ(program.flows_with_media(), 2U);
}

TEST_P(FlowProving, NeedsMediaOnTheSameFlow)
{
    expect_refused(chinese);
    expect_media(neighbour, MF_UNATTRIBUTED);
    expect_refused(chinese);
}

TEST_P(FlowProving, NeedsMediaThatNobodyExplains)
{
    handshake(american, bystander);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED); // whom no rule concerns
    program.add_flow(bystander.owner, transport, chinese, server);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED); // the bystander's
    EXPECT_EQ(program.flows_with_media(), 0U);
    expect_refused(chinese);
    flow(chinese)->contested = LoadedProgram::tick();
    expect_media(chinese, MF_CONTESTED);
    EXPECT_EQ(program.flows_with_media(), 0U);
    expect_refused(chinese);
}

TEST_P(FlowProving, NeedsMediaOfLate)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    program.age_media(LoadedProgram::kFlowIdle - 2); // the clock may tick meanwhile
    expect(check(chinese, member.ufrag, 1), MF_PROVING);
    program.age_media(2);
    expect_refused(chinese);
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, member.ufrag, 2), MF_PROVING);
}

TEST_P(FlowProving, NeedsASuccess)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    for (unsigned round = 0; round < 5; ++round) {
        const auto asked = next_transaction();
        expect(check(chinese, member.ufrag, asked), MF_PROVING);
        expect_out(out(chinese, error(asked)), MF_DROP_COUNTRY, rule);
        const auto back = next_transaction();
        expect_out(server_check(chinese, member.ufrag, back), MF_PROVING);
        expect(in(chinese, error(back)), MF_DROP_COUNTRY, rule);
        expect_media(chinese, MF_UNATTRIBUTED);
    }
    EXPECT_EQ(owner_of(chinese), 0U);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 0U);
}

TEST_P(FlowProving, NeedsARequest)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    const Bytes indication = Stun(kBindingIndication, 2).username(member.ufrag + ":c").integrity();
    expect(in(chinese, indication), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
}

TEST_P(FlowProving, ComesAgainWhenTheFlowIsIdle)
{
    program.add_flow(member.owner, transport, chinese, server).proven -= LoadedProgram::kFlowIdle;
    expect_refused(chinese);
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, member.ufrag, 1), MF_PROVING);
    expect_out(answer(chinese, 1), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 0U); // it is the one that was there
    expect_kept_out(chinese);
}

TEST_P(FlowProving, IsForParticipantsWhoAreKeptOutToo)
{
    const auto one = block_participant(bystander);
    for (const auto& client : {chinese, american, unplaced}) {
        const auto asked = next_transaction();
        expect_media(client, MF_UNATTRIBUTED);
        expect(check(client, bystander.ufrag, asked), MF_PROVING);
        expect_out(answer(client, asked), MF_DROP_PARTICIPANT, one);
        expect_media(client, MF_DROP_PARTICIPANT, one);
        expect(check(client, bystander.ufrag, next_transaction()), MF_DROP_PARTICIPANT, one);
    }
}

TEST_P(FlowProving, IsNotForThoseWhoAreOnlyWatched)
{
    program.rules[rule.index].mode = MF_MONITOR;
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, member.ufrag, 1), MF_MONITORED, rule);
    expect_out(answer(chinese, 1), MF_MONITORED, rule);
    expect_media(chinese, MF_MONITORED, rule);
}

TEST_P(FlowProving, IsNotForDedicatedEndpoints)
{
    expect_media(neighbour, MF_UNATTRIBUTED);
    program.endpoints[1].meeting = theirs;
    const auto one = block_participant(member);
    program.rules[rule.index].until_ns = 1;
    expect_media(chinese, MF_RULE_ENDED, rule);
    EXPECT_EQ(program.flows_with_media(), 1U);
    for (const auto& client : {chinese, neighbour}) {
        expect(check(client, member.ufrag, next_transaction()), MF_DROP_PARTICIPANT, one);
    }
}

TEST_P(FlowProving, TellsNobodyBeforeSomethingIsDropped)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, member.ufrag, 1), MF_PROVING);
    EXPECT_TRUE(program.take_events().empty());
    expect_out(answer(chinese, 1), MF_DROP_COUNTRY, rule);
    const auto events = take_events(MF_EVENT_PARTICIPANT);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].participant, member.owner);
    EXPECT_EQ(events[0].direction, MF_EGRESS);
}

TEST_P(FlowProving, IsToldToWhoeverAsksAndNotBegunByIt)
{
    EXPECT_EQ(program.explain(media_in(chinese)).answer.reason, MF_UNATTRIBUTED);
    EXPECT_EQ(program.flows_with_media(), 0U);
    EXPECT_EQ(program.explain(check(chinese, member.ufrag, 1)).answer.reason, MF_DROP_COUNTRY);
    expect_media(chinese, MF_UNATTRIBUTED);
    const auto told = program.explain(check(chinese, member.ufrag, 2));
    EXPECT_EQ(told.answer.reason, MF_PROVING);
    EXPECT_EQ(told.answer.participant, member.owner);
    EXPECT_EQ(told.verdict, Verdict::pass);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
}

} // namespace
} // namespace meetfence::test
