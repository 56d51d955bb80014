// SPDX-License-Identifier: Apache-2.0
// The country table as the kernel reads it (kernel-headers/abi.h, map `geo`): made from places,
// deterministic, flat. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/geo/place_table.h"
#include "model/result.h"

namespace meetfence::geo {

struct CountryTable {
    std::vector<std::uint32_t> words; // whole chunks

    [[nodiscard]] std::size_t bytes() const { return words.size() * sizeof(std::uint32_t); }
};

/// Nodes are wide and the way short where the places leave room, and the other way round where they
/// are many. exhausted where even the most compact form is beyond 64 MiB.
[[nodiscard]] Result<CountryTable> make_country_table(const PlaceTable& places);

/// By the kernel's own reader, over memory.
[[nodiscard]] Country look_up(const CountryTable& table, const IpAddress& address);

} // namespace meetfence::geo
