// SPDX-License-Identifier: Apache-2.0
#include "ctl/top_view.h"

#include <algorithm>
#include <fmt/format.h>

#include "model/country.h"

namespace meetfence::ctl {
namespace {

constexpr std::size_t kNumber = 6; // "9.88M"
constexpr std::size_t kWould = 7;
constexpr std::size_t kGap = 2;
constexpr std::size_t kTwoColumns = 72;  // below, panels stand one below the other
constexpr std::size_t kRoomForMore = 56; // a panel so wide tells of what would be dropped in any case
constexpr std::size_t kMinute = 60;

using Lines = std::vector<std::string>;

std::string left(std::string_view text, std::size_t columns)
{
    auto cell = shorten(printable(text), columns);
    return cell.append(columns - std::min(columns, width_of(cell)), ' ');
}

std::string right(std::string_view text, std::size_t columns)
{
    const auto cell = shorten(text, columns);
    return std::string(columns - std::min(columns, width_of(cell)), ' ') + cell;
}

std::string number(double value, std::size_t columns)
{
    return std::string(kGap, ' ') + right(short_number(value), columns);
}

// A line of a panel, before it is fitted into one.
struct Entry {
    std::string name;
    Rate rate, would;
    bool drops = true;
};

struct Panel {
    std::string_view title;
    std::vector<Entry> entries;
    bool tells_would = false; // has a column for what would be dropped
};

std::string country_name(const std::string& code)
{
    const auto country = Country::from_database(code);
    return country.none() ? "-- any" : fmt::format("{} {}", code, country.name());
}

Panel reasons_panel(const Interval& interval)
{
    Panel panel{"REASON"};
    for (const auto& row : interval.reasons) {
        const bool drops = row.name.starts_with("drop_");
        panel.entries.push_back({row.name, drops ? row.rates.dropped : row.rates.passed, {}, drops});
    }
    return panel;
}

Panel panel_of(std::string_view title, const std::vector<Row>& rows, auto name_of)
{
    Panel panel{title, {}, true};
    for (const auto& row : rows) {
        panel.entries.push_back({name_of(row.name), row.rates.dropped, row.rates.would_drop});
    }
    return panel;
}

Panel rules_panel(const Interval& interval)
{
    Panel panel{"RULE", {}, true};
    for (const auto& rule : interval.rules) {
        panel.entries.push_back({fmt::format("{} {} {}", rule.id, rule.meeting, rule.whom),
                                 rule.rates.dropped, rule.rates.would_drop});
    }
    return panel;
}

// Lines of exactly so many columns, at most `rows` of them: a header and the first entries.
Lines draw(const Panel& panel, std::size_t columns, std::size_t rows, const Style& style)
{
    const bool would = panel.tells_would &&
                       (columns >= kRoomForMore || std::ranges::any_of(panel.entries, [](const Entry& entry) {
                            return entry.would.packets > 0;
                        }));
    const auto numbers = (kNumber + kGap) * 2 + (would ? kWould + kGap : 0);
    Lines lines;
    if (columns < numbers) {
        lines.resize(rows, std::string(columns, ' '));
        return lines;
    }
    const auto name = columns - numbers;
    const auto gap = std::string(kGap, ' ');
    const auto* packets = panel.tells_would ? "DROP/s" : "PKT/s";
    lines.push_back(style.strong(left(panel.title, name) + gap + right(packets, kNumber) + gap +
                                 right("BIT/s", kNumber) + (would ? gap + right("WOULD/s", kWould) : "")));
    for (const auto& entry : panel.entries) {
        if (lines.size() >= rows) {
            break;
        }
        auto counted = number(entry.rate.packets, kNumber) + number(entry.rate.bits, kNumber);
        counted = entry.drops && entry.rate.packets > 0 ? style.bad(counted) : counted;
        auto watched = would ? number(entry.would.packets, kWould) : "";
        watched = entry.would.packets > 0 ? style.warning(watched) : watched;
        lines.push_back(left(entry.name, name).append(counted).append(watched));
    }
    lines.resize(rows, std::string(columns, ' '));
    return lines;
}

// Rows for each panel, as many as it wants where there are enough; else the largest give way first.
std::vector<std::size_t> shares(std::size_t rows, const std::vector<Panel>& panels)
{
    std::vector<std::size_t> shares(panels.size(), 0);
    for (bool grew = true; rows > 0 && grew;) {
        grew = false;
        for (std::size_t i = 0; i < panels.size() && rows > 0; ++i) {
            if (shares[i] < panels[i].entries.size() + 1) {
                ++shares[i];
                --rows;
                grew = true;
            }
        }
    }
    return shares;
}

// Panels one below the other, an empty line between them.
Lines stack(const std::vector<Panel>& panels, std::size_t columns, std::size_t rows, const Style& style)
{
    const auto blank = std::string(columns, ' ');
    const auto gaps = panels.size() - 1;
    const auto each = shares(rows - std::min(rows, gaps), panels);
    Lines lines;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        if (i > 0) {
            lines.push_back(blank);
        }
        if (each[i] > 1) { // a header alone tells nothing
            std::ranges::move(draw(panels[i], columns, each[i], style), std::back_inserter(lines));
        }
    }
    lines.resize(rows, blank);
    return lines;
}

Lines panels(const Interval& interval, std::size_t columns, std::size_t rows, const Style& style)
{
    std::vector<Panel> first{reasons_panel(interval), panel_of("COUNTRY", interval.countries, country_name)};
    std::vector<Panel> second{rules_panel(interval), panel_of("MEETING", interval.meetings, std::identity())};
    if (columns < kTwoColumns) {
        std::ranges::move(second, std::back_inserter(first));
        return stack(first, columns, rows, style);
    }
    constexpr std::size_t kBetween = 3;
    const auto half = (columns - kBetween) / 2;
    auto lines = stack(first, half, rows, style);
    const auto beside = stack(second, columns - kBetween - half, rows, style);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        lines[i] += std::string(kBetween, ' ') + beside[i];
    }
    return lines;
}

std::string two_ends(const std::string& at_left, const std::string& at_right, std::size_t columns)
{
    const auto end = std::min(width_of(at_right), columns);
    return left(at_left, columns - end) + right(at_right, end);
}

std::string title_line(const TopPage& page, std::size_t columns, const Style& style)
{
    const auto& sample = *page.sample;
    const auto what = fmt::format("meetfence {}  {}  {}, {}  ", sample.version, join(sample.interfaces, ", "),
                                  count_of(sample.meetings, "meeting", "meetings"),
                                  count_of(sample.rules_active, "active rule", "active rules"));
    if (page.silent.count() > 0) {
        return style.bad(two_ends(what, fmt::format("no answer for {}s", page.silent.count()), columns));
    }
    const bool restarted = page.interval != nullptr && page.interval->restarted;
    const auto* note = page.paused ? "PAUSED  " : restarted ? "counters restarted  " : "";
    return style.strong(two_ends(what, fmt::format("{}{}  {}", note, page.clock, page.pace), columns));
}

constexpr std::size_t kSummaryName = 8;
constexpr std::size_t kSummaryNumber = 8;

std::string summary_header(std::size_t columns)
{
    auto line = std::string(kSummaryName, ' ');
    for (const auto* title : {"DROP/s", "BIT/s", "PASS/s", "BIT/s"}) {
        line.append(kGap, ' ').append(right(title, kSummaryNumber));
    }
    return left(line, columns);
}

std::string summary_line(std::string_view name, const Rates& rates, std::size_t columns, const Style& style)
{
    const auto text = [](const Rate& rate) {
        return number(rate.packets, kSummaryNumber) + number(rate.bits, kSummaryNumber);
    };
    const auto head = left(name, kSummaryName);
    const auto dropped = text(rates.dropped);
    const auto passed = text(rates.passed);
    if (head.size() + dropped.size() + passed.size() > columns) {
        return left(head + dropped + passed, columns);
    }
    return head + (rates.dropped.packets > 0 ? style.bad(dropped) : dropped) + passed;
}

std::string minute_line(std::string_view name, const std::vector<double>& values, std::size_t columns,
                        bool utf8)
{
    const double most = values.empty() ? 0 : std::ranges::max(values);
    const auto peak = fmt::format("  peak {}/s", short_number(most));
    constexpr std::size_t kName = 10;
    if (columns <= kName + peak.size()) {
        return left(name, columns);
    }
    const auto room = std::min(columns - kName - peak.size(), kMinute);
    return left(name, kName) + sparkline(values, room, utf8) + peak;
}

Lines summary(const TopPage& page, std::size_t columns, const Style& style, bool utf8)
{
    const auto& interval = *page.interval;
    Lines lines{style.strong(summary_header(columns)), summary_line("all", interval.total, columns, style)};
    for (const auto* name : {"ingress", "egress"}) {
        const auto row = std::ranges::find(interval.directions, name, &Row::name);
        lines.push_back(
            summary_line(name, row == interval.directions.end() ? Rates{} : row->rates, columns, style));
    }
    lines.push_back(minute_line("dropped", page.history->dropped(), columns, utf8));
    lines.push_back(minute_line("passed", page.history->passed(), columns, utf8));
    lines.emplace_back();
    return lines;
}

std::string keys_line(const TopPage& page, std::size_t columns, const Style& style)
{
    const auto* order = page.order == Order::packets ? "packets"
                        : page.order == Order::bits  ? "bits"
                                                     : "name";
    const auto* pause = page.paused ? "go on" : "pause";
    return style.faint(left(fmt::format("q quit   p {}   s sort by: {}", pause, order), columns));
}

} // namespace

std::vector<std::string> top_page(const TopPage& page, TerminalSize size, const Style& style, bool utf8)
{
    if (size.columns < 2 || size.rows == 0) {
        return {};
    }
    const auto columns = size.columns - 1; // the last column makes some terminals begin a new line
    Lines lines{title_line(page, columns, style)};
    if (page.interval == nullptr) {
        lines.push_back(left("counting; rates take two moments", columns));
    } else {
        std::ranges::move(summary(page, columns, style, utf8), std::back_inserter(lines));
    }
    if (page.interval != nullptr && lines.size() + 1 < size.rows) {
        std::ranges::move(panels(*page.interval, columns, size.rows - lines.size() - 1, style),
                          std::back_inserter(lines));
    }
    lines.resize(size.rows);
    if (size.rows > 1) {
        lines.back() = keys_line(page, columns, style);
    }
    return lines;
}

} // namespace meetfence::ctl
