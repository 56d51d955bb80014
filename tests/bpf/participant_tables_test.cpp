// SPDX-License-Identifier: Apache-2.0
// Participants in the kernel's tables, as the daemon puts, finds and removes them. What the program does with
// them is in flow_*_test.cpp.
#include "tests/bpf/participant_tables.h"

namespace meetfence::test {
namespace {

TEST_F(ParticipantTablesTest, AreFoundAgainByTheNextDaemon)
{
    EXPECT_TRUE(adopt().empty());
    const auto first = put(person(std::string(128, 'p'), {anywhere, exact, in_v6}, {here, there}));
    auto by_rule = RosterEntry{.id = "named by a rule"};
    by_rule = put(by_rule, kOurs);
    const auto last = put(person("p-3", {}), kOurs);
    EXPECT_EQ(participants[first.owner & MF_PARTICIPANT_INDEX].owner, first.owner);
    EXPECT_EQ(owner_of(exact), first.owner);
    ASSERT_NE(find(there), nullptr);
    EXPECT_EQ(find(there)->owner, first.owner);
    EXPECT_EQ(find(there)->proven, MF_TICK_ALWAYS);

    const auto held = adopt();
    ASSERT_EQ(held.size(), 3U);
    expect_same(held[0].entry, first);
    expect_same(held[1].entry, by_rule);
    expect_same(held[2].entry, last);
    EXPECT_EQ(held[0].meeting_slot, kTheirs);
    EXPECT_EQ(held[1].meeting_slot, kOurs);

    tables->remove(held[0].entry);
    EXPECT_EQ(owner_of(anywhere), 0U);
    EXPECT_TRUE(living().empty());
    const auto rest = adopt();
    ASSERT_EQ(rest.size(), 2U);
    expect_same(rest[0].entry, by_rule);
    EXPECT_GT(put(person("p-4", {})).owner, last.owner) << "a number was given out again";
}

TEST_F(ParticipantTablesTest, KeepTheirWordThroughAChange)
{
    const auto before = put(person("p", {anywhere, exact}, {here}));
    const auto after = put(person("p", {exact, in_v6}, {there}), kTheirs, &before);
    EXPECT_EQ(after.owner, before.owner);
    EXPECT_EQ(owner_of(anywhere), 0U);
    EXPECT_EQ(owner_of(exact), before.owner);
    EXPECT_EQ(owner_of(in_v6), before.owner);
    EXPECT_EQ(find(here), nullptr); // the API took it back
    EXPECT_TRUE(tables->has_unlinked());
    ASSERT_NE(find(there), nullptr);
    const auto held = adopt();
    ASSERT_EQ(held.size(), 1U);
    expect_same(held[0].entry, after);
}

TEST_F(ParticipantTablesTest, HandSomebodyOverWhomARuleNamedFirst)
{
    RosterEntry named{.id = "p"};
    named = put(named);
    EXPECT_FALSE(adopt().at(0).entry.handed_over);
    const auto after = put(person("p", {exact}), kTheirs, &named);
    EXPECT_EQ(after.owner, named.owner);
    EXPECT_TRUE(adopt().at(0).entry.handed_over);
    EXPECT_EQ(owner_of(exact), named.owner);
}

TEST_F(ParticipantTablesTest, LeadToTheirMeeting)
{
    const auto one = put(person("p", {}));
    tables->lead_to(one.owner, kOurs);
    EXPECT_EQ(adopt().at(0).meeting_slot, kOurs);
}

// Of two participants of one meeting the meeting is certain: its rules about countries go on.
TEST_F(ParticipantTablesTest, AreTakenOutWhereARemovalStoppedHalfWay)
{
    const auto stays = put(person("p", {anywhere}));
    const auto leaves = put(person("q", {exact}, {here}));
    // The first store of a removal was done, and nothing else.
    participants[leaves.owner & MF_PARTICIPANT_INDEX].owner = 0;
    const auto held = adopt();
    ASSERT_EQ(held.size(), 1U);
    expect_same(held[0].entry, stays);
    EXPECT_EQ(owner_of(exact), 0U);
    EXPECT_EQ(owner_of(anywhere), stays.owner);
    const auto index = static_cast<std::uint32_t>(leaves.owner & MF_PARTICIPANT_INDEX);
    mf_participant_id id{};
    EXPECT_NE(bpf_map_lookup_elem(ids.get(), &index, &id), 0);
    EXPECT_TRUE(living().empty());
    tables->sweep(kSlots);
    EXPECT_EQ(tables->take_unlinked().flows.size(), 1U);
}

TEST_F(ParticipantTablesTest, CountTheirFlowsWithEachSweepOfTheWholeTable)
{
    const auto one = put(person("p", {}, {here}));
    tables->sweep(kSlots - 1);
    EXPECT_EQ(tables->swept_flows(), std::nullopt);
    tables->sweep(1);
    EXPECT_EQ(tables->swept_flows(), 1U);
    tables->remove(one);
    tables->sweep(kSlots - 1);
    EXPECT_EQ(tables->swept_flows(), 1U);
    tables->sweep(1);
    EXPECT_EQ(tables->swept_flows(), 0U);
}

TEST_F(ParticipantTablesTest, CountWhoWasAnsweredAndWaitsToBeHandedOver)
{
    EXPECT_EQ(tables->count_waiting().value(), 0U);
    see(exact, here, tick() - control.flow_idle - 1);
    EXPECT_EQ(tables->count_waiting().value(), 0U) << "that was long ago";
    see(exact, here, tick());
    EXPECT_EQ(tables->count_waiting().value(), 1U);
    put(person("p", {exact}));
    EXPECT_EQ(tables->count_waiting().value(), 0U);
}

TEST_F(ParticipantTablesTest, AreTakenOutWhereNobodyKnowsTheirName)
{
    const auto one = put(person("p", {exact}));
    const auto index = static_cast<std::uint32_t>(one.owner & MF_PARTICIPANT_INDEX);
    ASSERT_EQ(bpf_map_delete_elem(ids.get(), &index), 0);
    EXPECT_TRUE(adopt().empty());
    EXPECT_EQ(participants[index].owner, 0U);
    EXPECT_EQ(owner_of(exact), 0U);
}

TEST_F(ParticipantTablesTest, NeverGiveANumberOutAgain)
{
    const auto first = put(person("p", {}));
    learn(here, first.owner, tick());
    tables->remove(first);
    EXPECT_TRUE(tables->has_unlinked());
    tables->free_unlinked(tables->take_unlinked());
    EXPECT_FALSE(tables->has_unlinked());
    std::vector<RosterEntry> all;
    for (std::uint32_t i = 0; i + 1 < kPeople; ++i) { // whoever gets its element
        all.push_back(put(person("q" + std::to_string(i), {})));
        EXPECT_GT(all.back().owner >> MF_PARTICIPANT_SHIFT, first.owner >> MF_PARTICIPANT_SHIFT);
    }
    EXPECT_TRUE(living().empty()) << "the flow of somebody who left is somebody else's";
}

class FullParticipantTables : public ParticipantTablesTest {
protected:
    void fill_ufrags()
    {
        std::vector<UfragBinding> all;
        for (std::uint32_t i = 0; i + 1 < kUfrags; ++i) { // room for one more
            all.push_back(binding("udp:*:40000", "full" + std::to_string(i)));
        }
        put(person("everybody", all), kOurs);
    }
    void expect_refused(RosterEntry after, const RosterEntry* before = nullptr)
    {
        const auto held = whole();
        for (int i = 0; i < 20; ++i) { // a refusal must cost nothing
            auto wanted = after;
            const auto done = tables->put(before, wanted, kTheirs);
            ASSERT_FALSE(done);
            EXPECT_EQ(done.error().code, ErrorCode::exhausted) << error_of(done);
            EXPECT_MENTIONS(done.error().message, "limits.participants");
            tables->free_unlinked(tables->take_unlinked());
        }
        EXPECT_TRUE(whole() == held);
    }

    const std::vector<UfragBinding> two{anywhere, exact};
};

TEST_F(FullParticipantTables, RefuseSomebodyNew)
{
    fill_ufrags();
    expect_refused(person("p", two, {here}));
    EXPECT_EQ(find(here), nullptr);
    EXPECT_EQ(owner_of(anywhere), 0U);
    put(person("p", {exact}));
    EXPECT_NE(owner_of(exact), 0U);
}

TEST_F(FullParticipantTables, RefuseMoreOfSomebodyWhoIsThere)
{
    const auto before = put(person("p", {}, {here}));
    fill_ufrags();
    expect_refused(person("p", two, {there}), &before);
    EXPECT_EQ(find(there), nullptr);
    ASSERT_NE(find(here), nullptr);
}

TEST_F(FullParticipantTables, RefuseToHandSomebodyOverWhomARuleNames)
{
    RosterEntry named{.id = "p"};
    named = put(named);
    fill_ufrags();
    expect_refused(person("p", two), &named);
}

TEST_F(FullParticipantTables, RefuseOneTooMany)
{
    std::vector<RosterEntry> all;
    for (std::uint32_t i = 1; i < kPeople; ++i) {
        all.push_back(put(person("p" + std::to_string(i), {})));
    }
    expect_refused(person("one too many", {}));
    tables->remove(all[3]);
    EXPECT_EQ(waits, 0U);
    put(person("in time", {}));
    EXPECT_EQ(waits, 1U) << "packets may still see the element";
}

TEST_F(FullParticipantTables, RefuseWhatTheyCannotWaitFor)
{
    std::vector<RosterEntry> all;
    for (std::uint32_t i = 1; i < kPeople; ++i) {
        all.push_back(put(person("p" + std::to_string(i), {})));
    }
    tables->remove(all[3]);
    fail_waits = true;
    auto early = person("early", {});
    EXPECT_FALSE(tables->put(nullptr, early, kTheirs));
    fail_waits = false;
    put(person("in time", {}));
}

TEST_F(ParticipantTablesTest, KeepWhatCouldNotBeWaitedFor)
{
    const auto gone = put(person("p", {}));
    tables->remove(gone);
    tables->keep_unlinked(tables->take_unlinked());
    EXPECT_TRUE(tables->has_unlinked());
    EXPECT_EQ(tables->take_unlinked().participants,
              std::vector<std::uint32_t>{static_cast<std::uint32_t>(gone.owner & MF_PARTICIPANT_INDEX)});
}

} // namespace
} // namespace meetfence::test
