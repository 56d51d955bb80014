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

struct PlaceTable {
    std::vector<PlacedPrefix> v4, v6; // ascending, not overlapping
    Time build;                       // of the newest database
};

[[nodiscard]] PlaceTable build_table(std::span<const Database> databases, Agreement agreement,
                                     std::span<const PlacedPrefix> overrides);

/// Lays `top` over `bottom`: where they meet, `top` counts, its no-country ranges included.
[[nodiscard]] std::vector<PlacedRange> overlay(std::span<const PlacedRange> bottom,
                                               std::span<const PlacedRange> top);

/// What several databases say together. Each is ascending and free of overlaps, as is the result.
[[nodiscard]] std::vector<PlacedRange> merge(std::span<const std::vector<PlacedRange>* const> databases,
                                             Agreement agreement);

/// The fewest prefixes that cover exactly the range.
void split(const PlacedRange& range, Family family, std::vector<PlacedPrefix>& prefixes);

} // namespace meetfence::geo
