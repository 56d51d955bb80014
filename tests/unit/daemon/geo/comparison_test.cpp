// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/comparison.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <ostream>
#include <random>
#include <set>

#include "tests/unit/daemon/values.h"

namespace meetfence::geo {

// By argument-dependent lookup, for the messages of failed tests.
inline void PrintTo(const Extent& extent, std::ostream* out)
{
    *out << extent.ipv4_prefixes << " prefixes with " << extent.ipv4_addresses << " IPv4 addresses, "
         << extent.ipv6_prefixes << " with " << extent.ipv6_48s << " /48s";
}

inline void PrintTo(const Difference& difference, std::ostream* out)
{
    *out << difference.first.code() << " " << difference.second.code() << ": ";
    PrintTo(difference.extent, out);
}

} // namespace meetfence::geo

namespace meetfence::test {
namespace {

using geo::AddressNumber;
using geo::Difference;
using geo::Extent;
using geo::Family;
using geo::PlacedRange;
using geo::PlaceTable;

constexpr AddressNumber kLast4 = 0xffffffffU;
constexpr AddressNumber kLast6 = ~AddressNumber{0};

PlacedRange placed(std::string_view text, std::string_view code)
{
    return geo::to_range({prefix(text), country(code)});
}

PlaceTable table(const std::vector<PlacedRange>& v4, const std::vector<PlacedRange>& v6)
{
    PlaceTable result;
    result.v4 = geo::to_places(v4, geo::Family::v4);
    result.v6 = geo::to_places(v6, geo::Family::v6);
    return result;
}

Difference difference(std::string_view first, std::string_view second, const Extent& extent)
{
    const auto place = [](std::string_view code) { return code == "--" ? Country{} : country(code); };
    return {place(first), place(second), extent};
}

using List = std::vector<Difference>;

TEST(Differences, AreNoneBetweenATableAndItself)
{
    const auto one = table({placed("203.0.113.0/24", "CN")}, {placed("2001:db8::/32", "US")});
    EXPECT_TRUE(geo::differences(one, one).empty());
    EXPECT_TRUE(geo::differences({}, {}).empty());
}

TEST(Differences, AreToldByPairOfCountriesTheLargestFirst)
{
    const auto before = table({placed("198.18.0.0/24", "CN"), placed("198.18.1.0/25", "US"),
                               placed("198.18.1.128/25", "CN"), placed("203.0.113.0/24", "TW")},
                              {placed("2001:db8::/47", "CN")});
    const auto after = table({placed("198.18.0.0/23", "US"), placed("203.0.113.0/24", "TW")},
                             {placed("2001:db8::/48", "CN"), placed("2400::/32", "HK")});
    EXPECT_EQ(geo::differences(before, after),
              (List{difference("CN", "US", {.ipv4_prefixes = 2, .ipv4_addresses = 384}),
                    difference("--", "HK", {.ipv6_prefixes = 1, .ipv6_48s = 65536}),
                    difference("CN", "--", {.ipv6_prefixes = 1, .ipv6_48s = 1})}));
}

TEST(Differences, OfTheSameSizeAreInTheOrderOfCountries)
{
    const auto after = table({placed("198.18.0.0/24", "US"), placed("198.18.1.0/24", "HK"),
                              placed("198.18.2.0/24", "TW"), placed("198.18.4.0/24", "CN")},
                             {});
    const auto found = geo::differences({}, after);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_TRUE(std::ranges::is_sorted(found, {}, &Difference::second));
    EXPECT_EQ(found.front().extent, (Extent{.ipv4_prefixes = 1, .ipv4_addresses = 256}));
}

TEST(Differences, CountASiteOfWhichPartsAreMeantOnceAPair)
{
    const auto after = table({}, {placed("2001:db8:1::/64", "CN"), placed("2001:db8:1:2::/64", "HK"),
                                  placed("2001:db8:1:4::/64", "CN"), placed("2001:db8:1:ffff::/64", "CN"),
                                  placed("2001:db8:2::/64", "CN"), placed("2001:db8:2:8000::/49", "CN")});
    EXPECT_EQ(geo::differences({}, after),
              (List{difference("--", "CN", {.ipv6_prefixes = 5, .ipv6_48s = 2}),
                    difference("--", "HK", {.ipv6_prefixes = 1, .ipv6_48s = 1})}));
}

TEST(Differences, OfEverythingFit)
{
    const auto after = table({{0, kLast4, country("CN")}}, {{0, kLast6, country("CN")}});
    const Extent all{.ipv4_prefixes = 1,
                     .ipv4_addresses = std::uint64_t{1} << 32,
                     .ipv6_prefixes = 1,
                     .ipv6_48s = std::uint64_t{1} << 48};
    EXPECT_EQ(geo::differences({}, after), (List{difference("--", "CN", all)}));
    EXPECT_EQ(geo::differences(after, {}), (List{difference("CN", "--", all)}));
    EXPECT_EQ(geo::extents(after).at(country("CN").number()), all);
    // All but the ends: two prefixes a length, and the first and the last site are still meant.
    const auto less = table({{1, kLast4 - 1, country("CN")}}, {{1, kLast6 - 1, country("CN")}});
    EXPECT_EQ(geo::differences({}, less), (List{difference("--", "CN",
                                                           {.ipv4_prefixes = 62,
                                                            .ipv4_addresses = 0xfffffffeU,
                                                            .ipv6_prefixes = 254,
                                                            .ipv6_48s = std::uint64_t{1} << 48})}));
}

TEST(Disagreement, IsCountedOnlyWhereBothKnowACountry)
{
    geo::Database one;
    geo::Database other;
    one.v4 = {placed("198.18.0.0/24", "CN"), placed("198.18.1.0/24", "CN"), placed("203.0.113.0/24", "TW")};
    other.v4 = {placed("198.18.0.0/23", "HK"), placed("192.0.2.0/24", "CN")};
    one.v6 = {placed("2001:db8::/32", "CN")};
    other.v6 = {placed("2001:db8:c::/48", "HK"), placed("2001:db8:d::/48", "CN")};
    // The prefixes are the disagreement's, not the databases'.
    EXPECT_EQ(
        geo::disagreement(one, other),
        (List{difference("CN", "HK",
                         {.ipv4_prefixes = 1, .ipv4_addresses = 512, .ipv6_prefixes = 1, .ipv6_48s = 1})}));
    EXPECT_TRUE(geo::disagreement(one, one).empty());
    EXPECT_TRUE(geo::disagreement(one, {}).empty());
}

TEST(Extents, AreThoseOfEachCountryAndNotOfNone)
{
    const auto found = geo::extents(
        table({placed("198.18.0.0/24", "CN"), placed("198.18.2.0/25", "CN"), placed("198.18.2.128/25", "HK")},
              {placed("2001:db8::/32", "HK")}));
    EXPECT_EQ(found.at(country("CN").number()), (Extent{.ipv4_prefixes = 2, .ipv4_addresses = 384}));
    EXPECT_EQ(found.at(country("HK").number()),
              (Extent{.ipv4_prefixes = 1, .ipv4_addresses = 128, .ipv6_prefixes = 1, .ipv6_48s = 65536}));
    EXPECT_EQ(std::ranges::count(found, Extent{}), 254);
    EXPECT_EQ(found.at(0), Extent{});
}

TEST(CountriesIn, AreThoseOfBothFamilies)
{
    geo::Database database;
    EXPECT_TRUE(geo::countries_in(database).empty());
    database.v4 = {placed("198.18.0.0/24", "CN"), placed("198.18.1.0/24", "HK")};
    database.v6 = {placed("2001:db8::/32", "TW"), placed("2001:db9::/32", "HK")};
    EXPECT_EQ(geo::countries_in(database), countries({"CN", "HK", "TW"}));
}

// The oracle: 256 blocks of 2^block_bits addresses from `base` on, each with a country of its own.
constexpr std::size_t kBlocks = 256;
using Blocks = std::vector<Country>;

struct Space {
    Family family;
    AddressNumber base;
    unsigned block_bits;

    [[nodiscard]] AddressNumber first(std::size_t block) const
    {
        return base + (AddressNumber{block} << block_bits);
    }
};

const Space kSpaces[] = {
    {Family::v4, 0, 0},
    {Family::v4, 0xcb007100U, 0},
    {Family::v4, kLast4 - 255, 0},
    {Family::v4, 0, 24}, // all of IPv4
    {Family::v6, 0, 0},
    {Family::v6, kLast6 - 255, 0},
    {Family::v6, AddressNumber{0x20010db8} << 96, 77}, // eight blocks a /48
    {Family::v6, AddressNumber{0x20010db8} << 96, 80},
    {Family::v6, 0, 120}, // all of IPv6
};

Blocks random_blocks(std::mt19937& random)
{
    Blocks blocks;
    while (blocks.size() < kBlocks) {
        const auto place = Country(static_cast<std::uint8_t>(random() % 4));
        blocks.resize(std::min(kBlocks, blocks.size() + 1 + random() % 24), place);
    }
    return blocks;
}

std::vector<PlacedRange> ranges(const Space& space, const Blocks& blocks)
{
    std::vector<PlacedRange> result;
    for (std::size_t i = 0; i < kBlocks; ++i) {
        if (!blocks[i].none()) {
            result.push_back(
                {space.first(i), space.first(i) + ((AddressNumber{1} << space.block_bits) - 1), blocks[i]});
        }
    }
    return result;
}

using Chosen = std::array<bool, kBlocks>;

// A prefix where a half of the space is chosen whole, and so on in each half of it.
std::uint64_t prefixes(const Chosen& chosen, std::size_t first, std::size_t count)
{
    const auto begin = chosen.begin() + static_cast<std::ptrdiff_t>(first);
    const auto found = static_cast<std::size_t>(std::count(begin, begin + static_cast<int>(count), true));
    if (found == 0 || found == count) {
        return found == 0 ? 0 : 1;
    }
    return prefixes(chosen, first, count / 2) + prefixes(chosen, first + count / 2, count / 2);
}

Extent extent_of(const Space& space, const Chosen& chosen)
{
    std::uint64_t addresses = 0;
    std::uint64_t whole_sites = 0;
    std::set<std::uint64_t> sites;
    for (std::size_t i = 0; i < kBlocks; ++i) {
        if (chosen.at(i)) {
            addresses += std::uint64_t{1} << space.block_bits % 64;
            sites.insert(static_cast<std::uint64_t>(space.first(i) >> 80));
            whole_sites += space.block_bits < 80 ? 0 : std::uint64_t{1} << (space.block_bits - 80);
        }
    }
    const auto count = prefixes(chosen, 0, kBlocks);
    if (space.family == Family::v4) {
        return {.ipv4_prefixes = count, .ipv4_addresses = addresses};
    }
    return {.ipv6_prefixes = count, .ipv6_48s = space.block_bits < 80 ? sites.size() : whole_sites};
}

// Checks `found` against blocks in which `one` and `other` differ, those with none in one of them left
// out where `both` must know a country.
void expect(const Space& space, const Blocks& one, const Blocks& other, const List& found, bool both)
{
    std::map<std::pair<Country, Country>, Chosen> pairs;
    for (std::size_t i = 0; i < kBlocks; ++i) {
        if (one[i] != other[i] && !(both && (one[i].none() || other[i].none()))) {
            pairs[{one[i], other[i]}].at(i) = true;
        }
    }
    ASSERT_EQ(found.size(), pairs.size());
    for (const auto& [first, second, extent] : found) {
        const auto it = pairs.find({first, second});
        ASSERT_NE(it, pairs.end());
        EXPECT_EQ(extent, extent_of(space, it->second)) << first.code() << " " << second.code();
    }
    const auto size = [](const Difference& one_pair) {
        return std::tuple(~one_pair.extent.ipv4_addresses, ~one_pair.extent.ipv6_48s, one_pair.first,
                          one_pair.second);
    };
    EXPECT_TRUE(std::ranges::is_sorted(found, {}, size));
}

void compare(const Space& space, unsigned seed)
{
    std::mt19937 random(seed);
    const auto one = random_blocks(random);
    const auto other = random_blocks(random);
    geo::Database databases[2];
    const auto v4 = space.family == Family::v4;
    (v4 ? databases[0].v4 : databases[0].v6) = ranges(space, one);
    (v4 ? databases[1].v4 : databases[1].v6) = ranges(space, other);
    const auto before = table(databases[0].v4, databases[0].v6);
    const auto after = table(databases[1].v4, databases[1].v6);
    expect(space, one, other, geo::differences(before, after), false);
    expect(space, one, other, geo::disagreement(databases[0], databases[1]), true);
    expect(space, one, Blocks(kBlocks), geo::differences(before, {}), false);
    const auto all = geo::extents(before);
    for (std::uint8_t number = 1; number < 4; ++number) {
        Chosen chosen{};
        std::ranges::transform(one, chosen.begin(), [&](Country c) { return c == Country(number); });
        EXPECT_EQ(all.at(number), extent_of(space, chosen));
    }
}

TEST(ComparisonProperty, AgreesWithOneCountryForEachBlock)
{
    for (const auto& space : kSpaces) {
        for (unsigned seed = 1; seed <= 150; ++seed) {
            compare(space, seed);
            if (testing::Test::HasFailure()) {
                FAIL() << "seed " << seed << ", blocks of 2^" << space.block_bits << " addresses of "
                       << (space.family == Family::v4 ? "IPv4" : "IPv6");
            }
        }
    }
}

} // namespace
} // namespace meetfence::test
