// SPDX-License-Identifier: Apache-2.0
// Asking about STUN and about flows: the participant is named, and nothing is learned.
#include <cstring>

#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class StunExplain : public SharedPortTest {
protected:
    StunExplain() : rule(block(theirs)) {}

    mf_explain ask(const Bytes& frame)
    {
        const auto counters = program.counters();
        std::vector<mf_flow> flows_before;
        for (std::size_t i = 0; i < program.flows.size(); ++i) {
            flows_before.push_back(program.flows[i]);
        }
        std::vector<std::uint64_t> tallies;
        for (const auto what : {MF_TALLY_PENDING, MF_TALLY_LEARNED, MF_TALLY_CONTESTED, MF_TALLY_NO_ROOM}) {
            tallies.push_back(program.tally(what));
        }
        const auto explanation = program.explain(frame);
        EXPECT_EQ(program.counters(), counters);
        for (std::size_t i = 0; i < program.flows.size(); ++i) {
            EXPECT_EQ(std::memcmp(&flows_before[i], &program.flows[i], sizeof(mf_flow)), 0) << i;
        }
        for (const auto what : {MF_TALLY_PENDING, MF_TALLY_LEARNED, MF_TALLY_CONTESTED, MF_TALLY_NO_ROOM}) {
            EXPECT_EQ(program.tally(what), tallies.at(what));
        }
        EXPECT_TRUE(program.take_events().empty());
        EXPECT_EQ(explanation.packet, frame);
        EXPECT_EQ(explanation.verdict,
                  explanation.answer.reason >= MF_FIRST_DROP ? Verdict::drop : Verdict::pass);
        return explanation.answer;
    }
    void expect(const mf_explain& answer, mf_reason reason, std::uint32_t meeting, std::uint64_t participant,
                std::uint64_t rule_number = 0)
    {
        EXPECT_EQ(answer.reason, reason);
        EXPECT_EQ(answer.country, country("CN").number());
        EXPECT_EQ(answer.meeting, meeting == 0 ? 0 : program.meetings[meeting].number);
        EXPECT_EQ(answer.participant, participant);
        EXPECT_EQ(answer.rule, rule_number);
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, StunExplain, kEveryFamilyAndTransport, family_and_transport);

TEST_P(StunExplain, NamesWhomARequestNames)
{
    expect(ask(check(chinese, member.ufrag, 1)), MF_DROP_COUNTRY, theirs, member.owner, rule.number);
    expect(ask(check(chinese, bystander.ufrag, 2)), MF_COUNTRY_NOT_CONCERNED, ours, bystander.owner);
    expect(ask(check(chinese, "nobody", 3)), MF_UNKNOWN_UFRAG, 0, 0);
}

TEST_P(StunExplain, TeachesNothing)
{
    program.rules[rule.index].mode = MF_MONITOR;
    expect(ask(check(chinese, member.ufrag, 1)), MF_MONITORED, theirs, member.owner, rule.number);
    expect_out(answer(chinese, 1), MF_UNATTRIBUTED); // nobody asked
    EXPECT_EQ(owner_of(chinese), 0U);
    // Nor is a question the answer to a request.
    SharedPortTest::expect_out(server_check(chinese, member.ufrag, 2), MF_MONITORED, rule);
    (void)program.take_events();
    expect(ask(client_answer(chinese, 2)), MF_MONITORED, theirs, member.owner, rule.number);
    EXPECT_EQ(owner_of(chinese), 0U);
    SharedPortTest::expect(client_answer(chinese, 2), MF_MONITORED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
}

TEST_P(StunExplain, ContestsNothing)
{
    handshake(chinese, bystander);
    program.rules[rule.index].mode = MF_MONITOR;
    expect_out(server_check(chinese, member.ufrag, 2), MF_MONITORED, rule);
    (void)program.take_events();
    expect(ask(client_answer(chinese, 2)), MF_MONITORED, theirs, member.owner, rule.number);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunExplain, NotesNoSighting)
{
    expect_out(server_check(chinese, "nobody", 1), MF_UNKNOWN_UFRAG);
    expect(ask(client_answer(chinese, 1)), MF_UNKNOWN_UFRAG, 0, 0);
    EXPECT_FALSE(program.find_sighting(port(), "nobody"));
}

TEST_P(StunExplain, NamesWhoseTheFlowIs)
{
    expect(ask(media_in(chinese)), MF_UNATTRIBUTED, 0, 0);
    program.add_flow(member.owner, transport, chinese, server);
    expect(ask(media_in(chinese)), MF_DROP_COUNTRY, theirs, member.owner, rule.number);
    program.add_flow(bystander.owner, transport, neighbour, server);
    expect(ask(media_in(neighbour)), MF_COUNTRY_NOT_CONCERNED, ours, bystander.owner);
    flow(chinese)->contested = LoadedProgram::tick();
    EXPECT_EQ(ask(media_in(chinese)).reason, MF_CONTESTED);
    EXPECT_EQ(ask(media_in(chinese)).participant, 0U);
}

TEST_P(StunExplain, DoesNotSpendTheParticipantsEvent)
{
    program.add_flow(member.owner, transport, chinese, server);
    (void)ask(media_in(chinese));
    EXPECT_EQ(program.participants[member.owner & MF_PARTICIPANT_INDEX].told, 0U);
    (void)program.run(media_in(chinese));
    EXPECT_EQ(take_events(MF_EVENT_PARTICIPANT).size(), 1U);
}

} // namespace
} // namespace meetfence::test
