// SPDX-License-Identifier: Apache-2.0
// `top` without a terminal.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "ctl/top_view.h"

namespace meetfence::ctl {
namespace {

// "9.88 Mbit/s" of "9.88M"
std::string bits_text(double bits)
{
    const auto number = short_number(bits);
    const auto digits = std::min(number.find_first_not_of("0123456789."), number.size());
    return fmt::format("{} {}bit/s", number.substr(0, digits), number.substr(digits));
}

std::string rate_text(std::string_view what, const Rate& rate)
{
    return fmt::format("  {} {:>5} pkt/s {:>10}", what, short_number(rate.packets), bits_text(rate.bits));
}

bool is_nothing(const Rate& rate)
{
    return rate.packets <= 0;
}

std::string rates_text(const Rates& rates)
{
    std::string text;
    text += is_nothing(rates.dropped) ? "" : rate_text("dropped", rates.dropped);
    text += is_nothing(rates.would_drop) ? "" : rate_text("would drop", rates.would_drop);
    text += is_nothing(rates.passed) ? "" : rate_text("passed", rates.passed);
    return text;
}

class Lines {
public:
    explicit Lines(std::string time) : time_(std::move(time)) {}

    void add(std::string_view kind, const std::string& name, const std::string& text)
    {
        constexpr std::size_t kKind = 9;
        constexpr std::size_t kName = 21; // the longest reason
        if (!text.empty()) {
            lines_.push_back(
                printable(fmt::format("{}  {:<{}}  {:<{}}{}", time_, kind, kKind, name, kName, text)));
        }
    }
    void add(std::string_view kind, const std::vector<Row>& rows)
    {
        for (const auto& row : rows) {
            add(kind, row.name, rates_text(row.rates));
        }
    }
    [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

private:
    std::string time_;
    std::vector<std::string> lines_;
};

double rounded(double value)
{
    return std::round(value * 10) / 10;
}

Json to_json(const Rate& rate)
{
    return {{"packets_per_s", rounded(rate.packets)}, {"bits_per_s", rounded(rate.bits)}};
}

Json to_json(const Rates& rates)
{
    return {{"dropped", to_json(rates.dropped)},
            {"would_drop", to_json(rates.would_drop)},
            {"passed", to_json(rates.passed)}};
}

Json verdicts_json(const Rates& rates)
{
    return {{"dropped", to_json(rates.dropped)}, {"passed", to_json(rates.passed)}};
}

Json by_name(const std::vector<Row>& rows)
{
    auto json = Json::object();
    for (const auto& row : rows) {
        json[row.name] = to_json(row.rates);
    }
    return json;
}

bool drops(const Row& reason)
{
    return reason.name.starts_with("drop_");
}

} // namespace

std::vector<std::string> top_text(const Interval& interval, const std::string& time)
{
    Lines lines(time);
    lines.add("all", interval.restarted ? "restarted" : "",
              rate_text("dropped", interval.total.dropped) + rate_text("passed", interval.total.passed));
    lines.add("direction", interval.directions);
    lines.add("reason", interval.reasons);
    lines.add("country", interval.countries);
    lines.add("meeting", interval.meetings);
    for (const auto& rule : interval.rules) {
        lines.add("rule", fmt::format("{} {} {}", rule.id, rule.meeting, rule.whom), rates_text(rule.rates));
    }
    return lines.take();
}

Json top_json(const Interval& interval, const std::string& time)
{
    auto directions = Json::object();
    for (const auto& row : interval.directions) {
        directions[row.name] = verdicts_json(row.rates);
    }
    auto reasons = Json::object();
    for (const auto& row : interval.reasons) {
        reasons[row.name] = to_json(drops(row) ? row.rates.dropped : row.rates.passed);
    }
    auto rules = Json::array();
    for (const auto& rule : interval.rules) {
        auto json = to_json(rule.rates);
        json["id"] = rule.id;
        json["meeting"] = rule.meeting;
        json["mode"] = rule.monitors ? "monitor" : "enforce";
        rules.push_back(std::move(json));
    }
    return {{"time", time},
            {"seconds", std::round(interval.seconds * 1000) / 1000},
            {"restarted", interval.restarted},
            {"total", verdicts_json(interval.total)},
            {"directions", std::move(directions)},
            {"reasons", std::move(reasons)},
            {"countries", by_name(interval.countries)},
            {"meetings", by_name(interval.meetings)},
            {"rules", std::move(rules)}};
}

} // namespace meetfence::ctl
