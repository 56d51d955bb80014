// SPDX-License-Identifier: Apache-2.0
// Remote addresses to measure with, drawn from a country database; the same for the same seed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "daemon/geo/mmdb_file.h"

namespace meetfence::bench {

enum class Draw : std::uint8_t {
    addresses, // each placed address is as likely as any other
    networks   // each network of the database is, and then each address in it: long prefixes count
};

using CountryFilter = std::function<bool(Country)>;

/// `count` addresses of one family, in countries that pass the filter. IPv6 is always drawn by
/// networks: by addresses, nearly all would be of the few largest ones.
[[nodiscard]] std::vector<IpAddress> sample(const geo::Database& database, geo::Family family, Draw draw,
                                            const CountryFilter& wanted, std::size_t count);

} // namespace meetfence::bench
