// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/image.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>

#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using policy::EndpointImage;

constexpr std::int64_t kSecond = 1'000'000'000;
const Time kBoot = at("2026-11-22T00:00:00Z");
const std::int64_t kOffset = kBoot.time_since_epoch().count() * kSecond;
constexpr std::uint32_t kTcp = MF_PORT_SLOTS / 2;

Rule rule(std::uint64_t number, Time from, Time until)
{
    Rule result{.number = number, .meeting = "A"};
    result.countries = countries({"CN"});
    result.from = from;
    result.until = until;
    return result;
}

policy::RuleImage compiled(const Rule& rule, const Meeting& entry = meeting("A", {}),
                           std::int64_t offset = kOffset)
{
    return policy::compile(1, entry, {&rule}, offset).rules.at(0);
}

Country number(unsigned value)
{
    return Country(static_cast<std::uint8_t>(value));
}

TEST(RuleImage, SetsOneBitForEachCountryAlsoAtTheBordersOfWords)
{
    for (const unsigned value : {1U, 62U, 63U, 64U, 65U, 127U, 128U, 191U, 192U, 250U}) {
        auto one = rule(1, kBoot, kBoot + std::chrono::hours(1));
        one.countries = {};
        one.countries.add(number(value));
        const auto image = compiled(one);
        for (unsigned word = 0; word < MF_COUNTRY_WORDS; ++word) {
            EXPECT_EQ(image.countries.at(word), word == value / 64 ? 1ULL << value % 64 : 0) << value;
        }
        EXPECT_EQ(policy::country_count(image.countries), 1U);
        EXPECT_EQ(policy::countries_of(image.countries), (std::vector{number(value)}));
    }
}

TEST(RuleImage, ListsItsCountriesInTheOrderOfTheirCells)
{
    auto all = rule(1, kBoot, kBoot + std::chrono::hours(1));
    all.countries = {};
    std::vector<Country> wanted;
    for (unsigned value = 1; value <= country_count(); ++value) {
        all.countries.add(number(value));
        wanted.push_back(number(value));
    }
    const auto image = compiled(all);
    EXPECT_EQ(policy::country_count(image.countries), country_count());
    EXPECT_EQ(policy::countries_of(image.countries), wanted);
    EXPECT_EQ(image.countries[0] & 1, 0U) << "number 0 is no country";
}

TEST(RuleImage, CountsItsTimesFromTheMomentTheMachineStarted)
{
    const auto image = compiled(rule(7, kBoot + std::chrono::seconds(90), kBoot + std::chrono::hours(2)));
    EXPECT_EQ(image.number, 7U);
    EXPECT_EQ(image.from_ns, 90ULL * kSecond);
    EXPECT_EQ(image.until_ns, 7200ULL * kSecond);
}

TEST(RuleImage, HasBegunForEverWhereItsBeginIsBeforeTheMachineStarted)
{
    const auto image = compiled(rule(1, kBoot - std::chrono::hours(5), kBoot - std::chrono::hours(1)));
    EXPECT_EQ(image.from_ns, 0U);
    EXPECT_EQ(image.until_ns, 0U); // and it has ended for ever
    EXPECT_EQ(compiled(rule(1, kBoot, kBoot + std::chrono::seconds(1))).from_ns, 0U);
}

TEST(RuleImage, FollowsAWallClockThatIsAFractionOfASecondOff)
{
    const auto begin = kBoot + std::chrono::seconds(10);
    const auto image =
        compiled(rule(1, begin, begin + std::chrono::seconds(1)), meeting("A", {}), kOffset + 1);
    EXPECT_EQ(image.from_ns, 10ULL * kSecond - 1);
    // A clock that was never set: the machine started before 1970.
    EXPECT_EQ(compiled(rule(1, begin, begin), meeting("A", {}), -kSecond).from_ns,
              static_cast<std::uint64_t>(kOffset) + 11ULL * kSecond);
}

TEST(RuleImage, EndsWithItsMeetingAtTheLatest)
{
    auto entry = meeting("A", {});
    const auto one = rule(1, kBoot, kBoot + std::chrono::hours(3));
    entry.until = kBoot + std::chrono::hours(1);
    EXPECT_EQ(compiled(one, entry).until_ns, 3600ULL * kSecond);
    entry.until = kBoot + std::chrono::hours(5);
    EXPECT_EQ(compiled(one, entry).until_ns, 3 * 3600ULL * kSecond);
    entry.until = at("9999-12-31T23:59:59Z"); // "for ever", as people write it
    EXPECT_EQ(compiled(one, entry).until_ns, 3 * 3600ULL * kSecond);
}

TEST(RuleImage, OfATimeCenturiesAwayIsNotInForceToday)
{
    // 64 bits of nanoseconds come round after 584 years. In a process of its own, because a sanitizer
    // ends the one that overflows.
    const auto check = [] {
        const auto today = at("2026-11-22T12:00:00Z");
        const auto today_ns = static_cast<std::uint64_t>((today - kBoot).count()) * kSecond;
        for (auto begin = at("2262-01-01T00:00:00Z"); begin < at("9999-01-01T00:00:00Z");
             begin += std::chrono::hours(24 * 20)) {
            const auto image = compiled(rule(1, begin, begin + std::chrono::hours(24 * 30)));
            if (image.from_ns <= today_ns) {
                std::_Exit(1);
            }
        }
        std::_Exit(0);
    };
    EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST(RuleImage, CarriesModeAndExceptions)
{
    auto one = rule(1, kBoot, kBoot + std::chrono::hours(1));
    EXPECT_EQ(compiled(one).mode, MF_ENFORCE);
    one.mode = Mode::monitor;
    one.except = {prefix("203.0.113.0/28"), prefix("2001:db8::/64")};
    EXPECT_EQ(compiled(one).mode, MF_MONITOR);
    EXPECT_EQ(compiled(one).except, one.except);
}

TEST(EndpointImage, StandsForEveryPortOfARange)
{
    std::vector<EndpointImage> images;
    policy::expand(endpoint("udp:198.18.0.1:40000-41023"), images);
    ASSERT_EQ(images.size(), 1024U);
    for (std::uint32_t i = 0; i < images.size(); ++i) {
        EXPECT_EQ(images[i].port_slot, 40000 + i);
        EXPECT_EQ(images[i].local, endpoint("udp:198.18.0.1:1").address->bytes());
    }
}

TEST(EndpointImage, OfTcpLiesInTheUpperHalfOfThePorts)
{
    std::vector<EndpointImage> images;
    policy::expand(endpoint("tcp:*:443"), images);
    policy::expand(endpoint("udp:[2001:db8::1]:65535"), images);
    policy::expand(endpoint("tcp:*:65534-65535"), images);
    const EndpointImage wanted[] = {{kTcp + 443, {}},
                                    {65535, endpoint("udp:[2001:db8::1]:1").address->bytes()},
                                    {kTcp + 65534, {}},
                                    {kTcp + 65535, {}}};
    EXPECT_TRUE(std::ranges::equal(images, wanted));
    EXPECT_LT(images.back().port_slot, MF_PORT_SLOTS);
}

TEST(MeetingImage, HasItsEndpointsInOrderAndNoneTwice)
{
    const auto image = policy::compile(
        5, meeting("A", {"tcp:*:443", "udp:198.18.0.1:40000-40002", "udp:198.18.0.1:40001", "udp:*:40001"}),
        {}, kOffset);
    EXPECT_EQ(image.number, 5U);
    EXPECT_EQ(image.endpoints.size(), 5U);
    EXPECT_TRUE(std::ranges::is_sorted(image.endpoints));
    EXPECT_EQ(std::ranges::adjacent_find(image.endpoints), image.endpoints.end());
}

TEST(MeetingImage, HasItsRulesByNumber)
{
    const auto first = rule(3, kBoot, kBoot + std::chrono::hours(1));
    const auto second = rule(20, kBoot, kBoot + std::chrono::hours(1));
    const auto image = policy::compile(1, meeting("A", {}), {&second, &first}, kOffset);
    ASSERT_EQ(image.rules.size(), 2U);
    EXPECT_EQ(image.rules[0].number, 3U);
    EXPECT_EQ(image.rules[1].number, 20U);
}

} // namespace
} // namespace meetfence::test
