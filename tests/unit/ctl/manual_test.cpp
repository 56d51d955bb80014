// SPDX-License-Identifier: Apache-2.0
#include "ctl/manual.h"

#include <gtest/gtest.h>

#include "ctl/command_table.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using Option = ctl::Option;

constexpr auto kOptions =
    std::to_array<Option>({{"dry-run", Option::Kind::flag, "", "a *star* and an_underscore"},
                           {"end", Option::Kind::values, "E=U", "where", true}});

TEST(Manual, TypesetsWhatIsTypedAndWhatStandsForIt)
{
    constexpr auto kCommands = std::to_array<ctl::Command>(
        {{"meeting add", "M [--end E=U…] [--format json|FORM] | -", "register", 1, 1, kOptions}});
    EXPECT_EQ(ctl::manual_commands(kCommands),
              "## Meetings\n\n"
              "*meeting add* _M_ \\[*--end* _E=U_…\\] \\[*--format* *json*\\|_FORM_\\] \\| *-*\n"
              "\tregister\n\n"
              "\t*--dry-run*\n"
              "\t\ta \\*star\\* and an\\_underscore\n\n"
              "\t*--end* _E=U_…\n"
              "\t\twhere (required)\n\n");
}

TEST(Manual, PutsCommandsIntoTheirChapters)
{
    constexpr auto kCommands = std::to_array<ctl::Command>({{"geo status", "", "one"},
                                                            {"rules", "", "two"},
                                                            {"geo diff", "", "three"},
                                                            {"unblock", "", "four"}});
    EXPECT_EQ(ctl::manual_commands(kCommands),
              "## Rules\n\n*unblock*\n\tfour\n\n"
              "## Country databases\n\n*geo status*\n\tone\n\n*geo diff*\n\tthree\n\n"
              "## Other commands\n\n*rules*\n\ttwo\n\n");
}

TEST(Manual, HasEveryCommandAndOptionOnce)
{
    const auto text = ctl::manual_commands(ctl::commands());
    for (const auto& command : ctl::commands()) {
        const auto entry = "\n*" + std::string(command.name) + "*";
        const auto begin = text.find(entry);
        ASSERT_NE(begin, std::string::npos) << command.name;
        const auto end = text.find("\n\n*", begin);
        for (const auto& option : command.options) {
            EXPECT_MENTIONS(text.substr(begin, end - begin), "\t*--" + std::string(option.name) + "*");
        }
    }
    for (const auto& option : ctl::global_options()) {
        EXPECT_MENTIONS(ctl::manual_options(ctl::global_options()), "*--" + std::string(option.name) + "*");
    }
}

} // namespace
} // namespace meetfence::test
