// SPDX-License-Identifier: Apache-2.0
#include "ctl/arguments.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using ctl::Arguments;
using ctl::Option;
using Words = std::vector<std::string>;

const Option kOptions[] = {
    {"country", Option::Kind::values, "CC", "", false}, {"until", Option::Kind::value, "T", "", false},
    {"why", Option::Kind::value, "W", "", false},       {"monitor", Option::Kind::flag, "", "", false},
    {"help", Option::Kind::flag, "", "", false},
};

Result<Arguments> parse(const Words& tokens, std::span<const Option> options = kOptions)
{
    return Arguments::parse(tokens, options);
}

TEST(Arguments, MayStandInAnyOrder)
{
    const Words orders[] = {
        {"M", "--monitor", "--until", "T", "--country", "CN", "HK"},
        {"--monitor", "M", "--country", "CN", "HK", "--until", "T"},
        {"--until", "T", "M", "--monitor", "--country", "CN", "HK"},
        {"--until=T", "M", "--country=CN", "--country=HK", "--monitor"},
        {"--country", "CN", "--until=T", "M", "--country", "HK", "--monitor"},
    };
    for (const auto& tokens : orders) {
        const auto arguments = parse(tokens);
        ASSERT_TRUE(arguments) << error_of(arguments);
        EXPECT_EQ(arguments->words(), (Words{"M"}));
        EXPECT_EQ(arguments->word(0), "M");
        EXPECT_EQ(arguments->word(1), "");
        EXPECT_TRUE(arguments->has("monitor"));
        EXPECT_EQ(arguments->text("until"), "T");
        EXPECT_EQ(arguments->texts("country"), (Words{"CN", "HK"}));
        EXPECT_FALSE(arguments->has("why"));
        EXPECT_FALSE(arguments->text("why"));
        EXPECT_TRUE(arguments->texts("why").empty());
    }
}

TEST(Arguments, TakeEveryWordAfterAnOptionOfSeveralValues)
{
    const auto arguments = parse({"--country", "CN", "HK", "M"});
    ASSERT_TRUE(arguments);
    EXPECT_TRUE(arguments->words().empty());
    EXPECT_EQ(arguments->greedy(), "country"); // so that a missing word can be explained
    EXPECT_EQ(parse({"M", "--country", "CN"})->greedy(), "");
}

TEST(Arguments, MayHaveAValueThatBeginsWithDashesAfterAnEqualSign)
{
    EXPECT_EQ(parse({"--why=--because"})->text("why"), "--because");
    EXPECT_EQ(parse({"--why=a=b"})->text("why"), "a=b");
    EXPECT_EQ(parse({"--why", "two words"})->text("why"), "two words");
}

TEST(Arguments, TakeALoneDashAsAWord)
{
    EXPECT_EQ(parse({"-"})->words(), (Words{"-"}));
    EXPECT_EQ(parse({"--monitor", "-"})->words(), (Words{"-"}));
}

TEST(Arguments, KnowOneShortOption)
{
    EXPECT_TRUE(parse({"-h"})->has("help"));
}

struct Wrong {
    Words tokens;
    std::vector<const char*> says;
};

TEST(Arguments, AreRefusedWithTheReason)
{
    const Wrong cases[] = {
        {{"--contry", "CN"}, {"unknown option '--contry'", "did you mean --country?"}},
        {{"--mon"}, {"unknown option '--mon'"}}, // never guessed from its beginning
        {{"--count", "CN"}, {"unknown option '--count'", "--country"}},
        {{"--contry=CN"}, {"unknown option '--contry", "did you mean --country?"}},
        {{"-x"}, {"unknown option '-x'"}},
        {{"-monitor"}, {"-monitor"}},
        {{"--until"}, {"until"}},
        {{"--until", "--monitor"}, {"'--until' needs a value"}},
        {{"--country", "--monitor"}, {"'--country' needs a value"}},
        {{"--country"}, {"country"}},
        {{"--until", "T", "--until", "U"}, {"'--until' stands twice"}},
        {{"--monitor", "--monitor"}, {"'--monitor' stands twice"}},
        {{"--monitor=yes"}, {"monitor"}},
    };
    for (const auto& [tokens, says] : cases) {
        const auto arguments = parse(tokens);
        ASSERT_FALSE(arguments) << tokens.front();
        EXPECT_EQ(arguments.error().code, ErrorCode::invalid);
        for (const auto* word : says) {
            EXPECT_MENTIONS(arguments.error().message, word) << "for " << tokens.front();
        }
    }
}

TEST(Arguments, MissWhatIsRequiredUnlessHelpIsWanted)
{
    const Option options[] = {{"country", Option::Kind::values, "CC", "", true},
                              {"help", Option::Kind::flag, "", "", false}};
    const auto missing = parse({"M"}, options);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "option '--country CC' is missing");
    EXPECT_TRUE(parse({"M", "--help"}, options));
    EXPECT_TRUE(parse({"M", "--country", "CN"}, options));
}

TEST(Arguments, MayBeNone)
{
    const auto arguments = parse({});
    ASSERT_TRUE(arguments);
    EXPECT_TRUE(arguments->words().empty());
}

TEST(SplitCommas, GivesTheValuesOneByOne)
{
    EXPECT_EQ(ctl::split_commas(Words{"CN,HK", "MO"}), (Words{"CN", "HK", "MO"}));
    EXPECT_EQ(ctl::split_commas(Words{",CN,,HK,"}), (Words{"CN", "HK"}));
    EXPECT_TRUE(ctl::split_commas(Words{",", ""}).empty());
}

TEST(OptionsHelp, HasTwoAlignedColumns)
{
    const Option options[] = {{"country", Option::Kind::values, "CC", "which", false},
                              {"yes", Option::Kind::flag, "", "do not ask", false}};
    EXPECT_EQ(ctl::options_help(options), "  --country CC...  which\n"
                                          "  --yes            do not ask\n");
}

} // namespace
} // namespace meetfence::test
