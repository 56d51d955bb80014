// SPDX-License-Identifier: Apache-2.0
// TURN: what matters stands inside ChannelData and indications, on endpoints that are marked for it.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class Turn : public SharedPortTest {
protected:
    Turn() : SharedPortTest(MF_ENDPOINT_LEARNS | MF_ENDPOINT_TURN), rule(block(theirs)) {}

    /// As on the wire: TURN frames itself, on TCP too.
    [[nodiscard]] Packet bare_in(const SocketAddress& from, const Bytes& message) const
    {
        return Packet(transport, from, server).payload(message);
    }
    [[nodiscard]] Packet bare_out(const SocketAddress& to, const Bytes& message) const
    {
        return Packet(transport, server, to).payload(message);
    }
    [[nodiscard]] static Bytes ask(const Person& person, std::uint32_t transaction = 1)
    {
        return request(Stack::chrome, Role::controlling, person.ufrag + ":KKh3", transaction);
    }
    [[nodiscard]] static Bytes ask_back(const Person& person, std::uint32_t transaction = 1)
    {
        return request(Stack::libnice, Role::controlled, "KKh3:" + person.ufrag, transaction);
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Turn, kEveryFamilyAndTransport, family_and_transport);

TEST_P(Turn, IsUnwrappedOnTheWayIn)
{
    for (const auto& [wrapped, unwrapped] :
         {std::pair{channel_data(ask(member)), channel_data(ask(bystander))},
          std::pair{channel_data(ask(member), 0x7FFF), channel_data(ask(bystander), 0x4000)},
          std::pair{send_indication(ask(member)), send_indication(ask(bystander))}}) {
        expect(bare_in(chinese, wrapped), MF_DROP_COUNTRY, rule);
        expect(bare_in(chinese, unwrapped), MF_COUNTRY_NOT_CONCERNED);
    }
    const Person nobody{0, 0, "nobody"};
    expect(bare_in(chinese, channel_data(ask(nobody))), MF_UNKNOWN_UFRAG);
    expect(bare_in(chinese, send_indication(ask(nobody))), MF_UNKNOWN_UFRAG);
}

TEST_P(Turn, IsUnwrappedOnTheWayOut)
{
    for (const auto& [wrapped, unwrapped] :
         {std::pair{channel_data(ask_back(member)), channel_data(ask_back(bystander))},
          std::pair{data_indication(ask_back(member)), data_indication(ask_back(bystander))}}) {
        expect_out(bare_out(chinese, wrapped), MF_DROP_COUNTRY, rule);
        expect_out(bare_out(chinese, unwrapped), MF_COUNTRY_NOT_CONCERNED);
    }
}

TEST_P(Turn, TakesPlainChecksToo)
{
    expect(bare_in(chinese, ask(member)), MF_DROP_COUNTRY, rule);
    expect(bare_in(chinese, ask(bystander)), MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(Turn, LearnsFromWhatIsInside)
{
    program.rules[rule.index].until_ns = 0;
    const auto ended = MF_RULE_ENDED;
    // Requests by channel, answers by indication, and the other way round.
    expect(bare_in(chinese, channel_data(ask(member, 5))), ended, rule);
    EXPECT_EQ(owner_of(chinese), 0U);
    expect_out(bare_out(chinese, data_indication(success(host.chinese, 5))), ended, rule);
    EXPECT_EQ(owner_of(chinese), member.owner);
    expect_out(bare_out(neighbour, data_indication(ask_back(member, 6))), ended, rule);
    expect(bare_in(neighbour, channel_data(success(host.chinese, 6))), ended, rule);
    EXPECT_EQ(owner_of(neighbour), member.owner);
    program.rules[rule.index].until_ns = MF_NO_END;
    for (const auto& client : {chinese, neighbour}) {
        expect(bare_in(client, channel_data(kRtp)), MF_DROP_COUNTRY, rule);
        expect_out(bare_out(client, channel_data(kRtp)), MF_DROP_COUNTRY, rule);
        expect(bare_in(client, send_indication(kRtp)), MF_DROP_COUNTRY, rule);
        expect_out(bare_out(client, data_indication(kRtp)), MF_DROP_COUNTRY, rule);
    }
}

TEST_P(Turn, LetsTheFlowSayWhoseItsOwnRequestsAre)
{
    // The user name is an account's, even if it looks like a ufrag.
    for (const std::uint16_t type :
         {kAllocateRequest, std::uint16_t{0x0004}, std::uint16_t{0x0008}, std::uint16_t{0x0009}}) {
        SCOPED_TRACE(type);
        const Bytes allocate = Stun(type, 4).blank(0x0019, 4).username(member.ufrag + ":x").integrity();
        expect(bare_in(chinese, allocate), MF_UNATTRIBUTED);
        program.add_flow(bystander.owner, transport, chinese, server);
        expect(bare_in(chinese, allocate), MF_COUNTRY_NOT_CONCERNED);
        flow(chinese)->owner = member.owner;
        expect(bare_in(chinese, allocate), MF_DROP_COUNTRY, rule);
        *flow(chinese) = {};
    }
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
}

TEST_P(Turn, TakesAnAllocateForNoProof)
{
    expect(bare_in(chinese, Stun(kAllocateRequest, 4).username(member.ufrag + ":x").integrity()),
           MF_UNATTRIBUTED);
    expect_out(bare_out(chinese, Stun(0x0103, 4).integrity()), MF_UNATTRIBUTED);
    EXPECT_EQ(owner_of(chinese), 0U);
}

TEST_P(Turn, EndsAtTheIndicationsData)
{
    // The inner message ends with its attribute, whatever it says itself.
    const Bytes inner = Stun(kBindingRequest).username(bystander.ufrag + ":c").length(200);
    const Bytes outer =
        Stun(kSendIndication, 9).attribute(kData, inner).username(member.ufrag + ":c").integrity();
    expect(bare_in(chinese, outer), MF_COUNTRY_NOT_CONCERNED);
    // Without DATA there is nothing inside.
    expect(bare_in(chinese, Stun(kSendIndication, 9).blank(kXorPeerAddress, 8)), MF_UNATTRIBUTED);
    expect(bare_in(chinese, Stun(kSendIndication, 9).blank(kData, 0)), MF_UNATTRIBUTED);
    expect(bare_in(chinese, Stun(kSendIndication, 9).lying(kData, 400, "")), MF_UNATTRIBUTED);
}

TEST_P(Turn, IsNotUnwrappedTwice)
{
    expect(bare_in(chinese, send_indication(send_indication(ask(member)))), MF_UNATTRIBUTED);
    expect(bare_in(chinese, channel_data(channel_data(ask(member)))), MF_UNATTRIBUTED);
}

TEST_P(Turn, MayBeCutOffAnywhere)
{
    for (const auto& all : {channel_data(ask(bystander)), send_indication(ask(bystander))}) {
        for (std::size_t bytes = 0; bytes < all.size(); ++bytes) {
            const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bytes));
            const auto outcome = program.run(bare_in(chinese, part));
            ASSERT_EQ(outcome.verdict, Verdict::pass) << bytes << outcome;
            ASSERT_EQ(program.run_egress(bare_out(chinese, part)).verdict, Verdict::pass) << bytes;
        }
    }
}

class NoTurn : public Turn {
protected:
    NoTurn() { program.endpoints[1].flags = MF_ENDPOINT_LEARNS; }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, NoTurn, kEveryFamilyAndTransport, family_and_transport);

TEST_P(NoTurn, IsNotUnwrapped)
{
    expect(in(chinese, channel_data(ask(member))), MF_UNATTRIBUTED);
    expect(in(chinese, send_indication(ask(member))), MF_UNATTRIBUTED);
    expect_out(out(chinese, channel_data(ask_back(member))), MF_UNATTRIBUTED);
    expect_out(out(chinese, data_indication(ask_back(member))), MF_UNATTRIBUTED);
    if (transport == Transport::tcp) { // without RFC 4571 it is not ICE's
        expect(bare_in(chinese, ask(member)), MF_UNATTRIBUTED);
    }
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
}

} // namespace
} // namespace meetfence::test
