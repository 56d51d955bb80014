// SPDX-License-Identifier: Apache-2.0
// Charts as inline SVG. Lengths along bars are shares of the width, everything else is in pixels: text
// keeps its size on a telephone. Each chart has a title and a description for who does not see it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meetfence::audit {

struct ChartText {
    std::string_view id, title;
    std::string description;
};

/// What a colour means: its class in the style sheet, "c1" to "c5".
struct Series {
    std::string_view css_class, label;
};

struct ChartRow {
    std::string label;
    std::vector<std::uint64_t> values; // one for each series
};

/// One bar a row, its parts behind each other, the sum at its end.
[[nodiscard]] std::string stacked_bars(const ChartText& text, const std::vector<Series>& series,
                                       const std::vector<ChartRow>& rows);
/// A bar for each value, below each other; a row may have fewer values than there are series.
[[nodiscard]] std::string paired_bars(const ChartText& text, const std::vector<Series>& series,
                                      const std::vector<ChartRow>& rows);
/// A column for each row from left to right; each row has one value.
[[nodiscard]] std::string columns(const ChartText& text, std::string_view css_class,
                                  const std::vector<ChartRow>& rows);

[[nodiscard]] std::string legend(const std::vector<Series>& series);

/// Chart and table as one thing; on paper, caption and chart stay together.
[[nodiscard]] std::string figure(std::string_view caption, std::string_view chart, std::string_view table);

} // namespace meetfence::audit
