// SPDX-License-Identifier: Apache-2.0
// What happened in each second between two moments. Pure: the moments are the samples' own.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "ctl/top_sample.h"

namespace meetfence::ctl {

/// In each second.
struct Rate {
    double packets = 0, bits = 0;
};

struct Rates {
    Rate dropped, would_drop, passed;
};

struct Row {
    std::string name;
    Rates rates;
};

struct RuleRow {
    std::string id, meeting, whom;
    bool monitors = false;
    Rates rates;
};

struct Interval {
    double seconds = 0;
    bool restarted = false; // the counters began anew in between: nothing can be told
    Rates total;
    std::vector<Row> directions, reasons, countries, meetings;
    std::vector<RuleRow> rules;
};

/// Countries of rules that tell none apart (all but some, one participant) stand together under this name.
inline constexpr const char* kNoCountry = "--";

/// A counter that went backwards has no rate.
[[nodiscard]] Interval rates_between(const Sample& before, const Sample& after);

enum class Order { packets, bits, name };
/// The busiest first, or as they came.
void sort_rows(Interval& interval, Order order);

/// The last minute.
class History {
public:
    void add(Moment at, const Rates& total);
    [[nodiscard]] std::vector<double> dropped() const;
    [[nodiscard]] std::vector<double> passed() const;

private:
    struct Point {
        Moment at;
        double dropped = 0, passed = 0; // packets in each second
    };
    std::deque<Point> points_;
};

/// The last `columns` values, the newest at the right, each as a bar against the greatest of them.
[[nodiscard]] std::string sparkline(std::span<const double> values, std::size_t columns, bool utf8);

/// Three digits and a unit: "0", "0.3", "12", "9.88k", "123M"
[[nodiscard]] std::string short_number(double value);

} // namespace meetfence::ctl
