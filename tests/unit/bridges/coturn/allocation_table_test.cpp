// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/bridges/coturn/allocation_table_fixture.h"

namespace meetfence::bridges::coturn::test {
namespace {

TEST_F(AllocationTableTest, BindsWhatItHears)
{
    table.heard(key, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.heard(key, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(bound(), Bound());
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(AllocationTableTest, EndsWithALifetimeOfNothing)
{
    table.heard(key, value_for(4000), start);
    table.heard(key, value_for(4000, 0), start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(AllocationTableTest, SameKeyIsAnotherAllocation)
{
    table.heard(key, value_for(4000), start);
    table.heard(key, value_for(4001), start);
    EXPECT_EQ(bound(), one(4001, "m coturn-p"));
    table.heard(key, "refreshed nonsense", start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(unbound(), (std::map<std::string, std::uint64_t, std::less<>>{{"malformed", 1}}));
}

TEST_F(AllocationTableTest, LaterOneHasTheFlow)
{
    table.heard(key, value_for(4000), start);
    table.heard(other, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
    EXPECT_EQ(unbound().at("superseded"), 1U);
    table.found({.values = {{key, value_for(4000)}, {other, value_for(4000)}}}, start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
    table.heard(key, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(bound(), Bound()); // the other's claim is the older one
}

TEST_F(AllocationTableTest, OfTwoFoundTogetherNeitherHasTheFlow)
{
    table.found({.values = {{key, value_for(4000)}, {other, value_for(4000)}}, .after_gap = true}, start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(ledger.contested(), 1U);
    table.heard(other, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
}

TEST_F(AllocationTableTest, TakesWhatIsFoundAndDropsWhatIsNot)
{
    table.heard(key, value_for(4000), start);
    table.found({.values = {{other, value_for(4001)}}}, start);
    EXPECT_EQ(bound(), one(4001, "n coturn-q"));
    table.found({}, start);
    EXPECT_EQ(bound(), Bound());
}

TEST_F(AllocationTableTest, MessagesAreNewerThanAListing)
{
    table.heard(key, value_for(4000), start);
    table.found({.values = {{other, value_for(4001)}}, .changing = {key, other}}, start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
}

TEST_F(AllocationTableTest, WhatIsNotRefreshedIsBoundNoLonger)
{
    table.heard(key, value_for(4000), start);
    const auto end = seconds(600) + AllocationTable::kMargin;
    table.forget_old(after(end));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.forget_old(after(end + seconds(1)));
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(unbound().at("expired"), 1U);
    // The key is still there, and says nothing new.
    table.found({.values = {{key, value_for(4000)}}, .after_gap = true}, after(end + seconds(2)));
    EXPECT_EQ(bound(), Bound());
    table.heard(key, value_for(4000), after(end + seconds(3)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
}

TEST_F(AllocationTableTest, RefreshProlongsIt)
{
    table.heard(key, value_for(4000), start);
    table.heard(key, value_for(4000), after(seconds(540)));
    table.forget_old(after(seconds(1100)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
}

// Its refresh may have been among the messages that were missed; a listing alone says nothing of that.
TEST_F(AllocationTableTest, GapProlongsItOnce)
{
    const Listing listing{.values = {{key, value_for(4000)}}};
    auto gap = listing;
    gap.after_gap = true;
    table.heard(key, value_for(4000), start);
    table.found(gap, after(seconds(500)));
    table.found(listing, after(seconds(1000)));
    table.forget_old(after(seconds(1100)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.forget_old(after(seconds(1131)));
    EXPECT_EQ(bound(), Bound());
}

TEST_F(AllocationTableTest, RedisMayForget)
{
    table.heard(key, value_for(4000), start);
    const Listing anew{.after_gap = true, .new_server = true};
    table.found(anew, after(seconds(10)));
    table.found({}, after(seconds(12)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.forget_old(after(seconds(631)));
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(AllocationTableTest, WhatRedisForgotYieldsToWhatItHas)
{
    const Listing anew{.after_gap = true, .new_server = true};
    table.heard(key, value_for(4000), start);
    table.found(anew, start);
    table.found({.values = {{other, value_for(4000)}}}, start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
    EXPECT_EQ(table.size(), 1U);

    table.found({.values = {{other, value_for(4000)}}, .new_server = true}, start);
    table.found({}, start);
    EXPECT_EQ(bound(), Bound()); // it was there, and went
    table.heard(key, value_for(4001), start);
    table.found(anew, start);
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(bound(), Bound());
}

TEST_F(AllocationTableTest, WhatIsNobodysIsCounted)
{
    table.heard(key_for("plain"), value_for(4000), start);
    table.heard(key_for("1:a/b/c"), value_for(4001), start);
    table.heard(key_for("1:\xff/p"), value_for(4002), start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(unbound(),
              (std::map<std::string, std::uint64_t, std::less<>>{{"bad_name", 1}, {"no_meeting", 2}}));
    table.found({}, start);
    EXPECT_TRUE(unbound().empty());
}

} // namespace
} // namespace meetfence::bridges::coturn::test
