// SPDX-License-Identifier: Apache-2.0
#include "ctl/completion.h"

#include <gtest/gtest.h>

#include "ctl/command_table.h"
#include "ctl/synopsis.h"
#include "tests/support/error_of.h"
#include "tests/unit/ctl/tiny_server.h"

namespace meetfence::test {
namespace {

using Option = ctl::Option;
using Words = std::vector<std::string>;

TEST(Synopsis, NamesTheWordsBeforeTheOptions)
{
    EXPECT_EQ(ctl::words_of(""), Words{});
    EXPECT_EQ(ctl::words_of("M P --ufrag E=UFRAG… | --flow LOCAL,REMOTE…"), (Words{"M", "P"}));
    EXPECT_EQ(ctl::words_of("RULE [--why W]"), Words{"RULE"});
    EXPECT_EQ(ctl::words_of("[M]"), Words{"M"});
    EXPECT_EQ(ctl::words_of("[--follow]"), Words{});
    EXPECT_EQ(ctl::words_of("[DIR | FILE…] [--head SEQ:HASH]"), Words{"FILE…"});
    EXPECT_EQ(ctl::words_of("IP… | -"), Words{"IP…"});
}

TEST(Synopsis, HasTheWordsThatEachCommandTakes)
{
    for (const auto& command : ctl::commands()) {
        const auto words = ctl::words_of(command.synopsis);
        const bool repeated = !words.empty() && words.back().ends_with("…");
        EXPECT_GE(words.size(), command.least_words) << command.name;
        EXPECT_EQ(repeated ? SIZE_MAX : words.size(), command.most_words) << command.name;
    }
}

TEST(Completion, HasEveryCommandAndEveryOption)
{
    const auto script = ctl::bash_completion(ctl::commands(), ctl::global_options());
    for (const auto& command : ctl::commands()) {
        const auto begin = script.find("    '" + std::string(command.name) + "')\n");
        ASSERT_NE(begin, std::string::npos) << command.name;
        const auto entry = script.substr(begin, script.find(";;", begin) - begin);
        for (const auto& option : command.options) {
            EXPECT_MENTIONS(entry, " '" + std::string(option.name) + ":");
        }
    }
    for (const auto& option : ctl::global_options()) {
        EXPECT_MENTIONS(script, " '" + std::string(option.name) + ":");
    }
    EXPECT_MENTIONS(script, "\ncomplete -F _meetfencectl meetfencectl\n");
}

TEST(Completion, TellsWhatAnOptionTakes)
{
    static constexpr auto kOptions = std::to_array<Option>({{"plain", Option::Kind::flag, "", "…"},
                                                            {"one", Option::Kind::value, "CC", "…"},
                                                            {"many", Option::Kind::values, "it's", "…"}});
    constexpr auto kCommands = std::to_array<ctl::Command>(
        {{"go", "M [FILE…]", "", 0, 2, kOptions}, {"order reject", "O"}, {"order add", "O"}});
    const auto script = ctl::bash_completion(kCommands, {});
    EXPECT_MENTIONS(script, "takes=( 'M' 'FILE+' )");
    EXPECT_MENTIONS(script, "options+=( 'plain:flag:' 'one:value:CC' 'many:values:it'\\''s' )");
    EXPECT_MENTIONS(script, "'') next=( 'go' 'order' ) ;;");
    EXPECT_MENTIONS(script, "'order') next=( 'reject' 'add' ) ;;");
    EXPECT_MENTIONS(script, "FORMAT) read -ra found <<<'json csv html' ;;");
}

TEST(Completion, IsPrintedWithoutADaemon)
{
    const auto ran = run_tool({"completion", "bash", "--socket=/nonexistent"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.out, ctl::bash_completion(ctl::commands(), ctl::global_options()));
    EXPECT_EQ(ran.err, "");
}

} // namespace
} // namespace meetfence::test
