// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/table_writer.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/dataplane/table_fixture.h"

namespace meetfence::test {
namespace {

class TableWriterTest : public TableFixture {};

TEST_F(TableWriterTest, ChangesNothingPacketsSeeUntilItPublishes)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    auto staged = stage({meeting_image(1, {on_port(2)}, {rule_image(1, {"CN"}), rule_image(2, {"HK"})}),
                         meeting_image(2, {on_port(3)}, {rule_image(3, {"CN"})})});
    ASSERT_TRUE(staged) << error_of(staged);
    EXPECT_EQ(see(1, "CN"), dropped(1, 1));
    EXPECT_EQ(see(1, "HK"), passes(1));
    EXPECT_EQ(see(2, "CN"), kOther);
    EXPECT_EQ(see(3, "CN"), kOther);

    writer->publish(std::move(*staged));
    EXPECT_EQ(see(1, "CN"), kOther);
    EXPECT_EQ(see(2, "CN"), dropped(1, 1));
    EXPECT_EQ(see(2, "HK"), dropped(1, 2));
    EXPECT_EQ(see(2, "US"), passes(1));
    EXPECT_EQ(see(3, "CN"), dropped(2, 3));
    EXPECT_EQ(see(3, "HK"), passes(2));
}

TEST_F(TableWriterTest, TellsTheAddressesOfOnePortApart)
{
    put({meeting_image(1, {on_port(1, "198.18.0.1")}, {rule_image(1, {"CN"})}),
         meeting_image(2, {on_port(1, "198.18.0.2"), on_port(1, "2001:db8::1")}, {rule_image(2, {"HK"})})});
    EXPECT_EQ(see(1, "CN", "198.18.0.1"), dropped(1, 1));
    EXPECT_EQ(see(1, "CN", "198.18.0.2"), passes(2));
    EXPECT_EQ(see(1, "HK", "2001:db8::1", "2001:db8:b::10"), dropped(2, 2));
    EXPECT_EQ(see(1, "CN", "198.18.0.3"), kOther);
    put({}, {1});
    EXPECT_EQ(see(1, "CN", "198.18.0.1"), kOther);
    EXPECT_EQ(see(1, "HK", "198.18.0.2"), dropped(2, 2));
}

TEST_F(TableWriterTest, ShowsEveryOneOfSixteenAddressesOnOnePort)
{
    std::vector<EndpointImage> endpoints;
    for (unsigned i = 1; i <= MF_ENDPOINTS_PER_PORT; ++i) {
        endpoints.push_back(on_port(1, "198.18.0." + std::to_string(i)));
    }
    put({meeting_image(1, endpoints, {rule_image(1, {"CN"})})});
    for (unsigned i = 1; i <= MF_ENDPOINTS_PER_PORT; ++i) {
        EXPECT_EQ(see(1, "CN", "198.18.0." + std::to_string(i)), dropped(1, 1)) << i;
    }
}

TEST_F(TableWriterTest, CarriesTimesModeAndExceptionsToThePacket)
{
    auto timed = rule_image(1, {"CN"});
    timed.from_ns = 100;
    timed.until_ns = 200;
    auto watching = rule_image(2, {"HK"}, {"203.0.113.0/28"});
    watching.mode = MF_MONITOR;
    put({meeting_image(1, {on_port(1)}, {timed, watching})});
    const auto at_time = [&](std::uint64_t now_ns) {
        return see(1, "CN", "198.18.0.1", "203.0.113.10", now_ns).reason;
    };
    EXPECT_EQ(at_time(99), MF_RULE_NOT_STARTED);
    EXPECT_EQ(at_time(100), MF_DROP_COUNTRY);
    EXPECT_EQ(at_time(199), MF_DROP_COUNTRY);
    EXPECT_EQ(at_time(200), MF_RULE_ENDED);
    EXPECT_EQ(see(1, "HK", "198.18.0.1", "203.0.113.10").reason, MF_EXCEPTED);
    EXPECT_EQ(see(1, "HK", "198.18.0.1", "203.0.113.16").reason, MF_MONITORED);
}

TEST_F(TableWriterTest, LeavesNoTraceOfADiscardedChange)
{
    const auto before_image = meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK"})});
    put({before_image});
    // Big enough that only a few fit: what a discard forgets to give back is missed soon.
    const Images change{
        meeting_image(1, {on_port(1), on_port(2), on_port(3)},
                      {rule_image(1, {"CN", "HK"}, {"203.0.113.0/28"}), rule_image(2, {"US", "TW"})}),
        meeting_image(2, {on_port(4), on_port(5), on_port(6)},
                      {rule_image(3, {"CN"}), rule_image(4, {"US"})})};
    for (int i = 0; i < 100; ++i) {
        auto staged = stage(change, {});
        ASSERT_TRUE(staged) << i << ": " << error_of(staged);
        writer->discard(std::move(*staged));
        ASSERT_EQ(see(1, "CN"), dropped(1, 1));
        ASSERT_EQ(see(2, "CN"), kOther);
        ASSERT_EQ(tables.prefix_count(), 0U);
    }
    ASSERT_EQ(writer->meetings().size(), 1U);
    EXPECT_FALSE(writer->has_garbage());
    put(change);
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.1").reason, MF_EXCEPTED);
    EXPECT_EQ(see(1, "TW"), dropped(1, 2));
    EXPECT_EQ(see(6, "US"), dropped(2, 4));
}

TEST_F(TableWriterTest, DiscardsARemovalToo)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    auto staged = stage({}, {1});
    ASSERT_TRUE(staged);
    writer->discard(std::move(*staged));
    EXPECT_EQ(see(1, "CN"), dropped(1, 1));
    put({}, {1});
    EXPECT_EQ(see(1, "CN"), kOther);
}

TEST_F(TableWriterTest, KeepsTheCountersOfAChangedRule)
{
    auto rule = rule_image(1, {"CN", "HK"});
    put({meeting_image(1, {on_port(1)}, {rule, rule_image(2, {"US"})})});
    count_drop(1, "HK");
    count_drop(2, "US");
    rule.mode = MF_MONITOR;
    rule.until_ns = 500;
    put({meeting_image(1, {on_port(1)}, {rule, rule_image(2, {"US"})})});
    EXPECT_EQ(see(1, "HK").reason, MF_MONITORED);
    const auto counts = writer->counts(*writer->find_rule(1, 1));
    ASSERT_TRUE(counts);
    ASSERT_EQ(counts->size(), 2U);
    EXPECT_EQ((*counts)[0].country, country("CN"));
    EXPECT_EQ((*counts)[0].ingress.dropped_packets, 0U);
    EXPECT_EQ((*counts)[1].country, country("HK"));
    EXPECT_EQ((*counts)[1].ingress.dropped_packets, 1U);
    // In limbo the old element shares the cells with the new one: they count once.
    EXPECT_EQ(PacketView(tables).accounted_drops(), 2U);
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(PacketView(tables).accounted_drops(), 2U);
    EXPECT_EQ(tables.control.memory[0].retired_drops, 0U);
}

TEST_F(TableWriterTest, KeepsTheCountersOfAChangedRuleWhenTheChangeIsDiscarded)
{
    auto rule = rule_image(1, {"CN"});
    put({meeting_image(1, {on_port(1)}, {rule})});
    count_drop(1, "CN");
    rule.mode = MF_MONITOR;
    auto staged = stage({meeting_image(1, {on_port(1)}, {rule})});
    ASSERT_TRUE(staged);
    writer->discard(std::move(*staged));
    // A new rule must not get the cells that are in use.
    put({meeting_image(2, {on_port(2)}, {rule_image(2, {"CN"})})});
    EXPECT_NE(PacketView(tables).cell_of(2, country("CN")), PacketView(tables).cell_of(1, country("CN")));
    EXPECT_EQ(PacketView(tables).accounted_drops(), 1U);
}

// Two state directories number their rules alike: a daemon that is given another one finds, under the
// same numbers, rules with other countries.
TEST_F(TableWriterTest, GivesARuleWhoseCountriesChangeCountersThatAreItsOwn)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"}), rule_image(2, {"US"})})});
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK", "TW"}), rule_image(2, {"US"})})});
    const PacketView view(tables);
    ASSERT_TRUE(writer->reclaim());
    std::set<std::uint32_t> cells{view.cell_of(2, country("US"))};
    for (const auto* code : {"CN", "HK", "TW"}) {
        EXPECT_TRUE(cells.insert(view.cell_of(1, country(code))).second)
            << code << " has another rule's cell";
    }
}

TEST_F(TableWriterTest, StartsTheCountersOfANewRuleAtZero)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    count_drop(1, "CN");
    tables.cell_times.memory[PacketView(tables).cell_of(1, country("CN"))] = {77, 78};
    put({}, {1});
    ASSERT_TRUE(writer->reclaim());
    put({meeting_image(2, {on_port(1)}, {rule_image(2, {"HK"})})});
    const auto cell = PacketView(tables).cell_of(2, country("HK"));
    EXPECT_EQ(tables.cells[cell].total().dropped_packets, 0U);
    EXPECT_EQ(tables.cell_times.memory[cell].event_ns, 0U) << "its first drop would make no event";
    EXPECT_EQ(tables.cell_times.memory[cell].sample_ns, 0U) << "its first drop would not be checked";
    EXPECT_EQ(PacketView(tables).accounted_drops(), 1U);
    EXPECT_EQ(tables.control.memory[0].retired_drops, 1U);
}

TEST_F(TableWriterTest, WritesNothingForAMeetingThatIsAsItShouldBe)
{
    const Images images{
        meeting_image(1, {on_port(1), on_port(2)}, {rule_image(1, {"CN"}, {"203.0.113.0/28"})}),
        meeting_image(2, {on_port(3)})};
    put(images);
    ASSERT_TRUE(writer->reclaim());
    const auto before = tables.snapshot();
    put(images);
    EXPECT_EQ(tables.snapshot(), before);
    EXPECT_FALSE(writer->has_garbage());
}

TEST_F(TableWriterTest, HidesARemovedMeetingWholly)
{
    put({meeting_image(1, {on_port(1), on_port(2)}, {rule_image(1, {"CN"})}),
         meeting_image(2, {on_port(3)}, {rule_image(2, {"CN"})})});
    put({}, {1, 99}); // 99 is unknown: nothing to do
    EXPECT_EQ(see(1, "CN"), kOther);
    EXPECT_EQ(see(2, "CN"), kOther);
    EXPECT_EQ(see(3, "CN"), dropped(2, 2));
    EXPECT_FALSE(writer->meetings().contains(1));
    EXPECT_EQ(writer->find_rule(1, 1), nullptr);
    ASSERT_TRUE(writer->reclaim());
    for (std::size_t slot = 1; slot < tables.meetings.memory.size(); ++slot) {
        EXPECT_NE(tables.meetings.memory[slot].number, 1U);
    }
}

TEST_F(TableWriterTest, MovesAnEndpointFromOneMeetingToAnother)
{
    for (const bool to_higher : {true, false}) {
        const std::uint64_t from = to_higher ? 1 : 2;
        const std::uint64_t to = to_higher ? 2 : 1;
        put({meeting_image(from, {on_port(1), on_port(2)}, {rule_image(from, {"CN"})}),
             meeting_image(to, {on_port(3)}, {rule_image(to, {"HK"})})});
        put({meeting_image(from, {on_port(2)}, {rule_image(from, {"CN"})}),
             meeting_image(to, {on_port(1), on_port(3)}, {rule_image(to, {"HK"})})});
        EXPECT_EQ(see(1, "HK"), dropped(to, to));
        EXPECT_EQ(see(2, "CN"), dropped(from, from));
        put({}, {1, 2});
    }
}

TEST_F(TableWriterTest, SwapsTheEndpointsOfTwoMeetings)
{
    const auto first = rule_image(1, {"CN"});
    const auto second = rule_image(2, {"HK"});
    put({meeting_image(1, {on_port(1)}, {first}), meeting_image(2, {on_port(2)}, {second})});
    put({meeting_image(1, {on_port(2)}, {first}), meeting_image(2, {on_port(1)}, {second})});
    EXPECT_EQ(see(1, "HK"), dropped(2, 2));
    EXPECT_EQ(see(2, "CN"), dropped(1, 1));
}

TEST_F(TableWriterTest, ReplacesAMeetingByAnotherInOneChange)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    put({meeting_image(2, {on_port(1)}, {rule_image(2, {"HK"})})}, {1});
    EXPECT_EQ(see(1, "HK"), dropped(2, 2));
    EXPECT_EQ(see(1, "CN"), passes(2));
}

TEST_F(TableWriterTest, TakesTheLastRuleOfAMeetingAway)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    put({meeting_image(1, {on_port(1)})});
    EXPECT_EQ(see(1, "CN"), passes(1));
    put({meeting_image(1, {on_port(1)}, {rule_image(2, {"CN"})})});
    EXPECT_EQ(see(1, "CN"), dropped(1, 2));
}

TEST_F(TableWriterTest, ExemptsPrefixesFromEverything)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    ASSERT_TRUE(writer->set_exempt({prefix("203.0.113.0/28")}));
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.10").reason, MF_EXEMPT);
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.16").reason, MF_DROP_COUNTRY);
    ASSERT_TRUE(writer->set_exempt({prefix("203.0.113.16/28")}));
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.10").reason, MF_DROP_COUNTRY);
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.16").reason, MF_EXEMPT);
    ASSERT_TRUE(writer->set_exempt({}));
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.16").reason, MF_DROP_COUNTRY);
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.prefix_count(), 0U);
}

TEST_F(TableWriterTest, KeepsTheExemptionsInForceWhereNewOnesDoNotFit)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    ASSERT_TRUE(writer->set_exempt({prefix("203.0.113.0/28")}));
    tables.prefix_room = 2;
    EXPECT_FALSE(writer->set_exempt({prefix("203.0.113.16/28"), prefix("203.0.113.32/28")}));
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.10").reason, MF_EXEMPT);
    EXPECT_EQ(tables.prefix_count(), 1U);
}

} // namespace
} // namespace meetfence::test
