// SPDX-License-Identifier: Apache-2.0
// A flow stays a participant's as long as requests are answered on it, and goes where the participant goes.
#include "tests/bpf/paused_rule.h"

namespace meetfence::test {
namespace {

class FlowLife : public PausedRuleTest {};
INSTANTIATE_TEST_SUITE_P(Everywhere, FlowLife, kEveryFamilyAndTransport, family_and_transport);

TEST_P(FlowLife, ForgetsIdleFlows)
{
    handshake(chinese, member);
    start_rule();
    age(chinese, LoadedProgram::kFlowIdle - 2); // the clock may tick meanwhile
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    age(chinese, LoadedProgram::kFlowIdle);
    expect_media(chinese, MF_UNATTRIBUTED);
    age(chinese, 1'000'000);
    expect_media(chinese, MF_UNATTRIBUTED);
    flow(chinese)->proven = LoadedProgram::tick() + 1; // another CPU's clock is ahead
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLife, IsRefreshedByItsOwnChecks)
{
    handshake(chinese, member);
    age(chinese, 50);
    const auto before = LoadedProgram::tick();
    handshake(chinese, member);
    EXPECT_GE(flow(chinese)->proven, before);
    age(chinese, 500); // and comes back to life
    handshake(chinese, member);
    EXPECT_GE(flow(chinese)->proven, before);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 1U);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    age(chinese, 50);
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule); // unanswered
    expect_media(chinese, MF_RULE_NOT_STARTED, rule);
    EXPECT_LE(flow(chinese)->proven, before);
}

TEST_P(FlowLife, RemembersNothingThatWouldSayNothingNew)
{
    const auto expect_remembered = [&](const Bytes& asked, unsigned more) {
        const auto before = program.tally(MF_TALLY_PENDING);
        EXPECT_EQ(program.run(asked).verdict, Verdict::pass);
        EXPECT_EQ(program.tally(MF_TALLY_PENDING), before + more);
    };
    const auto next = [&] { return check(chinese, member.ufrag, next_transaction()); };
    handshake(chinese, member);
    expect_remembered(next(), 0);
    age(chinese, LoadedProgram::kFlowIdle / 4 - 2); // the clock may tick meanwhile
    expect_remembered(next(), 0);
    expect_remembered(check(chinese, bystander.ufrag, next_transaction()), 1);
    expect_remembered(check(chinese, "nobody", next_transaction()), 1);
    expect_remembered(check(neighbour, member.ufrag, next_transaction()), 1);
    const auto two = Stun(kBindingRequest, next_transaction()).username("x:c").username(member.ufrag + ":c");
    expect_remembered(in(chinese, two), 1);
    age(chinese, LoadedProgram::kFlowIdle / 4);
    expect_remembered(next(), 1);
    flow(chinese)->proven = MF_TICK_ALWAYS;
    expect_remembered(next(), 0);
    flow(chinese)->contested = LoadedProgram::tick();
    expect_remembered(next(), 1);
    flow(chinese)->contested = 0;
    flow(chinese)->rivalled = LoadedProgram::tick();
    expect_remembered(next(), 1);
}

TEST_P(FlowLife, GoesToWhoeverProvesItWhenItIsIdle)
{
    handshake(chinese, member);
    age(chinese, LoadedProgram::kFlowIdle);
    handshake(chinese, bystander); // the NAT gave the port to somebody else
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    start_rule();
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(FlowLife, KeepsWhatTheApiSaysUntilTheApiTakesItBack)
{
    program.add_flow(member.owner, transport, chinese, server).proven = MF_TICK_ALWAYS;
    handshake(chinese, member);
    EXPECT_EQ(flow(chinese)->proven, MF_TICK_ALWAYS);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLife, FollowsANatThatRebinds)
{
    handshake(chinese, member);
    handshake(neighbour, member);
    EXPECT_EQ(owner_of(chinese), member.owner);
    EXPECT_EQ(owner_of(neighbour), member.owner);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    expect_media(neighbour, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLife, FollowsAnIceRestart)
{
    handshake(chinese, member);
    program.bind(member.owner, port(), "newUfrag");
    handshake(chinese, "newUfrag");
    EXPECT_EQ(owner_of(chinese), member.owner);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 1U);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    expect(check(chinese, "newUfrag", 1), MF_DROP_COUNTRY, rule);
    expect(check(chinese, member.ufrag, 2), MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLife, FollowsToTheOtherFamily)
{
    const auto& there = hosts(family == Family::ipv4 ? Family::ipv6 : Family::ipv4);
    program.add_endpoint(0, endpoint(transport, there.server), MF_ENDPOINT_LEARNS);
    program.bind(member.owner, endpoint(transport, there.server), member.ufrag);
    handshake(chinese, member);
    const SocketAddress client{there.chinese, kClientPort};
    const SocketAddress local{there.server, kMeetingPort};
    const auto towards = [&](const Bytes& message) -> Bytes {
        return Packet(transport, client, local).payload(coat(message));
    };
    const auto back = [&](const Bytes& message) -> Bytes {
        return Packet(transport, local, client).payload(coat(message));
    };
    expect(towards(request(Stack::firefox, Role::controlling, member.ufrag + ":c", 9)), MF_RULE_NOT_STARTED,
           rule);
    expect_out(back(success(client.address, 9)), MF_RULE_NOT_STARTED, rule);
    ASSERT_NE(program.find_flow(transport, client, local), nullptr);
    EXPECT_EQ(program.find_flow(transport, client, local)->owner, member.owner);
    start_rule();
    expect(towards(kRtp), MF_DROP_COUNTRY, rule);
    expect_out(back(kRtp), MF_DROP_COUNTRY, rule);
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLife, EndsWithTheParticipant)
{
    handshake(chinese, member);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    program.remove_participant(member.owner);
    expect_media(chinese, MF_UNATTRIBUTED);
    // The place in the table goes to somebody else.
    auto& element = program.participants[member.owner & MF_PARTICIPANT_INDEX];
    element = {.owner = member.owner + (1ULL << MF_PARTICIPANT_SHIFT), .meeting = theirs};
    expect_media(chinese, MF_UNATTRIBUTED);
    handshake(chinese, bystander);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
}

TEST_P(FlowLife, IsNothingThatAnybodyWhoLeftCanProve)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    program.remove_participant(member.owner);
    EXPECT_EQ(program.run_egress(answer(chinese, 1)).verdict, Verdict::pass);
    start_rule();
    expect_media(chinese, MF_UNATTRIBUTED);
}

} // namespace
} // namespace meetfence::test
