// SPDX-License-Identifier: Apache-2.0
// Reads a MaxMind DB file whole. The only file pair that knows libmaxminddb.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/geo/address_range.h"
#include "model/result.h"
#include "model/time.h"
#include "pins/unique_fd.h"

namespace meetfence::geo {

struct Database {
    std::string path;
    std::string type; // the publisher's own name for it
    Time build;
    std::vector<PlacedRange> v4, v6;      // ascending, not overlapping, only where a country is known
    std::shared_ptr<const UniqueFd> copy; // the file's bytes as they were read
};

/// Copies the file privately first: publishers overwrite it in place, and a mapping would die of
/// that. Understands `country.iso_code`, `country_code` and a bare `country`; `registered_country`
/// never counts, pseudo-codes are no country. IPv4 is read once, its aliases in IPv6 are left out.
[[nodiscard]] Result<Database> load_mmdb(const std::string& path);

/// The same for a file that is in memory; `name` is how errors call it.
[[nodiscard]] Result<Database> read_mmdb(std::string_view bytes, const std::string& name);

} // namespace meetfence::geo
