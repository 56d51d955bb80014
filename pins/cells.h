// SPDX-License-Identifier: Apache-2.0
// Per-CPU counters, summed.
#pragma once

#include <array>
#include <cstdint>

#include "kernel-headers/abi.h"
#include "model/result.h"
#include "model/rule.h"

namespace meetfence::pins {

using Traffic = std::array<mf_traffic, MF_REASONS>;

[[nodiscard]] Result<Traffic> read_reasons(int reasons_fd);
/// One cell of one rule and country.
[[nodiscard]] Result<RuleCounts> read_cell(int cells_fd, std::uint32_t cell);
[[nodiscard]] Result<> zero_cell(int cells_fd, std::uint32_t cell);

} // namespace meetfence::pins
