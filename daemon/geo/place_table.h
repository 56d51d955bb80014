// SPDX-License-Identifier: Apache-2.0
// From databases and overrides to one table: which prefix lies in which country. Pure.
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/geo/mmdb_file.h"

namespace meetfence::geo {

enum class Agreement : std::uint8_t {
    all,  // a country only where every database that knows the address agrees
    first // the first database that knows it
};

/// From this address on, up to where the next one begins, everything lies in `country`.
struct Place {
    AddressNumber first = 0;
    Country country;

    friend bool operator==(const Place&, const Place&) = default;
};

/// A whole family: begins at address 0, ascending, neighbours in different countries (or none).
using Places = std::vector<Place>;

struct PlaceTable {
    Places v4{{}}, v6{{}};
    std::size_t prefixes_v4 = 0, prefixes_v6 = 0; // the databases' own, where they agree
    Time build;                                   // of the newest database

    [[nodiscard]] const Places& places(Family family) const { return family == Family::v4 ? v4 : v6; }
};

[[nodiscard]] PlaceTable build_table(std::span<const Database> databases, Agreement agreement,
                                     std::span<const PlacedPrefix> overrides);

[[nodiscard]] Places to_places(std::span<const PlacedRange> ranges, Family family);

[[nodiscard]] Country country_of(const PlaceTable& table, const IpAddress& address);
/// The largest prefix around the address whose addresses all lie where it lies.
[[nodiscard]] IpPrefix prefix_around(const PlaceTable& table, const IpAddress& address);

/// Lays `top` over `bottom`: where they meet, `top` counts, its no-country ranges included.
[[nodiscard]] std::vector<PlacedRange> overlay(std::span<const PlacedRange> bottom,
                                               std::span<const PlacedRange> top);

/// What several databases say together. Each is ascending and free of overlaps, as is the result.
[[nodiscard]] std::vector<PlacedRange> merge(std::span<const std::vector<PlacedRange>* const> databases,
                                             Agreement agreement);

/// The fewest prefixes that cover exactly the range.
void split(const PlacedRange& range, Family family, std::vector<PlacedPrefix>& prefixes);

} // namespace meetfence::geo
