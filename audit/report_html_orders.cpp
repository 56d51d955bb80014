// SPDX-License-Identifier: Apache-2.0
// What was demanded, and what became of it, in sums.
#include <fmt/format.h>

#include "audit/chart.h"
#include "audit/html.h"
#include "audit/report_html_parts.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

using Groups = std::vector<std::pair<std::string, Tally>>;
using Naming = std::string (*)(std::string_view);

const std::vector<Series>& outcome_series()
{
    static const std::vector<Series> kSeries{{"c1", "Approved as asked"},
                                             {"c2", "Narrowed"},
                                             {"c3", "Rejected"},
                                             {"c4", "Withdrawn or lapsed"},
                                             {"c5", "Undecided"}};
    return kSeries;
}

std::vector<std::uint64_t> outcomes(const Tally& tally)
{
    return {tally.approved_as_asked, tally.narrowed, tally.rejected, tally.withdrawn_undecided + tally.lapsed,
            tally.undecided_after};
}

std::string figure_tile(std::string_view label, std::string_view value)
{
    return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(label), escaped(value));
}

std::string key_figures(const Report& report)
{
    const auto& orders = report.orders;
    return "<dl class=\"figures\">\n" + figure_tile("received", grouped(orders.received)) +
           figure_tile(fmt::format("approved, {} narrowed", orders.narrowed), grouped(orders.approved())) +
           figure_tile("rejected", grouped(orders.rejected)) +
           figure_tile("running at the end", grouped(orders.running_after)) +
           figure_tile("participants affected", orders.participants.text()) +
           figure_tile("meetings restricted", grouped(report.meetings)) + "</dl>\n";
}

std::vector<std::string> decision_cells(std::string name, const Tally& tally)
{
    return {std::move(name),
            grouped(tally.undecided_before),
            grouped(tally.received),
            grouped(tally.approved_as_asked),
            grouped(tally.narrowed),
            grouped(tally.rejected),
            grouped(tally.withdrawn_undecided),
            grouped(tally.lapsed),
            grouped(tally.undecided_after)};
}

std::vector<std::string> running_cells(std::string name, const Tally& tally)
{
    return {std::move(name),
            grouped(tally.running_before),
            grouped(tally.approved()),
            grouped(tally.extended),
            grouped(tally.expired),
            grouped(tally.withdrawn),
            grouped(tally.suspended),
            grouped(tally.running_after),
            grouped(tally.in_force_after),
            escaped(tally.participants.text()),
            grouped(tally.packets_dropped)};
}

std::string decision_table(std::string_view id, std::string_view caption, std::string_view first,
                           const Groups& groups, Naming name_of, const Tally& total)
{
    HtmlTable table{id,
                    caption,
                    {{first},
                     {"Carried over", true},
                     {"Received", true},
                     {"Approved as asked", true},
                     {"Narrowed", true},
                     {"Rejected", true},
                     {"Withdrawn undecided", true},
                     {"Lapsed", true},
                     {"Undecided at the end", true}},
                    {}};
    for (const auto& [name, tally] : groups) {
        table.rows.push_back(decision_cells(escaped(name_of(name)), tally));
    }
    table.total = decision_cells("All", total);
    return markup_of(table);
}

std::string running_table(const Report& report)
{
    HtmlTable table{
        "running-table",
        "Running before and approved are together what expired, was withdrawn or suspended, and runs on.",
        {{"Jurisdiction"},
         {"Running before", true},
         {"Approved", true},
         {"Extended", true},
         {"Expired", true},
         {"Withdrawn", true},
         {"Suspended", true},
         {"Running at the end", true},
         {"In force at the end", true},
         {"Participants affected", true},
         {"Packets", true}},
        {}};
    for (const auto& [code, tally] : report.by_jurisdiction) {
        if (tally.running_before + tally.approved() + tally.packets_dropped > 0) {
            table.rows.push_back(running_cells(escaped(country_words(code)), tally));
        }
    }
    table.total = running_cells("All", report.orders);
    return markup_of(table);
}

std::string running_markup(const Report& report)
{
    const auto& orders = report.orders;
    return "<h3>What became of approved orders</h3>\n" +
           (orders.running_before + orders.approved() + orders.packets_dropped == 0
                ? none("No order was approved, or running from before.")
                : running_table(report));
}

std::string jurisdiction_figure(const Report& report)
{
    std::vector<ChartRow> rows;
    std::string description = "Orders received or carried over, by jurisdiction. ";
    for (const auto& [code, tally] : report.by_jurisdiction) {
        if (tally.handled() > 0) {
            rows.push_back({country_words(code), outcomes(tally)});
            description += fmt::format("{}: {}. ", country_words(code), tally.handled());
        }
    }
    auto table =
        decision_table("jurisdiction-table", "Carried over and received are together what became of them.",
                       "Jurisdiction", report.by_jurisdiction, country_words, report.orders);
    if (rows.empty()) {
        return table;
    }
    return figure("Orders by jurisdiction, and what became of them",
                  legend(outcome_series()) +
                      stacked_bars({"jurisdiction-chart", "Orders by jurisdiction and outcome",
                                    description + "The table below has all figures."},
                                   outcome_series(), rows),
                  table);
}

std::string rejection_table(const Report& report)
{
    if (report.orders.rejected == 0) {
        return none("No order was rejected.");
    }
    HtmlTable table{"rejection-table",
                    "Orders rejected in the period. The list of reasons is closed.",
                    {{"Reason"}, {"Orders", true}, {"By jurisdiction"}},
                    {}};
    for (const auto& [reason, count] : report.rejections) {
        std::string parts;
        for (const auto& [code, orders] : count.by_jurisdiction) {
            parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", escaped(country_words(code)), orders);
        }
        table.rows.push_back(
            {escaped(in_words(reason)), grouped(count.orders), parts.empty() ? "none" : parts});
    }
    return markup_of(table);
}

std::vector<ChartRow> class_rows(const std::array<std::uint64_t, kClasses>& first,
                                 const std::array<std::uint64_t, kClasses>& second)
{
    std::vector<ChartRow> rows;
    for (std::size_t i = 0; i < kClasses; ++i) {
        rows.push_back({in_words(kClassNames.at(i)), {first.at(i), second.at(i)}});
    }
    return rows;
}

// "Up to 3 days: 4 and 2. …"
std::string described(const std::vector<ChartRow>& rows)
{
    std::string text;
    for (const auto& row : rows) {
        text += fmt::format("{}: {}. ", row.label, fmt::join(row.values, " and "));
    }
    return text + "The table below has all figures.";
}

HtmlTable class_table(std::string_view id, std::string_view caption, const std::vector<Series>& series,
                      const std::vector<ChartRow>& rows)
{
    HtmlTable table{id, caption, {{"Duration"}, {series[0].label, true}, {series[1].label, true}}, {}};
    for (const auto& row : rows) {
        table.rows.push_back({escaped(row.label), grouped(row.values[0]),
                              row.values.size() > 1 ? grouped(row.values[1]) : "–"});
    }
    return table;
}

std::string or_none(const std::optional<std::chrono::seconds>& duration)
{
    return duration ? duration_words(*duration) : "none";
}

} // namespace

std::string orders_markup(const Report& report)
{
    auto markup = key_figures(report);
    if (report.by_jurisdiction.empty()) {
        return markup + none("No order was received, carried over from before, or running.");
    }
    return markup + jurisdiction_figure(report) + running_markup(report) + "<h3>By type of authority</h3>\n" +
           decision_table("type-table", "The same orders by who sent them.", "Authority",
                          report.by_authority_type, in_words, report.orders) +
           "<h3>Reasons of rejections</h3>\n" + rejection_table(report);
}

std::string decision_times_markup(const Report& report)
{
    const auto& times = report.decision_times;
    if (times.all.count == 0) {
        return none("No order was approved or rejected.");
    }
    const std::vector<Series> series{{"c1", "Approved"}, {"c3", "Rejected"}};
    const auto rows = class_rows(times.approved, times.rejected);
    return paragraph(
               fmt::format("Half of the {} decisions took {} or less; the longest took {}.", // at least one
                           times.all.count, or_none(times.all.median), or_none(times.all.longest))) +
           figure("Time from receipt to decision",
                  legend(series) + stacked_bars({"decision-chart",
                                                 "Decisions by the time they took, approved and rejected",
                                                 described(rows)},
                                                series, rows),
                  markup_of(class_table("decision-table",
                                        "Decisions in the period. Each class begins "
                                        "where the one before ends.",
                                        series, rows)));
}

std::string durations_markup(const Report& report)
{
    const auto& durations = report.durations;
    if (durations.applied.count == 0) {
        return none("No approved order ended in the period; what has not ended is listed with each order.");
    }
    const std::vector<Series> series{{"c2", "Asked"}, {"c1", "Applied"}};
    auto rows = class_rows(durations.asked_classes, durations.applied_classes);
    rows.push_back({"None named", {durations.none_named}});
    return paragraph(fmt::format(
               "{} in the period. Asked: {} in the middle, {} at most; {} named no end. Applied: {} in the "
               "middle, {} at most.",
               durations.applied.count == 1
                   ? "One approved order ended"
                   : fmt::format("{} approved orders ended", durations.applied.count),
               or_none(durations.asked.median), or_none(durations.asked.longest),
               count_words(durations.none_named, "order", "orders"), or_none(durations.applied.median),
               or_none(durations.applied.longest))) +
           figure("How long authorities asked for, and how long it was done",
                  legend(series) +
                      paired_bars({"duration-chart", "Orders that ended, by duration asked and applied",
                                   described(rows)},
                                  series, rows),
                  markup_of(class_table("duration-table",
                                        "Orders that ended in the period. Each class "
                                        "begins where the one before ends.",
                                        series, rows)));
}

} // namespace meetfence::audit
