// SPDX-License-Identifier: Apache-2.0
// What a report must not tell: small numbers of people, orders under a gag, names of meetings.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "audit/report.h"
#include "tests/unit/audit/story.h"

namespace meetfence::test {
namespace {

using audit::People;

constexpr auto kJuly = "2026-07-01", kAugust = "2026-08-01";

// Orders whose single rule affected so many each, all of them over.
Story orders_affecting(const std::vector<std::uint64_t>& people, bool gag_on_first = false)
{
    Story story;
    for (std::size_t i = 0; i < people.size(); ++i) {
        const auto id = fmt::format("O{}", i);
        const auto rule = fmt::format("r{}", i);
        story.order("2026-07-06", id, {{"gag", gag_on_first && i == 0}});
        story.approve("2026-07-06", id);
        story.rule("2026-07-06", rule, "A", "2026-07-07", id);
        story.rule_ended("2026-07-07", rule, people[i], 10);
    }
    return story;
}

TEST(People, BelowFiveAreNotTold)
{
    EXPECT_EQ(People(0).text(), "0");
    for (const auto few : {1U, 2U, 3U, 4U}) {
        EXPECT_EQ(People(few).text(), "<5");
        EXPECT_EQ(People(few), People(1)); // nothing is left of how many they were
    }
    EXPECT_EQ(People(5).text(), "5");
    EXPECT_EQ(People(~0ULL).text(), "18446744073709551615");
}

TEST(People, SumsAreOfWhatIsShown)
{
    auto sum = People(0);
    sum += People(0);
    EXPECT_EQ(sum.text(), "0");
    sum += People(3);
    EXPECT_EQ(sum.text(), "<5");
    sum += People(7);
    EXPECT_EQ(sum.text(), "8 to 11");
    sum += People(1);
    EXPECT_EQ(sum.text(), "9 to 15");
}

// The sum depends on nothing but the rows, so that nobody learns more by subtracting them from it.
TEST(ReportPrivacy, SumsTellNoMoreThanTheRows)
{
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        std::vector<std::uint64_t> people, others;
        for (int i = 0; i < 6; ++i) {
            people.push_back(random() % 9);
            const bool few = people.back() > 0 && people.back() < 5;
            others.push_back(few ? 1 + random() % 4 : people.back());
        }
        const auto one = orders_affecting(people).report(kJuly, kAugust);
        const auto other = orders_affecting(others).report(kJuly, kAugust);
        ASSERT_EQ(audit::to_json(one)["orders"], audit::to_json(other)["orders"]);
        ASSERT_EQ(audit::to_csv(one), audit::to_csv(other));
    }
}

TEST(ReportPrivacy, RulesOfAnOrderAreCountedTogether)
{
    Story story;
    story.order("2026-07-06", "O");
    story.approve("2026-07-06", "O");
    for (const auto* rule : {"r1", "r2"}) {
        story.rule("2026-07-06", rule, rule, "2026-07-07", "O");
        story.rule_ended("2026-07-07", rule, 3, 10);
    }
    EXPECT_EQ(only_row(story.report(kJuly, kAugust)).participants.text(), "6");
}

TEST(ReportPrivacy, OrderUnderAGagIsInTheSumsOnly)
{
    const auto report = orders_affecting({6, 7}, true).report(kJuly, kAugust);
    EXPECT_EQ(only_row(report).order, "O1");
    EXPECT_EQ(report.withheld, 1U);
    EXPECT_EQ(report.withheld_without_end, 1U);
    EXPECT_EQ(report.orders.received, 2U);
    EXPECT_EQ(report.orders.participants.text(), "13");
    EXPECT_EQ(report.orders.packets_dropped, 20U);
    for (const auto& text : {audit::to_json(report).dump(), audit::to_csv(report), audit::to_html(report)}) {
        EXPECT_EQ(text.find("O0"), std::string::npos);
        EXPECT_NE(text.find("O1"), std::string::npos);
    }
    EXPECT_NE(audit::to_html(report).find("One row is withheld"), std::string::npos);
    EXPECT_NE(audit::to_csv(report).find("\r\nwithheld,,,"), std::string::npos);
}

TEST(ReportPrivacy, GagCountsAtTheEndOfThePeriod)
{
    for (const auto& [until, withheld] :
         {std::pair("2026-07-31T23:59:59Z", 0U), std::pair("2026-08-01T00:00:00Z", 0U),
          std::pair("2026-08-01T00:00:01Z", 1U)}) {
        Story story;
        story.order("2026-07-06", "O", {{"gag", true}, {"gag_until", until}});
        const auto report = story.report(kJuly, kAugust);
        EXPECT_EQ(report.withheld, withheld) << until;
        EXPECT_EQ(report.withheld_without_end, 0U);
        EXPECT_EQ(report.rows.size(), 1 - withheld);
    }
}

TEST(ReportPrivacy, NamesOfMeetingsAndPeopleStayInTheLog)
{
    Story story;
    story.order("2026-07-06", "O",
                {{"case", "case-of-somebody"},
                 {"requested", "the-account-of-somebody"},
                 {"narrowing", "not-the-friend"},
                 {"document", std::string(64, 'd')},
                 {"meetings", {"secret-meeting"}}});
    story.approve("2026-07-06", "O");
    story.rule("2026-07-06", "r1", "secret-meeting", "2026-07-07", "O",
               {{"countries", Json::array()}, {"participant", "0123456789abcdef"}});
    story.tell("2026-07-06", "rule_suspended",
               {{"rule", "r1"}, {"meeting", "secret-meeting"}, {"why", "of-somebody"}});
    story.rule_ended("2026-07-07", "r1", 1, 10);
    story.tell("2026-07-06", "addresses_shown",
               {{"meeting", "secret-meeting"}, {"purpose", "look-for-somebody"}});
    story.tell("2026-07-06", "order_withdrawn", {{"order", "O"}, {"why", "wish-of-somebody"}});
    const auto report = story.report(kJuly, kAugust);
    for (const auto& text : {audit::to_json(report).dump(), audit::to_csv(report), audit::to_html(report)}) {
        for (const auto* word : {"secret-meeting", "of-somebody", "for-somebody", "not-the-friend",
                                 "0123456789abcdef", "dddd", "alice"}) {
            EXPECT_EQ(text.find(word), std::string::npos) << word;
        }
    }
}

TEST(ReportPrivacy, KeyChangesTheHashesOfMeetingsAndNothingElse)
{
    auto story = orders_affecting({6});
    const auto with = [&](std::string key) {
        audit::ReportBuilder builder(when(kJuly), when(kAugust), std::move(key));
        for (const auto& entry : story.entries()) {
            builder.take(entry);
        }
        return builder.finish();
    };
    auto one = with("one");
    const auto other = with("other");
    EXPECT_NE(only_row(one).meetings, only_row(other).meetings);
    one.rows.front().meetings = other.rows.front().meetings;
    EXPECT_EQ(audit::to_json(one), audit::to_json(other));
    EXPECT_EQ(audit::to_html(with("one")), audit::to_html(with("one"))); // the same again
}

} // namespace
} // namespace meetfence::test
