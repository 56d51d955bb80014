// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "model/json.h"

namespace meetfence::bench {
namespace {

struct Bar {
    std::string_view name;
    double at_most; // ns over empty
};

// What the project asks of itself.
constexpr auto kBars = std::to_array<Bar>({
    {"geo_v4_hot", 10},
    {"geo_v4_cold", 40},
    {"geo_v6_hot", 35},
    {"geo_v6_cold", 60},
    {"other_traffic_hot", 6},
    {"bystander_v4_hot", 25},
    {"bystander_v4_cold", 45},
    {"bystander_v6_hot", 45},
    {"bystander_v6_cold", 75},
    {"target_drop_v4_hot", 60},
});
constexpr double kTwoCores = 1.8;
constexpr double kAgainstTrie = 25; // cold
constexpr double kMegabytes = 12;
constexpr double kLoadMs = 500;
constexpr double kSwapMs = 50;

std::string verdict(bool met, const std::string& asked)
{
    return asked + (met ? "" : "  missed");
}

const Figure* find(std::span<const Figure> figures, const std::string& name)
{
    const auto it = std::ranges::find(figures, name, &Figure::name);
    return it == figures.end() ? nullptr : &*it;
}

std::string asked_of(const Figure& figure)
{
    const auto* const bar = std::ranges::find(kBars, figure.name, &Bar::name);
    return bar == kBars.end()
               ? ""
               : verdict(figure.ns_over_empty <= bar->at_most, fmt::format("≤ {:.0f}", bar->at_most));
}

double rounded(double value, double digits)
{
    return std::round(value * digits) / digits;
}

} // namespace

std::string json_lines(std::span<const Figure> figures, const LoadFigure& load)
{
    std::string text;
    const auto add = [&](const Json& line) { text += line.dump() + "\n"; };
    for (const auto& figure : figures) {
        Json line{{"case", figure.name},
                  {"ns", rounded(figure.ns, 10)},
                  {"ns_over_empty", rounded(figure.ns_over_empty, 10)}};
        if (figure.two_cores) {
            line["two_cores"] = rounded(*figure.two_cores, 100); // times one core's packets
        }
        add(line);
    }
    // Every line has the same first three keys.
    const double total_ns = std::round(load.total_ms * 1e6);
    add({{"case", "load"},
         {"ns", total_ns},
         {"ns_over_empty", total_ns},
         {"read_ms", rounded(load.read_ms, 10)},
         {"build_ms", rounded(load.build_ms, 10)},
         {"stage_ms", rounded(load.stage_ms, 10)},
         {"swap_ms", rounded(load.swap_ms, 10)},
         {"prefixes", load.prefixes},
         {"bytes", load.bytes}});
    return text;
}

std::string table(std::span<const Figure> figures, const LoadFigure& load)
{
    auto text = fmt::format("{:<26}{:>9}{:>12}  {}\n", "case", "ns", "over empty", "asked");
    for (const auto& figure : figures) {
        text += fmt::format("{:<26}{:>9.1f}{:>12.1f}  {}\n", figure.name, figure.ns, figure.ns_over_empty,
                            asked_of(figure));
    }
    for (const auto* family : {"v4", "v6"}) {
        const auto* ours = find(figures, fmt::format("geo_{}_cold", family));
        const auto* trie = find(figures, fmt::format("lpm_geo_{}_cold", family));
        if (ours != nullptr && trie != nullptr) {
            const double times = trie->ns_over_empty / ours->ns_over_empty;
            text += fmt::format("{:<35}{:>12.1f}  {}\n", fmt::format("cheaper than a trie, {}, cold", family),
                                times, verdict(times >= kAgainstTrie, fmt::format("≥ {:.0f}", kAgainstTrie)));
        }
    }
    for (const auto& figure : figures) {
        if (figure.two_cores) {
            text += fmt::format("{:<35}{:>12.2f}  {}\n", "two cores, " + figure.name, *figure.two_cores,
                                verdict(*figure.two_cores >= kTwoCores, fmt::format("≥ {:.1f}", kTwoCores)));
        }
    }
    const double megabytes = static_cast<double>(load.bytes) / 1e6;
    text += fmt::format("{:<35}{:>12.1f}  {}\n", "both tables, MB", megabytes,
                        verdict(megabytes <= kMegabytes, fmt::format("≤ {:.0f}", kMegabytes)));
    text +=
        fmt::format("{:<35}{:>12.0f}  {}\n", fmt::format("file to in force, {} prefixes, ms", load.prefixes),
                    load.total_ms, verdict(load.total_ms <= kLoadMs, fmt::format("≤ {:.0f}", kLoadMs)));
    text += fmt::format("{:<35}{:>12.0f}  {}\n", "  of which the swap, ms", load.swap_ms,
                        verdict(load.swap_ms <= kSwapMs, fmt::format("≤ {:.0f}", kSwapMs)));
    return text;
}

} // namespace meetfence::bench
