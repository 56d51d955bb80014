// SPDX-License-Identifier: Apache-2.0
#include "model/suggest.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace meetfence::test {
namespace {

const std::vector<std::string_view> kCommands = {"status", "meeting", "block", "unblock",
                                                 "rule",   "explain", "events"};

TEST(Nearest, FindsTheWordThatIsMeant)
{
    EXPECT_EQ(nearest("statsu", kCommands), "status");
    EXPECT_EQ(nearest("STATUS", kCommands), "status");
    EXPECT_EQ(nearest("blck", kCommands), "block");
    EXPECT_EQ(nearest("unblok", kCommands), "unblock");
    EXPECT_EQ(nearest("event", kCommands), "events");
    EXPECT_EQ(nearest("explian", kCommands), "explain");
}

TEST(Nearest, IsTheWordItself)
{
    for (const auto command : kCommands) {
        EXPECT_EQ(nearest(command, kCommands), command);
    }
}

TEST(Nearest, IsNothingWhereNothingIsNear)
{
    EXPECT_EQ(nearest("xyzzy", kCommands), "");
    EXPECT_EQ(nearest("", kCommands), "");
    EXPECT_EQ(nearest("status", {}), "");
    EXPECT_EQ(nearest("s", kCommands), "");
    EXPECT_EQ(nearest(std::string(10'000, 'q'), kCommands), "");
}

TEST(Nearest, IsTheFirstOfTwoEquallyNear)
{
    const std::vector<std::string_view> two = {"bat", "cat"};
    EXPECT_EQ(nearest("rat", two), "bat");
}

TEST(DidYouMean, IsAClauseOrNothing)
{
    EXPECT_EQ(did_you_mean("blok", kCommands), " (did you mean block?)");
    EXPECT_EQ(did_you_mean("xyzzy", kCommands), "");
}

} // namespace
} // namespace meetfence::test
