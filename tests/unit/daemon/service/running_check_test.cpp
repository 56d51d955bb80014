// SPDX-License-Identifier: Apache-2.0
// Which samples the running check judges, which it leaves alone, and what it counts. (What it judges them by:
// judgement_test.cpp.)
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "daemon/service/running_check.h"
#include "tests/unit/daemon/store/store_fixture.h"

namespace meetfence::test {
namespace {

using check::Verdict;
using service::RunningCheck;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNow = 1000 * kSecond; // of the boot clock

class RunningCheckTest : public StoreTest {
protected:
    RunningCheckTest()
    {
        auto writer = open();
        Rule kept = rule(3, "A");
        kept.mode = Mode::enforce;
        kept.except = {};
        EXPECT_TRUE(writer.write({.put_meetings = {stored(7, "A")}, .put_rules = {kept}}, {}));
        EXPECT_TRUE(check.open(path));
        check.use(opinion("CN"), 5);
    }

    static geo::SecondOpinion opinion(std::string_view code)
    {
        return value_of(
            geo::SecondOpinion::open({}, geo::Agreement::all, {{prefix("203.0.113.0/24"), country(code)}}));
    }
    /// Of the rule's first minute.
    static mf_sample sample()
    {
        mf_sample each{.time_ns = kNow,
                       .meeting = 7,
                       .rule = 3,
                       .remote_port = htons(51000),
                       .local_port = htons(40000),
                       .protocol = IPPROTO_UDP,
                       .reason = MF_DROP_COUNTRY,
                       .geo_generation = 5,
                       .dedicated = 1};
        std::ranges::copy(value_of(IpAddress::parse("203.0.113.10")).bytes(), each.remote);
        std::ranges::copy(value_of(IpAddress::parse("198.18.0.1")).bytes(), each.local);
        return each;
    }
    Verdict verdict(const mf_sample& each)
    {
        const auto wall = at("2026-11-22T12:01:00Z").time_since_epoch().count();
        const auto offset = wall * static_cast<std::int64_t>(kSecond) - static_cast<std::int64_t>(kNow);
        return value_of(check.judge(each, {}, offset, {})).verdict;
    }
    void expect_counted(std::uint64_t checked, std::uint64_t outside, std::uint64_t skipped)
    {
        EXPECT_EQ(check.status(), (Json{{"checked", checked}, {"outside", outside}, {"skipped", skipped}}));
        EXPECT_EQ(check.counts(3).checked, checked);
        EXPECT_EQ(check.counts(3).outside, outside);
    }

    RunningCheck check;
};

TEST_F(RunningCheckTest, CountsByRule)
{
    EXPECT_EQ(verdict(sample()), Verdict::inside);
    EXPECT_EQ(verdict(sample()), Verdict::inside);
    expect_counted(2, 0, 0);
    check.use(opinion("FR"), 5);
    EXPECT_EQ(verdict(sample()), Verdict::outside);
    expect_counted(3, 1, 0);
    EXPECT_EQ(check.counts(4).checked, 0U);
}

TEST_F(RunningCheckTest, SkipsWhatAnotherTableJudged)
{
    auto each = sample();
    for (const auto generation : {4U, 6U, 0U}) {
        each.geo_generation = generation;
        EXPECT_EQ(verdict(each), Verdict::unknown);
    }
    expect_counted(0, 0, 3);
    check.use(opinion("CN"), 6);
    each.geo_generation = 6;
    EXPECT_EQ(verdict(each), Verdict::inside);
}

TEST_F(RunningCheckTest, SkipsEverythingWithoutAnOpinion)
{
    RunningCheck blind;
    ASSERT_TRUE(blind.open(path));
    EXPECT_EQ(value_of(blind.judge(sample(), {}, 0, {})).verdict, Verdict::unknown);
    EXPECT_EQ(blind.status()["skipped"], 1);
}

TEST_F(RunningCheckTest, SkipsWhatWasDroppedBeforeAChange)
{
    auto each = sample();
    check.rule_changed(3, kNow);
    EXPECT_EQ(verdict(each), Verdict::unknown);
    each.time_ns = kNow - 5 * kSecond;
    EXPECT_EQ(verdict(each), Verdict::unknown) << "of long before";
    each.time_ns = kNow + kSecond - 1;
    EXPECT_EQ(verdict(each), Verdict::unknown) << "was on its way";
    each.time_ns = kNow + kSecond;
    EXPECT_EQ(verdict(each), Verdict::inside);
    each.reason = MF_DROP_FRAGMENT;
    EXPECT_EQ(verdict(each), Verdict::unknown) << "its first fragment may be of before";
    each.time_ns = kNow + 3 * kSecond;
    EXPECT_EQ(verdict(each), Verdict::inside);
    check.rule_changed(4, kNow + 10 * kSecond);
    EXPECT_EQ(verdict(each), Verdict::inside) << "another rule";
}

TEST_F(RunningCheckTest, RemembersTheLastOfManyChanges)
{
    for (std::uint64_t i = 0; i < 100; ++i) {
        check.rule_changed(3 + i % 5, kNow + i * kSecond);
    }
    auto each = sample();
    each.time_ns = kNow + 95 * kSecond + kSecond - 1; // the last change of rule 3 was at 95
    EXPECT_EQ(verdict(each), Verdict::unknown);
    ++each.time_ns;
    EXPECT_EQ(verdict(each), Verdict::inside);
}

TEST_F(RunningCheckTest, SkipsAllOfBeforeAChangeOfEverything)
{
    check.everything_changed(kNow);
    EXPECT_EQ(verdict(sample()), Verdict::unknown);
    auto later = sample();
    later.time_ns += kSecond;
    EXPECT_EQ(verdict(later), Verdict::inside);
}

TEST_F(RunningCheckTest, TellsByTheWallClock)
{
    auto each = sample();
    each.time_ns = kNow + 24 * 3600 * kSecond;
    EXPECT_EQ(verdict(each), Verdict::outside) << "the rule had ended";
    each.time_ns = kNow - 100 * kSecond;
    EXPECT_EQ(verdict(each), Verdict::outside) << "it had not begun";
}

TEST_F(RunningCheckTest, SaysWhatItCannotJudge)
{
    execute("UPDATE rules SET mode = 'nonsense'");
    const auto judged = check.judge(sample(), {}, 0, {});
    ASSERT_FALSE(judged);
    EXPECT_NE(judged.error().message.find("nonsense"), std::string::npos);
    expect_counted(0, 0, 1);
}

} // namespace
} // namespace meetfence::test
