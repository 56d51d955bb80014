// SPDX-License-Identifier: Apache-2.0
#include "ctl/command_table.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

TEST(CommandTable, HasEveryCommandOfTheContract)
{
    for (const auto* name :
         {"status",       "meeting add",   "meeting list",    "meeting show",     "meeting remove",
          "block",        "unblock",       "rule list",       "rule show",        "rule enforce",
          "rule monitor", "explain",       "participant add", "participant list", "participant remove",
          "order add",    "order approve", "order reject",    "order withdraw",   "order extend",
          "order list",   "order show",    "report",          "impact",           "geo lookup",
          "geo status",   "geo reload",    "geo rollback",    "geo diff",         "events",
          "apply",        "diff",          "export",          "audit show",       "audit verify",
          "top",          "doctor"}) {
        const auto* command = ctl::find_command(name);
        ASSERT_NE(command, nullptr) << name;
        EXPECT_EQ(command->name, name);
    }
    for (const auto* name : {"", "meeting", "meeting ", "stat", "status ", "block M"}) {
        EXPECT_EQ(ctl::find_command(name), nullptr) << name;
    }
}

TEST(CommandTable, TellsForEveryCommandWhatItDoesAndTakes)
{
    std::set<std::string_view> names;
    for (const auto& command : ctl::commands()) {
        SCOPED_TRACE(command.name);
        EXPECT_TRUE(names.insert(command.name).second);
        EXPECT_FALSE(command.help.empty());
        EXPECT_EQ(command.help.find('\n'), std::string_view::npos);
        EXPECT_NE(command.run, nullptr);
        EXPECT_LE(command.least_words, command.most_words);
        // What must be written stands first in the synopsis.
        EXPECT_TRUE(command.least_words == 0 || !command.synopsis.empty());
        EXPECT_TRUE(command.least_words == 0 || !command.synopsis.starts_with('['));
        const auto help = ctl::command_help(command);
        EXPECT_MENTIONS(help, "usage: meetfencectl " + std::string(command.name));
        EXPECT_MENTIONS(help, command.synopsis);
        EXPECT_MENTIONS(help, "--socket PATH");
        EXPECT_MENTIONS(help, "--json");
        EXPECT_MENTIONS(ctl::general_help(), command.name);
    }
}

TEST(CommandTable, TellsForEveryOptionWhatItTakes)
{
    const auto globals = ctl::global_options();
    for (const auto& command : ctl::commands()) {
        std::set<std::string_view> names;
        for (const auto& option : globals) {
            names.insert(option.name);
        }
        for (const auto& option : command.options) {
            SCOPED_TRACE(std::string(command.name) + " --" + std::string(option.name));
            EXPECT_TRUE(names.insert(option.name).second) << "stands twice";
            EXPECT_FALSE(option.help.empty());
            EXPECT_EQ(option.placeholder.empty(), option.kind == ctl::Option::Kind::flag);
            EXPECT_MENTIONS(ctl::command_help(command), "--" + std::string(option.name));
        }
    }
}

TEST(CommandTable, KnowsGroupsOfCommands)
{
    for (const auto* group : {"meeting", "participant", "order", "rule", "geo"}) {
        EXPECT_TRUE(ctl::is_group(group));
        EXPECT_MENTIONS(ctl::group_help(group), "usage: meetfencectl " + std::string(group));
    }
    EXPECT_MENTIONS(ctl::group_help("meeting"), "meeting remove");
    EXPECT_FALSE(mentions(ctl::group_help("meeting"), "rule list"));
    for (const auto* name : {"", "status", "meet", "meeting add", "meetings"}) {
        EXPECT_FALSE(ctl::is_group(name)) << name;
    }
}

TEST(CommandTable, SuggestsWhatWasMeant)
{
    EXPECT_EQ(ctl::unknown_command("", "statsu"), "unknown command 'statsu' (did you mean 'status'?)");
    EXPECT_EQ(ctl::unknown_command("", "blok"), "unknown command 'blok' (did you mean 'block'?)");
    EXPECT_EQ(ctl::unknown_command("meeting", "lst"),
              "unknown command 'meeting lst' (did you mean 'meeting list'?)");
    EXPECT_EQ(ctl::unknown_command("geo", "rolback"),
              "unknown command 'geo rolback' (did you mean 'geo rollback'?)");
    EXPECT_EQ(ctl::unknown_command("", "particpant"),
              "unknown command 'particpant' (did you mean 'participant'?)");
    EXPECT_EQ(ctl::unknown_command("participant", "remve"),
              "unknown command 'participant remve' (did you mean 'participant remove'?)");
    EXPECT_EQ(ctl::unknown_command("order", "aprove"),
              "unknown command 'order aprove' (did you mean 'order approve'?)");
    EXPECT_EQ(ctl::unknown_command("", "impat"), "unknown command 'impat' (did you mean 'impact'?)");
    EXPECT_EQ(ctl::unknown_command("", "xyzzy-plugh"), "unknown command 'xyzzy-plugh'");
    EXPECT_EQ(ctl::unknown_command("rule", ""), "'rule' needs one word more: list, show, enforce, monitor");
}

} // namespace
} // namespace meetfence::test
