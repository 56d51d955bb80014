// SPDX-License-Identifier: Apache-2.0
// The flat table against the longest of a list of prefixes, where builder or reader could go wrong:
// at the edges of roots, halves, nodes and keys. Random tables are in country_table_fuzz_test.cpp.
#include <algorithm>
#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <random>
#include <sstream>

#include "daemon/geo/country_table.h"
#include "kernel-headers/abi.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::AddressNumber;
using geo::Family;
using Prefixes = std::vector<geo::PlacedPrefix>;
using Numbers = std::vector<AddressNumber>;

constexpr std::array kFamilies{Family::v4, Family::v6};

AddressNumber last_of(Family family)
{
    return family == Family::v4 ? 0xffffffffU : ~AddressNumber{0};
}

AddressNumber number(std::string_view address)
{
    return geo::to_number(value_of(IpAddress::parse(address)));
}

AddressNumber any(std::mt19937_64& random, Family family)
{
    return (AddressNumber{random()} << 64 | random()) & last_of(family);
}

Country nth(std::size_t i)
{
    return Country(static_cast<std::uint8_t>(1 + i % country_count()));
}

std::vector<IpPrefix> list(const std::string& text)
{
    std::vector<IpPrefix> prefixes;
    std::istringstream words(text);
    std::transform(std::istream_iterator<std::string>(words), {}, std::back_inserter(prefixes), prefix);
    return prefixes;
}

void add(Prefixes& prefixes, AddressNumber inside, unsigned bits, Family family)
{
    const auto around = IpPrefix::around(geo::to_address(inside, family), static_cast<std::uint8_t>(bits));
    prefixes.push_back({around, nth(prefixes.size())});
}

// Asks for every length, the longest first.
class Oracle {
public:
    Oracle(const Prefixes& prefixes, Family family) : bits_(geo::address_bits(family))
    {
        for (const auto& [prefix, country] : prefixes) {
            if (geo::family_of(prefix) == family) {
                by_length_[prefix.bits][geo::to_number(prefix.address)] = country;
            }
        }
    }
    Country at(AddressNumber address) const
    {
        for (const auto& [bits, prefixes] : by_length_) {
            const auto it = prefixes.find(bits == 0 ? 0 : address >> (bits_ - bits) << (bits_ - bits));
            if (it != prefixes.end()) {
                return it->second;
            }
        }
        return {};
    }

private:
    unsigned bits_;
    std::map<unsigned, std::map<AddressNumber, Country>, std::greater<>> by_length_;
};

// Goes every way there is, and looks at each node by what abi.h says of it.
class Survey {
public:
    explicit Survey(const geo::CountryTable& table) : words_(table.words), taken_(words_.size())
    {
        const bool whole = words_.size() % MF_GEO_CHUNK_WORDS == 0 && words_.size() >= MF_GEO_FIRST_NODE;
        expect(whole, "not whole chunks", 0);
        for (std::uint32_t i = 0; i < MF_GEO_CHUNK_WORDS && fault_.empty(); ++i) {
            follow(words_[MF_GEO_ROOT_V4 * MF_GEO_CHUNK_WORDS + i], {.left = 32 - 16, .v6 = false});
            follow(words_[MF_GEO_ROOT_V6 * MF_GEO_CHUNK_WORDS + i], {.left = 64 - 16, .v6 = true});
        }
    }
    const std::string& fault() const { return fault_; }
    unsigned longest_way() const { return longest_; }
    /// Words of nodes to which no way leads.
    [[nodiscard]] std::size_t lost() const
    {
        std::size_t count = 0;
        for (std::size_t i = MF_GEO_FIRST_NODE; i < words_.size(); ++i) {
            count += words_[i] != 0 && !taken_[i];
        }
        return count;
    }

private:
    struct Way {
        unsigned left; // bits of the address, in this half
        bool v6, low = false;
        unsigned nodes = 0;
    };

    void follow(std::uint32_t reference, Way way)
    {
        longest_ = std::max(longest_, way.nodes);
        if (reference < 256) {
            return expect(reference <= country_count(), "no such country", reference);
        }
        if ((reference & MF_GEO_LOW) != 0) {
            expect(way.v6 && !way.low, "a second low half", reference);
            way = {.left = 64, .v6 = true, .low = true, .nodes = way.nodes};
        }
        const bool sorted = (reference & MF_GEO_SORTED) != 0;
        const unsigned stride = reference >> MF_GEO_STRIDE_SHIFT & MF_GEO_STRIDE;
        expect(sorted || (stride > 0 && stride <= way.left), "uses bits there are not", reference);
        const std::size_t count = sorted ? MF_GEO_STRETCHES : std::size_t{1} << stride;
        const bool wide = (reference & MF_GEO_WIDE) != 0;
        const std::size_t node = reference & MF_GEO_NODE;
        const std::size_t before = sorted ? MF_GEO_ENDS : 0;
        take(reference, before + (wide ? count : (count + 3) / 4));
        if (sorted && fault_.empty()) {
            const auto ends = words_.begin() + static_cast<std::ptrdiff_t>(node);
            expect(std::is_sorted(ends, ends + MF_GEO_ENDS), "ends are not ascending", reference);
            expect(node % MF_GEO_LINE_WORDS == 0, "begins within a cache line", reference);
        }
        way.left -= std::min(way.left, sorted ? 32 : stride);
        ++way.nodes;
        for (std::size_t i = 0; i < count && fault_.empty(); ++i) {
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(&words_[node + before]);
            const auto entry = [&](std::size_t at) { return wide ? words_[node + before + at] : bytes[at]; };
            if (i == 0 || entry(i) != entry(i - 1)) { // what is not needed repeats the end
                follow(entry(i), way);
            }
        }
    }

    void take(std::uint32_t reference, std::size_t words)
    {
        const std::size_t node = reference & MF_GEO_NODE;
        const auto end = node + words;
        expect(node >= MF_GEO_FIRST_NODE && end <= words_.size(), "is outside", reference);
        expect(node / MF_GEO_CHUNK_WORDS == (end - 1) / MF_GEO_CHUNK_WORDS, "crosses a chunk", reference);
        const auto [known, is_new] = nodes_.try_emplace(node, words); // one may serve several times
        expect(is_new || known->second == words, "has two sizes", reference);
        for (auto i = node; i < end && is_new && fault_.empty(); ++i) {
            expect(!taken_[i], "overlaps another", reference);
            taken_[i] = true;
        }
    }

    void expect(bool well, const char* what, std::uint32_t reference)
    {
        if (!well && fault_.empty()) {
            fault_ = std::string(what) + ": reference " + std::to_string(reference);
        }
    }

    const std::vector<std::uint32_t>& words_;
    std::vector<bool> taken_;
    std::map<std::size_t, std::size_t> nodes_;
    std::string fault_;
    unsigned longest_ = 0;
};

// An empty text where all three agree.
std::string disagreement(const geo::PlaceTable& places, const geo::CountryTable& table, const Oracle& oracle,
                         Family family, const Numbers& addresses)
{
    for (const auto each : addresses) {
        const auto address = geo::to_address(each, family);
        if (family == Family::v6 && address.is_v4()) {
            continue; // ::ffff:a.b.c.d is an IPv4 address wherever the daemon has one in hand
        }
        const auto wanted = oracle.at(each);
        const auto listed = geo::country_of(places, address);
        const auto found = geo::look_up(table, address);
        if (listed != wanted || found != wanted) {
            return address.text() + " lies in " + std::to_string(wanted.number()) + ", places say " +
                   std::to_string(listed.number()) + ", the table " + std::to_string(found.number());
        }
    }
    return {};
}

// The first and last addresses, and around what begins at `first` and ends at `last`.
void add_edges(Numbers& addresses, AddressNumber first, AddressNumber last, Family family)
{
    for (const auto edge : {AddressNumber{0}, first, last, last_of(family)}) {
        for (const auto each : {edge - 1, edge, edge + 1}) {
            addresses.push_back(each & last_of(family));
        }
    }
}

void expect_agreement(const Prefixes& prefixes)
{
    const auto places = geo::build_table({}, geo::Agreement::all, prefixes);
    const auto table = value_of(geo::make_country_table(places));
    const Survey survey(table);
    EXPECT_EQ(survey.fault(), "");
    EXPECT_EQ(survey.lost(), 0U);
    // The reader looks at an answer only before it has gone to as many nodes.
    EXPECT_LT(survey.longest_way(), MF_GEO_MOST_NODES);
    std::mt19937_64 random(prefixes.size());
    for (const auto family : kFamilies) {
        Numbers addresses{0, last_of(family)};
        for (const auto& placed : prefixes) {
            if (geo::family_of(placed.prefix) == family) {
                const auto [first, last, country] = geo::to_range(placed);
                add_edges(addresses, first, last, family);
                for (int i = 0; i < 8; ++i) {
                    addresses.push_back(first + (any(random, family) & (last - first)));
                }
            }
        }
        std::generate_n(std::back_inserter(addresses), 1000, [&] { return any(random, family); });
        ASSERT_EQ(disagreement(places, table, Oracle(prefixes, family), family, addresses), "");
    }
}

// `first` and its neighbours, or every so many of them, each in the next country.
Prefixes row(const IpPrefix& first, std::size_t count, std::size_t apart = 1)
{
    const auto family = geo::family_of(first);
    Prefixes prefixes;
    for (std::size_t i = 0; i < count; ++i) {
        const auto offset = AddressNumber{i * apart} << (geo::address_bits(family) - first.bits);
        add(prefixes, geo::to_number(first.address) + offset, first.bits, family);
    }
    return prefixes;
}

TEST(CountryTable, OfNothingPlacesNothing)
{
    expect_agreement({});
    EXPECT_EQ(value_of(geo::make_country_table({})).words.size(), MF_GEO_FIRST_NODE);
}

TEST(CountryTable, KnowsOnePrefixOfEachLength)
{
    for (const auto& around :
         list("0.0.0.0 255.255.255.255 203.0.113.77 :: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
              "2001:db8:aaaa:5555:aaaa:5555:aaaa:5555 2001:db8:0:ffff:ffff:ffff:ffff:ffff 2001:db8:1::")) {
        for (unsigned bits = 0; bits <= around.bits; ++bits) {
            Prefixes prefixes;
            add(prefixes, geo::to_number(around.address), bits, geo::family_of(around));
            expect_agreement(prefixes);
            ASSERT_FALSE(HasFailure()) << around.text() << " cut to " << bits;
        }
    }
}

TEST(CountryTable, KnowsPrefixesWithinPrefixesOfEveryLength)
{
    const auto alternating = ~AddressNumber{0} / 3; // 0101…
    for (const auto family : kFamilies) {
        for (const auto around : {AddressNumber{0}, last_of(family), alternating, alternating << 1}) {
            Prefixes prefixes;
            for (unsigned bits = 0; bits <= geo::address_bits(family); ++bits) {
                add(prefixes, around & last_of(family), bits, family);
            }
            expect_agreement(prefixes);
            for (auto& placed : prefixes) { // and two countries in turn
                placed.country = nth(placed.prefix.bits % 2);
            }
            expect_agreement(prefixes);
            prefixes.erase(prefixes.begin());
            expect_agreement(prefixes);
        }
    }
}

TEST(CountryTable, KeepsAllCountriesApartInNeighbouringPrefixes)
{
    // Several begin where they run across the edge of a root's entry, or of a /64.
    for (const auto& first :
         list("203.0.113.0 203.0.113.77 203.0.255.200 203.0.0.0/24 203.0.200.0/24 10.0.0.0/16 "
              "2001:db8:: 2001:db8::ffff:ff80 2001:db8:7:8:ffff:ffff:ffff:ff80 2001:ffff:ffff:ff80::/64 "
              "2001:db8:7::/64 2001:db8:7:ff80::/64 2001:db8::/48 2001:db8::/40 2001:db8::/97 2400::/16")) {
        expect_agreement(row(first, 2 * country_count() + 3));
    }
}

TEST(CountryTable, KeepsToTheEdgesOfRootsAndHalves)
{
    Prefixes prefixes;
    for (const auto& each :
         list("9.255.255.255 10.0.0.0 10.0.255.255 10.1.0.0/31 10.255.0.0/16 12.0.0.0/15 "
              "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2002:: 2004::/15 2006::/16 "
              "2001:db8:0:1:ffff:ffff:ffff:ffff 2001:db8:0:2:: 2001:db8:0:3::/65 2001:db8:0:4::/64 "
              "2001:db8:0:5:8000::/65 2001:db8:0:6::/63 2001:db8:0:7:ffff:ffff::/96 2001:db8:0:8:0:1::/96 "
              "2001:db8:0:8:0:ffff:ffff:ffff 2001:db8:0:8:1:: ffff:ffff:ffff:ffff::/64 "
              "ffff:ffff:ffff:fffe:ffff:ffff:ffff:ffff ::1 ::/64")) {
        prefixes.push_back({each, nth(prefixes.size())});
    }
    expect_agreement(prefixes);
    prefixes.insert(prefixes.end(), {{prefix("0.0.0.0/0"), nth(200)}, {prefix("::/0"), nth(201)}});
    expect_agreement(prefixes);
}

TEST(CountryTable, KeepsAllCountriesApartUpToTheLastAddress)
{
    for (const auto& first : list("255.255.255.216 255.255.216.0/24 ffff:ffff:ffff:ffd8::/64 "
                                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffd8 ffd8::/16")) {
        auto prefixes = row(first, 40);
        expect_agreement(prefixes);
        const auto family = geo::family_of(first);
        add(prefixes, last_of(family), geo::address_bits(family) - 1U, family);
        expect_agreement(prefixes);
    }
}

// Nodes of more than a cache line, for three chunks.
TEST(CountryTable, PutsNoNodeAcrossTheEndOfAChunk)
{
    std::mt19937_64 random(3);
    Prefixes prefixes;
    for (int i = 0; i < 3000; ++i) {
        add(prefixes, number("2001:db8::") | any(random, Family::v6) >> 32, 128, Family::v6);
    }
    expect_agreement(prefixes);
}

TEST(CountryTable, KnowsSeveralCountriesWithinOne64)
{
    Prefixes prefixes = row(prefix("2001:db8:7:8::/72"), 250);
    std::ranges::copy(row(prefix("2001:db8:7:8:1234:5678:9abc:0/120"), 250), std::back_inserter(prefixes));
    expect_agreement(prefixes);
}

// Fewer than the stretches of a sorted node, as many, and more.
TEST(CountryTable, KnowsPrefixesThatShareAllButTheirLowBits)
{
    for (const auto& first :
         list("203.0.113.0 2001:db8:7:8::/64 2001:db8:7:8:9:a:b:0 2001:db8:7:8:0:5::/96")) {
        for (const unsigned apart : {1U, 2U, 3U, 7U}) {
            for (std::size_t count = 1; count <= 20; ++count) {
                expect_agreement(row(first, count, apart));
                ASSERT_FALSE(HasFailure()) << first.text() << ' ' << count << " every " << apart;
            }
        }
    }
}

TEST(CountryTable, KnowsTheFirstAndLastKeysOfSortedNodes)
{
    // Where a node's 32 bits begin and what lies beyond them: 16 and 48 from the root, 64 and 96 below.
    for (const unsigned begin : {16U, 48U, 64U, 96U}) {
        const unsigned bits = begin + 32;
        const unsigned beyond = std::min(128U, bits + 16);
        const AddressNumber base = number("2a02:0:0:7::") >> (128 - begin) << (128 - begin);
        const AddressNumber end = beyond == bits ? 0 : AddressNumber{0x8001} << (128 - beyond);
        const auto at = [&](AddressNumber key) { return base | key << (128 - bits); };
        const std::map<AddressNumber, unsigned> lengths{
            {at(0), bits},           {at(0) | end, beyond},   {at(0x80000000U), bits},
            {at(0xfffffffeU), bits}, {at(0xffffffffU), bits}, {at(0xffffffffU) | end, beyond}};
        for (unsigned chosen = 1; chosen < 1U << lengths.size(); ++chosen) {
            Prefixes prefixes{{prefix("2a02::/16"), nth(99)}};
            unsigned i = 0;
            for (const auto& [address, length] : lengths) {
                if ((chosen >> i++ & 1) != 0) {
                    add(prefixes, address, length, Family::v6);
                }
            }
            expect_agreement(prefixes);
            ASSERT_FALSE(HasFailure()) << begin << ' ' << chosen;
        }
    }
}

// A block that begins at a key, goes on beyond the next one, and has a host in it: three answers, two edges.
TEST(CountryTable, CountsTheAnswersOfASortedNodeBeforeItMakesThem)
{
    Prefixes prefixes;
    for (std::size_t i = 1; i <= 16; ++i) {
        const auto first = number("2001:db8:7:8::") | AddressNumber{7 * i} << 48;
        add(prefixes, first, 95, Family::v6);
        add(prefixes, first + 1, 128, Family::v6);
        expect_agreement(prefixes);
    }
}

} // namespace
} // namespace meetfence::test
