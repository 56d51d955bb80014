// SPDX-License-Identifier: Apache-2.0
// Random databases and overrides in a space of 256 addresses, compared address by address with an oracle
// that keeps one country for each address.
#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <random>

#include "daemon/geo/place_table.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::Agreement;
using geo::Family;

constexpr std::size_t kSpace = 256;
constexpr std::array kCodes{"CN", "HK", "MO", "TW", "US"};
using Oracle = std::array<Country, kSpace>;

class RandomTable {
public:
    RandomTable(unsigned seed, Family family) : random_(seed), family_(family) {}

    void run()
    {
        const auto database_count = dice(4);
        std::vector<geo::Database> databases(database_count);
        std::vector<Oracle> known(database_count);
        for (std::size_t i = 0; i < database_count; ++i) {
            (family_ == Family::v4 ? databases[i].v4 : databases[i].v6) = ranges(known[i]);
        }
        const auto agreement = dice(2) == 0 ? Agreement::all : Agreement::first;
        auto wanted = agreed(known, agreement);
        const auto overrides = random_overrides(wanted);
        const auto table = geo::build_table(databases, agreement, overrides);
        EXPECT_EQ(table.places(family_ == Family::v4 ? Family::v6 : Family::v4), (geo::Places{{}}));
        expect_in_order(table.places(family_), base() + kSpace);
        expect(table, wanted);
    }

private:
    std::size_t dice(std::size_t sides) { return random_() % sides; }
    Country any_country() { return country(kCodes.at(dice(kCodes.size()))); }
    [[nodiscard]] geo::AddressNumber base() const
    {
        return geo::to_number(
            value_of(IpAddress::parse(family_ == Family::v4 ? "203.0.113.0" : "2001:db8::")));
    }

    std::vector<geo::PlacedRange> ranges(Oracle& known)
    {
        std::vector<geo::PlacedRange> result;
        for (std::size_t first = dice(40); first < kSpace; first += 1 + dice(40)) {
            const auto last = std::min(first + dice(30), kSpace - 1);
            result.push_back({base() + first, base() + last, any_country()});
            std::fill(known.begin() + static_cast<std::ptrdiff_t>(first),
                      known.begin() + static_cast<std::ptrdiff_t>(last) + 1, result.back().country);
            first = last;
        }
        return result;
    }

    static Oracle agreed(const std::vector<Oracle>& known, Agreement agreement)
    {
        Oracle result{};
        for (std::size_t i = 0; i < kSpace; ++i) {
            std::vector<Country> said;
            for (const auto& oracle : known) {
                if (!oracle.at(i).none()) {
                    said.push_back(oracle.at(i));
                }
            }
            const bool one_voice = std::ranges::all_of(said, [&](Country c) { return c == said.front(); });
            if (!said.empty() && (agreement == Agreement::first || one_voice)) {
                result.at(i) = said.front();
            }
        }
        return result;
    }

    std::vector<geo::PlacedPrefix> random_overrides(Oracle& wanted)
    {
        std::vector<geo::PlacedPrefix> overrides;
        std::array<int, kSpace> longest{};
        for (auto count = dice(8); count > 0; --count) {
            const auto host_bits = static_cast<unsigned>(dice(9));
            const auto address = geo::to_address(base() + dice(kSpace), family_);
            const auto bits = static_cast<std::uint8_t>(geo::address_bits(family_) - host_bits);
            const geo::PlacedPrefix placed{IpPrefix::around(address, bits), any_country()};
            if (std::ranges::find(overrides, placed.prefix, &geo::PlacedPrefix::prefix) != overrides.end()) {
                continue; // a configuration names each prefix once
            }
            overrides.push_back(placed);
            for (std::size_t i = 0; i < kSpace; ++i) {
                const bool inside = placed.prefix.contains(geo::to_address(base() + i, family_));
                if (inside && bits >= longest.at(i)) {
                    longest.at(i) = bits;
                    wanted.at(i) = placed.country;
                }
            }
        }
        return overrides;
    }

    static void expect_in_order(const geo::Places& places, geo::AddressNumber end)
    {
        ASSERT_EQ(places.front().first, 0U);
        for (std::size_t i = 1; i < places.size(); ++i) {
            ASSERT_LT(places[i - 1].first, places[i].first);
            ASSERT_NE(places[i - 1].country, places[i].country);
        }
        ASSERT_LE(places.back().first, end);
        ASSERT_TRUE(places.back().country.none());
    }

    void expect(const geo::PlaceTable& table, const Oracle& wanted) const
    {
        for (std::size_t i = 0; i < kSpace; ++i) {
            const auto address = geo::to_address(base() + i, family_);
            ASSERT_EQ(geo::country_of(table, address).code(), wanted.at(i).code()) << address.text();
            ASSERT_EQ(geo::prefix_around(table, address).text(), widest_around(address, wanted).text())
                << address.text();
        }
        for (const auto outside : {base() - 1, base() + kSpace}) {
            ASSERT_TRUE(geo::country_of(table, geo::to_address(outside, family_)).none());
        }
    }

    // Shortened while all its addresses are in one country. Around the space there is none.
    [[nodiscard]] IpPrefix widest_around(const IpAddress& address, const Oracle& wanted) const
    {
        const auto bits_of_space = geo::address_bits(family_) - 8;
        const auto of_address = wanted.at(static_cast<std::size_t>(geo::to_number(address) - base()));
        for (auto bits = geo::address_bits(family_); bits > bits_of_space; --bits) {
            const auto shorter =
                geo::to_range({IpPrefix::around(address, static_cast<std::uint8_t>(bits - 1)), {}});
            for (auto i = shorter.first; i <= shorter.last; ++i) {
                if (wanted.at(static_cast<std::size_t>(i - base())) != of_address) {
                    return IpPrefix::around(address, static_cast<std::uint8_t>(bits));
                }
            }
        }
        return IpPrefix::around(address, of_address.none() ? 0 : static_cast<std::uint8_t>(bits_of_space));
    }

    std::mt19937 random_;
    Family family_;
};

TEST(PlaceTableProperty, AgreesWithOneCountryForEachAddress)
{
    for (unsigned seed = 1; seed <= 600; ++seed) {
        for (const auto family : {Family::v4, Family::v6}) {
            RandomTable(seed, family).run();
            if (testing::Test::HasFailure()) {
                FAIL() << "seed " << seed << (family == Family::v4 ? " IPv4" : " IPv6");
            }
        }
    }
}

} // namespace
} // namespace meetfence::test
