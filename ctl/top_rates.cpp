// SPDX-License-Identifier: Apache-2.0
#include "ctl/top_rates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace meetfence::ctl {
namespace {

constexpr std::chrono::seconds kRemembered{60};
constexpr double kBitsPerByte = 8;

void add(Rate& to, const Rate& more)
{
    to.packets += more.packets;
    to.bits += more.bits;
}

void add(Rates& to, const Rates& more)
{
    add(to.dropped, more.dropped);
    add(to.would_drop, more.would_drop);
    add(to.passed, more.passed);
}

bool fell(const Count& before, const Count& after)
{
    return after.packets < before.packets || after.bytes < before.bytes;
}

bool fell(const Counts& before, const Counts& after)
{
    return fell(before.dropped, after.dropped) || fell(before.would_drop, after.would_drop) ||
           fell(before.passed, after.passed);
}

Rate rate(const Count& before, const Count& after, double seconds)
{
    if (fell(before, after)) {
        return {};
    }
    return {static_cast<double>(after.packets - before.packets) / seconds,
            static_cast<double>(after.bytes - before.bytes) * kBitsPerByte / seconds};
}

Rates rates(const Counts& before, const Counts& after, double seconds)
{
    return {rate(before.dropped, after.dropped, seconds), rate(before.would_drop, after.would_drop, seconds),
            rate(before.passed, after.passed, seconds)};
}

// A name that was not there before was not counted before: its counts begin at 0.
Counts counts_of(const CountsByName& counts, const std::string& name)
{
    const auto it = counts.find(name);
    return it == counts.end() ? Counts{} : it->second;
}

std::vector<Row> rows_between(const CountsByName& before, const CountsByName& after, double seconds)
{
    std::vector<Row> rows;
    for (const auto& [name, counts] : after) {
        rows.push_back({name, rates(counts_of(before, name), counts, seconds)});
    }
    return rows;
}

Rate without(const Rate& all, const Rate& part)
{
    return {std::max(0.0, all.packets - part.packets), std::max(0.0, all.bits - part.bits)};
}

using RatesByName = std::map<std::string, Rates>;

void add_countries(RatesByName& countries, const RuleSample& before, const RuleSample& after,
                   const Rates& whole, double seconds)
{
    Rates told_apart;
    for (const auto& [code, counts] : after.countries) {
        const auto part = rates(counts_of(before.countries, code), counts, seconds);
        add(countries[code], part);
        add(told_apart, part);
    }
    if (after.countries.empty()) {
        add(countries[kNoCountry],
            {without(whole.dropped, told_apart.dropped), without(whole.would_drop, told_apart.would_drop),
             without(whole.passed, told_apart.passed)});
    }
}

std::vector<Row> rows_of(const RatesByName& by_name)
{
    std::vector<Row> rows;
    for (const auto& [name, each] : by_name) {
        rows.push_back({name, each});
    }
    return rows;
}

// A rule that was not listed before had dropped nothing; but it may have let through for hours.
RuleSample unseen(RuleSample rule)
{
    rule.counts.dropped = rule.counts.would_drop = {};
    for (auto& [code, counts] : rule.countries) {
        counts.dropped = counts.would_drop = {};
    }
    return rule;
}

void add_rules(Interval& interval, const Sample& before, const Sample& after, double seconds)
{
    std::map<std::string_view, const RuleSample*> known;
    for (const auto& rule : before.rules) {
        known[rule.id] = &rule;
    }
    RatesByName countries;
    RatesByName meetings;
    for (const auto& rule : after.rules) {
        const auto it = known.find(rule.id);
        const auto earlier = it == known.end() ? unseen(rule) : *it->second;
        const auto each = rates(earlier.counts, rule.counts, seconds);
        interval.rules.push_back({rule.id, rule.meeting, rule.whom, rule.monitors, each});
        add(meetings[rule.meeting], each);
        add_countries(countries, earlier, rule, each, seconds);
    }
    interval.countries = rows_of(countries);
    interval.meetings = rows_of(meetings);
}

double weight(const Rates& rates, Order order)
{
    const auto of = [&](const Rate& rate) { return order == Order::packets ? rate.packets : rate.bits; };
    return of(rates.dropped) + of(rates.would_drop) + of(rates.passed);
}

void sort_by_weight(auto& rows, Order order)
{
    std::ranges::stable_sort(
        rows, [&](const auto& a, const auto& b) { return weight(a.rates, order) > weight(b.rates, order); });
}

} // namespace

Interval rates_between(const Sample& before, const Sample& after)
{
    Interval interval{.seconds = std::chrono::duration<double>(after.at - before.at).count()};
    const auto fell_back = [&](const auto& direction) {
        return fell(counts_of(before.directions, direction.first), direction.second);
    };
    interval.restarted = std::ranges::any_of(after.directions, fell_back);
    const bool tells = interval.seconds > 0 && !interval.restarted;
    const auto& from = tells ? before : after; // against itself: every row is there, with nothing in it
    const double seconds = tells ? interval.seconds : 1;
    interval.directions = rows_between(from.directions, after.directions, seconds);
    interval.reasons = rows_between(from.reasons, after.reasons, seconds);
    for (const auto& direction : interval.directions) {
        add(interval.total, direction.rates);
    }
    add_rules(interval, from, after, seconds);
    return interval;
}

void sort_rows(Interval& interval, Order order)
{
    if (order != Order::name) {
        sort_by_weight(interval.reasons, order);
        sort_by_weight(interval.countries, order);
        sort_by_weight(interval.meetings, order);
        sort_by_weight(interval.rules, order);
    }
}

void History::add(Moment at, const Rates& total)
{
    points_.push_back({at, total.dropped.packets, total.passed.packets});
    while (points_.front().at + kRemembered <= at) {
        points_.pop_front();
    }
}

std::vector<double> History::dropped() const
{
    std::vector<double> values;
    std::ranges::transform(points_, std::back_inserter(values), &Point::dropped);
    return values;
}

std::vector<double> History::passed() const
{
    std::vector<double> values;
    std::ranges::transform(points_, std::back_inserter(values), &Point::passed);
    return values;
}

std::string sparkline(std::span<const double> values, std::size_t columns, bool utf8)
{
    using Bars = std::array<const char*, 9>;
    constexpr Bars kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr Bars kAscii{" ", ".", ":", "-", "=", "+", "*", "%", "#"};
    const auto& bars = utf8 ? kBlocks : kAscii;
    const auto shown = values.last(std::min(values.size(), columns));
    const double most = shown.empty() ? 0 : std::ranges::max(shown);
    std::string line(columns - shown.size(), ' ');
    for (const double value : shown) {
        // Whatever is not nothing is seen.
        const auto height = value <= 0 ? 0.0 : std::ceil(value / most * static_cast<double>(bars.size() - 1));
        line += bars.at(static_cast<std::size_t>(height));
    }
    return line;
}

std::string short_number(double value)
{
    constexpr auto kUnits = std::to_array<std::string_view>({"", "k", "M", "G", "T", "P", "E"});
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) {
        value /= 1000;
    }
    if (unit == 0) {
        const bool whole = value >= 9.95 || std::abs(value - std::round(value)) < 0.05;
        return fmt::format("{:.{}f}", value, whole ? 0 : 1);
    }
    return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, kUnits.at(unit));
}

} // namespace meetfence::ctl
