// SPDX-License-Identifier: Apache-2.0
// The media server's word about a participant may come after the participant's first checks.
#include <array>
#include <netinet/in.h>

#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class LateBinding : public SharedPortTest {
protected:
    LateBinding() : rule(block(theirs)) {}

    const PlacedRule rule;
    const std::string late = "n8Wk3zYq5TbV7cXm"; // pion's length
};
INSTANTIATE_TEST_SUITE_P(Everywhere, LateBinding, kEveryFamilyAndTransport, family_and_transport);

TEST_P(LateBinding, FindsWhoIsAlreadyThereWithTheNextCheck)
{
    EXPECT_FALSE(program.find_sighting(port(), late));
    expect(check(chinese, late, 1), MF_UNKNOWN_UFRAG);
    EXPECT_FALSE(program.find_sighting(port(), late)); // nobody answered yet
    const auto before = LoadedProgram::tick();
    expect_out(answer(chinese, 1), MF_UNKNOWN_UFRAG);
    EXPECT_EQ(owner_of(chinese), 0U);
    const auto sighting = program.find_sighting(port(), late);
    ASSERT_TRUE(sighting);
    EXPECT_GE(sighting->seen, before);
    EXPECT_LE(sighting->seen, LoadedProgram::tick());
    expect_media(chinese, MF_UNATTRIBUTED);

    program.rules[rule.index].mode = MF_MONITOR;
    program.bind(member.owner, port(), late);
    expect(check(chinese, late, 2), MF_MONITORED, rule);
    expect_out(answer(chinese, 2), MF_MONITORED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
    program.rules[rule.index].mode = MF_ENFORCE;
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(LateBinding, HasTheFlowThatWasSeen)
{
    handshake(chinese, late);
    const auto sighting = program.find_sighting(port(), late);
    ASSERT_TRUE(sighting);
    // As the daemon does: the flow at once, without a check.
    const auto& seen = sighting->flow;
    EXPECT_EQ(IpAddress(std::to_array(seen.remote)), host.chinese);
    EXPECT_EQ(IpAddress(std::to_array(seen.local)), host.server);
    EXPECT_EQ(ntohs(seen.remote_port), kClientPort);
    EXPECT_EQ(ntohs(seen.local_port), kMeetingPort);
    EXPECT_EQ(seen.protocol, transport == Transport::tcp ? kTcp : kUdp);
    handshake(neighbour, late); // moves on
    EXPECT_EQ(ntohs(program.find_sighting(port(), late)->flow.remote_port), kClientPort + 1);
}

TEST_P(LateBinding, NotesWhoAnswersTheServer)
{
    expect_out(server_check(chinese, late, 1), MF_UNKNOWN_UFRAG);
    expect(client_answer(chinese, 1), MF_UNKNOWN_UFRAG);
    EXPECT_TRUE(program.find_sighting(port(), late));
}

TEST_P(LateBinding, NotesNobodyWithoutAnAnswer)
{
    expect(check(chinese, late, 1), MF_UNKNOWN_UFRAG);
    expect_out(out(chinese, error(1)), MF_UNKNOWN_UFRAG);
    expect_out(answer(chinese, 2), MF_UNATTRIBUTED);
    EXPECT_FALSE(program.find_sighting(port(), late));
}

TEST_P(LateBinding, NotesPeopleWhomNoRuleConcernsToo)
{
    handshake(american, late);
    EXPECT_TRUE(program.find_sighting(port(), late));
}

TEST_P(LateBinding, MayComeBetweenRequestAndAnswer)
{
    program.rules[rule.index].mode = MF_MONITOR;
    expect(check(chinese, late, 1), MF_UNKNOWN_UFRAG);
    program.bind(member.owner, port(), late);
    expect_out(answer(chinese, 1), MF_MONITORED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
    EXPECT_FALSE(program.find_sighting(port(), late));

    program.rules[rule.index].mode = MF_ENFORCE;
    expect(check(neighbour, "later", 2), MF_UNKNOWN_UFRAG);
    program.bind(member.owner, port(), "later");
    expect_out(answer(neighbour, 2), MF_DROP_COUNTRY, rule); // and proves the flow all the same
    EXPECT_EQ(owner_of(neighbour), member.owner);
    EXPECT_FALSE(program.find_sighting(port(), "later"));
    expect_media(neighbour, MF_DROP_COUNTRY, rule);
}

TEST_P(LateBinding, OfARestartedParticipantContestsTheFlowUntilItIsBound)
{
    program.rules[rule.index].mode = MF_MONITOR;
    handshake(chinese, member);
    expect_media(chinese, MF_MONITORED, rule);
    handshake(chinese, late); // a new transport on the same addresses, not handed over yet
    expect_media(chinese, MF_CONTESTED);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 1U);
    handshake(chinese, member); // the old one's checks go on for a while, and say nothing new
    expect_media(chinese, MF_CONTESTED);
    program.bind(member.owner, port(), late);
    expect_media(chinese, MF_CONTESTED);
    expect(check(chinese, late, 1), MF_MONITORED, rule); // before it is answered
    expect_media(chinese, MF_MONITORED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
}

TEST_P(LateBinding, OfARestartedParticipantWhoIsKeptOutEndsTheContestToo)
{
    program.rules[rule.index].mode = MF_MONITOR;
    handshake(chinese, member);
    handshake(chinese, late);
    program.rules[rule.index].mode = MF_ENFORCE;
    expect_media(chinese, MF_CONTESTED);
    program.bind(member.owner, port(), late);
    expect(check(chinese, member.ufrag, 1), MF_DROP_COUNTRY, rule); // not what contested it
    const Bytes both = Stun(kBindingRequest, 2).username("nobody:c").username(late + ":c").integrity();
    expect(in(chinese, both), MF_DROP_COUNTRY, rule); // servers differ in which name they take
    EXPECT_EQ(program.explain(check(chinese, late, 3)).answer.reason, MF_DROP_COUNTRY);
    expect_media(chinese, MF_CONTESTED);
    expect(check(chinese, late, 4), MF_DROP_COUNTRY, rule);
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(LateBinding, OfARestartedParticipantEndsTheContestByTheServersCheckToo)
{
    program.rules[rule.index].mode = MF_MONITOR;
    handshake(chinese, member);
    handshake(chinese, late);
    program.bind(member.owner, port(), late);
    expect_media(chinese, MF_CONTESTED);
    expect_out(server_check(chinese, late, 1), MF_MONITORED, rule);
    expect_media(chinese, MF_MONITORED, rule);
}

TEST_P(LateBinding, OfAnotherMeetingLeavesTheFlowContested)
{
    program.rules[rule.index].mode = MF_MONITOR;
    handshake(chinese, member);
    handshake(chinese, late);
    program.bind(bystander.owner, port(), late);
    handshake(chinese, late);
    expect_media(chinese, MF_CONTESTED);
    handshake(chinese, member);
    expect_media(chinese, MF_CONTESTED);
}

// The API knows better than somebody nobody knows.
TEST_P(LateBinding, IsJudgedByTheFlowThatTheApiTold)
{
    program.add_flow(member.owner, transport, chinese, server).proven = MF_TICK_ALWAYS;
    program.add_flow(bystander.owner, transport, neighbour, server).proven = MF_TICK_ALWAYS;
    expect(check(chinese, late, 1), MF_DROP_COUNTRY, rule);
    expect_out(server_check(chinese, late, 2), MF_DROP_COUNTRY, rule);
    expect(check(neighbour, late, 3), MF_COUNTRY_NOT_CONCERNED);
    expect_out(answer(neighbour, 3), MF_COUNTRY_NOT_CONCERNED);
    expect_out(server_check(neighbour, late, 4), MF_COUNTRY_NOT_CONCERNED);
    expect(in(neighbour, error(4)), MF_COUNTRY_NOT_CONCERNED);
    program.rules[rule.index].mode = MF_MONITOR;
    expect(check(chinese, late, 5), MF_MONITORED, rule);
    expect_out(answer(chinese, 5), MF_MONITORED, rule);
    EXPECT_TRUE(program.find_sighting(port(), late));
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    EXPECT_TRUE(take_events(MF_EVENT_CONTESTED).empty());
    expect_media(chinese, MF_MONITORED, rule);
    expect_media(neighbour, MF_COUNTRY_NOT_CONCERNED);
    program.remove_participant(member.owner); // nobody's flow says nothing
    expect(check(chinese, late, 6), MF_UNKNOWN_UFRAG);
    expect_out(answer(chinese, 6), MF_UNKNOWN_UFRAG);
}

TEST_P(LateBinding, IsNotJudgedByAFlowThatWasLearned)
{
    program.rules[rule.index].mode = MF_MONITOR;
    handshake(chinese, member);
    program.rules[rule.index].mode = MF_ENFORCE;
    expect(check(chinese, late, 1), MF_UNKNOWN_UFRAG);
    expect_out(out(chinese, error(1)), MF_UNKNOWN_UFRAG);
    expect_out(server_check(chinese, late, 2), MF_UNKNOWN_UFRAG);
    expect(client_answer(chinese, 2), MF_UNKNOWN_UFRAG);
    expect_media(chinese, MF_CONTESTED);
}

TEST_P(LateBinding, SeesEachFamilyApart)
{
    const std::string any =
        (transport == Transport::udp ? "udp:*:" : "tcp:*:") + std::to_string(kMeetingPort);
    const auto& there = hosts(family == Family::ipv4 ? Family::ipv6 : Family::ipv4);
    const SocketAddress client{there.chinese, kClientPort};
    const SocketAddress local{there.server, kMeetingPort};
    program.add_endpoint(0, any, MF_ENDPOINT_LEARNS);
    handshake(chinese, late);
    EXPECT_FALSE(program.find_sighting(endpoint(transport, there.server), late));
    const Bytes asked = Packet(transport, client, local)
                            .payload(coat(request(Stack::chrome, Role::controlling, late + ":c", 9)));
    const Bytes answered = Packet(transport, local, client).payload(coat(success(client.address, 9)));
    expect(asked, MF_UNKNOWN_UFRAG);
    expect_out(answered, MF_UNKNOWN_UFRAG);
    const auto seen_there = program.find_sighting(endpoint(transport, there.server), late);
    ASSERT_TRUE(seen_there);
    EXPECT_EQ(IpAddress(std::to_array(seen_there->flow.remote)), there.chinese);
    const auto seen_here = program.find_sighting(port(), late);
    ASSERT_TRUE(seen_here);
    EXPECT_EQ(IpAddress(std::to_array(seen_here->flow.remote)), host.chinese);
}

} // namespace
} // namespace meetfence::test
