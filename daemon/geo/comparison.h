// SPDX-License-Identifier: Apache-2.0
// How much two country tables, or two databases, differ. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "daemon/geo/place_table.h"

namespace meetfence::geo {

/// A part of the address space. IPv6 is counted in /48s, the size of a site (RFC 6177); one of which
/// only a part is meant counts as one.
struct Extent {
    std::uint64_t ipv4_prefixes = 0; // the fewest that cover it
    std::uint64_t ipv4_addresses = 0;
    std::uint64_t ipv6_prefixes = 0;
    std::uint64_t ipv6_48s = 0;

    friend bool operator==(const Extent&, const Extent&) = default;
};

struct Difference {
    Country first, second; // what the one and the other say; none = no country
    Extent extent;

    friend bool operator==(const Difference&, const Difference&) = default;
};

/// Where an address lies in another country, or in none, before and after. By pair of countries, the
/// largest in IPv4 addresses, then in /48s, first; ties by country.
[[nodiscard]] std::vector<Difference> differences(const PlaceTable& before, const PlaceTable& after);

/// The same for two databases, but only where both know a country.
[[nodiscard]] std::vector<Difference> disagreement(const Database& one, const Database& other);

/// By country number; what lies nowhere is not counted.
[[nodiscard]] std::array<Extent, 256> extents(const PlaceTable& table);

[[nodiscard]] CountrySet countries_in(const Database& database);

} // namespace meetfence::geo
