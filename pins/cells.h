// SPDX-License-Identifier: Apache-2.0
// Per-CPU counters, summed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel-headers/abi.h"
#include "model/result.h"
#include "model/rule.h"

namespace meetfence::pins {

using Traffic = std::array<std::array<mf_traffic, MF_REASONS>, MF_DIRECTIONS>;

[[nodiscard]] Result<Traffic> read_reasons(int reasons_fd);
/// One cell of one rule and country; which country, the caller knows.
[[nodiscard]] Result<CountryCounts> read_cell(int cells_fd, std::uint32_t cell);
/// Neighbouring cells in their order, both directions of each together.
[[nodiscard]] Result<std::vector<RuleCounts>> read_cells(int cells_fd, std::uint32_t first,
                                                         std::uint32_t count);
[[nodiscard]] Result<> zero_cell(int cells_fd, std::uint32_t cell);
[[nodiscard]] Result<std::uint64_t> read_tally(int tallies_fd, mf_tally what);

} // namespace meetfence::pins
