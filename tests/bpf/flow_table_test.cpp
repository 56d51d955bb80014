// SPDX-License-Identifier: Apache-2.0
// The table of confirmed flows: everything in it is found, what left it hides nothing, and neither a full
// table nor a flood changes what happens to anybody else.
#include <random>

#include "kernel-headers/flow_table.h"
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

const auto kEveryFamily =
    testing::Combine(testing::Values(Family::ipv4, Family::ipv6), testing::Values(Transport::udp));

class FlowTable : public SharedPortTest {
protected:
    explicit FlowTable(const Settings& settings = {})
        : SharedPortTest(MF_ENDPOINT_LEARNS, settings), rule(block(theirs))
    {
    }

    void learn(const SocketAddress& client)
    {
        program.rules[rule.index].from_ns = ~0ULL;
        handshake(client, member);
        program.rules[rule.index].from_ns = 0;
    }
    [[nodiscard]] SocketAddress nth(unsigned n) const
    {
        return {host.chinese, static_cast<std::uint16_t>(1 + n)};
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, FlowTable, kEveryFamily, family_and_transport);

TEST_P(FlowTable, FindsEveryFlowInIt)
{
    constexpr unsigned kFlows = 700; // of 1024
    for (unsigned i = 0; i < kFlows; ++i) {
        learn(nth(i));
    }
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), kFlows);
    EXPECT_EQ(program.tally(MF_TALLY_NO_ROOM), 0U);
    for (unsigned i = 0; i < kFlows; ++i) {
        ASSERT_EQ(owner_of(nth(i)), member.owner) << i;
        const auto frame = media_in(nth(i));
        ASSERT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, rule.first_cell)) << i;
        const auto back = media_out(nth(i));
        ASSERT_EQ(program.run_egress(back), booked(MF_DROP_COUNTRY, back, rule.first_cell, MF_EGRESS)) << i;
    }
    for (unsigned i = kFlows; i < 2 * kFlows; ++i) {
        const auto frame = media_in(nth(i));
        ASSERT_EQ(program.run(frame), counted(MF_UNATTRIBUTED, frame)) << i;
    }
}

TEST_P(FlowTable, FindsWhatTheDaemonPutThere)
{
    for (unsigned i = 0; i < 600; ++i) {
        program.add_flow(i % 2 == 0 ? member.owner : bystander.owner, transport, nth(i), server);
    }
    for (unsigned i = 0; i < 600; ++i) {
        const auto frame = media_in(nth(i));
        ASSERT_EQ(program.run(frame), i % 2 == 0 ? booked(MF_DROP_COUNTRY, frame, rule.first_cell)
                                                 : counted(MF_COUNTRY_NOT_CONCERNED, frame))
            << i;
    }
}

TEST_P(FlowTable, MatchesNoFlowThatIsBeingWrittenOrTakenAway)
{
    learn(chinese);
    for (const auto state : {MF_FLOW_NEVER, MF_FLOW_BUSY, MF_FLOW_DEAD, MF_FLOW_FREED}) {
        SCOPED_TRACE(state);
        auto* element = flow(chinese);
        element->owner = state;
        expect_media(chinese, MF_UNATTRIBUTED);
        element->owner = member.owner;
        expect_media(chinese, MF_DROP_COUNTRY, rule);
    }
}

class SmallFlowTable : public FlowTable {
protected:
    static constexpr unsigned kSlots = MF_FLOW_PROBES; // so that every flow may stand everywhere
    SmallFlowTable() : FlowTable(Settings{.flow_slots = kSlots}) {}
};
INSTANTIATE_TEST_SUITE_P(Everywhere, SmallFlowTable, kEveryFamily, family_and_transport);

TEST_P(SmallFlowTable, IsUsedToItsLastSlot)
{
    for (unsigned i = 0; i < kSlots; ++i) {
        learn(nth(i));
    }
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), kSlots);
    EXPECT_EQ(program.tally(MF_TALLY_NO_ROOM), 0U);
    for (unsigned i = 0; i < kSlots; ++i) {
        expect_media(nth(i), MF_DROP_COUNTRY, rule);
    }
}

TEST_P(SmallFlowTable, HasNoRoomAndSaysSo)
{
    for (unsigned i = 0; i < kSlots; ++i) {
        learn(nth(i));
    }
    learn(nth(kSlots));
    handshake(nth(kSlots + 1), bystander);
    EXPECT_EQ(program.tally(MF_TALLY_NO_ROOM), 2U);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), kSlots);
    expect(check(nth(kSlots), member.ufrag, 1), MF_DROP_COUNTRY, rule); // what a request says, it says
    expect_media(nth(kSlots), MF_UNATTRIBUTED);
    expect_media(nth(kSlots + 1), MF_UNATTRIBUTED);
    expect(check(nth(kSlots), member.ufrag, 2), MF_PROVING); // in vain
    expect_out(answer(nth(kSlots), 2), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(program.tally(MF_TALLY_NO_ROOM), 3U);
    expect_media(nth(kSlots), MF_UNATTRIBUTED);
    for (unsigned i = 0; i < kSlots; ++i) {
        expect_media(nth(i), MF_DROP_COUNTRY, rule);
    }
}

TEST_P(SmallFlowTable, UsesAFreedSlotAgain)
{
    for (unsigned i = 0; i < kSlots; ++i) {
        learn(nth(i));
    }
    for (const auto state : {MF_FLOW_BUSY, MF_FLOW_DEAD}) { // not yet
        auto* element = flow(nth(3));
        element->owner = state;
        learn(nth(100));
        ASSERT_EQ(owner_of(nth(100)), 0U);
        element->owner = member.owner;
    }
    auto* freed = flow(nth(3));
    *freed = {.owner = MF_FLOW_FREED};
    for (unsigned i = 0; i < kSlots; ++i) { // hides nobody behind it
        if (i != 3) {
            expect_media(nth(i), MF_DROP_COUNTRY, rule);
        }
    }
    expect_media(nth(3), MF_UNATTRIBUTED);
    learn(nth(100));
    EXPECT_EQ(flow(nth(100)), freed);
    EXPECT_EQ(freed->contested, 0U);
    expect_media(nth(100), MF_DROP_COUNTRY, rule);
}

TEST_P(SmallFlowTable, ForgetsWhatTheSlotsLastFlowWas)
{
    learn(chinese);
    auto* element = flow(chinese);
    const auto now = LoadedProgram::tick();
    *element = {.owner = MF_FLOW_FREED, .contested = now, .rivalled = now, .contested_by = 1};
    learn(chinese);
    ASSERT_EQ(flow(chinese), element);
    EXPECT_EQ(element->contested, 0U);
    EXPECT_EQ(element->rivalled, 0U);
    EXPECT_EQ(element->contested_by, 0U);
    expect_media(chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(FlowTable, PutsFlowsWhereTheDaemonLooksForThem)
{
    for (unsigned i = 0; i < 300; ++i) {
        learn(nth(i));
        const auto* element = flow(nth(i));
        ASSERT_NE(element, nullptr);
        const auto hash = mf_flow_hash(&element->key, program.control[0].flow_secret);
        bool found = false;
        for (std::uint32_t probe = 0; probe < MF_FLOW_PROBES && !found; ++probe) {
            found = &program.flows[mf_flow_slot(hash, probe, program.control[0].flow_slots)] == element;
        }
        ASSERT_TRUE(found) << i;
    }
}

class Flood : public FlowTable {
protected:
    [[nodiscard]] SocketAddress anywhere()
    {
        auto bytes = host.chinese.bytes();
        for (std::size_t i = family == Family::ipv4 ? 15 : 6; i < bytes.size(); ++i) {
            bytes.at(i) = static_cast<std::uint8_t>(random_());
        }
        return {IpAddress(bytes), static_cast<std::uint16_t>(1 + random_() % 65535)};
    }

private:
    std::mt19937 random_{4711};
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Flood, kEveryFamily, family_and_transport);

TEST_P(Flood, OfSpoofedRequestsChangesNothingForAnybody)
{
    constexpr std::uint32_t kRequests = 200'000;
    handshake(chinese, bystander);
    handshake(american, member);
    learn(neighbour);
    const auto learned = program.tally(MF_TALLY_LEARNED);
    for (std::uint32_t i = 0; i < kRequests; ++i) {
        // Of a ufrag that is not blocked: those are remembered.
        program.send(check(anywhere(), bystander.ufrag, i), 1);
        if (i % 20'000 == 0) {
            expect(check(chinese, bystander.ufrag, kRequests + i), MF_COUNTRY_NOT_CONCERNED);
            expect_out(answer(chinese, kRequests + i), MF_COUNTRY_NOT_CONCERNED);
            expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
            expect_media(neighbour, MF_DROP_COUNTRY, rule);
        }
    }
    EXPECT_GT(program.tally(MF_TALLY_PENDING), kRequests);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), learned);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    EXPECT_EQ(owner_of(american), member.owner);
    EXPECT_EQ(owner_of(neighbour), member.owner);
}

} // namespace
} // namespace meetfence::test
