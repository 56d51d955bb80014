// SPDX-License-Identifier: Apache-2.0
// Interleaved rounds: every case once, then every case again. What else the machine does, and how
// fast its clock runs just then, meets all cases alike, and the empty program beside each of them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/cases.h"

namespace meetfence::bench {

struct Figure {
    std::string name;
    double ns = 0;                   // medians
    double ns_over_empty = 0;        // of the differences within each round
    std::optional<double> two_cores; // how many times one core's packets two cores do
};

/// `progress` is told before each round.
[[nodiscard]] std::vector<Figure> measure(Program& program, std::span<const Case> cases, unsigned rounds,
                                          const std::function<void(unsigned)>& progress);

struct LoadFigure {
    double read_ms = 0, build_ms = 0, stage_ms = 0, swap_ms = 0, total_ms = 0; // medians
    std::size_t bytes = 0, prefixes = 0;
};

/// From the file to "in force", by the daemon's own code.
[[nodiscard]] LoadFigure measure_load(Program& program, const std::string& path, unsigned rounds);

} // namespace meetfence::bench
