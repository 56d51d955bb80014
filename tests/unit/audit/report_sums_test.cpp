// SPDX-License-Identifier: Apache-2.0
// The arithmetic of reports: medians, parts of a period, ledgers.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "audit/report.h"
#include "tests/unit/audit/story.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kJuly = "2026-07-01", kAugust = "2026-08-01";

TEST(ReportSums, MedianOfAnEvenNumberIsBetween)
{
    Story story;
    for (const auto* hours : {"01", "03", "05", "20"}) {
        story.order("2026-07-06", hours);
        story.approve(fmt::format("2026-07-06T{}:00:00Z", hours), hours);
    }
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.decision_times.all.median, 4h);
    EXPECT_EQ(report.decision_times.all.longest, 20h);
    EXPECT_EQ(report.decision_times.approved.at(0), 3U); // up to six hours
    EXPECT_EQ(report.decision_times.approved.at(1), 1U);
}

TEST(ReportSums, FromTheBeginningOfTheLog)
{
    Story story;
    story.rule("2026-07-02", "r1", "A", "2026-07-03");
    const auto report = story.report(Time{}, when("2026-07-05"));
    ASSERT_FALSE(report.over_time.empty());
    EXPECT_EQ(report.over_time.front().begin, when("2026-07-02"));
    EXPECT_EQ(report.over_time.back().end, when("2026-07-05"));
    EXPECT_EQ(report.hosts.rules, 1U);
}

TEST(ReportSums, PeriodIsCutIntoPartsWithoutGaps)
{
    const Story story;
    for (const auto& [until, parts] :
         {std::pair("2026-07-02", 24U), std::pair("2026-07-04", 12U), std::pair("2026-08-01", 31U),
          std::pair("2026-10-01", 14U), std::pair("2027-01-01", 6U), std::pair("2031-07-01", 20U)}) {
        const auto report = story.report(kJuly, until);
        ASSERT_EQ(report.over_time.size(), parts) << until;
        EXPECT_EQ(report.over_time.front().begin, when(kJuly));
        EXPECT_EQ(report.over_time.back().end, when(until));
        for (std::size_t i = 1; i < report.over_time.size(); ++i) {
            EXPECT_EQ(report.over_time[i - 1].end, report.over_time[i].begin);
        }
    }
    EXPECT_TRUE(story.report(kAugust, kJuly).over_time.empty()); // a period that ends before it begins
}

// Whatever happens to orders, in whatever order, and with a clock that jumps: the ledgers balance, and
// periods that follow each other add up.
TEST(ReportSums, LedgersBalance)
{
    std::mt19937 random(5);
    const auto pick = [&](const auto& list) { return list[random() % list.size()]; };
    const std::vector<std::string> what{"order_recorded",  "order_approved",  "order_rejected",
                                        "order_withdrawn", "order_suspended", "order_extended",
                                        "order_expired"};
    const std::vector<std::string> in_time(what.begin(), what.end() - 1);
    for (int round = 0; round < 300; ++round) {
        Story story;
        const bool clock_jumps = round % 2 == 1;
        for (int i = 0; i < 40; ++i) {
            const auto time =
                format_time(when(kJuly) + std::chrono::hours(clock_jumps ? random() % (90 * 24) : i * 54));
            // Where time goes on as it should, nothing is extended or approved after its end.
            const auto expires = clock_jumps
                                     ? format_time(when(kJuly) + std::chrono::hours(random() % (90 * 24)))
                                     : "2027-01-01T00:00:00Z";
            story.tell(time, clock_jumps ? pick(what) : pick(in_time),
                       {{"order", std::to_string(random() % 6)},
                        {"expires", expires},
                        {"received", time},
                        {"state", "approved"},
                        {"reason", "other"},
                        {"jurisdiction", "CN"}});
        }
        const auto first = story.report(kJuly, kAugust).orders;
        const auto second = story.report(kAugust, "2026-10-01").orders;
        if (!clock_jumps) {
            EXPECT_EQ(first.undecided_after, second.undecided_before);
            EXPECT_EQ(first.running_after, second.running_before);
        }
        for (const auto& tally : {first, second}) {
            EXPECT_EQ(tally.handled(), tally.approved() + tally.rejected + tally.withdrawn_undecided +
                                           tally.lapsed + tally.undecided_after);
            EXPECT_EQ(tally.running_before + tally.approved(),
                      tally.expired + tally.withdrawn + tally.suspended + tally.running_after);
        }
    }
}

} // namespace
} // namespace meetfence::test
