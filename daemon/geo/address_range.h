// SPDX-License-Identifier: Apache-2.0
// Addresses as numbers, for sweeping over them in order. IPv4 uses the low 32 bits.
#pragma once

#include <cstdint>

#include "model/country.h"
#include "model/ip.h"

namespace meetfence::geo {

__extension__ using AddressNumber = unsigned __int128;

enum class Family : std::uint8_t { v4, v6 };

[[nodiscard]] constexpr unsigned address_bits(Family family)
{
    return family == Family::v4 ? 32 : 128;
}

[[nodiscard]] constexpr AddressNumber last_address(Family family)
{
    return ~AddressNumber{0} >> (128 - address_bits(family));
}

/// Every address from `first` to `last`, both included, is placed in `country`.
struct PlacedRange {
    AddressNumber first = 0;
    AddressNumber last = 0;
    Country country;

    friend bool operator==(const PlacedRange&, const PlacedRange&) = default;
};

struct PlacedPrefix {
    IpPrefix prefix;
    Country country;

    friend bool operator==(const PlacedPrefix&, const PlacedPrefix&) = default;
};

[[nodiscard]] Family family_of(const IpPrefix& prefix);
[[nodiscard]] AddressNumber to_number(const IpAddress& address);
[[nodiscard]] IpAddress to_address(AddressNumber number, Family family);
[[nodiscard]] PlacedRange to_range(const PlacedPrefix& placed);
/// The fewest prefixes that cover exactly these addresses.
[[nodiscard]] std::uint64_t count_prefixes(AddressNumber first, AddressNumber last);

} // namespace meetfence::geo
