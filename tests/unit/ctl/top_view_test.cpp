// SPDX-License-Identifier: Apache-2.0
// How `top` looks: it fits whatever the terminal, and nothing in it steers one.
#include "ctl/top_view.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/unit/ctl/environment.h"
#include "tests/unit/ctl/top_samples.h"

namespace meetfence::test {
namespace {

struct Shown {
    ctl::Sample sample;
    ctl::Interval interval;
    ctl::History history;

    [[nodiscard]] ctl::TopPage page() const
    {
        return {.sample = &sample,
                .interval = &interval,
                .history = &history,
                .clock = "14:05:07Z",
                .pace = "every 1s"};
    }
};

Shown shown(const char* meeting = "A", std::uint64_t would_drop = 0)
{
    Shown shown;
    const auto before = sample_at(1, status_of(0, 0), {rule_against_cn("r1", meeting, 0)});
    shown.sample = sample_at(2, status_of(1234, 98765), {rule_against_cn("r1", meeting, 1234, would_drop)});
    shown.interval = rates_between(before, shown.sample);
    shown.history.add(shown.sample.at, shown.interval.total);
    return shown;
}

std::string joined(const std::vector<std::string>& lines)
{
    std::string text;
    for (const auto& line : lines) {
        text += line + "\n";
    }
    return text;
}

std::string page_text(const ctl::TopPage& page, ctl::TerminalSize size = {100, 30})
{
    return joined(top_page(page, size, ctl::Style(), true));
}

TEST(TopPage, ShowsRatesByDirectionReasonCountryMeetingAndRule)
{
    const auto text = page_text(shown().page());
    EXPECT_MENTIONS(text, "meetfence 0.1.0  eth0 native  2 meetings, 2 active rules");
    EXPECT_MENTIONS(text, "14:05:07Z  every 1s");
    EXPECT_MENTIONS(text, "ingress      1.23k      987k     98.8k      790M");
    EXPECT_MENTIONS(text, "egress           0         0         0         0");
    EXPECT_MENTIONS(text, "peak 1.23k/s");
    for (const auto* row : {"drop_country", "other_traffic", "CN China", "r1 A CN"}) {
        EXPECT_MENTIONS(text, row);
    }
}

TEST(TopPage, HasAColumnForWhatWouldBeDroppedWhereAnythingWould)
{
    EXPECT_FALSE(mentions(page_text(shown().page()), "WOULD/s"));
    EXPECT_MENTIONS(page_text(shown("A", 5).page()), "WOULD/s");
    EXPECT_MENTIONS(page_text(shown().page(), {160, 30}), "WOULD/s");
}

TEST(TopPage, FitsIntoEveryTerminal)
{
    const auto one = shown("A-meeting-with-a-rather-long-identifier-that-fills-a-line", 7);
    for (std::size_t columns = 0; columns < 150; ++columns) {
        for (const std::size_t rows : {0, 1, 2, 3, 9, 10, 12, 24, 60}) {
            for (const bool utf8 : {false, true}) {
                const auto lines = top_page(one.page(), {columns, rows}, ctl::Style(), utf8);
                EXPECT_LE(lines.size(), rows);
                for (const auto& line : lines) {
                    ASSERT_LT(ctl::width_of(line), std::max(columns, 1UL)) << columns << "x" << rows << line;
                }
            }
        }
    }
}

TEST(TopPage, UsesEveryRow)
{
    const auto lines = top_page(shown().page(), {80, 24}, ctl::Style(), true);
    ASSERT_EQ(lines.size(), 24U);
    EXPECT_MENTIONS(lines.back(), "q quit");
}

TEST(TopPage, IsNotSteeredByNames)
{
    const auto text = page_text(shown("A\033[2J\n\u202e").page());
    EXPECT_EQ(text.find('\033'), std::string::npos);
    EXPECT_FALSE(mentions(text, "\u202e"));
}

TEST(TopPage, HasNoEscapesWithoutColour)
{
    const Environment term("TERM", "xterm");
    const auto one = shown();
    {
        const Environment no_color("NO_COLOR", "1");
        const auto plain = top_page(one.page(), {80, 24}, ctl::Style::for_output(true), true);
        EXPECT_EQ(joined(plain).find('\033'), std::string::npos);
    }
    const Environment colour("NO_COLOR", nullptr);
    const auto coloured = top_page(one.page(), {80, 24}, ctl::Style::for_output(true), true);
    EXPECT_MENTIONS(joined(coloured), "\033[1;31m");
}

TEST(TopPage, SaysWhenItIsPausedRestartedOrWithoutAnAnswer)
{
    auto one = shown();
    auto page = one.page();
    page.paused = true;
    EXPECT_MENTIONS(page_text(page), "PAUSED");
    EXPECT_MENTIONS(page_text(page), "p go on");
    page.silent = std::chrono::seconds(7);
    EXPECT_MENTIONS(page_text(page), "no answer for 7s");
    one.interval.restarted = true;
    EXPECT_MENTIONS(page_text(one.page()), "counters restarted");
    page = one.page();
    page.interval = nullptr;
    EXPECT_MENTIONS(page_text(page), "rates take two moments");
}

TEST(TopText, HasALineForAllAndOneForEachThatIsNotNothing)
{
    const auto text = joined(top_text(shown().interval, "T"));
    EXPECT_EQ(text, "T  all                               dropped 1.23k pkt/s 987 kbit/s  passed 98.8k "
                    "pkt/s 790 Mbit/s\n"
                    "T  direction  ingress                dropped 1.23k pkt/s 987 kbit/s  passed 98.8k "
                    "pkt/s 790 Mbit/s\n"
                    "T  reason     drop_country           dropped 1.23k pkt/s 987 kbit/s\n"
                    "T  reason     other_traffic          passed 98.8k pkt/s 790 Mbit/s\n"
                    "T  country    CN                     dropped 1.23k pkt/s 987 kbit/s\n"
                    "T  meeting    A                      dropped 1.23k pkt/s 987 kbit/s\n"
                    "T  rule       r1 A CN                dropped 1.23k pkt/s 987 kbit/s\n");
    const auto still = sample_at(1, status_of(5, 5), {rule_against_cn("r1", "A", 5)});
    const auto quiet =
        top_text(rates_between(still, sample_at(2, status_of(5, 5), {rule_against_cn("r1", "A", 5)})), "T");
    ASSERT_EQ(quiet.size(), 1U);
    EXPECT_MENTIONS(quiet[0], "dropped     0 pkt/s    0 bit/s");
}

TEST(TopJson, HasRatesByEverything)
{
    const auto json = top_json(shown().interval, "T");
    EXPECT_EQ(json["time"], "T");
    EXPECT_EQ(json["seconds"], 1.0);
    EXPECT_EQ(json["restarted"], false);
    EXPECT_EQ(json["total"]["dropped"]["packets_per_s"], 1234.0);
    EXPECT_EQ(json["directions"]["ingress"]["passed"]["bits_per_s"], 98765 * 8000.0);
    EXPECT_EQ(json["reasons"]["drop_country"]["packets_per_s"], 1234.0);
    EXPECT_EQ(json["countries"]["CN"]["dropped"]["packets_per_s"], 1234.0);
    EXPECT_EQ(json["meetings"]["A"]["would_drop"]["packets_per_s"], 0.0);
    EXPECT_EQ(json["rules"][0]["id"], "r1");
    EXPECT_EQ(json["rules"][0]["mode"], "enforce");
}

} // namespace
} // namespace meetfence::test
