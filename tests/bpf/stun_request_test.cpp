// SPDX-License-Identifier: Apache-2.0
// Requests as real stacks send them: whom they name is found, and nobody else is.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class StunRequest : public SharedPortTest {
protected:
    StunRequest() : rule(block(theirs)) {}
    explicit StunRequest(const Settings& settings)
        : SharedPortTest(MF_ENDPOINT_LEARNS, settings), rule(block(theirs))
    {
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, StunRequest, kEveryFamilyAndTransport, family_and_transport);

// Lengths of captured messages; Chromium's and Janus' ufrags have four characters.
TEST(StunBuilder, WritesWhatWasCaptured)
{
    const auto bytes = [](Stack stack, Role role) {
        return request(stack, role, "Auta:KKh3").bytes().size();
    };
    EXPECT_EQ(bytes(Stack::chrome, Role::controlling), 100U);
    EXPECT_EQ(bytes(Stack::chrome, Role::controlled), 96U);
    EXPECT_EQ(bytes(Stack::libnice, Role::controlling), 92U);
    EXPECT_EQ(bytes(Stack::libnice, Role::controlled), 88U);
    EXPECT_EQ(success(hosts(Family::ipv4).chinese, 1).bytes().size(), 64U);
    EXPECT_EQ(success(hosts(Family::ipv4).chinese, 1, "Auta:KKh3").bytes().size(), 80U);
    EXPECT_EQ(success(hosts(Family::ipv6).chinese, 1, "Auta:KKh3").bytes().size(), 92U);
    EXPECT_EQ(Stun(kBindingIndication).fingerprint().bytes().size(), 28U);
}

TEST_P(StunRequest, OfEveryStackNamesWhomItAddresses)
{
    for (const auto stack : kStacks) {
        for (const auto role : {Role::controlling, Role::controlled}) {
            SCOPED_TRACE(std::string(name(stack)) +
                         (role == Role::controlling ? " controlling" : " controlled"));
            const auto ask = [&](std::string_view ufrag) {
                return in(chinese, request(stack, role, std::string(ufrag) + ":KKh3", next_transaction()));
            };
            expect(ask(member.ufrag), MF_DROP_COUNTRY, rule);
            expect(ask(bystander.ufrag), MF_COUNTRY_NOT_CONCERNED);
            expect(ask("nobody"), MF_UNKNOWN_UFRAG);
        }
    }
}

TEST_P(StunRequest, OfTheServerNamesWhomItIsFor)
{
    for (const auto stack : kStacks) {
        for (const auto role : {Role::controlling, Role::controlled}) {
            SCOPED_TRACE(std::string(name(stack)) +
                         (role == Role::controlling ? " controlling" : " controlled"));
            const auto ask = [&](std::string_view ufrag) {
                return out(chinese, request(stack, role, "KKh3:" + std::string(ufrag), next_transaction()));
            };
            expect_out(ask(member.ufrag), MF_DROP_COUNTRY, rule);
            expect_out(ask(bystander.ufrag), MF_COUNTRY_NOT_CONCERNED);
            expect_out(ask("nobody"), MF_UNKNOWN_UFRAG);
        }
    }
}

TEST_P(StunRequest, TakesUfragsOfEveryLengthThereIs)
{
    // Lengths of libnice, a nameless stack, ice4j, pion and mediasoup, and the odd ones between.
    for (std::size_t bytes = 1; bytes <= MF_UFRAG_BYTES; ++bytes) {
        SCOPED_TRACE(bytes);
        const std::string ufrag(bytes, '+');
        program.bind(member.owner, port(), ufrag);
        expect(check(chinese, ufrag, next_transaction()), MF_DROP_COUNTRY, rule);
        expect(check(chinese, ufrag + "/", next_transaction()), MF_UNKNOWN_UFRAG);
        expect_out(server_check(chinese, ufrag, next_transaction()), MF_DROP_COUNTRY, rule);
        expect_out(server_check(chinese, ufrag + "/", next_transaction()), MF_UNKNOWN_UFRAG);
    }
}

TEST_P(StunRequest, ReadsTheServersUfragBehindAClientsOfAnyLength)
{
    for (std::size_t bytes = 1; bytes <= 63; ++bytes) {
        SCOPED_TRACE(bytes);
        const auto username = std::string(bytes, 'c') + ":" + member.ufrag;
        expect_out(out(chinese, request(Stack::pion, Role::controlling, username)), MF_DROP_COUNTRY, rule);
        expect(in(chinese,
                  request(Stack::pion, Role::controlling, member.ufrag + ":" + std::string(bytes, 'c'))),
               MF_DROP_COUNTRY, rule);
    }
    const auto longer = std::string(64, 'c') + ":" + member.ufrag; // none is known to send that
    expect_out(out(chinese, request(Stack::pion, Role::controlling, longer)), MF_UNKNOWN_UFRAG);
}

TEST_P(StunRequest, IsReadBySideItComesFrom)
{
    // A client who calls itself as somebody else's transport is called.
    expect(in(chinese, request(Stack::chrome, Role::controlling, "KKh3:" + member.ufrag)), MF_UNKNOWN_UFRAG);
    expect(in(chinese, request(Stack::chrome, Role::controlling, bystander.ufrag + ":" + member.ufrag)),
           MF_COUNTRY_NOT_CONCERNED);
    expect_out(out(chinese, request(Stack::libnice, Role::controlled, member.ufrag + ":KKh3")),
               MF_UNKNOWN_UFRAG);
    expect_out(out(chinese, request(Stack::libnice, Role::controlled, member.ufrag + ":" + bystander.ufrag)),
               MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunRequest, IsNotAskedWhoseItIsWhereNoRuleNamesTheCountry)
{
    for (const auto& ufrag : {member.ufrag, bystander.ufrag, std::string("nobody")}) {
        expect(check(american, ufrag, next_transaction()), MF_COUNTRY_NOT_CONCERNED);
        expect(check(unplaced, ufrag, next_transaction()), MF_UNPLACED);
        expect_out(server_check(american, ufrag, next_transaction()), MF_COUNTRY_NOT_CONCERNED);
        expect_out(server_check(unplaced, ufrag, next_transaction()), MF_UNPLACED);
    }
}

TEST_P(StunRequest, OfAnExemptAddressPasses)
{
    program.exempt(host.chinese_prefix);
    expect(check(chinese, member.ufrag, 1), MF_EXEMPT);
    expect_out(answer(chinese, 1), MF_EXEMPT);
    expect_out(server_check(chinese, member.ufrag, 2), MF_EXEMPT);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
}

TEST_P(StunRequest, MeansTheUfragOfItsOwnPort)
{
    const auto second = endpoint(transport, host.server, 41000);
    program.add_endpoint(0, second, MF_ENDPOINT_LEARNS);
    const auto elsewhere = [&](const std::string& ufrag) -> Bytes {
        return Packet(transport, chinese, {host.server, 41000})
            .payload(coat(request(Stack::pion, Role::controlled, ufrag + ":c")));
    };
    expect(elsewhere(member.ufrag), MF_UNKNOWN_UFRAG);
    program.bind(bystander.owner, second, member.ufrag);
    expect(elsewhere(member.ufrag), MF_COUNTRY_NOT_CONCERNED);
    expect(check(chinese, member.ufrag, 1), MF_DROP_COUNTRY, rule);
}

TEST_P(StunRequest, FindsUfragsOfAnyLocalAddress)
{
    const std::string any =
        (transport == Transport::udp ? "udp:*:" : "tcp:*:") + std::to_string(kMeetingPort);
    program.bind(member.owner, any, "Wildcard");
    expect(check(chinese, "Wildcard", 1), MF_DROP_COUNTRY, rule);
    // And those of one address on an endpoint that has none.
    program.ports[kMeetingPort + (transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0)] = 0;
    program.add_endpoint(0, any, MF_ENDPOINT_LEARNS);
    expect(check(chinese, "Wildcard", 2), MF_DROP_COUNTRY, rule);
    expect(check(chinese, member.ufrag, 3), MF_DROP_COUNTRY, rule);
    expect_out(server_check(chinese, "Wildcard", 4), MF_DROP_COUNTRY, rule);
    expect_out(server_check(chinese, member.ufrag, 5), MF_DROP_COUNTRY, rule);
}

TEST_P(StunRequest, IsReadBehindTagsAndOptions)
{
    const auto plain = [&] {
        return in(chinese, request(Stack::ice4j, Role::controlled, member.ufrag + ":c"));
    };
    expect(plain().vlan(kDot1Q), MF_DROP_COUNTRY, rule);
    expect(plain().vlan(kDot1Ad).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q), MF_DROP_COUNTRY, rule);
    if (family == Family::ipv4) {
        expect(plain().options(40), MF_DROP_COUNTRY, rule);
    } else {
        expect(plain().extension(kHopByHop).extension(kDestinationOptions, 64), MF_DROP_COUNTRY, rule);
    }
    expect(plain().trailer(30), MF_DROP_COUNTRY, rule);
}

TEST_P(StunRequest, IsNoneOnAnEndpointThatDoesNotLearn)
{
    program.endpoints[1].flags = 0;
    expect(check(chinese, member.ufrag, 1), MF_UNATTRIBUTED);
    expect_out(answer(chinese, 1), MF_UNATTRIBUTED);
    EXPECT_EQ(program.tally(MF_TALLY_PENDING), 0U);
    EXPECT_EQ(owner_of(chinese), 0U);
}

TEST_P(StunRequest, OfSomebodyWhoLeftIsNobodys)
{
    program.remove_participant(member.owner);
    expect(check(chinese, member.ufrag, 1), MF_UNKNOWN_UFRAG);
    expect_out(server_check(chinese, member.ufrag, 2), MF_UNKNOWN_UFRAG);
}

TEST_P(StunRequest, MayStandInSeveralSegmentsOnlyBehindItsFirst)
{
    // What is cut off on TCP cannot be read, and passes; the flow, once known, says whose it is.
    if (transport == Transport::udp) {
        return; // a datagram is whole
    }
    const auto whole = framed(request(Stack::chrome, Role::controlling, member.ufrag + ":c"));
    for (const std::size_t bytes : {1U, 2U, 10U, 21U}) {
        const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
        expect(Packet(transport, chinese, server).payload(part), MF_UNATTRIBUTED);
    }
    program.add_flow(member.owner, transport, chinese, server);
    for (const std::size_t bytes : {1U, 2U, 10U, 21U}) {
        const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
        expect(Packet(transport, chinese, server).payload(part), MF_DROP_COUNTRY, rule);
    }
}

class StunRequestInOneBuffer : public StunRequest { // as on kernels before 5.18, which cannot copy a name
protected:
    StunRequestInOneBuffer() : StunRequest(Settings{.multi_buffer = false}) {}
};
INSTANTIATE_TEST_SUITE_P(Everywhere, StunRequestInOneBuffer, kEveryFamilyAndTransport, family_and_transport);

TEST_P(StunRequestInOneBuffer, NamesNobodyAndPasses)
{
    for (const auto stack : kStacks) {
        SCOPED_TRACE(name(stack));
        expect(in(chinese, request(stack, Role::controlled, member.ufrag + ":KKh3")), MF_UNKNOWN_UFRAG);
        expect(in(chinese, request(stack, Role::controlled, bystander.ufrag + ":KKh3")), MF_UNKNOWN_UFRAG);
    }
}

} // namespace
} // namespace meetfence::test
