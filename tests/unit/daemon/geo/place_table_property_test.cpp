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
        EXPECT_TRUE((family_ == Family::v4 ? table.v6 : table.v4).empty());
        expect(family_ == Family::v4 ? table.v4 : table.v6, wanted);
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

    void expect(const std::vector<geo::PlacedPrefix>& prefixes, const Oracle& wanted) const
    {
        Oracle found{};
        auto free_from = geo::AddressNumber{0};
        for (const auto& placed : prefixes) {
            const auto [first, last, place] = geo::to_range(placed);
            ASSERT_GE(first, free_from) << "not ascending, or overlapping: " << placed.prefix.text();
            ASSERT_GE(first, base());
            ASSERT_LT(last, base() + kSpace);
            ASSERT_FALSE(place.none());
            ASSERT_EQ(IpPrefix::around(placed.prefix.address, placed.prefix.bits), placed.prefix);
            free_from = last + 1;
            for (auto i = first; i <= last; ++i) {
                found.at(static_cast<std::size_t>(i - base())) = place;
            }
        }
        for (std::size_t i = 0; i < kSpace; ++i) {
            ASSERT_EQ(found.at(i).code(), wanted.at(i).code()) << geo::to_address(base() + i, family_).text();
        }
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
