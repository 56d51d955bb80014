// SPDX-License-Identifier: Apache-2.0
// Each order by itself.
#include <fmt/format.h>

#include "audit/html.h"
#include "audit/report_html_parts.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

std::string sub(std::string_view markup)
{
    return element("span", "sub", markup);
}

std::string name_cell(const OrderRow& row)
{
    auto markup = element("span", "name", foreign(row.order));
    markup += row.authority.empty() ? "Authority not known" : foreign(row.authority);
    if (!row.office.empty()) {
        markup += ", " + foreign(row.office);
    }
    if (!row.legal_basis.empty()) {
        markup += sub(foreign(row.legal_basis));
    }
    if (row.gag) {
        markup += sub("Was under a gag");
    }
    return markup;
}

std::string origin_cell(const OrderRow& row)
{
    auto markup =
        escaped(country_words(row.jurisdiction)) +
        sub(escaped(row.authority_type == "other" ? "Other authority" : in_words(row.authority_type)));
    if (row.received) {
        markup +=
            sub(element("span", "fixed", "Received " + time_markup(*row.received, day_words(*row.received))));
    }
    return markup;
}

std::string decision_cell(const OrderRow& row)
{
    auto markup = escaped(in_words(to_text(row.decision)));
    if (!row.reason.empty()) {
        markup += sub(escaped(in_words(row.reason)));
    }
    if (row.decided) {
        markup += sub(time_markup(*row.decided, day_words(*row.decided)));
    }
    if (row.to_decide) {
        markup += sub(element("span", "fixed", "after " + escaped(duration_words(*row.to_decide))));
    }
    return markup;
}

bool was_granted(const OrderRow& row)
{
    return row.decision == Decision::approved || row.decision == Decision::narrowed;
}

std::string duration_cell(const OrderRow& row)
{
    const auto asked = row.asked         ? "asked " + duration_words(*row.asked)
                       : row.asked_until ? "asked until " + day_words(*row.asked_until)
                                         : std::string("asked: none named");
    if (!was_granted(row)) {
        return escaped(in_words(asked));
    }
    const bool goes_on = row.rules_not_ended > 0;
    const auto applied =
        row.rules == 0 ? std::string("Not applied")
                       : fmt::format("Applied {}{}", duration_words(row.applied), goes_on ? " so far" : "");
    auto markup = escaped(applied) + sub(escaped(asked));
    if (row.extensions > 0) {
        markup +=
            sub(row.extensions == 1 ? "extended once" : fmt::format("extended {} times", row.extensions));
    }
    return markup;
}

std::string end_cell(const OrderRow& row)
{
    auto markup = escaped(in_words(row.state == "approved"   ? "approved, not in force"
                                   : row.state == "active"   ? "in force"
                                   : row.state == "recorded" ? "undecided"
                                                             : row.state));
    if (row.ended) {
        markup += sub(time_markup(*row.ended, day_words(*row.ended)));
    } else if (was_granted(row) && row.expires) {
        markup += sub("ends " + time_markup(*row.expires, day_words(*row.expires)));
    }
    return markup;
}

std::string meetings_cell(const OrderRow& row)
{
    if (row.meetings.empty()) {
        return "none";
    }
    std::string markup;
    for (const auto& meeting : row.meetings) {
        markup += sub(element("span", "hash", escaped(meeting)));
    }
    return markup;
}

std::string withheld_note(const Report& report)
{
    if (report.withheld == 0) {
        return none("No row was withheld.");
    }
    const bool one = report.withheld == 1;
    const auto ends = report.withheld_without_end == 0
                          ? std::string(one ? "The gag has an end." : "Each gag has an end.")
                      : one ? std::string("The gag has no end.")
                            : fmt::format("Gags without an end: {}.", report.withheld_without_end);
    return fmt::format(
        "<div class=\"note\" role=\"note\">{}</div>\n",
        paragraph(fmt::format("{} withheld, since a gag was in force at the end of the period. {} in "
                              "all sums of this report. {}",
                              one ? "One row is" : fmt::format("{} rows are", report.withheld),
                              one ? "The order is" : "The orders are", ends)));
}

} // namespace

std::string rows_markup(const Report& report)
{
    if (report.rows.empty()) {
        return report.withheld == 0 ? none("There was no order in the period.") : withheld_note(report);
    }
    HtmlTable table{"rows-table",
                    "Orders that were undecided or running at any time in the period, as they were recorded.",
                    {{"Order"},
                     {"Jurisdiction"},
                     {"Decision"},
                     {"Duration"},
                     {"At the end"},
                     {"Meetings"},
                     {"Participants affected", true},
                     {"Packets", true}},
                    {}};
    table.cards = true;
    for (const auto& row : report.rows) {
        table.rows.push_back({name_cell(row), origin_cell(row), decision_cell(row), duration_cell(row),
                              end_cell(row), meetings_cell(row), escaped(row.participants.text()),
                              grouped(row.packets_dropped)});
    }
    return withheld_note(report) + markup_of(table);
}

} // namespace meetfence::audit
