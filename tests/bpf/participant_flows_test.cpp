// SPDX-License-Identifier: Apache-2.0
// Flows as the daemon puts them into the kernel's table and takes them out again.
#include <array>
#include <ranges>

#include "kernel-headers/flow_table.h"
#include "tests/bpf/participant_tables.h"

namespace meetfence::test {
namespace {

TEST_F(ParticipantTablesTest, KeepAFlowThatIsNobodyElsesToTakeBack)
{
    const auto before = put(person("p", {}, {here}));
    const auto other = put(person("q", {}), kOurs);
    find(here)->owner = other.owner; // another took it over
    put(person("p", {}), kTheirs, &before);
    ASSERT_NE(find(here), nullptr);
    EXPECT_EQ(find(here)->owner, other.owner);
}

TEST_F(ParticipantTablesTest, GiveAFlowAtOnceToWhomeverWasSeenBefore)
{
    for (const auto& named : {anywhere, exact}) {
        const auto now = tick();
        see(named, here, now);
        const auto late = put(person("p", {named}));
        ASSERT_NE(find(here), nullptr);
        EXPECT_EQ(find(here)->owner, late.owner);
        EXPECT_EQ(find(here)->proven, now) << "it was proven when it was seen, not now";
        EXPECT_EQ(find(here)->contested, 0U);
        EXPECT_FALSE(is_sighted(named));
        EXPECT_EQ(living().size(), 1U);
        tables->remove(late);
        tables->sweep(kSlots);
        tables->free_unlinked(tables->take_unlinked());
    }
}

TEST_F(ParticipantTablesTest, GiveTheFlowsOfBothFamiliesWherePeopleWereSeen)
{
    const auto in_v6_too = flow("udp:[2001:db8::1]:40000", "[2001:db8:c::10]:51000");
    see(anywhere, here, tick());
    see(anywhere, in_v6_too, tick());
    const auto late = put(person("p", {anywhere}));
    for (const auto& given : {here, in_v6_too}) {
        ASSERT_NE(find(given), nullptr) << given.local_text();
        EXPECT_EQ(find(given)->owner, late.owner);
    }
    EXPECT_FALSE(is_sighted(anywhere));
}

TEST_F(ParticipantTablesTest, GiveAFlowThatIsNobodysAnyMoreToWhomeverWasSeen)
{
    const auto gone = (put(person("q", {}), kOurs).owner >> MF_PARTICIPANT_SHIFT) + 1;
    learn(here, gone << MF_PARTICIPANT_SHIFT | 1, tick()).contested = tick(); // whoever had it has left
    const auto other = put(person("r", {}), kOurs);
    const auto second = flow("udp:198.18.0.1:40000", "203.0.113.11:51000");
    learn(second, other.owner, tick() - kIdle).contested = tick(); // or has not proven it for long
    see(exact, here, tick());
    const auto named_second = binding("udp:198.18.0.1:40000", "n8Wk3zYq5TbV7cXm");
    see(named_second, second, tick());
    const auto late = put(person("p", {exact, named_second}));
    for (const auto& given : {here, second}) {
        EXPECT_EQ(find(given)->owner, late.owner) << given.local_text();
        EXPECT_FALSE(tables->is_contested(*find(given)));
    }
    EXPECT_EQ(living().size(), 2U);
}

TEST_F(ParticipantTablesTest, GiveNoFlowByASightingThatSaysNothing)
{
    see(exact, here, tick() - kIdle); // too long ago
    see(in_v6, there, 0);
    put(person("p", {exact, in_v6}));
    EXPECT_EQ(find(here), nullptr);
    EXPECT_EQ(find(there), nullptr);
    // Seen at another local address than the one the ufrag is bound to.
    const auto elsewhere = binding("udp:198.18.0.2:40000", "n8Wk3zYq5TbV7cXm");
    see(elsewhere, here, tick());
    put(person("q", {elsewhere}));
    EXPECT_EQ(find(here), nullptr);
}

TEST_F(ParticipantTablesTest, LeaveAFlowThatSomebodyHasWhereASightingSaysOtherwise)
{
    const auto holder = put(person("q", {}), kOurs);
    learn(here, holder.owner, tick()).contested = tick(); // by the sighting itself
    see(exact, here, tick());
    put(person("p", {exact}));
    EXPECT_EQ(find(here)->owner, holder.owner);
    EXPECT_TRUE(tables->is_contested(*find(here)));
}

TEST_F(ParticipantTablesTest, SettleAFlowThatWasContestedByItsOwnNewTransport)
{
    const auto before = put(person("p", {anywhere}));
    const auto key = policy::to_key(exact);
    auto& flow = learn(here, before.owner, tick());
    flow.contested = tick();
    flow.contested_by = mf_ufrag_tag(&key);
    see(exact, here, tick()); // an ICE restart, whose ufrag comes late
    put(person("p", {anywhere, exact}), kTheirs, &before);
    EXPECT_FALSE(tables->is_contested(*find(here)));
}

TEST_F(ParticipantTablesTest, LeaveAFlowContestedThatSomebodyElseContests)
{
    const auto before = put(person("p", {anywhere}));
    auto& flow = learn(here, before.owner, tick());
    flow.contested = tick();
    flow.contested_by = 0; // several
    see(exact, here, tick());
    put(person("p", {anywhere, exact}), kTheirs, &before);
    EXPECT_TRUE(tables->is_contested(*find(here)));
}

TEST_F(ParticipantTablesTest, ContestASightingWhereSomebodyElseWasAnsweredToo)
{
    const auto key = policy::to_key(exact);
    const struct {
        std::uint32_t ufrag, when;
        bool contested;
    } cases[] = {
        {mf_ufrag_tag(&key), tick(), false}, // the participant's own
        {mf_ufrag_tag(&key) + 2, tick(), true},
        {MF_STRANGERS_SEVERAL, tick(), true},
        {MF_STRANGERS_SEVERAL, tick() - kIdle, false}, // long ago
    };
    for (const auto& [ufrag, when, contested] : cases) {
        see(exact, here, tick());
        meet_stranger(here, ufrag, when);
        const auto late = put(person("p", {exact}));
        ASSERT_NE(find(here), nullptr);
        EXPECT_EQ(tables->is_contested(*find(here)), contested);
        EXPECT_EQ(find(here)->contested_by, contested ? ufrag : 0);
        tables->remove(late);
        tables->sweep(kSlots);
        tables->free_unlinked(tables->take_unlinked());
    }
}

TEST_F(ParticipantTablesTest, LetNoUfragMakeGoodWhatTheApiTookFromAnotherMeeting)
{
    const auto other = put(person("q", {}), kOurs);
    auto& flow = learn(here, other.owner, tick());
    const auto key = policy::to_key(exact);
    flow.contested = tick();
    flow.contested_by = mf_ufrag_tag(&key); // the new owner's, who contested it before
    put(person("p", {exact}, {here}));
    EXPECT_TRUE(tables->is_contested(*find(here)));
    EXPECT_EQ(find(here)->contested_by, 0U);
}

TEST_F(ParticipantTablesTest, ContestAFreshFlowOfAnotherMeetingThatTheApiNames)
{
    const auto other = put(person("q", {}), kOurs);
    learn(here, other.owner, tick());
    const auto told = put(person("p", {}, {here}));
    EXPECT_EQ(find(here)->owner, told.owner);
    EXPECT_EQ(find(here)->proven, MF_TICK_ALWAYS);
    EXPECT_TRUE(tables->is_contested(*find(here)));
}

TEST_F(ParticipantTablesTest, TakeAFlowOverThatIsNobodysAnyMore)
{
    const auto other = put(person("q", {}), kOurs);
    learn(here, other.owner, tick() - kIdle).contested = tick();        // not proven for long
    learn(there, other.owner + (1ULL << MF_PARTICIPANT_SHIFT), tick()); // of somebody who left
    const auto told = put(person("p", {}, {here, there}));
    for (const auto& taken : {here, there}) {
        EXPECT_EQ(find(taken)->owner, told.owner);
        EXPECT_FALSE(tables->is_contested(*find(taken))) << taken.local_text();
    }
}

TEST_F(ParticipantTablesTest, DoNotContestAFlowWithinOneMeeting)
{
    const auto other = put(person("q", {}));
    learn(here, other.owner, tick());
    const auto told = put(person("p", {}, {here}));
    EXPECT_EQ(find(here)->owner, told.owner);
    EXPECT_FALSE(tables->is_contested(*find(here)));
}

TEST_F(ParticipantTablesTest, MakeALearnedFlowOfTheirOwnLastWhereTheApiNamesIt)
{
    const auto before = put(person("p", {}));
    learn(here, before.owner, tick());
    put(person("p", {}, {here}), kTheirs, &before);
    EXPECT_EQ(find(here)->proven, MF_TICK_ALWAYS);
    EXPECT_FALSE(tables->is_contested(*find(here)));
    EXPECT_EQ(living().size(), 1U);
}

TEST_F(ParticipantTablesTest, SweepFlowsOutInTwoSteps)
{
    const auto stays = put(person("p", {}, {there}));
    const auto leaves = put(person("q", {}));
    const auto idle = flow("udp:198.18.0.1:40000", "203.0.113.10:51001");
    const auto dead = flow("udp:198.18.0.1:40000", "203.0.113.10:51002");
    learn(here, stays.owner, tick());
    std::array gone{&learn(idle, stays.owner, tick() - kIdle), &learn(dead, leaves.owner, tick())};
    tables->remove(leaves);

    for (std::uint32_t slots = 0; slots < kSlots; slots += 16) {
        tables->sweep(16);
    }
    ASSERT_TRUE(tables->has_unlinked());
    const auto swept = tables->take_unlinked();
    EXPECT_FALSE(tables->has_unlinked());
    ASSERT_EQ(swept.flows.size(), 2U);
    for (const auto* element : gone) { // a packet may still be comparing the key
        EXPECT_EQ(element->owner, MF_FLOW_DEAD);
        EXPECT_EQ(element->key.protocol, 17U);
    }
    // What is dead is not found, and not used before it is free.
    const auto again = learn(idle, stays.owner, tick());
    EXPECT_NE(find(idle), gone[0]);
    EXPECT_EQ(again.owner, stays.owner);

    tables->free_unlinked(swept);
    constexpr mf_flow_key kNoKey{};
    for (const auto* element : gone) {
        EXPECT_EQ(element->owner, MF_FLOW_FREED);
        EXPECT_EQ(std::memcmp(&element->key, &kNoKey, sizeof(kNoKey)), 0);
    }
    tables->sweep(kSlots);
    EXPECT_FALSE(tables->has_unlinked());
    ASSERT_NE(find(here), nullptr);
    ASSERT_NE(find(there), nullptr) << "what the API proved stays until the API takes it back";
    EXPECT_EQ(&learn(dead, stays.owner, tick()), gone[1]) << "a freed element may be used again";
}

TEST_F(ParticipantTablesTest, FindWhatIsBehindAFreedElement)
{
    // Two flows that meet in one slot: what was put behind the first one must be found after it went.
    const auto one = put(person("p", {}));
    learn(here, one.owner, tick() - kIdle);
    const auto* first = find(here);
    std::optional<Flow> behind;
    for (std::uint16_t port = 1; !behind; ++port) {
        auto candidate = flow("udp:198.18.0.1:40000", "203.0.113.20:" + std::to_string(port));
        const auto key = policy::to_key(candidate);
        if (&flows[mf_flow_slot(mf_flow_hash(&key, control.flow_secret), 0, kSlots)] == first) {
            behind = candidate;
        }
    }
    learn(*behind, one.owner, tick());
    tables->sweep(kSlots);
    tables->free_unlinked(tables->take_unlinked());
    // The API names it: it must not stand in the table twice.
    put(person("p", {}, {*behind}), kTheirs, &one);
    EXPECT_EQ(living().size(), 1U);
    EXPECT_EQ(first->owner, MF_FLOW_FREED);
}

TEST_F(ParticipantTablesTest, GoOnWithASweepThatStoppedHalfWay)
{
    const auto one = put(person("p", {}));
    learn(here, one.owner, tick() - kIdle);
    tables->sweep(kSlots);
    ASSERT_EQ(adopt().size(), 1U);
    ASSERT_TRUE(tables->has_unlinked());
    tables->free_unlinked(tables->take_unlinked());
    learn(here, one.owner, tick());
    EXPECT_EQ(living().size(), 1U);
    EXPECT_EQ(std::ranges::count_if(std::views::iota(0U, kSlots),
                                    [&](auto slot) { return flows[slot].owner == MF_FLOW_DEAD; }),
              0);
}

} // namespace
} // namespace meetfence::test
