// SPDX-License-Identifier: Apache-2.0
#include "model/rule.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;

TEST(RuleId, SurvivesARoundTrip)
{
    std::mt19937_64 random(6);
    for (unsigned i = 0; i < 2000; ++i) {
        Rule rule;
        rule.number = 1 + random() % (i % 2 == 0 ? 100 : ~0ULL);
        ASSERT_EQ(parse_rule_id(rule.id()), rule.number) << rule.id();
    }
    EXPECT_EQ(parse_rule_id("r18446744073709551615"), ~0ULL);
}

TEST(RuleId, RefusesWhatIsNone)
{
    for (const auto* text : {"", "r", "r0", "17", "R17", "r-1", "r+1", "r 1", "r1 ", " r1", "r1x", "rr1",
                             "r1.0", "r18446744073709551616", "rule1"}) {
        EXPECT_FALSE(parse_rule_id(text)) << text;
    }
    EXPECT_MENTIONS(error_of(parse_rule_id("17")), "'17' is not a rule: rules are named r1, r2");
}

TEST(RuleState, FollowsTheClock)
{
    Rule rule;
    rule.from = Time(100s);
    rule.until = Time(200s);
    EXPECT_EQ(rule.state(Time(99s)), RuleState::scheduled);
    EXPECT_EQ(rule.state(Time(100s)), RuleState::active); // inclusive
    EXPECT_EQ(rule.state(Time(199s)), RuleState::active);
    EXPECT_EQ(rule.state(Time(200s)), RuleState::expired); // exclusive
    EXPECT_FALSE(rule.ended(Time(99s)));
    EXPECT_FALSE(rule.ended(Time(199s)));
    EXPECT_TRUE(rule.ended(Time(200s)));
}

TEST(RuleState, IsWithdrawnWhateverTheClockSays)
{
    Rule rule;
    rule.from = Time(100s);
    rule.until = Time(200s);
    rule.withdrawn = Time(150s);
    for (const auto now : {0s, 100s, 150s, 200s}) {
        EXPECT_EQ(rule.state(Time(now)), RuleState::withdrawn);
        EXPECT_TRUE(rule.ended(Time(now)));
    }
}

TEST(RuleState, WaitsForItsOrderUntilItsTimeIsOver)
{
    Rule rule;
    rule.from = Time(100s);
    rule.until = Time(200s);
    rule.pending = true;
    EXPECT_EQ(rule.state(Time(99s)), RuleState::pending);
    EXPECT_EQ(rule.state(Time(199s)), RuleState::pending);
    EXPECT_FALSE(rule.in_kernel(Time(150s)));
    EXPECT_FALSE(rule.ended(Time(199s)));
    EXPECT_EQ(rule.state(Time(200s)), RuleState::expired);
    EXPECT_TRUE(rule.ended(Time(200s)));
    rule.withdrawn = Time(150s);
    EXPECT_EQ(rule.state(Time(160s)), RuleState::withdrawn);
    rule.withdrawn.reset();
    rule.pending = false;
    EXPECT_TRUE(rule.in_kernel(Time(99s))) << "its begin is the kernel's affair";
    EXPECT_TRUE(rule.in_kernel(Time(199s)));
    EXPECT_FALSE(rule.in_kernel(Time(200s)));
}

TEST(RuleWords, AreReadAndWritten)
{
    for (const auto mode : {Mode::enforce, Mode::monitor}) {
        EXPECT_EQ(parse_mode(to_text(mode)), mode);
    }
    for (const auto* text : {"", "Enforce", "off", "enforce "}) {
        EXPECT_MENTIONS(error_of(parse_mode(text)), "neither enforce nor monitor");
    }
    EXPECT_EQ(to_text(RuleState::pending), "pending");
    EXPECT_EQ(to_text(RuleState::scheduled), "scheduled");
    EXPECT_EQ(to_text(RuleState::active), "active");
    EXPECT_EQ(to_text(RuleState::expired), "expired");
    EXPECT_EQ(to_text(RuleState::withdrawn), "withdrawn");
}

TEST(RuleWords, SayWhomARuleKeepsOut)
{
    CountrySet countries;
    countries.add(*Country::parse("HK"));
    countries.add(*Country::parse("CN"));
    EXPECT_EQ(describe(Whom::countries, countries, ""), "CN HK");
    EXPECT_EQ(describe(Whom::all_but, countries, ""), "all but CN HK");
    EXPECT_EQ(describe(Whom::participant, {}, "p-7"), "participant p-7");
}

TEST(CountryCounts, HaveATotalOfBothDirections)
{
    const CountryCounts counts{Country(), {1, 2, 3, 4, 5, 6}, {10, 20, 30, 40, 50, 60}};
    const auto total = counts.total();
    EXPECT_EQ(total.dropped_packets, 11U);
    EXPECT_EQ(total.passed_bytes, 66U);
    EXPECT_EQ(counts.ingress.dropped_packets, 1U) << "asking does not count";
}

TEST(CountryCounts, AddUpCountryByCountry)
{
    const auto country = [](const char* code) { return *Country::parse(code); };
    std::vector<CountryCounts> sum;
    add_counts(sum, {});
    EXPECT_TRUE(sum.empty());
    add_counts(sum, {{country("CN"), {1}, {2}}, {Country(), {3}, {}}});
    add_counts(sum, {{country("HK"), {5}, {}}, {country("CN"), {10, 20}, {30}}});
    ASSERT_EQ(sum.size(), 3U);
    EXPECT_EQ(sum[0].country, country("CN"));
    EXPECT_EQ(sum[0].ingress.dropped_packets, 11U);
    EXPECT_EQ(sum[0].ingress.dropped_bytes, 20U);
    EXPECT_EQ(sum[0].egress.dropped_packets, 32U);
    EXPECT_TRUE(sum[1].country.none());
    EXPECT_EQ(sum[1].total().dropped_packets, 3U);
    EXPECT_EQ(sum[2].country, country("HK"));
}

TEST(RuleCounts, AddUp)
{
    RuleCounts sum{1, 2, 3, 4, 5, 6};
    sum += RuleCounts{10, 20, 30, 40, 50, 60};
    EXPECT_EQ(sum.dropped_packets, 11U);
    EXPECT_EQ(sum.dropped_bytes, 22U);
    EXPECT_EQ(sum.would_drop_packets, 33U);
    EXPECT_EQ(sum.would_drop_bytes, 44U);
    EXPECT_EQ(sum.passed_packets, 55U);
    EXPECT_EQ(sum.passed_bytes, 66U);
}

} // namespace
} // namespace meetfence::test
