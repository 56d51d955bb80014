// SPDX-License-Identifier: Apache-2.0
#include "bench/rounds.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <stdexcept>

namespace meetfence::bench {
namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values.empty() ? 0 : values[values.size() / 2];
}

struct Measured {
    std::vector<double> empty, ns, over_empty, two_cores;
};

struct Counted {
    std::uint64_t packets = 0, remembered = 0;
};

Counted count(const Program& program, const Case& wanted)
{
    const auto direction = wanted.program.starts_with("egress_") ? MF_EGRESS : MF_INGRESS;
    return {program.count(direction, wanted.reason), program.tally(MF_TALLY_PENDING)};
}

// A figure of a program that did something else would be worth nothing.
void check_verdict(const Case& wanted, Verdict verdict, const Counted& before, const Counted& after)
{
    const auto expected = wanted.reason >= MF_FIRST_DROP ? Verdict::drop : Verdict::pass;
    const auto packets = wanted.reason == MF_UNDECIDED ? 0 : wanted.repeat;
    const auto counted = after.packets - before.packets;
    const auto remembered = after.remembered - before.remembered;
    if (verdict != expected || counted != packets || remembered != (wanted.remembered ? wanted.repeat : 0)) {
        throw std::runtime_error(fmt::format(
            "case {}: {} of {} packets were judged as they should be, and {} STUN requests remembered",
            wanted.name, counted, wanted.repeat, remembered));
    }
}

void measure_once(Program& program, const Case& wanted, Measured& measured)
{
    program.load(*wanted.packets);
    const double empty = program.run(wanted.empty, wanted.repeat);
    const auto before = count(program, wanted);
    Verdict verdict{};
    const double ns = program.run(wanted.program, wanted.repeat, &verdict);
    check_verdict(wanted, verdict, before, count(program, wanted));
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
    std::map<std::string, std::vector<double>> empty{{"empty_v4", {}}, {"egress_empty_v4", {}}};
    std::vector<Figure> figures{{.name = "empty"}, {.name = "egress_empty_v4"}};
    for (const auto& wanted : cases) {
        const auto& measured = all[wanted.name];
        if (const auto it = empty.find(wanted.empty); it != empty.end()) {
            it->second.insert(it->second.end(), measured.empty.begin(), measured.empty.end());
        }
        figures.push_back(
            {.name = wanted.name, .ns = median(measured.ns), .ns_over_empty = median(measured.over_empty)});
        if (!measured.two_cores.empty()) {
            figures.back().two_cores = median(measured.two_cores);
        }
    }
    figures[0].ns = median(empty["empty_v4"]);
    figures[1].ns = median(empty["egress_empty_v4"]);
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
