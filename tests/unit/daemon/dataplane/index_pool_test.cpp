// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/index_pool.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace meetfence::test {
namespace {

using dataplane::IndexPool;
using dataplane::RunPool;

std::vector<std::uint32_t> take_all(IndexPool& pool)
{
    std::vector<std::uint32_t> taken;
    while (const auto index = pool.take()) {
        taken.push_back(*index);
    }
    return taken;
}

TEST(IndexPool, GivesEveryIndexOnceButNever0)
{
    IndexPool pool(5);
    EXPECT_EQ(pool.available(), 4U);
    EXPECT_EQ(take_all(pool), (std::vector<std::uint32_t>{1, 2, 3, 4}));
    EXPECT_EQ(pool.available(), 0U);
    EXPECT_FALSE(pool.take());
}

TEST(IndexPool, OfSizeNoneOrOneHasNothingToGive)
{
    for (const std::uint32_t size : {0U, 1U}) {
        IndexPool pool(size);
        EXPECT_EQ(pool.available(), 0U);
        EXPECT_FALSE(pool.take());
    }
}

TEST(IndexPool, GivesWhatPacketsNeverSawAgainAtOnce)
{
    IndexPool pool(3);
    const auto index = pool.take();
    ASSERT_TRUE(index);
    pool.give_back(*index);
    EXPECT_EQ(pool.available(), 2U);
    EXPECT_EQ(take_all(pool).size(), 2U);
}

TEST(IndexPool, KeepsWhatPacketsMaySeeUntilItIsRecycled)
{
    IndexPool pool(3);
    const auto taken = take_all(pool);
    pool.retire(taken[0]);
    EXPECT_EQ(pool.available(), 0U);
    EXPECT_FALSE(pool.take());
    EXPECT_EQ(pool.limbo(), (std::vector<std::uint32_t>{taken[0]}));
    pool.recycle();
    EXPECT_TRUE(pool.limbo().empty());
    EXPECT_EQ(pool.take(), taken[0]);
}

TEST(IndexPool, DoesNotGiveWhatWasAdopted)
{
    IndexPool pool(6);
    EXPECT_TRUE(pool.take_exactly(1));
    EXPECT_TRUE(pool.take_exactly(4));
    EXPECT_EQ(pool.available(), 3U);
    EXPECT_EQ(take_all(pool), (std::vector<std::uint32_t>{2, 3, 5}));
}

TEST(IndexPool, GivesWhatWasAdoptedAfterItIsRecycledAndOnlyOnce)
{
    IndexPool pool(6);
    EXPECT_TRUE(pool.take_exactly(1));
    EXPECT_TRUE(pool.take_exactly(4));
    pool.retire(4);
    pool.recycle();
    EXPECT_EQ(pool.available(), 4U);
    const auto taken = take_all(pool);
    EXPECT_EQ(std::multiset<std::uint32_t>(taken.begin(), taken.end()),
              (std::multiset<std::uint32_t>{2, 3, 4, 5}));
}

TEST(IndexPool, TellsThatSomethingIsAdoptedTwice)
{
    IndexPool pool(6);
    EXPECT_TRUE(pool.take_exactly(3));
    EXPECT_FALSE(pool.take_exactly(3));
    EXPECT_EQ(pool.available(), 4U);
}

TEST(RunPool, GivesNeighboursFromTheFront)
{
    RunPool pool(10);
    EXPECT_EQ(pool.take(4), 0U);
    EXPECT_EQ(pool.take(6), 4U);
    EXPECT_FALSE(pool.take(1));
}

TEST(RunPool, JoinsWhatComesBackWithItsNeighbours)
{
    RunPool pool(9);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(pool.take(3));
    }
    pool.give_back(0, 3);
    pool.give_back(6, 3);
    EXPECT_FALSE(pool.take(4));
    pool.give_back(3, 3); // joins both
    EXPECT_EQ(pool.take(9), 0U);
}

TEST(RunPool, LeavesOutWhatWasAdopted)
{
    RunPool pool(10);
    EXPECT_TRUE(pool.take_exactly(4, 2));
    EXPECT_EQ(pool.take(4), 0U);
    EXPECT_EQ(pool.take(4), 6U);
    EXPECT_FALSE(pool.take(1));
    pool.give_back(4, 2);
    EXPECT_EQ(pool.take(2), 4U);
}

TEST(RunPool, TellsThatSomethingIsAdoptedTwiceOrIsNotThere)
{
    RunPool pool(10);
    EXPECT_TRUE(pool.take_exactly(4, 2));
    EXPECT_FALSE(pool.take_exactly(4, 2));
    EXPECT_FALSE(pool.take_exactly(3, 2));
    EXPECT_FALSE(pool.take_exactly(5, 2));
    EXPECT_FALSE(pool.take_exactly(9, 2));
    EXPECT_TRUE(pool.take_exactly(6, 4));
    EXPECT_EQ(pool.take(4), 0U);
    EXPECT_FALSE(pool.take(1));
}

TEST(RunPool, NeverGivesACellTwice)
{
    std::mt19937 random(20261122);
    constexpr std::uint32_t kSize = 64;
    RunPool pool(kSize);
    std::map<std::uint32_t, std::uint32_t> held;
    std::vector<bool> used(kSize, false);
    for (int step = 0; step < 20000; ++step) {
        const auto count = static_cast<std::uint32_t>(1 + random() % 9);
        if (random() % 2 == 0) {
            const auto first = pool.take(count);
            std::uint32_t longest = 0;
            for (std::uint32_t i = 0, run = 0; i < kSize; ++i) {
                run = used[i] ? 0 : run + 1;
                longest = std::max(longest, run);
            }
            ASSERT_EQ(first.has_value(), longest >= count);
            for (std::uint32_t i = 0; first && i < count; ++i) {
                ASSERT_FALSE(used[*first + i]);
                used[*first + i] = true;
            }
            if (first) {
                held[*first] = count;
            }
        } else if (!held.empty()) {
            auto it = std::next(held.begin(), static_cast<std::ptrdiff_t>(random() % held.size()));
            pool.give_back(it->first, it->second);
            std::fill_n(used.begin() + it->first, it->second, false);
            held.erase(it);
        }
    }
}

} // namespace
} // namespace meetfence::test
