// SPDX-License-Identifier: Apache-2.0
// Every way known to write a request that servers read in different ways. None gets whoever is kept out
// past the filter where the server would take it, none drops a bystander, and none is an error.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class StunTrick : public SharedPortTest {
protected:
    StunTrick() : rule(block(theirs)) {}

    [[nodiscard]] static Stun message() { return Stun(kBindingRequest, 7); }
    [[nodiscard]] std::string theirs_to() const { return member.ufrag + ":KKh3"; }
    [[nodiscard]] std::string ours_to() const { return bystander.ufrag + ":KKh3"; }
    void expect_dropped(const Bytes& stun) { expect(in(chinese, stun), MF_DROP_COUNTRY, rule); }
    void expect_passed(const Bytes& stun, mf_reason reason) { expect(in(chinese, stun), reason); }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, StunTrick, kEveryFamilyAndTransport, family_and_transport);

TEST_P(StunTrick, EveryUsernameCounts)
{
    // mediasoup and ice4j take the last one, pion and libnice the first.
    expect_dropped(message().username(theirs_to()).username(ours_to()).integrity());
    expect_dropped(message().username(ours_to()).username(theirs_to()).integrity());
    expect_dropped(message().username("nobody:c").username(ours_to()).username(theirs_to()).integrity());
    expect_dropped(message().username("").username(std::string(200, 'x')).username(theirs_to()).integrity());
    expect_dropped(message().username(theirs_to()).username("nobody:c").username("").integrity());
    expect_passed(message().username("nobody:c").username(ours_to()).integrity(), MF_COUNTRY_NOT_CONCERNED);
    expect_passed(message().username(ours_to()).username("nobody:c").integrity(), MF_COUNTRY_NOT_CONCERNED);
    expect_passed(message().username("nobody:c").username("no-one:c").integrity(), MF_UNKNOWN_UFRAG);
}

TEST_P(StunTrick, EveryUsernameCountsInWhatTheServerSendsToo)
{
    const auto outgoing = [&](const std::string& first, const std::string& second) -> Bytes {
        return out(chinese, message().username("c:" + first).username("c:" + second).integrity());
    };
    expect_out(outgoing(member.ufrag, bystander.ufrag), MF_DROP_COUNTRY, rule);
    expect_out(outgoing(bystander.ufrag, member.ufrag), MF_DROP_COUNTRY, rule);
    expect_out(outgoing(bystander.ufrag, "nobody"), MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunTrick, IsBookedToTheStrongestWordOnThoseNamed)
{
    const auto watched = block(ours, Mode::monitor);
    program.rules[rule.index].until_ns = 1; // ended
    for (const bool watched_first : {true, false}) {
        const auto& first = watched_first ? ours_to() : theirs_to();
        const auto& second = watched_first ? theirs_to() : ours_to();
        expect(in(chinese, message().username(first).username(second).integrity()), MF_MONITORED, watched);
    }
}

TEST_P(StunTrick, WhatStandsBehindTheIntegrityDoesNotCount)
{
    expect_passed(message().username(ours_to()).integrity().username(theirs_to()), MF_COUNTRY_NOT_CONCERNED);
    expect_dropped(message().username(theirs_to()).integrity().username(ours_to()));
    expect_passed(message().integrity().username(theirs_to()), MF_UNATTRIBUTED);
}

TEST_P(StunTrick, WhatStandsBehindAnythingElseCounts)
{
    // Servers that know no MESSAGE-INTEGRITY-SHA256, or look for a FINGERPRINT anywhere, read on; and the
    // integrity behind covers what they read.
    for (const auto type : {kMessageIntegritySha256, kFingerprint, kSoftware, kPriority, kErrorCode}) {
        SCOPED_TRACE(type);
        expect_dropped(message().blank(type, 4).username(theirs_to()).integrity().fingerprint());
        expect_dropped(message().blank(type, 32).username(theirs_to()).integrity().fingerprint());
    }
}

TEST_P(StunTrick, OddTypeBitsDoNotHideARequest)
{
    for (const auto type : std::initializer_list<std::uint16_t>{0x0001, 0x8001, 0xC001, 0x4001}) {
        SCOPED_TRACE(type);
        expect_dropped(message().type(type).username(theirs_to()).integrity());
        expect_passed(message().type(type).username(ours_to()).integrity(), MF_COUNTRY_NOT_CONCERNED);
        expect_passed(message().type(type).username("nobody:c").integrity(), MF_UNKNOWN_UFRAG);
    }
}

TEST_P(StunTrick, OtherMethodsNameWhomTheyName)
{
    // No server of ICE takes them; nobody but whoever was blocked would name them.
    for (const auto type : std::initializer_list<std::uint16_t>{0x0003, 0x0200, 0x0EEE}) {
        SCOPED_TRACE(type);
        expect_dropped(message().type(type).username(theirs_to()).integrity());
        expect_passed(message().type(type).username(ours_to()).integrity(), MF_COUNTRY_NOT_CONCERNED);
    }
}

TEST_P(StunTrick, WithoutAUsernameTheFlowSaysWhoseItIs)
{
    const Bytes ping = Stun(0x0200, 3).blank(0xC060, 4); // GOOG_PING
    const Bytes keepalive = Stun(kBindingIndication, 3).fingerprint();
    const Bytes bare = message();
    for (const auto& stun : {ping, keepalive, bare}) {
        expect_passed(stun, MF_UNATTRIBUTED);
    }
    program.add_flow(member.owner, transport, chinese, server);
    for (const auto& stun : {ping, keepalive, bare}) {
        expect_dropped(stun);
        expect_out(out(chinese, stun), MF_DROP_COUNTRY, rule);
    }
}

TEST_P(StunTrick, TrailingBytesHideNothing)
{
    for (const std::size_t bytes : {1U, 3U, 4U, 100U}) {
        SCOPED_TRACE(bytes);
        expect_dropped(message().username(theirs_to()).integrity().trailing(bytes));
        expect_passed(message().username(ours_to()).integrity().trailing(bytes), MF_COUNTRY_NOT_CONCERNED);
    }
    // And are of no account: an attribute that no server reads.
    auto behind = message().username(ours_to()).bytes();
    const auto attribute = Stun(0).username(theirs_to()).bytes();
    behind.insert(behind.end(), attribute.begin() + kStunHeaderBytes, attribute.end());
    expect_passed(behind, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunTrick, AHeaderMayLieAboutItsLength)
{
    const auto length =
        static_cast<std::uint16_t>(message().username(theirs_to()).bytes().size() - kStunHeaderBytes);
    for (const auto more : {1, 2, 3, 4, 8, 100, 1500, 60000}) { // than there is
        SCOPED_TRACE(more);
        const auto longer = static_cast<std::uint16_t>(length + more);
        expect_dropped(message().username(theirs_to()).length(longer));
        expect_passed(message().username(ours_to()).length(0xFFFF), MF_COUNTRY_NOT_CONCERNED);
    }
    expect_passed(message().username(theirs_to()).integrity().length(0), MF_UNATTRIBUTED);
    for (std::uint16_t shorter = 1; shorter < 4 + theirs_to().size(); ++shorter) {
        SCOPED_TRACE(shorter);
        expect_passed(message().username(theirs_to()).integrity().length(shorter),
                      shorter < 4 ? MF_UNATTRIBUTED : MF_STUN_UNREADABLE);
    }
}

TEST_P(StunTrick, AnAttributeMayLieAboutItsLength)
{
    for (const auto length : std::initializer_list<std::uint16_t>{20, 25, 100, 0xFFFC, 0xFFFF}) {
        SCOPED_TRACE(length);
        expect_passed(message().lying(kUsername, length, theirs_to()), MF_STUN_UNREADABLE);
        expect_passed(message().lying(kSoftware, length, "").username("c:c"), MF_STUN_UNREADABLE);
        // What was read before stands.
        expect_dropped(message().username(theirs_to()).lying(kSoftware, length, ""));
        expect_passed(message().username(ours_to()).lying(kUsername, length, ""), MF_COUNTRY_NOT_CONCERNED);
        expect_passed(message().username("nobody:c").lying(kUsername, length, ""), MF_STUN_UNREADABLE);
    }
    program.add_flow(member.owner, transport, chinese, server);
    expect_dropped(message().lying(kUsername, 0xFFFF, ""));
    program.add_flow(bystander.owner, transport, neighbour, server);
    expect(in(neighbour, message().lying(kUsername, 0xFFFF, "")), MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunTrick, PaddingMayHoldAnything)
{
    for (std::size_t extra = 0; extra < 4; ++extra) {
        SCOPED_TRACE(extra);
        const auto text = theirs_to() + std::string(extra, 'x');
        const std::size_t pad = (4 - text.size() % 4) % 4;
        const std::string noise(pad, ':');
        expect_dropped(
            message().lying(kUsername, static_cast<std::uint16_t>(text.size()), text + noise).integrity());
        expect_dropped(message()
                           .lying(kUsername, static_cast<std::uint16_t>(text.size()), text + noise)
                           .username(ours_to())
                           .integrity());
        expect_dropped(message()
                           .lying(kSoftware, static_cast<std::uint16_t>(text.size()), text + noise)
                           .username(theirs_to()));
        // Missing at the end of the message, where pion does not ask for it.
        expect_dropped(message().lying(kUsername, static_cast<std::uint16_t>(text.size()), text));
    }
    // What looks like an attribute inside another's value is none.
    const auto inner = Stun(0).username(theirs_to()).bytes();
    expect_passed(
        message().attribute(kSoftware, {inner.begin() + kStunHeaderBytes, inner.end()}).username(ours_to()),
        MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunTrick, NamesMayBeOdd)
{
    const auto reason_of = [&](std::string_view text, mf_reason reason) {
        SCOPED_TRACE(text);
        expect_passed(message().username(text).integrity(), reason);
    };
    reason_of("", MF_UNKNOWN_UFRAG);
    reason_of(":", MF_UNKNOWN_UFRAG);
    reason_of(":" + member.ufrag, MF_UNKNOWN_UFRAG);
    reason_of(":" + theirs_to(), MF_UNKNOWN_UFRAG);
    reason_of(member.ufrag.substr(1) + ":c", MF_UNKNOWN_UFRAG);
    reason_of(member.ufrag.substr(0, 13) + ":c", MF_UNKNOWN_UFRAG);
    reason_of(" " + theirs_to(), MF_UNKNOWN_UFRAG);
    reason_of(std::string(763, 'x') + ":c", MF_UNKNOWN_UFRAG);
    reason_of("26ANT1IOQU7QNR:c", MF_UNKNOWN_UFRAG);
    expect_dropped(message().username(member.ufrag).integrity()); // what every server cuts out of it
    expect_dropped(message().username(member.ufrag + ":").integrity());
    expect_dropped(message().username(member.ufrag + "::").integrity());
    expect_dropped(message().username(member.ufrag + ":" + std::string(400, ':')).integrity());
}

TEST_P(StunTrick, NamesMayBeTooLong)
{
    const std::string longest(MF_UFRAG_BYTES, 'z');
    program.bind(member.owner, port(), longest);
    expect_dropped(message().username(longest + ":c").integrity());
    expect_dropped(message().username(longest).integrity());
    expect_passed(message().username(longest + "z:c").integrity(), MF_UNKNOWN_UFRAG);
    expect_passed(message().username(longest + "z").integrity(), MF_UNKNOWN_UFRAG);
    expect_passed(message().username(longest + longest + ":c").integrity(), MF_UNKNOWN_UFRAG);
    for (const auto& text : {"c:" + longest + "z", longest + ":" + longest + "z", std::string("c:"),
                             std::string("c"), std::string(":"), std::string(100, 'c')}) {
        SCOPED_TRACE(text);
        expect_out(out(chinese, message().username(text).integrity()), MF_UNKNOWN_UFRAG);
    }
    expect_out(out(chinese, message().username(":" + longest).integrity()), MF_DROP_COUNTRY, rule);
}

TEST_P(StunTrick, ANameThatIsTooLongIsNobodysInTheAnswerEither)
{
    const std::string longest(MF_UFRAG_BYTES, 'z');
    program.bind(bystander.owner, port(), longest);
    for (const auto& [client, first] : {std::pair{chinese, "nobody:c"}, std::pair{neighbour, ""}}) {
        const auto transaction = next_transaction();
        const Bytes both =
            Stun(kBindingRequest, transaction).username(first).username(longest + "z:c").integrity();
        expect(in(client, both), MF_UNKNOWN_UFRAG);
        expect_out(answer(client, transaction), MF_UNKNOWN_UFRAG);
        EXPECT_EQ(owner_of(client), 0U);
        for (const auto& seen : {longest, std::string("nobody"), std::string()}) {
            EXPECT_FALSE(program.find_sighting(port(), seen)) << seen;
        }
    }
}

TEST_P(StunTrick, ManyAttributesMayStandBefore)
{
    const auto behind = [&](unsigned count, const std::string& name) {
        auto stun = message();
        for (unsigned i = 0; i < count; ++i) {
            stun.blank(kSoftware, i % 5);
        }
        return stun.username(name).integrity().bytes();
    };
    for (const unsigned count : {1U, 15U, 16U, 17U, 24U, 31U}) {
        SCOPED_TRACE(count);
        expect_dropped(behind(count, theirs_to()));
        expect_passed(behind(count, ours_to()), MF_COUNTRY_NOT_CONCERNED);
    }
    for (const unsigned count : {40U, 200U}) {
        SCOPED_TRACE(count);
        expect_passed(behind(count, theirs_to()), MF_STUN_UNREADABLE);
        expect_passed(behind(count, ours_to()), MF_STUN_UNREADABLE);
    }
    program.add_flow(member.owner, transport, chinese, server);
    expect_dropped(behind(40, theirs_to()));
    expect_dropped(behind(40, ours_to())); // nobody but its flow says whose it is
    program.add_flow(bystander.owner, transport, neighbour, server);
    expect(in(neighbour, behind(40, ours_to())), MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(StunTrick, AsManyAttributesAsAreReadLeaveNothingUnread)
{
    const auto all = [&](unsigned before, const std::string& name) {
        auto stun = message();
        for (unsigned i = 0; i < before; ++i) {
            stun.blank(kSoftware, 4);
        }
        return (name.empty() ? stun : stun.username(name)).bytes();
    };
    expect_passed(all(31, "nobody:c"), MF_UNKNOWN_UFRAG);
    expect_passed(all(32, "nobody:c"), MF_STUN_UNREADABLE);
    expect_passed(all(33, ""), MF_STUN_UNREADABLE);
    expect_dropped(all(31, theirs_to())); // before anything is unattributed here
    expect_passed(all(32, ""), MF_UNATTRIBUTED);
}

TEST_P(StunTrick, OnlyTheCookieMakesItStun)
{
    for (unsigned bit = 0; bit < 32; ++bit) {
        SCOPED_TRACE(bit);
        expect_passed(message().cookie(0x2112A442U ^ 1U << bit).username(theirs_to()), MF_UNATTRIBUTED);
    }
    expect_passed(message().cookie(0).username(theirs_to()), MF_UNATTRIBUTED); // RFC 3489
}

TEST_P(StunTrick, MayBeCutOffAnywhere)
{
    const auto all = request(Stack::libnice, Role::controlling, theirs_to()).bytes();
    const auto username_ends = kStunHeaderBytes + 4 + 8 + 12 + 4 + theirs_to().size();
    for (std::size_t bytes = 0; bytes < all.size(); ++bytes) {
        SCOPED_TRACE(bytes);
        const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bytes));
        // Nothing of the parts before is to have run here.
        const SocketAddress client{host.chinese, static_cast<std::uint16_t>(1024 + bytes)};
        const auto frame = in(client, part).bytes();
        const auto outcome = program.run(frame);
        if (bytes >= username_ends) {
            EXPECT_EQ(outcome, booked(MF_DROP_COUNTRY, frame, rule.first_cell));
            continue;
        }
        EXPECT_EQ(outcome.verdict, Verdict::pass);
        EXPECT_TRUE(outcome == counted(MF_UNATTRIBUTED, frame) ||
                    outcome == counted(MF_STUN_UNREADABLE, frame))
            << outcome;
        const auto towards = out(client, part).bytes();
        EXPECT_EQ(program.run_egress(towards).verdict, Verdict::pass);
    }
}

TEST_P(StunTrick, OfABystanderMayBeCutOffAnywhere)
{
    for (const auto stack : kStacks) {
        const auto all = request(stack, Role::controlling, ours_to()).bytes();
        for (std::size_t bytes = 0; bytes < all.size(); ++bytes) {
            const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bytes));
            const auto frame = in(chinese, part).bytes();
            ASSERT_EQ(program.run(frame).verdict, Verdict::pass) << name(stack) << ' ' << bytes;
        }
    }
}

TEST_P(StunTrick, AFrameMayBeCutOffAnywhere)
{
    // Lengths that promise what the frame has not.
    const auto all = in(chinese, request(Stack::libnice, Role::controlling, theirs_to())).bytes();
    for (std::size_t bytes = 14; bytes < all.size(); ++bytes) {
        const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bytes));
        const auto outcome = program.run(part);
        ASSERT_EQ(outcome.verdict, Verdict::pass) << bytes << outcome;
        ASSERT_EQ(outcome.moved.reasons.size(), 1U) << bytes;
    }
}

TEST_P(StunTrick, MayBeSplitIntoFragments)
{
    if (transport == Transport::tcp) {
        return; // a first fragment of TCP is read as far as its ports
    }
    const auto all = request(Stack::libnice, Role::controlling, theirs_to()).bytes();
    constexpr std::ptrdiff_t kCut = 40; // before the USERNAME
    const auto first = [&](std::uint32_t id) -> Bytes {
        return Packet(transport, chinese, server)
            .payload(Bytes(all.begin(), all.begin() + kCut))
            .udp_length(static_cast<std::uint16_t>(8 + all.size()))
            .fragment(id, 0, true);
    };
    const auto later = [&](std::uint32_t id) -> Bytes {
        return Packet(transport, chinese, server)
            .payload(Bytes(all.begin() + kCut, all.end()))
            .fragment(id, 48, false);
    };
    expect(first(1), MF_STUN_UNREADABLE);
    expect(later(1), MF_LATER_FRAGMENT);
    program.add_flow(member.owner, transport, chinese, server);
    expect(first(2), MF_DROP_COUNTRY, rule);
    expect(later(2), MF_DROP_FRAGMENT, rule);
    // Whole in its first fragment it says whose it is.
    expect(in(neighbour, all).fragment(3, 0, true), MF_DROP_COUNTRY, rule);
}

TEST_P(StunTrick, DoesNotReachOutOfItsDatagram)
{
    // What stands in the frame behind the datagram's own end is not the message's.
    const auto all = request(Stack::libnice, Role::controlling, theirs_to()).bytes();
    if (transport == Transport::tcp) {
        return; // a segment has no length of its own
    }
    const auto frame = in(chinese, all).udp_length(8 + 40).bytes();
    expect(frame, MF_STUN_UNREADABLE);
    expect(in(chinese, all).udp_length(8 + 19).bytes(), MF_UNATTRIBUTED);
}

} // namespace
} // namespace meetfence::test
