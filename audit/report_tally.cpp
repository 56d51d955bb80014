// SPDX-License-Identifier: Apache-2.0
#include "audit/report_tally.h"

#include <algorithm>

namespace meetfence::audit {
namespace {

using namespace std::chrono;

// Parts of a period, and how many of them are still clear.
struct Unit {
    seconds length;
    std::size_t most;
};
constexpr auto kUnits = std::to_array<Unit>({{hours(1), 24}, {hours(6), 28}, {days(1), 31}, {days(7), 15}});
constexpr seconds kMonday = days(3); // the week of the epoch began so long before
constexpr std::size_t kMostMonths = 24;
constexpr auto kMonths = std::to_array<int>({1, 3, 12, 60, 600, 6000});

Time month_begin(Time time)
{
    const year_month_day date(floor<days>(time));
    return sys_days(date.year() / date.month() / 1);
}

Time months_later(Time begin, int count)
{
    const year_month_day date(floor<days>(begin));
    return sys_days(date.year() / date.month() / 1 + months(count));
}

// From `first`, step by step, cut to the period; none where they would be too many.
std::vector<TimeBucket> cut(Time since, Time until, Time first, std::size_t most, const auto& next)
{
    std::vector<TimeBucket> buckets;
    for (auto begin = first; begin < until; begin = next(begin)) {
        if (buckets.size() == most) {
            return {};
        }
        buckets.push_back({std::max(begin, since), std::min(next(begin), until)});
    }
    return buckets;
}

void add_decision(Tally& tally, const OrderLife& life)
{
    switch (life.row.decision) {
    case Decision::approved:
        ++tally.approved_as_asked;
        break;
    case Decision::narrowed:
        ++tally.narrowed;
        break;
    case Decision::rejected:
        ++tally.rejected;
        break;
    case Decision::withdrawn:
        ++tally.withdrawn_undecided;
        break;
    case Decision::lapsed:
        ++tally.lapsed;
        break;
    case Decision::undecided:
        break;
    }
}

void add_ending(Tally& tally, const OrderLife& life, bool in_force)
{
    switch (life.row.ending) {
    case Ending::expired:
        ++tally.expired;
        break;
    case Ending::withdrawn:
        ++tally.withdrawn;
        break;
    case Ending::suspended:
        ++tally.suspended;
        break;
    case Ending::none:
        ++tally.running_after;
        tally.in_force_after += in_force ? 1 : 0;
        break;
    }
}

} // namespace

std::size_t class_of(seconds duration)
{
    return static_cast<std::size_t>(std::ranges::lower_bound(kClassBounds, duration) - kClassBounds.begin());
}

DurationSummary summarize(std::vector<seconds> durations)
{
    if (durations.empty()) {
        return {};
    }
    std::ranges::sort(durations);
    const auto middle = durations.size() / 2;
    const auto median = durations.size() % 2 == 1
                            ? durations[middle]
                            : durations[middle - 1] + (durations[middle] - durations[middle - 1]) / 2;
    return {durations.size(), median, durations.back()};
}

seconds length_of_union(std::vector<Span> spans)
{
    std::ranges::sort(spans, {}, &Span::begin);
    seconds length{0};
    Time reached = Time::min();
    for (const auto& span : spans) {
        const auto begin = std::max(span.begin, reached);
        if (begin < span.end) {
            length += span.end - begin;
            reached = span.end;
        }
    }
    return length;
}

void add(Tally& tally, const OrderLife& life, Time since, bool in_force)
{
    const bool undecided = life.row.decision == Decision::undecided;
    const auto decided = life.granted() ? life.row.decided : life.over;
    if (undecided || *decided >= since) {
        ++(life.recorded < since ? tally.undecided_before : tally.received);
        tally.undecided_after += undecided ? 1 : 0;
        add_decision(tally, life);
    }
    if (life.granted() && (!life.over || *life.over >= since)) {
        tally.running_before += *decided < since ? 1 : 0;
        add_ending(tally, life, in_force);
    }
    tally.extended += static_cast<std::uint64_t>(
        std::ranges::count_if(life.extended, [&](Time time) { return time >= since; }));
    tally.participants += life.row.participants;
    tally.packets_dropped += life.row.packets_dropped;
}

std::vector<TimeBucket> buckets_of(Time since, Time until)
{
    for (const auto& [length, most] : kUnits) {
        const auto past = (since.time_since_epoch() + kMonday) % length;
        const auto first = since - (past + length) % length;
        auto buckets =
            cut(since, until, first, most, [&, step = length](Time begin) { return begin + step; });
        if (!buckets.empty()) {
            return buckets;
        }
    }
    for (const auto count : kMonths) {
        auto buckets = cut(since, until, month_begin(since), kMostMonths,
                           [&](Time begin) { return months_later(begin, count); });
        if (!buckets.empty()) {
            return buckets;
        }
    }
    return {};
}

} // namespace meetfence::audit
