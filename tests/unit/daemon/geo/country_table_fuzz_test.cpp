// SPDX-License-Identifier: Apache-2.0
// Random tables against the longest of a list of prefixes, very large ones, and the reader over words
// that no builder wrote: under AddressSanitizer a read outside of them ends the test.
#include <algorithm>
#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "daemon/geo/country_table.h"
#include "kernel-headers/abi.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::AddressNumber;
using geo::Family;
using Prefixes = std::vector<geo::PlacedPrefix>;
using Numbers = std::vector<AddressNumber>;

AddressNumber last_of(Family family)
{
    return family == Family::v4 ? 0xffffffffU : ~AddressNumber{0};
}

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    std::size_t operator()(std::size_t sides) { return random_() % sides; }
    std::uint32_t word() { return static_cast<std::uint32_t>(random_()); }
    AddressNumber address(Family family)
    {
        return (AddressNumber{random_()} << 64 | random_()) & last_of(family);
    }
    Country country() { return Country(static_cast<std::uint8_t>(1 + random_() % country_count())); }
    template <class List> void shuffle(List& list) { std::ranges::shuffle(list, random_); }

private:
    std::mt19937_64 random_;
};

// Prefixes of each length, and which country they are in. What is asked for first counts.
class Oracle {
public:
    explicit Oracle(Family family) : family_(family) {}

    /// Whether it is new.
    bool add(AddressNumber inside, unsigned bits, Country country)
    {
        return by_length_[bits].emplace(cut(inside, bits), country).second;
    }
    [[nodiscard]] Country at(AddressNumber address) const
    {
        for (const auto& [bits, prefixes] : by_length_) {
            const auto it = prefixes.find(cut(address, bits));
            if (it != prefixes.end()) {
                return it->second;
            }
        }
        return {};
    }
    void list(Prefixes& result) const
    {
        for (const auto& [bits, prefixes] : by_length_) {
            for (const auto& [first, country] : prefixes) {
                result.push_back(
                    {{geo::to_address(first, family_), static_cast<std::uint8_t>(bits)}, country});
            }
        }
    }
    [[nodiscard]] Family family() const { return family_; }

private:
    [[nodiscard]] AddressNumber cut(AddressNumber address, unsigned bits) const
    {
        const unsigned host_bits = geo::address_bits(family_) - bits;
        return bits == 0 ? 0 : address >> host_bits << host_bits;
    }

    Family family_;
    std::map<unsigned, std::map<AddressNumber, Country>, std::greater<>> by_length_;
};

// IPv4 addresses cannot be named as IPv6 ones in the daemon.
bool is_mapped(AddressNumber address, Family family)
{
    return family == Family::v6 && address >> 32 == 0xffff;
}

// Some prefixes anywhere, most of them near to one another: that is where nodes become deep.
Oracle random_prefixes(Dice& dice, Family family, std::size_t count)
{
    Oracle oracle(family);
    const unsigned all = geo::address_bits(family);
    const unsigned countries = dice(3) == 0 ? 2 : 250;
    std::vector<AddressNumber> centres(1 + dice(4));
    for (auto& centre : centres) {
        centre = dice.address(family);
    }
    const bool scattered = dice(4) == 0;
    const auto longest = 1 + dice(all);
    for (std::size_t i = 0; i < count; ++i) {
        auto address = dice.address(family);
        if (!scattered) {
            // Shares some bits with a centre; and often all the rest is 0, or 1.
            const auto shared = dice(all + 1);
            const auto rest = shared == 0 ? last_of(family) : last_of(family) >> (shared - 1) >> 1;
            const auto centre = centres.at(dice(centres.size()));
            const std::array<AddressNumber, 4> ends{address, address, 0, last_of(family)};
            address = (centre & ~rest) | (ends.at(dice(ends.size())) & rest);
        }
        const auto bits = static_cast<unsigned>(dice(2) == 0 ? all - dice(all / 8) : all - dice(longest + 1));
        const Country country(static_cast<std::uint8_t>(1 + dice(countries)));
        if (!is_mapped(address, family)) {
            oracle.add(address, bits, country);
        }
    }
    return oracle;
}

void add_around(Numbers& addresses, AddressNumber edge, Family family)
{
    for (const auto each : {edge - 1, edge, edge + 1}) {
        addresses.push_back(each & last_of(family));
    }
}

// An empty text where table, places and oracle agree.
std::string disagreement(const geo::PlaceTable& places, const geo::CountryTable& table, Family family,
                         const Numbers& addresses, const std::function<Country(AddressNumber)>& oracle)
{
    for (const auto each : addresses) {
        if (is_mapped(each, family)) {
            continue;
        }
        const auto address = geo::to_address(each, family);
        const auto wanted = oracle(each);
        const auto listed = geo::country_of(places, address);
        const auto found = geo::look_up(table, address);
        if (listed != wanted || found != wanted) {
            return address.text() + " lies in " + std::to_string(wanted.number()) + ", places say " +
                   std::to_string(listed.number()) + ", the table " + std::to_string(found.number());
        }
    }
    return {};
}

struct RandomTable {
    RandomTable(std::uint64_t seed, std::size_t most) : dice(seed)
    {
        for (auto& oracle : oracles) {
            oracle = random_prefixes(dice, oracle.family(), dice(most + 1));
            oracle.list(prefixes);
        }
        dice.shuffle(prefixes);
        places = geo::build_table({}, geo::Agreement::all, prefixes);
        table = value_of(geo::make_country_table(places));
    }
    Numbers edges(Family family) const
    {
        Numbers addresses{0, 1, last_of(family) - 1, last_of(family)};
        for (const auto& placed : prefixes) {
            if (geo::family_of(placed.prefix) == family) {
                const auto range = geo::to_range(placed);
                add_around(addresses, range.first, family);
                add_around(addresses, range.last, family);
            }
        }
        return addresses;
    }

    Dice dice;
    std::array<Oracle, 2> oracles{Oracle(Family::v4), Oracle(Family::v6)};
    Prefixes prefixes;
    geo::PlaceTable places;
    geo::CountryTable table;
};

void expect_agreement(std::uint64_t seed, std::size_t most)
{
    RandomTable random(seed, most);
    for (const auto& oracle : random.oracles) {
        const auto family = oracle.family();
        auto addresses = random.edges(family);
        for (const auto edge : Numbers(addresses)) { // and in their neighbourhoods
            addresses.push_back(edge ^ AddressNumber{1} << random.dice(geo::address_bits(family)));
        }
        for (int i = 0; i < 200; ++i) {
            addresses.push_back(random.dice.address(family));
        }
        ASSERT_EQ(disagreement(random.places, random.table, family, addresses,
                               [&](auto each) { return oracle.at(each); }),
                  "")
            << "seed " << seed << ", at most " << most << " prefixes";
    }
}

TEST(CountryTableFuzz, SmallTablesAgreeWithTheLongestPrefix)
{
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        expect_agreement(seed, 3 + seed % 60);
        ASSERT_FALSE(HasFailure());
    }
}

TEST(CountryTableFuzz, LargerTablesAgreeWithTheLongestPrefix)
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        expect_agreement(seed, 2000);
        ASSERT_FALSE(HasFailure());
    }
}

TEST(CountryTableFuzz, TheSamePlacesGiveTheSameWords)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        RandomTable random(seed, 300);
        EXPECT_EQ(value_of(geo::make_country_table(random.places)).words, random.table.words) << seed;
        random.dice.shuffle(random.prefixes);
        const auto places = geo::build_table({}, geo::Agreement::all, random.prefixes);
        EXPECT_EQ(places.v4, random.places.v4) << seed;
        EXPECT_EQ(places.v6, random.places.v6) << seed;
        EXPECT_EQ(value_of(geo::make_country_table(places)).words, random.table.words) << seed;
    }
}

// A million single addresses, each in a country of its own choice. Where they are far apart in IPv6 the
// builder may say that there is no room, for each then needs some 80 bytes or more of its own.
TEST(CountryTableFuzz, StaysBoundedWithAMillionSingleAddresses)
{
    constexpr std::size_t kMost = 64U << 20; // what 24 bits of a word's index reach
    for (const auto* text : {"0.0.0.0/0", "2000::/3", "2001:db8:7:8::/64", "2001:db8:7:8:9:a::/96"}) {
        const auto within = prefix(text);
        const auto all = geo::to_range({within, {}});
        const auto family = geo::family_of(within);
        Dice dice(20);
        std::map<AddressNumber, Country> hosts;
        while (hosts.size() < 1U << 20) {
            hosts.emplace(all.first | (dice.address(family) & (all.last - all.first)), dice.country());
        }
        std::vector<geo::PlacedRange> ranges;
        Numbers addresses;
        for (const auto& [address, country] : hosts) {
            ranges.push_back({address, address, country});
            if (ranges.size() % 4 == 0) {
                add_around(addresses, address, family);
            }
        }
        geo::PlaceTable places;
        (family == Family::v4 ? places.v4 : places.v6) = geo::to_places(ranges, family);
        const auto table = geo::make_country_table(places);
        if (!table) {
            EXPECT_TRUE(family == Family::v6 && within.bits < 96) << table.error().message;
            EXPECT_EQ(table.error().code, ErrorCode::exhausted);
            continue;
        }
        EXPECT_LE(table->bytes(), kMost);
        const auto oracle = [&](AddressNumber address) {
            const auto it = hosts.find(address);
            return it == hosts.end() ? Country{} : it->second;
        };
        EXPECT_EQ(disagreement(places, *table, family, addresses, oracle), "") << text;
    }
}

// The vector is copied, so that nothing of ours lies behind its last word.
void read_everywhere(const std::vector<std::uint32_t>& words, const Numbers& v4, const Numbers& v6,
                     Dice& dice)
{
    const geo::CountryTable table{std::vector<std::uint32_t>(words)};
    ASSERT_EQ(table.words.capacity(), table.words.size());
    for (int i = 0; i < 300; ++i) {
        (void)geo::look_up(table, geo::to_address(dice.address(Family::v4), Family::v4));
        (void)geo::look_up(table, geo::to_address(dice.address(Family::v6), Family::v6));
    }
    for (const auto each : v4) {
        (void)geo::look_up(table, geo::to_address(each, Family::v4));
    }
    for (const auto each : v6) {
        (void)geo::look_up(table, geo::to_address(each, Family::v6));
    }
}

TEST(CountryTableFuzz, ReadsNothingOutsideOfRandomWords)
{
    Dice dice(7);
    for (int round = 0; round < 60; ++round) {
        const auto chunks = dice(6); // none, and one root without the other, among them
        std::vector<std::uint32_t> words(chunks * MF_GEO_CHUNK_WORDS);
        for (auto& word : words) {
            word = dice.word();
            if (round % 2 == 0) { // a node that is there, so that the way goes on
                word = (word & ~MF_GEO_NODE) | static_cast<std::uint32_t>(dice(words.size() + 20));
            }
        }
        read_everywhere(words, {0, ~0U}, {0, ~AddressNumber{0}}, dice);
    }
}

TEST(CountryTableFuzz, EndsInACircle)
{
    for (const std::uint32_t flags : {0U, MF_GEO_LOW, MF_GEO_SORTED, MF_GEO_SORTED | MF_GEO_LOW}) {
        const auto circle = flags | MF_GEO_WIDE | MF_GEO_FIRST_NODE;
        const geo::CountryTable table{std::vector<std::uint32_t>(3 * MF_GEO_CHUNK_WORDS, circle)};
        EXPECT_TRUE(geo::look_up(table, IpAddress::v4(0xcb007107)).none());
        EXPECT_TRUE(geo::look_up(table, value_of(IpAddress::parse("2001:db8::7"))).none());
    }
}

TEST(CountryTableFuzz, ReadsNothingOutsideOfDamagedTables)
{
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        RandomTable random(seed, 60);
        const auto v4 = random.edges(Family::v4);
        const auto v6 = random.edges(Family::v6);
        auto& words = random.table.words;
        std::vector<std::size_t> filled;
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i] != 0) {
                filled.push_back(i);
            }
        }
        for (int round = 0; round < 5 && !filled.empty(); ++round) {
            for (auto flips = 1 + random.dice(20); flips > 0; --flips) {
                words[filled.at(random.dice(filled.size()))] ^= 1U << random.dice(32);
            }
            read_everywhere(words, v4, v6, random.dice);
        }
    }
}

// What was in a chunk that is no longer there is in no country; everything else is where it was.
TEST(CountryTableFuzz, ACutTableSaysTheTruthOrNothing)
{
    Dice dice(64);
    std::map<AddressNumber, Country> hosts;
    while (hosts.size() < 10'000) {
        hosts.emplace(dice.address(Family::v6) >> 16 | AddressNumber{0x2a02} << 112, dice.country());
    }
    std::vector<geo::PlacedRange> ranges;
    for (const auto& [address, country] : hosts) {
        ranges.push_back({address, address, country});
    }
    geo::PlaceTable places;
    places.v6 = geo::to_places(ranges, Family::v6);
    const auto words = value_of(geo::make_country_table(places)).words;
    ASSERT_GT(words.size(), 5 * MF_GEO_CHUNK_WORDS);
    std::size_t known = hosts.size();
    for (std::size_t end = words.size(); end > 0;) {
        end -= MF_GEO_CHUNK_WORDS;
        const geo::CountryTable table{{words.begin(), words.begin() + static_cast<std::ptrdiff_t>(end)}};
        std::size_t still_known = 0;
        for (const auto& [address, country] : hosts) {
            const auto found = geo::look_up(table, geo::to_address(address, Family::v6));
            ASSERT_TRUE(found.none() || found == country) << end;
            still_known += found.none() ? 0 : 1;
        }
        EXPECT_LE(still_known, known);
        known = still_known;
    }
    EXPECT_EQ(known, 0U);
}

} // namespace
} // namespace meetfence::test
