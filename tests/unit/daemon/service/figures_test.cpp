// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/figures.h"

#include <gtest/gtest.h>

namespace meetfence::test {
namespace {

TEST(Durations, FallIntoTheBucketThatTheyDoNotExceed)
{
    service::Durations durations;
    using std::chrono::duration;
    for (const double seconds : {0.0, 0.0005, 0.00051, 10.0, 11.0}) {
        durations.add(duration<double>(seconds));
    }
    EXPECT_EQ(durations.counts.front(), 2U);
    EXPECT_EQ(durations.counts[1], 1U);
    EXPECT_EQ(durations.counts[durations.counts.size() - 2], 1U);
    EXPECT_EQ(durations.counts.back(), 1U);
    EXPECT_DOUBLE_EQ(durations.sum, 21.00101);
}

} // namespace
} // namespace meetfence::test
