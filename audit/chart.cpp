// SPDX-License-Identifier: Apache-2.0
#include "audit/chart.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

#include "audit/html.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

constexpr double kLongestBar = 88; // percent; the rest is for the number at its end
constexpr int kLabelHeight = 20, kBarHeight = 14, kRowGap = 14, kPairPitch = kBarHeight + 2;
constexpr double kPlotWidth = 91; // percent; the rest is for the numbers of the grid
constexpr int kPlotHeight = 150, kAxisHeight = 24, kPlotTop = 18;
constexpr std::size_t kMostTickLabels = 4;

std::string begin_svg(const ChartText& text, int height)
{
    return fmt::format("<svg role=\"img\" aria-labelledby=\"{0}-t {0}-d\" width=\"100%\" height=\"{1}\">\n"
                       "<title id=\"{0}-t\">{2}</title>\n<desc id=\"{0}-d\">{3}</desc>\n",
                       text.id, height, escaped(text.title), escaped(text.description));
}

std::string bar(double from_percent, int y, double width_percent, std::string_view css_class)
{
    return fmt::format("<rect class=\"bar {}\" x=\"{:.3f}%\" y=\"{}\" width=\"{:.3f}%\" height=\"{}\"/>\n",
                       css_class, from_percent, y, width_percent, kBarHeight);
}

std::string words_at(double x_percent, int shift, int y, std::string_view css_class, std::string_view words)
{
    return fmt::format("<text class=\"{}\" x=\"{:.3f}%\" dx=\"{}\" y=\"{}\">{}</text>\n", css_class,
                       x_percent, shift, y, escaped(words));
}

// At the end of a bar, or where it would begin.
std::string number_at(double x_percent, int y, std::uint64_t value)
{
    return words_at(x_percent, value > 0 ? 8 : 0, y + kBarHeight - 2, value > 0 ? "value" : "zero",
                    grouped(value));
}

double percent_of(std::uint64_t value, std::uint64_t largest)
{
    return largest == 0 ? 0 : kLongestBar * static_cast<double>(value) / static_cast<double>(largest);
}

std::uint64_t sum_of(const ChartRow& row)
{
    return std::accumulate(row.values.begin(), row.values.end(), std::uint64_t{0});
}

// 1, 2 or 5 times a power of ten, so that at most four of them reach `largest`.
std::uint64_t step_for(std::uint64_t largest)
{
    std::uint64_t power = 1;
    for (;;) {
        for (const auto factor : std::to_array<std::uint64_t>({1, 2, 5})) {
            if (largest / power / factor <= 4) {
                return factor * power;
            }
        }
        power *= 10;
    }
}

std::string line_at(int y, std::string_view css_class)
{
    return fmt::format("<line class=\"{0}\" x1=\"0\" x2=\"100%\" y1=\"{1}.5\" y2=\"{1}.5\"/>\n", css_class,
                       y);
}

std::string grid(std::uint64_t step, std::uint64_t top)
{
    std::string markup;
    for (std::uint64_t value = step; value <= top; value += step) {
        const auto share = static_cast<double>(value) / static_cast<double>(top);
        const auto y = kPlotTop + kPlotHeight - static_cast<int>(share * kPlotHeight);
        markup += line_at(y, "grid") + words_at(100, 0, y - 4, "tick end", grouped(value));
    }
    return markup;
}

} // namespace

std::string stacked_bars(const ChartText& text, const std::vector<Series>& series,
                         const std::vector<ChartRow>& rows)
{
    std::uint64_t largest = 0;
    for (const auto& row : rows) {
        largest = std::max(largest, sum_of(row));
    }
    constexpr int kPitch = kLabelHeight + kBarHeight + kRowGap;
    auto markup = begin_svg(text, static_cast<int>(rows.size()) * kPitch);
    int y = 0;
    for (const auto& row : rows) {
        markup += words_at(0, 0, y + kLabelHeight - 6, "label", row.label);
        double x = 0;
        for (std::size_t i = 0; i < series.size(); ++i) {
            if (row.values[i] > 0) {
                const auto width = percent_of(row.values[i], largest);
                markup += bar(x, y + kLabelHeight, width, series[i].css_class);
                x += width;
            }
        }
        markup += number_at(x, y + kLabelHeight, sum_of(row));
        y += kPitch;
    }
    return markup + "</svg>\n";
}

std::string paired_bars(const ChartText& text, const std::vector<Series>& series,
                        const std::vector<ChartRow>& rows)
{
    std::uint64_t largest = 0;
    for (const auto& row : rows) {
        largest = std::max(largest, *std::ranges::max_element(row.values));
    }
    int height = 0;
    for (const auto& row : rows) {
        height += kLabelHeight + static_cast<int>(row.values.size()) * kPairPitch + kRowGap;
    }
    auto markup = begin_svg(text, height);
    int y = 0;
    for (const auto& row : rows) {
        markup += words_at(0, 0, y + kLabelHeight - 6, "label", row.label);
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            const auto value = row.values[i];
            const auto width = percent_of(value, largest);
            const int top = y + kLabelHeight + static_cast<int>(i) * kPairPitch;
            if (value > 0) {
                markup += bar(0, top, width, series[i].css_class);
            }
            markup += number_at(width, top, value);
        }
        y += kLabelHeight + static_cast<int>(row.values.size()) * kPairPitch + kRowGap;
    }
    return markup + "</svg>\n";
}

std::string columns(const ChartText& text, std::string_view css_class, const std::vector<ChartRow>& rows)
{
    std::uint64_t largest = 1;
    for (const auto& row : rows) {
        largest = std::max(largest, row.values.front());
    }
    const auto step = step_for(largest);
    const auto top = (largest + step - 1) / step * step;
    const auto width = kPlotWidth / static_cast<double>(rows.size());
    const auto every = (rows.size() + kMostTickLabels - 1) / kMostTickLabels;
    auto markup = begin_svg(text, kPlotTop + kPlotHeight + kAxisHeight);
    markup += grid(step, top);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto x = width * static_cast<double>(i);
        const auto height =
            kPlotHeight * static_cast<double>(rows[i].values.front()) / static_cast<double>(top);
        if (height > 0) {
            markup += fmt::format(
                "<rect class=\"bar {}\" x=\"{:.3f}%\" y=\"{:.1f}\" width=\"{:.3f}%\" height=\"{:.1f}\"/>\n",
                css_class, x + width * 0.1, kPlotTop + kPlotHeight - height, width * 0.8, height);
        }
        if (i % every == 0) {
            markup +=
                words_at(x + width * 0.1, 0, kPlotTop + kPlotHeight + kAxisHeight - 8, "tick", rows[i].label);
        }
    }
    return markup + line_at(kPlotTop + kPlotHeight, "axis") + "</svg>\n";
}

std::string legend(const std::vector<Series>& series)
{
    std::string markup = R"(<ul class="legend">)";
    for (const auto& one : series) {
        markup += fmt::format(R"(<li><span class="swatch {}" aria-hidden="true"></span>{}</li>)",
                              one.css_class, escaped(one.label));
    }
    return markup + "</ul>\n";
}

std::string figure(std::string_view caption, std::string_view chart, std::string_view table)
{
    return fmt::format(
        "<figure>\n<div class=\"chart\">\n<figcaption>{}</figcaption>\n{}</div>\n{}</figure>\n",
        escaped(caption), chart, table);
}

} // namespace meetfence::audit
