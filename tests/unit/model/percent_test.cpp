// SPDX-License-Identifier: Apache-2.0
#include "model/percent.h"

#include <gtest/gtest.h>

namespace meetfence::test {
namespace {

TEST(PercentEncode, LeavesNothingThatASegmentCouldEndWith)
{
    EXPECT_EQ(percent_encode("Az09-._~"), "Az09-._~");
    EXPECT_EQ(percent_encode("a/b?c#d%e&f=g+h i"), "a%2Fb%3Fc%23d%25e%26f%3Dg%2Bh%20i");
    EXPECT_EQ(percent_encode("\xc3\xa9\n"), "%C3%A9%0A");
}

TEST(PercentDecode, TakesBackWhatWasEncoded)
{
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
        all += static_cast<char>(byte);
    }
    EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
    EXPECT_EQ(percent_decode("a%2fb").value(), "a/b");
    for (const auto* broken : {"%", "%4", "%zz", "a%2"}) {
        EXPECT_FALSE(percent_decode(broken)) << broken;
    }
}

} // namespace
} // namespace meetfence::test
