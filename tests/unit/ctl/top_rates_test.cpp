// SPDX-License-Identifier: Apache-2.0
// What two moments tell of the time between them, and what they must not tell.
#include "ctl/top_rates.h"

#include <gtest/gtest.h>

#include "tests/unit/ctl/top_samples.h"

namespace meetfence::test {
namespace {

using ctl::rates_between;

const std::vector<Json> kNoRules;

TEST(TopRates, AreWhatWasCountedInEachSecond)
{
    const auto before = sample_at(10, status_of(100, 1000),
                                  {rule_against_cn("r1", "A", 60, 8), rule_against_cn("r2", "B", 40)});
    const auto after = sample_at(14, status_of(140, 1400),
                                 {rule_against_cn("r1", "A", 80, 16), rule_against_cn("r2", "B", 60)});
    const auto interval = rates_between(before, after);
    EXPECT_DOUBLE_EQ(interval.seconds, 4);
    EXPECT_FALSE(interval.restarted);
    EXPECT_DOUBLE_EQ(interval.total.dropped.packets, 10);
    EXPECT_DOUBLE_EQ(interval.total.dropped.bits, 10 * 100 * 8);
    EXPECT_DOUBLE_EQ(interval.total.passed.packets, 100);
    EXPECT_DOUBLE_EQ(interval.total.passed.bits, 100 * 1000 * 8);
    ASSERT_EQ(interval.directions.size(), 2U);
    ASSERT_EQ(interval.reasons.size(), 2U);
    EXPECT_EQ(interval.reasons[0].name, "drop_country");
    EXPECT_DOUBLE_EQ(interval.reasons[0].rates.dropped.packets, 10);
    EXPECT_DOUBLE_EQ(interval.reasons[1].rates.passed.packets, 100);
    ASSERT_EQ(interval.rules.size(), 2U);
    EXPECT_DOUBLE_EQ(interval.rules[0].rates.dropped.packets, 5);
    EXPECT_DOUBLE_EQ(interval.rules[0].rates.would_drop.packets, 2);
    ASSERT_EQ(interval.countries.size(), 1U);
    EXPECT_EQ(interval.countries[0].name, "CN");
    EXPECT_DOUBLE_EQ(interval.countries[0].rates.dropped.packets, 10) << "of both rules";
    ASSERT_EQ(interval.meetings.size(), 2U);
    EXPECT_DOUBLE_EQ(interval.meetings[1].rates.dropped.packets, 5);
}

TEST(TopRates, AreNeverNegative)
{
    const auto before = sample_at(1, status_of(100, 1000), {rule_against_cn("r1", "A", 100)});
    const auto restarted =
        rates_between(before, sample_at(2, status_of(3, 2000), {rule_against_cn("r1", "A", 3)}));
    EXPECT_TRUE(restarted.restarted);
    EXPECT_EQ(restarted.total.passed.packets, 0) << "what began anew tells nothing";
    ASSERT_EQ(restarted.rules.size(), 1U);
    EXPECT_EQ(restarted.rules[0].rates.dropped.packets, 0);
    // A rule's own counters that fall, and nothing else.
    const auto one =
        rates_between(before, sample_at(2, status_of(150, 1000), {rule_against_cn("r1", "A", 7)}));
    EXPECT_FALSE(one.restarted);
    EXPECT_DOUBLE_EQ(one.total.dropped.packets, 50);
    EXPECT_EQ(one.rules[0].rates.dropped.packets, 0);
    EXPECT_EQ(one.meetings[0].rates.dropped.packets, 0);
}

TEST(TopRates, NeedTimeBetweenTheMoments)
{
    const auto before = sample_at(5, status_of(1, 1), kNoRules);
    for (const int at : {5, 4}) {
        const auto interval = rates_between(before, sample_at(at, status_of(100, 100), kNoRules));
        EXPECT_EQ(interval.total.dropped.packets, 0);
        EXPECT_EQ(interval.reasons.size(), 2U);
    }
}

TEST(TopRates, OfARuleThatWasNotListedBeforeAreWhatItHasDroppedSince)
{
    auto rule = rule_against_cn("r7", "A", 50);
    rule["packets_passed"] = rule["by_country"]["CN"]["packets_passed"] = 5000U; // before its time had come
    const auto interval =
        rates_between(sample_at(1, status_of(0, 0), kNoRules), sample_at(2, status_of(0, 0), {rule}));
    ASSERT_EQ(interval.rules.size(), 1U);
    EXPECT_DOUBLE_EQ(interval.rules[0].rates.dropped.packets, 50);
    EXPECT_DOUBLE_EQ(interval.countries[0].rates.dropped.packets, 50);
    EXPECT_EQ(interval.rules[0].rates.passed.packets, 0);
    EXPECT_EQ(interval.countries[0].rates.passed.packets, 0);
}

TEST(TopRates, OfANewReasonAndCountryCountFromNothing)
{
    auto before = status_of(0, 0);
    before["reasons"].erase("drop_country");
    const auto none = Json::object();
    const auto interval = rates_between(sample_at(1, before, {rule_of("r1", "A", counts_of(0), none)}),
                                        sample_at(2, status_of(30, 0), {rule_against_cn("r1", "A", 30)}));
    EXPECT_DOUBLE_EQ(interval.reasons[0].rates.dropped.packets, 30);
    EXPECT_DOUBLE_EQ(interval.countries[0].rates.dropped.packets, 30);
}

TEST(TopRates, OfRulesThatTellNoCountriesApartStandTogether)
{
    const auto none = Json::object();
    const auto interval =
        rates_between(sample_at(1, status_of(0, 0), {rule_of("r1", "A", counts_of(10), none)}),
                      sample_at(2, status_of(0, 0), {rule_of("r1", "A", counts_of(25), none)}));
    ASSERT_EQ(interval.countries.size(), 1U);
    EXPECT_EQ(interval.countries[0].name, ctl::kNoCountry);
    EXPECT_DOUBLE_EQ(interval.countries[0].rates.dropped.packets, 15);
}

TEST(TopSample, TakesActiveRulesOnly)
{
    auto expired = rule_against_cn("r1", "A", 1);
    expired["state"] = "expired";
    const auto sample = sample_at(1, status_of(0, 0), {expired, rule_against_cn("r2", "A", 1)});
    ASSERT_EQ(sample.rules.size(), 1U);
    EXPECT_EQ(sample.rules[0].id, "r2");
    EXPECT_EQ(sample.rules[0].whom, "CN");
}

TEST(TopSample, OfAnotherVersionsAnswerHasWhatIsThere)
{
    const auto sample = sample_at(1, Json::object(), {});
    EXPECT_EQ(sample.version, "");
    EXPECT_TRUE(sample.rules.empty());
    EXPECT_EQ(rates_between(sample, sample_at(2, Json::object(), {})).total.dropped.packets, 0);
}

ctl::Interval busy(double first, double second, double second_bits)
{
    ctl::Interval interval;
    interval.rules = {{"r1", "A", "CN", false, {.dropped = {first, 1}}},
                      {"r2", "B", "CN", false, {.would_drop = {second, second_bits}}},
                      {"r3", "C", "CN", false, {}}};
    return interval;
}

std::string order_of(ctl::Interval interval, ctl::Order order)
{
    sort_rows(interval, order);
    std::string ids;
    for (const auto& rule : interval.rules) {
        ids += rule.id;
    }
    return ids;
}

TEST(TopRows, AreSortedByWhatIsBusiest)
{
    EXPECT_EQ(order_of(busy(5, 9, 0), ctl::Order::packets), "r2r1r3");
    EXPECT_EQ(order_of(busy(5, 9, 0), ctl::Order::bits), "r1r2r3");
    EXPECT_EQ(order_of(busy(5, 9, 0), ctl::Order::name), "r1r2r3");
    EXPECT_EQ(order_of(busy(0, 0, 0), ctl::Order::packets), "r1r2r3") << "what is equal keeps its place";
}

TEST(TopHistory, IsTheLastMinute)
{
    ctl::History history;
    for (int second = 1; second <= 100; ++second) {
        history.add(ctl::Moment(std::chrono::seconds(second)),
                    {.dropped = {static_cast<double>(second), 0}, .passed = {1, 0}});
    }
    const auto dropped = history.dropped();
    ASSERT_EQ(dropped.size(), 60U);
    EXPECT_EQ(dropped.front(), 41);
    EXPECT_EQ(dropped.back(), 100);
    EXPECT_EQ(history.passed().size(), 60U);
}

TEST(Sparkline, IsTheNewestAtTheRightAgainstTheGreatest)
{
    const std::vector<double> values{0, 1, 4, 8};
    EXPECT_EQ(ctl::sparkline(values, 4, true), " ▁▄█");
    EXPECT_EQ(ctl::sparkline(values, 6, true), "   ▁▄█");
    EXPECT_EQ(ctl::sparkline(values, 2, true), "▄█");
    EXPECT_EQ(ctl::sparkline(values, 4, false), " .=#");
    EXPECT_EQ(ctl::sparkline({}, 3, true), "   ");
    EXPECT_EQ(ctl::sparkline(std::vector<double>{0, 0}, 2, true), "  ");
    EXPECT_EQ(ctl::sparkline(std::vector<double>{0.001, 1000}, 2, true), "▁█") << "little is not nothing";
}

TEST(ShortNumber, HasThreeDigitsAndAUnit)
{
    const std::pair<double, const char*> cases[] = {
        {0, "0"},           {0.04, "0"},      {0.3, "0.3"},      {1, "1"},           {9.94, "9.9"},
        {9.97, "10"},       {12.4, "12"},     {999, "999"},      {999.6, "1.00k"},   {1234, "1.23k"},
        {12345, "12.3k"},   {123456, "123k"}, {9.99e6, "9.99M"}, {9.999e6, "10.0M"}, {4e9, "4.00G"},
        {999.7e3, "1.00M"}, {5e21, "5000E"},
    };
    for (const auto& [value, text] : cases) {
        EXPECT_EQ(ctl::short_number(value), text);
    }
}

} // namespace
} // namespace meetfence::test
