// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sstream>

namespace meetfence {
namespace {

using Fields = std::vector<std::string>;

TEST(Journal, AFieldForEachThatTheLineHas)
{
    const service::LogLine line{service::Severity::warning,
                                "rule r7 of meeting A drops packets from CN",
                                {.message_id = service::message_id::kRuleDrops,
                                 .rule = "r7",
                                 .meeting = "A",
                                 .country = "CN",
                                 .reason = "drop_country",
                                 .order = "O-1",
                                 .interface = "eth0"}};
    EXPECT_EQ(
        journal_fields(line),
        (Fields{"MESSAGE=rule r7 of meeting A drops packets from CN", "PRIORITY=4",
                "SYSLOG_IDENTIFIER=meetfenced", "MESSAGE_ID=" + std::string(service::message_id::kRuleDrops),
                "MEETFENCE_RULE=r7", "MEETFENCE_MEETING=A", "MEETFENCE_COUNTRY=CN",
                "MEETFENCE_REASON=drop_country", "MEETFENCE_ORDER=O-1", "MEETFENCE_INTERFACE=eth0"}));
}

TEST(Journal, WhatALineLacksIsLeftOut)
{
    EXPECT_EQ(journal_fields({service::Severity::info, "words", {}}),
              (Fields{"MESSAGE=words", "PRIORITY=6", "SYSLOG_IDENTIFIER=meetfenced"}));
}

TEST(Journal, PrioritiesAreThoseOfSyslog)
{
    EXPECT_EQ(priority_of(service::Severity::error), 3);
    EXPECT_EQ(priority_of(service::Severity::warning), 4);
    EXPECT_EQ(priority_of(service::Severity::notice), 5);
    EXPECT_EQ(priority_of(service::Severity::info), 6);
}

TEST(Journal, ItIsItsOwnStreamOnlyByDeviceAndInode)
{
    ASSERT_EQ(unsetenv("JOURNAL_STREAM"), 0);
    EXPECT_FALSE(stderr_is_journal());
    ASSERT_EQ(setenv("JOURNAL_STREAM", "1:2", 1), 0); // inherited from whoever started a shell
    EXPECT_FALSE(stderr_is_journal());
    ASSERT_EQ(unsetenv("JOURNAL_STREAM"), 0);
}

std::string text_of(const std::string& path)
{
    std::ifstream file(MEETFENCE_SOURCE_DIR "/" + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::set<std::string> all_matches(const std::string& text, const std::regex& pattern)
{
    std::set<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
        EXPECT_TRUE(found.insert((*it)[1]).second) << (*it)[1] << " stands twice";
    }
    return found;
}

TEST(Journal, TheCatalogExplainsEachMessageIdAndNoOther)
{
    const auto in_code =
        all_matches(text_of("daemon/service/log_line.h"), std::regex("= \"([0-9a-f]{32})\""));
    const auto in_catalog =
        all_matches(text_of("systemd/meetfence.catalog"), std::regex("\n-- ([0-9a-f]{32})\n"));
    EXPECT_GT(in_code.size(), 10U);
    EXPECT_EQ(in_code, in_catalog);
}

} // namespace
} // namespace meetfence
