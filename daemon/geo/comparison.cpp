// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/comparison.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace meetfence::geo {
namespace {

constexpr unsigned kSiteShift = 128 - 48;

// Adds up stretches of addresses that come in ascending order and do not touch one another.
class Tally {
public:
    void add(Family family, AddressNumber first, AddressNumber last)
    {
        const auto prefixes = count_prefixes(first, last);
        if (family == Family::v4) {
            extent_.ipv4_prefixes += prefixes;
            extent_.ipv4_addresses += static_cast<std::uint64_t>(last - first) + 1;
            return;
        }
        extent_.ipv6_prefixes += prefixes;
        // The stretch before may have ended in the same site.
        const auto from = std::max(static_cast<std::uint64_t>(first >> kSiteShift), next_site_);
        next_site_ = static_cast<std::uint64_t>(last >> kSiteShift) + 1;
        extent_.ipv6_48s += next_site_ - from;
    }
    [[nodiscard]] const Extent& extent() const { return extent_; }

private:
    Extent extent_;
    std::uint64_t next_site_ = 0;
};

// Calls `take(first, last, country, other)` for each stretch in which neither changes.
template <class Take> void for_each_stretch(const Places& one, const Places& other, Family family, Take take)
{
    std::size_t i = 0;
    std::size_t k = 0;
    for (AddressNumber first = 0;;) {
        const auto last_in = [&](const Places& places, std::size_t at) {
            return at + 1 < places.size() ? places[at + 1].first - 1 : last_address(family);
        };
        const auto last_one = last_in(one, i);
        const auto last_other = last_in(other, k);
        const auto last = std::min(last_one, last_other);
        take(first, last, one[i].country, other[k].country);
        if (last == last_address(family)) {
            return;
        }
        i += last_one == last ? 1 : 0;
        k += last_other == last ? 1 : 0;
        first = last + 1;
    }
}

class PairTallies {
public:
    /// `counts(first, second)`: whether addresses of this pair of countries are counted.
    template <class Counts> void add(Family family, const Places& one, const Places& other, Counts counts)
    {
        for_each_stretch(one, other, family,
                         [&](AddressNumber first, AddressNumber last, Country a, Country b) {
                             if (counts(a, b)) {
                                 tallies_[a.number() * kNumbers + b.number()].add(family, first, last);
                             }
                         });
    }

    [[nodiscard]] std::vector<Difference> largest_first() const
    {
        std::vector<Difference> result;
        for (std::size_t i = 0; i < tallies_.size(); ++i) {
            if (tallies_[i].extent() != Extent{}) {
                result.push_back({Country(static_cast<std::uint8_t>(i / kNumbers)),
                                  Country(static_cast<std::uint8_t>(i % kNumbers)), tallies_[i].extent()});
            }
        }
        // Stable: they are in the order of countries.
        std::ranges::stable_sort(result, std::greater{}, [](const Difference& difference) {
            return std::pair(difference.extent.ipv4_addresses, difference.extent.ipv6_48s);
        });
        return result;
    }

private:
    static constexpr std::size_t kNumbers = 256;
    std::vector<Tally> tallies_ = std::vector<Tally>(kNumbers * kNumbers);
};

} // namespace

std::vector<Difference> differences(const PlaceTable& before, const PlaceTable& after)
{
    PairTallies tallies;
    for (const auto family : {Family::v4, Family::v6}) {
        tallies.add(family, before.places(family), after.places(family),
                    [](Country a, Country b) { return a != b; });
    }
    return tallies.largest_first();
}

std::vector<Difference> disagreement(const Database& one, const Database& other)
{
    const auto counts = [](Country a, Country b) { return a != b && !a.none() && !b.none(); };
    PairTallies tallies;
    tallies.add(Family::v4, to_places(one.v4, Family::v4), to_places(other.v4, Family::v4), counts);
    tallies.add(Family::v6, to_places(one.v6, Family::v6), to_places(other.v6, Family::v6), counts);
    return tallies.largest_first();
}

std::array<Extent, 256> extents(const PlaceTable& table)
{
    static const Places nowhere{{}};
    std::array<Tally, 256> tallies;
    for (const auto family : {Family::v4, Family::v6}) {
        for_each_stretch(table.places(family), nowhere, family,
                         [&](AddressNumber first, AddressNumber last, Country country, Country) {
                             if (!country.none()) {
                                 tallies.at(country.number()).add(family, first, last);
                             }
                         });
    }
    std::array<Extent, 256> result;
    std::ranges::transform(tallies, result.begin(), &Tally::extent);
    return result;
}

CountrySet countries_in(const Database& database)
{
    CountrySet set;
    for (const auto* ranges : {&database.v4, &database.v6}) {
        for (const auto& range : *ranges) {
            set.add(range.country);
        }
    }
    return set;
}

} // namespace meetfence::geo
