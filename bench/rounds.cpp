// SPDX-License-Identifier: Apache-2.0
#include "bench/rounds.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <linux/bpf.h>
#include <map>
#include <stdexcept>

namespace meetfence::bench {
namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

struct Measured {
    std::vector<double> empty, ns, over_empty, two_cores;
};

// A figure of a program that did something else would be worth nothing.
void check_verdict(const Case& wanted, std::uint32_t verdict, std::uint64_t drops)
{
    const bool right =
        wanted.drops ? verdict == XDP_DROP && drops == wanted.repeat : verdict == XDP_PASS && drops == 0;
    if (!right) {
        throw std::runtime_error("case " + wanted.name + ": " + std::to_string(drops) + " of " +
                                 std::to_string(wanted.repeat) + " packets were dropped");
    }
}

void measure_once(Program& program, const Case& wanted, Measured& measured)
{
    program.load(*wanted.packets);
    const double empty = program.run(wanted.empty, wanted.repeat);
    const auto drops = program.drops();
    std::uint32_t verdict = 0;
    const double ns = program.run(wanted.program, wanted.repeat, &verdict);
    check_verdict(wanted, verdict, program.drops() - drops);
    measured.empty.push_back(empty);
    measured.ns.push_back(ns);
    measured.over_empty.push_back(ns - empty);
    if (wanted.on_two_cores) {
        const double one = program.rate(wanted.program, wanted.repeat, 1);
        measured.two_cores.push_back(program.rate(wanted.program, wanted.repeat, 2) / one);
    }
}

double milliseconds_since(Clock::time_point begin)
{
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

} // namespace

std::vector<Figure> measure(Program& program, std::span<const Case> cases, unsigned rounds,
                            const std::function<void(unsigned)>& progress)
{
    std::map<std::string, Measured> all;
    std::optional<World> built;
    for (unsigned round = 0; round < rounds; ++round) {
        progress(round);
        for (const auto& wanted : cases) {
            if (built != wanted.world) {
                program.build(wanted.world);
                built = wanted.world;
            }
            measure_once(program, wanted, all[wanted.name]);
        }
    }
    std::vector<double> empty;
    std::vector<Figure> figures{{.name = "empty"}};
    for (const auto& wanted : cases) {
        const auto& measured = all[wanted.name];
        if (wanted.empty == "empty_v4") {
            empty.insert(empty.end(), measured.empty.begin(), measured.empty.end());
        }
        figures.push_back(
            {.name = wanted.name, .ns = median(measured.ns), .ns_over_empty = median(measured.over_empty)});
        if (!measured.two_cores.empty()) {
            figures.back().two_cores = median(measured.two_cores);
        }
    }
    figures.front().ns = empty.empty() ? 0 : median(empty);
    return figures;
}

LoadFigure measure_load(Program& program, const std::string& path, unsigned rounds)
{
    std::array<std::vector<double>, 5> times;
    LoadFigure figure;
    for (unsigned round = 0; round < rounds; ++round) {
        const auto begin = Clock::now();
        auto database = geo::load_mmdb(path);
        if (!database) {
            throw std::runtime_error(database.error().message);
        }
        times[0].push_back(milliseconds_since(begin));
        const auto places = geo::build_table(std::span(&*database, 1), geo::Agreement::all, {});
        const auto table = geo::make_country_table(places);
        times[1].push_back(milliseconds_since(begin));
        auto staged = dataplane::stage_table(table.value(), places);
        times[2].push_back(milliseconds_since(begin));
        if (auto done = program.geo().put_in_force(std::move(staged.value())); !done) {
            throw std::runtime_error(done.error().message);
        }
        times[3].push_back(milliseconds_since(begin));
        figure.bytes = table->bytes();
        figure.prefixes = places.prefixes_v4 + places.prefixes_v6;
        times[4].push_back(times[3].back());
        for (std::size_t i = 3; i > 0; --i) { // from "until when" to "how long"
            times[i].back() -= times[i - 1].back();
        }
    }
    figure.read_ms = median(times[0]);
    figure.build_ms = median(times[1]);
    figure.stage_ms = median(times[2]);
    figure.swap_ms = median(times[3]);
    figure.total_ms = median(times[4]);
    return figure;
}

} // namespace meetfence::bench
