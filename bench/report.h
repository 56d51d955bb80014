// SPDX-License-Identifier: Apache-2.0
// Figures as programs read them, one JSON object a line, and as people do, beside what is asked for.
#pragma once

#include <span>
#include <string>

#include "bench/rounds.h"

namespace meetfence::bench {

[[nodiscard]] std::string json_lines(std::span<const Figure> figures, const LoadFigure& load,
                                     const FlowFigure& flows);
[[nodiscard]] std::string table(std::span<const Figure> figures, const LoadFigure& load,
                                const FlowFigure& flows);

} // namespace meetfence::bench
