// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/repetition.h"

#include <gtest/gtest.h>

namespace meetfence::service {
namespace {

using std::chrono::minutes;

TEST(Repetition, TellsOnceAndThenHowOftenItWas)
{
    Repetition alarms;
    const Repetition::Clock::time_point begin{};
    EXPECT_EQ(alarms.tell("a", begin), 0U);
    EXPECT_EQ(alarms.tell("b", begin), 0U);
    EXPECT_EQ(alarms.tell("a", begin + minutes(1)), std::nullopt);
    EXPECT_EQ(alarms.tell("a", begin + minutes(59)), std::nullopt);
    EXPECT_EQ(alarms.tell("a", begin + Repetition::kSilence), 2U);
    EXPECT_EQ(alarms.tell("a", begin + Repetition::kSilence + minutes(1)), std::nullopt);
    EXPECT_EQ(alarms.tell("a", begin + 2 * Repetition::kSilence), 1U);
    EXPECT_EQ(alarms.tell("b", begin + 2 * Repetition::kSilence), 0U);
}

// Whoever can make up new ones gets one line for all beyond the room there is.
TEST(Repetition, ItsMemoryIsBounded)
{
    Repetition alarms;
    const Repetition::Clock::time_point begin{};
    std::size_t told = 0;
    for (std::size_t i = 0; i < 3 * Repetition::kMostKeys; ++i) {
        told += alarms.tell(std::to_string(i), begin) ? 1U : 0U;
    }
    EXPECT_EQ(told, Repetition::kMostKeys + 1);
    // Later there is room again.
    EXPECT_EQ(alarms.tell("new", begin + Repetition::kSilence), 0U);
    EXPECT_EQ(alarms.tell("newer", begin + Repetition::kSilence), 0U);
}

} // namespace
} // namespace meetfence::service
