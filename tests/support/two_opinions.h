// SPDX-License-Identifier: Apache-2.0
// The second opinion and the place table share no line of code that places an address: here they must agree,
// around every edge and on random addresses.
#pragma once

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "daemon/geo/mmdb_file.h"
#include "daemon/geo/second_opinion.h"

namespace meetfence::test {

class TwoOpinions {
public:
    TwoOpinions(const std::vector<std::string>& paths, geo::Agreement agreement,
                const std::vector<geo::PlacedPrefix>& overrides)
        : table_(table_of(paths, agreement, overrides)),
          opinion_(geo::SecondOpinion::open(paths, agreement, overrides))
    {
    }

    void ask_around_edges()
    {
        for (const auto family : {geo::Family::v4, geo::Family::v6}) {
            for (const auto& place : table_.places(family)) {
                for (const auto number : {place.first - 1, place.first, place.first + 1}) {
                    ask(geo::to_address(number & geo::last_address(family), family));
                }
            }
        }
    }
    void ask_anywhere(std::size_t times)
    {
        for (std::size_t i = 0; i < times; ++i) {
            ask(any());
        }
    }
    [[nodiscard]] std::size_t asked() const { return asked_; }
    [[nodiscard]] std::size_t placed() const { return placed_; }
    /// The first address they are of two minds about.
    [[nodiscard]] const std::string& difference() const { return difference_; }

private:
    static geo::PlaceTable table_of(const std::vector<std::string>& paths, geo::Agreement agreement,
                                    const std::vector<geo::PlacedPrefix>& overrides)
    {
        std::vector<geo::Database> databases;
        for (const auto& path : paths) {
            databases.push_back(std::move(geo::load_mmdb(path).value()));
        }
        return geo::build_table(databases, agreement, overrides);
    }

    IpAddress any()
    {
        const auto family = random_() % 2 == 0 ? geo::Family::v4 : geo::Family::v6;
        const auto bits = geo::address_bits(family);
        geo::AddressNumber number = random_();
        number = number << 64 | random_();
        if (random_() % 2 == 0) { // near something: nearly all of IPv6 is nowhere
            const auto& places = table_.places(family);
            number = (number >> (128 - bits + random_() % bits)) + places[random_() % places.size()].first;
        }
        return geo::to_address(number & geo::last_address(family), family);
    }

    void ask(const IpAddress& address)
    {
        const auto country = geo::country_of(table_, address);
        const auto second = opinion_.value().of(address);
        ++asked_;
        placed_ += country.none() ? 0 : 1;
        if (difference_.empty() && (!second || second->country != country)) {
            difference_ = address.text() + ": " + std::string(country.code()) + " and " +
                          (second ? std::string(second->country.code()) : second.error().message);
        }
    }

    geo::PlaceTable table_;
    Result<geo::SecondOpinion> opinion_;
    std::mt19937_64 random_{7};
    std::size_t asked_ = 0, placed_ = 0;
    std::string difference_;
};

inline void expect_one_opinion(const std::vector<std::string>& paths, geo::Agreement agreement,
                               const std::vector<geo::PlacedPrefix>& overrides, std::size_t times)
{
    TwoOpinions opinions(paths, agreement, overrides);
    opinions.ask_around_edges();
    opinions.ask_anywhere(times);
    EXPECT_EQ(opinions.difference(), "");
    EXPECT_GT(opinions.asked(), times);
    EXPECT_GT(opinions.placed(), times / 20);
}

} // namespace meetfence::test
