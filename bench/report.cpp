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
    {"target_shared_v4_hot", 70},
    {"stun_bystander_v4_hot", 150},
    {"stun_bystander_v6_hot", 150},
    {"stun_first_v4_hot", 150},
    {"stun_first_v6_hot", 150},
    {"egress_other_v4_hot", 25},
    {"egress_bystander_v4_hot", 25},
    {"egress_bystander_shared_v4_hot", 25},
});
constexpr double kTwoCores = 1.8;
constexpr double kAgainstTrie = 25; // cold
constexpr double kMegabytes = 12;
constexpr double kLoadMs = 500;
constexpr double kSwapMs = 50;
constexpr double kSharedNs = 3; // more or less than on a dedicated endpoint
constexpr double kFlowMegabytes = 160;

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

// A row with one figure.
std::string row(const std::string& name, double value, const std::string& asked, int digits = 0)
{
    return fmt::format("{:<41}{:>12.{}f}  {}\n", name, value, digits, asked);
}

std::string comparisons(std::span<const Figure> figures)
{
    std::string text;
    for (const auto* family : {"v4", "v6"}) {
        const auto* ours = find(figures, fmt::format("geo_{}_cold", family));
        const auto* trie = find(figures, fmt::format("lpm_geo_{}_cold", family));
        if (ours != nullptr && trie != nullptr) {
            const double times = trie->ns_over_empty / ours->ns_over_empty;
            text += row(fmt::format("cheaper than a trie, {}, cold", family), times,
                        verdict(times >= kAgainstTrie, fmt::format("≥ {:.0f}", kAgainstTrie)), 1);
        }
    }
    for (const auto* which : {"v4_hot", "v4_cold", "v6_hot", "v6_cold"}) {
        const auto* dedicated = find(figures, fmt::format("bystander_{}", which));
        const auto* shared = find(figures, fmt::format("bystander_shared_{}", which));
        if (dedicated != nullptr && shared != nullptr) {
            const double more = shared->ns_over_empty - dedicated->ns_over_empty;
            text += row(fmt::format("bystander, shared - dedicated, {}, ns", which), more,
                        verdict(std::abs(more) <= kSharedNs, fmt::format("± {:.0f}", kSharedNs)), 1);
        }
    }
    for (const auto& figure : figures) {
        if (figure.two_cores) {
            text += row("two cores, " + figure.name, *figure.two_cores,
                        verdict(*figure.two_cores >= kTwoCores, fmt::format("≥ {:.1f}", kTwoCores)), 2);
        }
    }
    return text;
}

std::string load_rows(const LoadFigure& load)
{
    const double megabytes = static_cast<double>(load.bytes) / 1e6;
    return row("both tables, MB", megabytes,
               verdict(megabytes <= kMegabytes, fmt::format("≤ {:.0f}", kMegabytes)), 1) +
           row(fmt::format("file to in force, {} prefixes, ms", load.prefixes), load.total_ms,
               verdict(load.total_ms <= kLoadMs, fmt::format("≤ {:.0f}", kLoadMs))) +
           row("  of which the swap, ms", load.swap_ms,
               verdict(load.swap_ms <= kSwapMs, fmt::format("≤ {:.0f}", kSwapMs)));
}

std::string flow_rows(const FlowFigure& flows)
{
    const double megabytes = static_cast<double>(flows.bytes) / 1e6;
    return row(fmt::format("tables of {} flows, MB", flows.flows), megabytes,
               verdict(megabytes <= kFlowMegabytes, fmt::format("≤ {:.0f}", kFlowMegabytes)), 1) +
           row("  of which without room, flows", static_cast<double>(flows.without_room), "") +
           row("  to put one in, ns", flows.ns, "");
}

} // namespace

std::string json_lines(std::span<const Figure> figures, const LoadFigure& load, const FlowFigure& flows)
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
    add({{"case", "flows_memory"},
         {"ns", rounded(flows.ns, 10)}, // to put one in
         {"ns_over_empty", rounded(flows.ns, 10)},
         {"flows", flows.flows},
         {"bytes", flows.bytes},
         {"without_room", flows.without_room}});
    return text;
}

std::string table(std::span<const Figure> figures, const LoadFigure& load, const FlowFigure& flows)
{
    auto text = fmt::format("{:<32}{:>9}{:>12}  {}\n", "case", "ns", "over empty", "asked");
    for (const auto& figure : figures) {
        text += fmt::format("{:<32}{:>9.1f}{:>12.1f}  {}\n", figure.name, figure.ns, figure.ns_over_empty,
                            asked_of(figure));
    }
    return text + comparisons(figures) + load_rows(load) + flow_rows(flows);
}

} // namespace meetfence::bench
