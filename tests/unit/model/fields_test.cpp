// SPDX-License-Identifier: Apache-2.0
#include "model/fields.h"

#include <gtest/gtest.h>

namespace meetfence::test {
namespace {

TEST(Fields, AreReadWithoutInsistingOnThem)
{
    const Json object{
        {"text", "a"}, {"number", 7U}, {"negative", -1}, {"list", {"a", 1, "b"}}, {"none", nullptr}};
    EXPECT_EQ(text_of(object, "text"), "a");
    EXPECT_EQ(text_of(object, "number"), "7");
    EXPECT_EQ(text_of(object, "none"), "");
    EXPECT_EQ(text_of(object, "missing"), "");
    EXPECT_EQ(text_of(Json::array(), "x"), "");
    EXPECT_EQ(number_of(object, "number"), 7U);
    EXPECT_EQ(number_of(object, "negative"), 0U);
    EXPECT_EQ(number_of(object, "text"), 0U);
    EXPECT_EQ(texts_of(object, "list"), (std::vector<std::string>{"a", "", "b"}));
    EXPECT_TRUE(texts_of(object, "text").empty());
}

} // namespace
} // namespace meetfence::test
