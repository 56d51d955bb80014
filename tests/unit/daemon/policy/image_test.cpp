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

// By the letters of both, so that a test sees who was asked about.
std::uint64_t owner_of(std::uint64_t meeting, const std::string& participant)
{
    return meeting * 1000 + static_cast<std::uint64_t>(participant.size());
}

policy::RuleImage compiled(const Rule& rule, const Meeting& entry = meeting("A", {}),
                           std::int64_t offset = kOffset)
{
    return policy::compile(1, entry, {&rule}, offset, owner_of).rules.at(0);
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
        EXPECT_EQ(image.cell_count(), 1U);
        EXPECT_EQ(image.cell_countries(), (std::vector{number(value)}));
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
    EXPECT_EQ(image.cell_count(), country_count());
    EXPECT_EQ(image.cell_countries(), wanted);
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

TEST(RuleImage, OfAllButHasEveryOtherCountryAndNotWhomNoDatabasePlaces)
{
    auto one = rule(1, kBoot, kBoot + std::chrono::hours(1));
    one.whom = Whom::all_but;
    one.countries = {};
    for (const unsigned value : {1U, 63U, 64U, 250U}) {
        one.countries.add(number(value));
    }
    const auto image = compiled(one);
    EXPECT_EQ(image.whom, MF_WHOM_ALL_BUT);
    for (unsigned value = 0; value < MF_COUNTRY_WORDS * 64; ++value) {
        const bool kept_out = (image.countries.at(value / 64) >> (value % 64) & 1) != 0;
        const bool let_in = value == 0 || value == 1 || value == 63 || value == 64 || value == 250;
        EXPECT_EQ(kept_out, !let_in) << value;
    }
    EXPECT_EQ(image.participant, 0U);
    EXPECT_EQ(image.cell_count(), 1U);
    EXPECT_EQ(image.cell_countries(), std::vector{Country()});
}

TEST(RuleImage, OfAParticipantMeansThisOneWhereverPlaced)
{
    auto one = rule(1, kBoot, kBoot + std::chrono::hours(1));
    one.whom = Whom::participant;
    one.countries = {};
    one.participant = "p-17";
    const auto image = policy::compile(7, meeting("A", {}), {&one}, kOffset, owner_of).rules.at(0);
    EXPECT_EQ(image.whom, MF_WHOM_PARTICIPANT);
    EXPECT_EQ(image.participant, owner_of(7, "p-17"));
    EXPECT_EQ(image.countries, (std::array<std::uint64_t, MF_COUNTRY_WORDS>{~0ULL, ~0ULL, ~0ULL, ~0ULL}));
    EXPECT_EQ(image.cell_count(), 1U);
    EXPECT_EQ(image.cell_countries(), std::vector{Country()});
}

TEST(RuleImage, OfCountriesIsNobodyInParticular)
{
    auto one = rule(1, kBoot, kBoot + std::chrono::hours(1));
    one.participant = "left over";
    const auto image = compiled(one);
    EXPECT_EQ(image.whom, MF_WHOM_COUNTRIES);
    EXPECT_EQ(image.participant, 0U);
}

TEST(RuleImage, CountsOnWhereOnlyTimesModeAndExceptionsChange)
{
    const auto hours = std::chrono::hours(1);
    auto one = rule(1, kBoot, kBoot + hours);
    const auto image = compiled(one);
    one.until += hours;
    one.mode = Mode::monitor;
    one.except = {prefix("203.0.113.0/28")};
    EXPECT_TRUE(image.counts_like(compiled(one)));
    EXPECT_FALSE(image == compiled(one));
    one.countries.add(number(250));
    EXPECT_FALSE(image.counts_like(compiled(one)));
    // The same bits, and yet one cell for all: a rule that keeps out what others do not name.
    auto all_but = image;
    all_but.whom = MF_WHOM_ALL_BUT;
    EXPECT_FALSE(image.counts_like(all_but));
    // A participant who came back has another word, and the same counters.
    auto participant = image;
    participant.whom = MF_WHOM_PARTICIPANT;
    auto returned = participant;
    returned.participant = 17;
    EXPECT_TRUE(participant.counts_like(returned));
    EXPECT_FALSE(participant == returned);
}

TEST(EndpointImage, ComesBackAsTheEndpointItWas)
{
    for (const auto* text : {"udp:198.18.0.1:40000", "udp:*:1", "tcp:*:65535", "tcp:[2001:db8::1]:443"}) {
        std::vector<EndpointImage> images;
        policy::expand(endpoint(text), images);
        ASSERT_EQ(images.size(), 1U);
        EXPECT_EQ(policy::to_endpoint(images[0]), endpoint(text));
    }
}

TEST(MeetingImage, HasNoEndpointsThatOthersShare)
{
    auto entry = meeting("A", {"udp:*:40000"});
    entry.shared_endpoints = {endpoint("udp:*:40001")};
    entry.turn_endpoints = {endpoint("udp:*:40002")};
    EXPECT_EQ(policy::compile(1, entry, {}, kOffset, owner_of).endpoints.size(), 1U);
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
        {}, kOffset, owner_of);
    EXPECT_EQ(image.number, 5U);
    EXPECT_EQ(image.endpoints.size(), 5U);
    EXPECT_TRUE(std::ranges::is_sorted(image.endpoints));
    EXPECT_EQ(std::ranges::adjacent_find(image.endpoints), image.endpoints.end());
}

TEST(MeetingImage, HasItsRulesByNumber)
{
    const auto first = rule(3, kBoot, kBoot + std::chrono::hours(1));
    const auto second = rule(20, kBoot, kBoot + std::chrono::hours(1));
    const auto image = policy::compile(1, meeting("A", {}), {&second, &first}, kOffset, owner_of);
    ASSERT_EQ(image.rules.size(), 2U);
    EXPECT_EQ(image.rules[0].number, 3U);
    EXPECT_EQ(image.rules[1].number, 20U);
}

} // namespace
} // namespace meetfence::test
