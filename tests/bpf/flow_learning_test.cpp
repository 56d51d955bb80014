// SPDX-License-Identifier: Apache-2.0
// A flow is a participant's once a request was answered on it.
#include "tests/bpf/paused_rule.h"

namespace meetfence::test {
namespace {

class FlowLearning : public PausedRuleTest {
protected:
    void expect_nothing_learned(const SocketAddress& client)
    {
        EXPECT_EQ(owner_of(client), 0U);
        EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 0U);
        start_rule();
        expect_media(client, MF_UNATTRIBUTED);
    }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, FlowLearning, kEveryFamilyAndTransport, family_and_transport);

TEST_P(FlowLearning, TakesARequestAndItsAnswer)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 1U);
    EXPECT_EQ(owner_of(chinese), 0U);
    const auto before = LoadedProgram::tick();
    expect_out(answer(chinese, 1), MF_RULE_NOT_STARTED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 1U);
    EXPECT_GE(flow(chinese)->proven, before);
    EXPECT_LE(flow(chinese)->proven, LoadedProgram::tick());
    EXPECT_EQ(flow(chinese)->contested, 0U);
    EXPECT_EQ(flow(chinese)->rivalled, 0U);
    expect_media(chinese, MF_RULE_NOT_STARTED, rule);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLearning, TakesTheServersCheckAndItsAnswer)
{
    // A client who never asks: known by the ufrag behind the colon.
    expect_out(server_check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect(client_answer(chinese, 1), MF_RULE_NOT_STARTED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLearning, TakesAnAnswerThatRepeatsTheUsername)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    expect_out(out(chinese, success(host.chinese, 1, member.ufrag + ":KKh3")), MF_RULE_NOT_STARTED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
}

TEST_P(FlowLearning, LearnsOfPeopleWhomNoRuleConcerns)
{
    // So that a rule made in the middle of a call bites with the next packet.
    expect(check(american, member.ufrag, 1), MF_COUNTRY_NOT_CONCERNED);
    expect_out(answer(american, 1), MF_COUNTRY_NOT_CONCERNED);
    EXPECT_EQ(owner_of(american), member.owner);
    const auto late = program.add_rule(theirs, {.countries = {"US"}});
    expect_media(american, MF_DROP_COUNTRY, late);
}

TEST_P(FlowLearning, NeedsTheSameTransaction)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    for (std::size_t byte = 8; byte < kStunHeaderBytes; ++byte) {
        auto stun = success(host.chinese, 1).bytes();
        stun.at(byte) ^= 0x40;
        expect_out(out(chinese, stun), MF_UNATTRIBUTED);
    }
    expect_nothing_learned(chinese);
}

TEST_P(FlowLearning, NeedsTheSameAddresses)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    expect_out(answer(neighbour, 1), MF_UNATTRIBUTED);
    program.add_endpoint(0, endpoint(transport, host.other_server), MF_ENDPOINT_LEARNS);
    const Bytes other_address =
        Packet(transport, {host.other_server, kMeetingPort}, chinese).payload(coat(success(host.chinese, 1)));
    expect_out(other_address, MF_UNATTRIBUTED);
    program.add_endpoint(0, endpoint(transport, host.server, 41000), MF_ENDPOINT_LEARNS);
    const Bytes other_port =
        Packet(transport, {host.server, 41000}, chinese).payload(coat(success(host.chinese, 1)));
    expect_out(other_port, MF_UNATTRIBUTED);
    expect_nothing_learned(neighbour);
    EXPECT_EQ(owner_of(chinese), 0U);
}

TEST_P(FlowLearning, NeedsTheAnswerFromTheOtherSide)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    expect(client_answer(chinese, 1), MF_UNATTRIBUTED); // to itself
    expect_out(server_check(chinese, member.ufrag, 2), MF_RULE_NOT_STARTED, rule);
    expect_out(answer(chinese, 2), MF_UNATTRIBUTED);
    expect_nothing_learned(chinese);
}

TEST_P(FlowLearning, TellsRequestsOfTheTwoSidesApart)
{
    // A client that repeats the server's transaction as its own puts nothing in the other's place.
    expect_out(server_check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    expect(check(chinese, "nobody", 1), MF_UNKNOWN_UFRAG);
    expect_out(answer(chinese, 1), MF_UNKNOWN_UFRAG);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect(client_answer(chinese, 1), MF_RULE_NOT_STARTED, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
}

TEST_P(FlowLearning, NeedsASuccess)
{
    expect(check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    expect_out(out(chinese, error(1)), MF_RULE_NOT_STARTED, rule);
    expect_out(server_check(chinese, member.ufrag, 2), MF_RULE_NOT_STARTED, rule);
    expect(in(chinese, error(2)), MF_RULE_NOT_STARTED, rule);
    expect_out(out(chinese, Stun(kBindingIndication, 1).integrity()), MF_UNATTRIBUTED);
    expect_nothing_learned(chinese);
}

TEST_P(FlowLearning, NeedsARequest)
{
    expect_out(answer(chinese, 1), MF_UNATTRIBUTED);
    const Bytes indication = Stun(kBindingIndication, 2).username(member.ufrag + ":c").integrity();
    expect(in(chinese, indication), MF_RULE_NOT_STARTED, rule);
    expect_out(answer(chinese, 2), MF_UNATTRIBUTED);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
    expect_nothing_learned(chinese);
}

TEST_P(FlowLearning, LearnsNothingFromWhatComesInAlone)
{
    for (std::uint32_t i = 1; i <= 20; ++i) {
        expect(check(chinese, member.ufrag, i), MF_RULE_NOT_STARTED, rule);
        expect(client_answer(chinese, i), MF_UNATTRIBUTED);
        expect(media_in(chinese), MF_UNATTRIBUTED);
    }
    expect_nothing_learned(chinese);
}

TEST_P(FlowLearning, LetsUnconfirmedMediaPass)
{
    start_rule();
    expect_media(chinese, MF_UNATTRIBUTED);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);
    expect_media(unplaced, MF_UNPLACED);
}

TEST_P(FlowLearning, KeepsTheNewestOfManyRequests)
{
    // As Chromium asks at first: several at once, answered in order.
    for (std::uint32_t i = 1; i <= 5; ++i) {
        expect(check(chinese, member.ufrag, i), MF_RULE_NOT_STARTED, rule);
    }
    for (std::uint32_t i = 1; i <= 5; ++i) {
        expect_out(answer(chinese, i), MF_RULE_NOT_STARTED, rule);
    }
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 1U);
    EXPECT_EQ(owner_of(chinese), member.owner);
}

TEST_P(FlowLearning, HasNobodyBlockedProveAnything)
{
    start_rule();
    expect(check(chinese, member.ufrag, 1), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
    expect_out(answer(chinese, 1), MF_UNATTRIBUTED); // of a request that no server saw
    EXPECT_EQ(owner_of(chinese), 0U);
}

TEST_P(FlowLearning, DropsTheServersCheckAndTheAnswerToIt)
{
    expect_out(server_check(chinese, member.ufrag, 1), MF_RULE_NOT_STARTED, rule);
    start_rule();
    expect(in(chinese, error(1)), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect(client_answer(chinese, 1), MF_DROP_COUNTRY, rule); // asked just before: it proves the flow
    EXPECT_EQ(owner_of(chinese), member.owner);
    expect_out(server_check(chinese, member.ufrag, 2), MF_DROP_COUNTRY, rule);
    pause_rule();
    handshake(chinese, member);
    start_rule();
    expect_out(server_check(chinese, member.ufrag, 3), MF_DROP_COUNTRY, rule);
    expect(client_answer(chinese, 3), MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLearning, DropsTheServersAnswers)
{
    for (std::uint32_t i = 1; i <= 3; ++i) {
        expect(check(chinese, member.ufrag, i), MF_RULE_NOT_STARTED, rule);
    }
    start_rule(); // while the server thinks
    expect_out(out(chinese, error(2)), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect_out(answer(chinese, 1), MF_DROP_COUNTRY, rule); // the server has said that it is genuine
    EXPECT_EQ(owner_of(chinese), member.owner);
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    pause_rule();
    expect_out(answer(chinese, 3), MF_RULE_NOT_STARTED, rule);
    start_rule();
    expect_out(answer(chinese, 77), MF_DROP_COUNTRY, rule); // by the flow, whatever was asked
    expect_out(out(chinese, error(78)), MF_DROP_COUNTRY, rule);
    expect(client_answer(chinese, 79), MF_DROP_COUNTRY, rule);
}

TEST_P(FlowLearning, JudgesTheCountryByThePacketAndNotByThePerson)
{
    start_rule();
    handshake(american, member);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);
    expect(check(chinese, member.ufrag, 1), MF_DROP_COUNTRY, rule); // goes to China
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);               // and comes back
    handshake(american, member);
    pause_rule();
    handshake(chinese, member);
    start_rule();
    expect_media(chinese, MF_DROP_COUNTRY, rule);
    expect_media(american, MF_COUNTRY_NOT_CONCERNED);
    handshake(unplaced, member);
    expect_media(unplaced, MF_UNPLACED);
}

TEST_P(FlowLearning, TellsFlowsApartByEveryPartOfThem)
{
    handshake(chinese, member);
    start_rule();
    const auto other = transport == Transport::udp ? Transport::tcp : Transport::udp;
    program.add_endpoint(0, endpoint(other, host.server), MF_ENDPOINT_LEARNS);
    expect(Packet(other, chinese, server), MF_UNATTRIBUTED);
    program.add_endpoint(0, endpoint(transport, host.server, 41000), MF_ENDPOINT_LEARNS);
    expect(Packet(transport, chinese, {host.server, 41000}), MF_UNATTRIBUTED);
    program.add_endpoint(0, endpoint(transport, host.other_server), MF_ENDPOINT_LEARNS);
    expect(Packet(transport, chinese, {host.other_server, kMeetingPort}), MF_UNATTRIBUTED);
    for (std::size_t byte = family == Family::ipv4 ? 15 : 6; byte < 16; ++byte) {
        auto bytes = host.chinese.bytes();
        bytes.at(byte) ^= 0x20;
        expect_media({IpAddress(bytes), kClientPort}, MF_UNATTRIBUTED);
    }
    expect_media(neighbour, MF_UNATTRIBUTED);
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

} // namespace
} // namespace meetfence::test
