// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "audit/report.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

constexpr auto kColumns = std::to_array<std::string_view>({"order",
                                                           "authority",
                                                           "authority_type",
                                                           "office",
                                                           "jurisdiction",
                                                           "legal_basis",
                                                           "category",
                                                           "channel",
                                                           "issued",
                                                           "received",
                                                           "recorded",
                                                           "decision",
                                                           "reason",
                                                           "decided",
                                                           "time_to_decide_seconds",
                                                           "from",
                                                           "asked_until",
                                                           "asked_seconds",
                                                           "expires",
                                                           "extensions",
                                                           "state",
                                                           "ended",
                                                           "applied_seconds",
                                                           "meetings",
                                                           "rules",
                                                           "rules_not_ended",
                                                           "participants_affected",
                                                           "packets_dropped",
                                                           "bytes_dropped",
                                                           "drops_checked",
                                                           "drops_outside_scope",
                                                           "was_under_gag"});
using Cells = std::vector<std::string>;

// What begins like this is a formula to spreadsheets.
constexpr std::string_view kFormula = "=+-@";

std::string quoted(std::string cell)
{
    if (!cell.empty() && kFormula.find(cell.front()) != std::string_view::npos) {
        cell.insert(0, "'");
    }
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
        return cell;
    }
    for (std::size_t at = cell.find('"'); at != std::string::npos; at = cell.find('"', at + 2)) {
        cell.insert(at, "\"");
    }
    return '"' + cell + '"';
}

std::string line_of(const auto& cells)
{
    std::string line;
    std::string_view between;
    for (const auto& cell : cells) {
        line.append(between).append(quoted(std::string(cell)));
        between = ",";
    }
    return line + "\r\n";
}

std::string cell(const std::optional<Time>& time)
{
    return time ? format_time(*time) : "";
}

std::string cell(const std::optional<std::chrono::seconds>& duration)
{
    return duration ? std::to_string(duration->count()) : "";
}

Cells cells_of(const OrderRow& row)
{
    return {row.order,
            row.authority,
            row.authority_type,
            row.office,
            row.jurisdiction,
            row.legal_basis,
            row.category,
            row.channel,
            cell(row.issued),
            cell(row.received),
            cell(row.recorded),
            std::string(to_text(row.decision)),
            row.reason,
            cell(row.decided),
            cell(row.to_decide),
            cell(row.from),
            row.asked_until ? cell(row.asked_until) : "none named",
            cell(row.asked),
            cell(row.expires),
            std::to_string(row.extensions),
            row.state,
            cell(row.ended),
            std::to_string(row.applied.count()),
            fmt::format("{}", fmt::join(row.meetings, " ")),
            std::to_string(row.rules),
            std::to_string(row.rules_not_ended),
            row.participants.text(),
            std::to_string(row.packets_dropped),
            std::to_string(row.bytes_dropped),
            std::to_string(row.drops_checked),
            std::to_string(row.drops_outside_scope),
            row.gag ? "yes" : "no"};
}

} // namespace

std::string to_csv(const Report& report)
{
    auto text = line_of(kColumns);
    for (const auto& row : report.rows) {
        text += line_of(cells_of(row));
    }
    Cells withheld(kColumns.size());
    withheld.front() = "withheld";
    for (std::uint64_t i = 0; i < report.withheld; ++i) {
        text += line_of(withheld);
    }
    return text;
}

} // namespace meetfence::audit
