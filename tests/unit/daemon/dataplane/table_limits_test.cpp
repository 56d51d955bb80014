// SPDX-License-Identifier: Apache-2.0
// Full tables, and system calls that fail: nothing half applied, nothing lost, nothing used too early.
#include <gtest/gtest.h>

#include "tests/unit/daemon/dataplane/table_fixture.h"

namespace meetfence::test {
namespace {

struct Narrow {
    const char* table;
    TableSizes sizes;
    const char* says;
};

// Each leaves room in one table for the first meeting below, and not for the second beside it.
const Narrow kNarrow[] = {
    {"meetings", {.meetings = 3}, "meetings"}, {"policies", {.policies = 2}, "policies"},
    {"rules", {.rules = 3}, "rules"},          {"endpoints", {.endpoints = 4}, "endpoints"},
    {"counters", {.cells = 5}, "counters"},
};

const MeetingImage kFirst =
    meeting_image(1, {on_port(1), on_port(2)}, {rule_image(1, {"CN", "HK"}), rule_image(2, {"US"})});
const MeetingImage kSecond =
    meeting_image(2, {on_port(3), on_port(4)}, {rule_image(3, {"CN", "HK"}), rule_image(4, {"US"})});

class TableLimits : public TableFixture, public testing::WithParamInterface<Narrow> {
protected:
    TableLimits() : TableFixture(GetParam().sizes) {}
};

TEST_P(TableLimits, RefuseWhatDoesNotFitAndApplyNoneOfIt)
{
    put({kFirst});
    for (int i = 0; i < 20; ++i) { // again and again: a refusal must cost nothing
        const auto staged = stage({kSecond});
        ASSERT_FALSE(staged);
        EXPECT_EQ(staged.error().code, ErrorCode::exhausted);
        EXPECT_MENTIONS(staged.error().message, GetParam().says);
        EXPECT_EQ(see(1, "CN"), dropped(1, 1));
        EXPECT_EQ(see(3, "CN"), kOther);
        EXPECT_EQ(writer->meetings().size(), 1U);
    }
    // A change of several meetings fails as a whole.
    auto changed = kFirst;
    changed.endpoints = {on_port(1)};
    expect_refused(ErrorCode::exhausted, {changed, kSecond});
    EXPECT_EQ(see(2, "CN"), dropped(1, 1));

    put({}, {1});
    put({kSecond}); // the room of the first
    EXPECT_EQ(see(1, "CN"), kOther);
    EXPECT_EQ(see(3, "CN"), dropped(2, 3));
    EXPECT_EQ(see(4, "US"), dropped(2, 4));
}

TEST_P(TableLimits, LeaveTablesThatTheNextWriterUnderstands)
{
    put({kFirst});
    expect_refused(ErrorCode::exhausted, {kSecond});
    adopt();
    ASSERT_EQ(writer->meetings().size(), 1U);
    EXPECT_EQ(see(1, "US"), dropped(1, 2));
    expect_refused(ErrorCode::exhausted, {kSecond});
    put({}, {1});
    put({kSecond});
    EXPECT_EQ(see(4, "HK"), dropped(2, 3));
}

INSTANTIATE_TEST_SUITE_P(Of, TableLimits, testing::ValuesIn(kNarrow),
                         [](const auto& narrow) { return narrow.param.table; });

class Reclaim : public TableFixture {
protected:
    Reclaim() : TableFixture({.meetings = 5, .policies = 3, .rules = 3, .endpoints = 3, .cells = 4}) {}
};

TEST_F(Reclaim, WaitsForPacketsBeforeAnythingIsUsedAgain)
{
    put({meeting_image(1, {on_port(1), on_port(2)},
                       {rule_image(1, {"CN", "HK"}), rule_image(2, {"US", "TW"})})});
    EXPECT_EQ(tables.waits, 0U);
    put({}, {1});
    EXPECT_TRUE(writer->has_garbage());
    EXPECT_EQ(tables.waits, 0U) << "a change must not wait for what it does not need";

    const auto elements = tables.rules.bytes();
    tables.on_wait = [&] { EXPECT_EQ(tables.rules.bytes(), elements) << "written before the wait"; };
    put({meeting_image(2, {on_port(1), on_port(2)},
                       {rule_image(3, {"CN", "HK"}), rule_image(4, {"US", "TW"})})});
    EXPECT_EQ(tables.waits, 1U);
    EXPECT_EQ(see(1, "CN"), dropped(2, 3));
}

TEST_F(Reclaim, DoesNotWaitWhereThereIsNothingToGain)
{
    ASSERT_TRUE(writer->reclaim());
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.waits, 0U);
    put({}, {1});
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.waits, 1U);
    EXPECT_FALSE(writer->has_garbage());
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.waits, 1U);
}

TEST_F(Reclaim, KeepsTheDropsOfRulesThatAreGoneInTheSum)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK"}), rule_image(2, {"US"})})});
    count_drop(1, "CN");
    count_drop(1, "HK");
    count_drop(2, "US");
    put({meeting_image(1, {on_port(1)}, {rule_image(2, {"US"})})});
    EXPECT_EQ(PacketView(tables).accounted_drops(), 3U); // in limbo too
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.control.memory[0].retired_drops, 2U);
    EXPECT_EQ(PacketView(tables).accounted_drops(), 3U);
}

TEST_F(Reclaim, ReusesNothingWhereTheWaitFails)
{
    put({meeting_image(1, {on_port(1), on_port(2)})});
    put({}, {1});
    tables.fail_waits = true;
    expect_refused(ErrorCode::internal, {meeting_image(2, {on_port(1), on_port(2)})});
    EXPECT_TRUE(writer->has_garbage());
    tables.fail_waits = false;
    put({meeting_image(2, {on_port(1), on_port(2)})});
    EXPECT_EQ(see(1, "CN"), passes(2));
}

TEST_F(Reclaim, CanBeTriedAgainAfterACounterCouldNotBeRead)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK"}), rule_image(2, {"US", "TW"})})});
    count_drop(1, "CN");
    count_drop(2, "TW");
    put({}, {1});
    tables.reads_before_failure = 2; // those of the first rule
    tables.reads_that_fail = 1;
    EXPECT_FALSE(writer->reclaim());
    EXPECT_EQ(PacketView(tables).accounted_drops(), 2U);
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(PacketView(tables).accounted_drops(), 2U);
    // No cell is free twice.
    put({meeting_image(2, {on_port(1)}, {rule_image(3, {"CN", "HK"}), rule_image(4, {"US", "TW"})})});
    EXPECT_NE(PacketView(tables).cell_of(3, country("CN")), PacketView(tables).cell_of(4, country("US")));
    EXPECT_NE(PacketView(tables).cell_of(3, country("HK")), PacketView(tables).cell_of(4, country("TW")));
}

TEST_F(Reclaim, LosesNoCountersWhereOneCouldNotBeZeroed)
{
    tables.fail_zeroing = true;
    for (int i = 0; i < 10; ++i) {
        ASSERT_FALSE(stage({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK"})})}));
    }
    tables.fail_zeroing = false;
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK"}), rule_image(2, {"US", "TW"})})});
    EXPECT_EQ(see(1, "TW"), dropped(1, 2));
}

TEST_F(Reclaim, TakesExceptionsOfGoneRulesAway)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"}, {"203.0.113.0/28", "203.0.113.32/28"})})});
    EXPECT_EQ(tables.prefix_count(), 2U);
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"}, {"203.0.113.0/28"})})});
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.prefix_count(), 1U);
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.1").reason, MF_EXCEPTED);
    put({}, {1});
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.prefix_count(), 0U);
}

TEST_F(Reclaim, RefusesExceptionsThatDoNotFitAndAppliesNoneOfThem)
{
    tables.prefix_room = 2;
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"}, {"203.0.113.0/28"})})});
    for (int i = 0; i < 10; ++i) {
        expect_refused(ErrorCode::exhausted,
                       {meeting_image(1, {on_port(1)},
                                      {rule_image(1, {"CN"}, {"203.0.113.0/28"}),
                                       rule_image(2, {"HK"}, {"203.0.113.16/28", "203.0.113.32/28"})})});
        EXPECT_EQ(tables.prefix_count(), 1U);
        EXPECT_EQ(see(1, "HK"), passes(1));
    }
}

TEST_F(Reclaim, MakesRoomForExceptionsToo)
{
    tables.prefix_room = 2;
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"}, {"203.0.113.0/28", "203.0.113.16/28"})})});
    put({meeting_image(1, {on_port(1)})});
    put({meeting_image(1, {on_port(1)}, {rule_image(2, {"CN"}, {"203.0.113.32/28", "203.0.113.48/28"})})});
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.33").reason, MF_EXCEPTED);
    EXPECT_EQ(see(1, "CN", "198.18.0.1", "203.0.113.1").reason, MF_DROP_COUNTRY);
}

} // namespace
} // namespace meetfence::test
