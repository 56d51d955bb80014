// SPDX-License-Identifier: Apache-2.0
// What a writer finds that takes over from one that stopped, perhaps in the middle of a change.
#include <gtest/gtest.h>

#include "tests/unit/daemon/dataplane/in_steps.h"
#include "tests/unit/daemon/dataplane/table_fixture.h"

namespace meetfence::test {
namespace {

class TableAdoption : public TableFixture {
protected:
    TableAdoption()
    {
        put(images);
        EXPECT_TRUE(writer->set_exempt({prefix("192.0.2.0/28")}));
    }

    /// Its rules, exceptions and both its endpoints are in force.
    void expect_first_meeting()
    {
        EXPECT_EQ(see(1, "CN"), dropped(1, 1));
        EXPECT_EQ(see(1, "HK", "198.18.0.1", "203.0.113.10").reason, MF_EXCEPTED);
        EXPECT_EQ(see(2, "HK", "198.18.0.1", "203.0.113.16").reason, MF_DROP_COUNTRY);
        EXPECT_EQ(see(2, "CN", "198.18.0.2"), kOther);
    }

    const Images images{meeting_image(1, {on_port(1), on_port(2, "198.18.0.1")},
                                      {rule_image(1, {"CN", "US"}),
                                       rule_image(2, {"HK"}, {"203.0.113.0/28", "2001:db8::/64"})}),
                        meeting_image(2, {on_port(2, "2001:db8::1")}, {rule_image(3, {"TW"})}),
                        meeting_image(3, {on_port(3)})};
};

TEST_F(TableAdoption, FindsExactlyWhatWasLeft)
{
    const auto before = tables.snapshot();
    const auto prefixes = tables.prefixes;
    const auto linked = writer->meetings();
    adopt();
    EXPECT_EQ(tables.snapshot(), before);
    ASSERT_EQ(writer->meetings().size(), linked.size());
    for (const auto& image : images) {
        const auto& found = writer->meetings().at(image.number);
        EXPECT_EQ(found.slot, linked.at(image.number).slot);
        EXPECT_EQ(found.policy, linked.at(image.number).policy);
        EXPECT_EQ(found.endpoints, image.endpoints);
        EXPECT_TRUE(std::ranges::equal(found.rules, image.rules, {}, &dataplane::LinkedRule::image));
    }
    put(images);
    ASSERT_TRUE(writer->set_exempt({prefix("192.0.2.0/28")}));
    EXPECT_EQ(tables.snapshot(), before) << "written, although all was as it should be";
    EXPECT_EQ(tables.prefixes, prefixes);
    EXPECT_FALSE(writer->has_garbage());
}

TEST_F(TableAdoption, OfEmptyTablesFindsNothing)
{
    MemoryTables empty;
    const auto before = empty.snapshot();
    const auto adopted = dataplane::TableWriter::adopt(empty.open());
    ASSERT_TRUE(adopted) << error_of(adopted);
    EXPECT_TRUE(adopted->meetings().empty());
    EXPECT_FALSE(adopted->has_garbage());
    EXPECT_EQ(empty.snapshot(), before);
}

TEST_F(TableAdoption, KeepsTheCounters)
{
    count_drop(1, "US");
    count_drop(3, "TW");
    adopt();
    const auto counts = writer->counts(*writer->find_rule(1, 1));
    ASSERT_TRUE(counts);
    EXPECT_EQ((*counts)[0].country, country("CN"));
    EXPECT_EQ((*counts)[0].ingress.dropped_packets, 0U);
    EXPECT_EQ((*counts)[1].ingress.dropped_packets, 1U);
    put({}, {2});
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.control.memory[0].retired_drops, 1U);
    EXPECT_EQ(PacketView(tables).accounted_drops(), 2U);
}

TEST_F(TableAdoption, GivesNothingAwayThatIsInUse)
{
    adopt();
    // Everything that is left, until nothing is.
    std::uint64_t number = 10;
    while (auto staged = stage({meeting_image(number, {on_port(10 + static_cast<std::uint32_t>(number))},
                                              {rule_image(number, {"MO"})})})) {
        writer->publish(std::move(*staged));
        ++number;
    }
    EXPECT_GT(number, 12U);
    expect_first_meeting();
    for (std::uint64_t i = 10; i < number; ++i) {
        EXPECT_EQ(see(10 + static_cast<std::uint32_t>(i), "MO"), dropped(i, i));
    }
}

TEST_F(TableAdoption, ForgetsAChangeThatWasNotPublished)
{
    auto changed = images[0];
    changed.rules[0].mode = MF_MONITOR;
    changed.rules[1].except.push_back(prefix("203.0.113.64/28"));
    changed.endpoints.push_back(on_port(9));
    const auto fresh = meeting_image(7, {on_port(7)}, {rule_image(7, {"MO"}, {"203.0.113.0/24"})});
    const auto prefixes = tables.prefixes;
    count_drop(1, "CN");
    // Many times: what is not found again is missed soon.
    for (int i = 0; i < 30; ++i) {
        const auto staged = stage({changed, fresh}, {2});
        ASSERT_TRUE(staged) << i << ": " << error_of(staged);
        adopt();
        expect_first_meeting();
        ASSERT_EQ(see(9, "CN"), kOther);
        ASSERT_EQ(see(7, "MO"), kOther);
        ASSERT_EQ(see(2, "TW", "2001:db8::1"), dropped(2, 3));
        ASSERT_EQ(tables.prefixes, prefixes);
        ASSERT_EQ(PacketView(tables).accounted_drops(), 1U);
        put({}, {7}); // the meeting that came to nothing is known, and nobody's: the daemon takes it out
    }
    put({changed, fresh}, {2});
    EXPECT_EQ(see(1, "CN").reason, MF_MONITORED);
    EXPECT_EQ(see(9, "CN").reason, MF_MONITORED);
    EXPECT_EQ(see(7, "MO", "198.18.0.1", "198.51.100.10"), dropped(7, 7));
}

TEST_F(TableAdoption, GoesOnWithAMeetingThatWasStagedOnly)
{
    // The disk had the meeting already, the kernel not yet.
    const auto fresh = meeting_image(7, {on_port(7)}, {rule_image(7, {"MO"})});
    ASSERT_TRUE(stage({fresh}));
    adopt();
    put({fresh});
    EXPECT_EQ(see(7, "MO"), dropped(7, 7));
    std::size_t slots = 0;
    for (std::size_t i = 1; i < tables.meetings.memory.size(); ++i) {
        slots += tables.meetings.memory[i].number == 7 ? 1 : 0;
    }
    EXPECT_EQ(slots, 2U) << "one for its endpoints, one for its participants";
}

TEST_F(TableAdoption, RepairsOrRefusesAChangeThatStoppedBetweenTwoPorts)
{
    auto changed = images[0];
    changed.rules[0].mode = MF_MONITOR;
    changed.endpoints.push_back(on_port(9));
    for (const bool is_named : {false, true}) {
        for (const std::size_t done : {0U, 1U, 2U}) {
            const auto staged = stage({changed});
            ASSERT_TRUE(staged) << error_of(staged);
            const auto& one = staged->meetings.at(0);
            tables.meetings.memory[one.next.slot].number = is_named ? one.number : 0;
            for (auto it = staged->ports.begin(); it != std::next(staged->ports.begin(), done); ++it) {
                tables.ports.memory[it->first] = it->second.back().index;
            }
            auto adopted = dataplane::TableWriter::adopt(tables.open());
            if (!adopted) { // then the data plane makes new tables
                EXPECT_EQ(adopted.error().code, ErrorCode::conflict) << error_of(adopted);
                return;
            }
            writer.emplace(std::move(*adopted));
            put(images);
            expect_first_meeting();
        }
    }
}

TEST_F(TableAdoption, CompletesARemovalThatStoppedHalfWay)
{
    // The meeting is free again, and an endpoint of it is still linked.
    const auto slot = writer->meetings().at(1).slot;
    count_drop(1, "CN");
    for (const bool first_is_unlinked : {true, false}) {
        if (first_is_unlinked) {
            tables.ports.memory[1] = 0;
        }
        tables.meetings.memory[slot] = {};
        adopt();
        EXPECT_EQ(see(1, "CN"), kOther);
        EXPECT_EQ(see(2, "CN"), kOther);
        EXPECT_EQ(see(2, "TW", "2001:db8::1"), dropped(2, 3));
        EXPECT_EQ(PacketView(tables).accounted_drops(), 1U);
        EXPECT_EQ(tables.prefix_count(), 1U); // the exemption
        ASSERT_TRUE(writer->reclaim());
        put({images[0]});
        expect_first_meeting();
    }
}

TEST_F(TableAdoption, CompletesAChangeOfRulesOfWhichParticipantsSawNothing)
{
    put({}, {}, {{on_port(5), MF_ENDPOINT_LEARNS}});
    const auto old_policy = writer->meetings().at(1).policy;
    auto changed = images[0];
    changed.rules[0].mode = MF_MONITOR;
    put({changed});
    EXPECT_EQ(see_person(5, "CN", 1).reason, MF_MONITORED);
    tables.meetings.memory[writer->meetings().at(1).shared_slot].policy =
        old_policy; // the second store of two
    adopt();
    EXPECT_EQ(see_person(5, "CN", 1).reason, MF_MONITORED);
    EXPECT_EQ(see(1, "CN").reason, MF_MONITORED);
    for (std::uint64_t i = 0; i < 20; ++i) { // the old policy is free, the new one is not
        put({meeting_image(3, {on_port(3)}, {rule_image(30 + i, {"MO"})})});
        ASSERT_EQ(see_person(5, "CN", 1).reason, MF_MONITORED);
    }
}

TEST_F(TableAdoption, TakesOutTheElementThatParticipantsOfARemovedMeetingLedTo)
{
    const auto& first = writer->meetings().at(1);
    const auto slot = first.shared_slot;
    tables.ports.memory[1] = tables.ports.memory[2] = 0;
    tables.meetings.memory[first.slot].retired = 1;
    adopt();
    EXPECT_FALSE(writer->meetings().contains(1));
    EXPECT_NE(tables.meetings.memory[slot].retired, 0U);
    EXPECT_EQ(tables.meetings.memory[slot].number, 1U) << "packets may still read it";
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.meetings.memory[slot].number, 0U);
    put(images);
    expect_first_meeting();
}

TEST_F(TableAdoption, TakesOverFromADaemonThatStoppedAnywhereInTheLifeOfAMeeting)
{
    put({}, {}, {{on_port(5), MF_ENDPOINT_LEARNS}});
    const auto fresh = meeting_image(7, {on_port(7)}, {rule_image(7, {"MO"})});
    const auto expect_no_conflict = [&](const Images& changed, const Numbers& removed, const char* what) {
        const auto prefixes = tables.prefixes;
        const auto staged = value_of(stage(changed, removed));
        const auto stops = in_steps(
            tables, [&] { writer->publish(staged); }, [] {});
        EXPECT_GT(stops.size(), 1U);
        for (const auto& stop : stops) {
            tables.restore(stop);
            tables.prefixes = prefixes;
            const auto adopted = dataplane::TableWriter::adopt(tables.open());
            EXPECT_TRUE(adopted) << what << ": " << error_of(adopted);
        }
        tables.restore(stops.back());
        tables.prefixes = prefixes;
        adopt();
    };
    expect_no_conflict({fresh}, {}, "a new meeting");
    auto changed = fresh;
    changed.rules[0].mode = MF_MONITOR;
    expect_no_conflict({changed}, {}, "other rules");
    changed.endpoints = {on_port(8)};
    expect_no_conflict({changed}, {}, "other endpoints");
    expect_no_conflict({}, {7}, "its removal");
    EXPECT_FALSE(writer->meetings().contains(7));
    expect_first_meeting();
}

TEST_F(TableAdoption, TakesAMeetingOutWhoseEndpointsWereUnlinkedInPart)
{
    tables.ports.memory[1] = 0;
    adopt();
    EXPECT_EQ(writer->meetings().at(1).endpoints.size(), 1U);
    EXPECT_EQ(see(2, "CN"), dropped(1, 1));
    put({}, {1});
    EXPECT_EQ(see(2, "CN"), kOther);
    put({images[0]});
    expect_first_meeting();
}

TEST_F(TableAdoption, RestoresTheEndpointsOfAMeetingThatWereUnlinkedInPart)
{
    tables.ports.memory[1] = 0;
    adopt();
    put(images);
    expect_first_meeting();
}

TEST_F(TableAdoption, KeepsTheDropsOfRulesThatWereGoneAndNotYetForgotten)
{
    count_drop(2, "HK");
    count_drop(3, "TW");
    put({meeting_image(2, {on_port(2, "2001:db8::1")})}, {1});
    for (int i = 0; i < 3; ++i) { // the second adoption must not count them again
        adopt();
        EXPECT_EQ(PacketView(tables).accounted_drops(), 2U);
        EXPECT_EQ(tables.control.memory[0].retired_drops, 2U);
    }
}

struct Nonsense {
    const char* what;
    void (*spoil)(MemoryTables&);
};

std::uint32_t slot_of(const MemoryTables& tables, std::uint64_t meeting)
{
    for (std::uint32_t i = 1; i < tables.meetings.memory.size(); ++i) {
        if (tables.meetings.memory[i].number == meeting && tables.meetings.memory[i].shared == 0) {
            return i;
        }
    }
    return 0;
}

mf_policy& policy_of(MemoryTables& tables, std::uint64_t meeting)
{
    return tables.policies.memory[tables.meetings.memory[slot_of(tables, meeting)].policy];
}

mf_rule& rule_of(MemoryTables& tables, std::uint64_t meeting)
{
    return tables.rules.memory[policy_of(tables, meeting).rules[0]];
}

void expect_conflict(std::span<const Nonsense> cases, const std::vector<MeetingImage>& images)
{
    for (const auto& [what, spoil] : cases) {
        MemoryTables tables;
        {
            auto writer = value_of(dataplane::TableWriter::adopt(tables.open()));
            writer.publish(value_of(writer.stage(images, {})));
        }
        spoil(tables);
        const auto adopted = dataplane::TableWriter::adopt(tables.open());
        EXPECT_FALSE(adopted) << what;
        if (!adopted) {
            EXPECT_EQ(adopted.error().code, ErrorCode::conflict) << what;
        }
    }
}

TEST_F(TableAdoption, RefusesTablesThatLeadOutOfThemselves)
{
    const Nonsense cases[] = {
        {"a port leads beyond the endpoints", [](auto& t) { t.ports.memory[1] = 33; }},
        {"a port leads far beyond", [](auto& t) { t.ports.memory[63] = ~0U; }},
        {"an endpoint leads beyond", [](auto& t) { t.endpoints.memory[t.ports.memory[1]].next = 33; }},
        {"an endpoint leads to itself",
         [](auto& t) { t.endpoints.memory[t.ports.memory[1]].next = t.ports.memory[1]; }},
        {"two endpoints lead to each other",
         [](auto& t) {
             t.endpoints.memory[t.endpoints.memory[t.ports.memory[2]].next].next = t.ports.memory[2];
         }},
        {"a policy that is none", [](auto& t) { t.meetings.memory[slot_of(t, 1)].policy = 13; }},
        {"two meetings with one number", [](auto& t) { t.meetings.memory[slot_of(t, 2)].number = 1; }},
        {"a meeting that participants lead to nothing of",
         [](auto& t) {
             for (std::uint32_t i = slot_of(t, 1) + 1; i < t.meetings.memory.size(); ++i) {
                 t.meetings.memory[i].number =
                     t.meetings.memory[i].number == 1 ? 0 : t.meetings.memory[i].number;
             }
         }},
        {"rule 0", [](auto& t) { policy_of(t, 1).rules[0] = 0; }},
        {"a rule that is none", [](auto& t) { policy_of(t, 1).rules[1] = 21; }},
        {"a rule that is free", [](auto& t) { rule_of(t, 2).number = 0; }},
        {"cells beyond the table", [](auto& t) { rule_of(t, 1).cells = 39; }},
        {"fewer cells than countries", [](auto& t) { rule_of(t, 1).cell_count = 1; }},
        {"more cells than countries", [](auto& t) { rule_of(t, 1).cell_count = 3; }},
        {"a country more than cells", [](auto& t) { rule_of(t, 1).countries[3] |= 1; }},
    };
    expect_conflict(cases, images);
}

TEST_F(TableAdoption, RefusesCellsThatWrapRoundTheLastNumber)
{
    const Nonsense cases[] = {
        {"cells from the last number on", [](auto& t) { rule_of(t, 1).cells = ~0U - 1; }},
    };
    expect_conflict(cases, images);
}

// Each of these would later free what another meeting still uses.
TEST_F(TableAdoption, RefusesTablesWhereTwoUseOneElement)
{
    const Nonsense cases[] = {
        {"two meetings, one policy",
         [](auto& t) { t.meetings.memory[slot_of(t, 2)].policy = t.meetings.memory[slot_of(t, 1)].policy; }},
        {"two policies, one rule", [](auto& t) { policy_of(t, 2).rules[0] = policy_of(t, 1).rules[0]; }},
        {"two rules, one cell", [](auto& t) { rule_of(t, 2).cells = rule_of(t, 1).cells; }},
        {"two ports, one endpoint", [](auto& t) { t.ports.memory[5] = t.ports.memory[1]; }},
    };
    expect_conflict(cases, images);
}

TEST_F(TableAdoption, IsNotTiedToOneWriter)
{
    // Twenty daemons in a row, each changing something.
    for (std::uint64_t i = 0; i < 20; ++i) {
        adopt();
        put({meeting_image(4, {on_port(4)}, {rule_image(100 + i, {"MO"}, {"192.0.2.0/24"})})});
        EXPECT_EQ(see(4, "MO"), dropped(4, 100 + i));
        expect_first_meeting();
    }
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.prefix_count(), 4U);
}

} // namespace
} // namespace meetfence::test
