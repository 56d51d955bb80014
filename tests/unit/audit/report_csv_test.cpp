// SPDX-License-Identifier: Apache-2.0
// The table of orders, read back by the rules of RFC 4180.
#include <gtest/gtest.h>
#include <map>

#include "audit/report.h"
#include "tests/unit/audit/story.h"

namespace meetfence::test {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Throws where the text is no CSV: a quote in the middle of a bare cell, a line end that is not CRLF.
Rows read_csv(const std::string& text)
{
    Rows rows{{""}};
    bool in_quotes = false, was_quoted = false;
    const auto wrong = [](std::size_t where) {
        throw std::runtime_error("no CSV at byte " + std::to_string(where));
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto& cell = rows.back().back();
        if (in_quotes) {
            if (text[i] != '"') {
                cell += text[i];
            } else if (i + 1 < text.size() && text[i + 1] == '"') {
                cell += text[i++];
            } else {
                in_quotes = false;
            }
        } else if (text[i] == '"') {
            cell.empty() && !was_quoted ? void(in_quotes = was_quoted = true) : wrong(i);
        } else if (text[i] == ',') {
            rows.back().emplace_back();
            was_quoted = false;
        } else if (text[i] == '\r' && text.substr(i, 2) == "\r\n") {
            ++i;
            rows.push_back({""});
            was_quoted = false;
        } else {
            was_quoted || text[i] == '\n' || text[i] == '\r' ? wrong(i) : void(cell += text[i]);
        }
    }
    if (in_quotes || rows.back() != std::vector<std::string>{""}) {
        wrong(text.size());
    }
    rows.pop_back();
    return rows;
}

// The only order, by column.
std::map<std::string, std::string> only_order(const audit::Report& report)
{
    const auto rows = read_csv(audit::to_csv(report));
    std::map<std::string, std::string> result;
    for (std::size_t i = 0; i < rows.at(0).size(); ++i) {
        result[rows[0][i]] = rows.at(1).at(i);
    }
    return result;
}

audit::Report report_with(const Json& change)
{
    Story story;
    story.order("2026-07-06", "O", change);
    return story.report("2026-07-01", "2026-08-01");
}

TEST(ReportCsv, HasARowForEachOrder)
{
    Story story;
    EXPECT_EQ(read_csv(audit::to_csv(story.report("2026-07-01", "2026-08-01"))).size(),
              1U); // the columns' names
    for (const auto* id : {"a", "b", "c"}) {
        story.order("2026-07-06", id, {{"gag", std::string_view(id) == "b"}});
    }
    const auto rows = read_csv(audit::to_csv(story.report("2026-07-01", "2026-08-01")));
    ASSERT_EQ(rows.size(), 4U);
    for (const auto& row : rows) {
        EXPECT_EQ(row.size(), rows[0].size());
    }
    EXPECT_EQ(rows[1][0], "a");
    EXPECT_EQ(rows[2][0], "c");
    EXPECT_EQ(rows[3][0], "withheld");
    EXPECT_EQ(std::count(rows[3].begin(), rows[3].end(), ""), static_cast<long>(rows[3].size()) - 1);
}

TEST(ReportCsv, TellsWhatTheReportTells)
{
    Story story;
    story.order("2026-07-06", "O", {{"office", "Chamber, \"third\""}});
    story.approve("2026-07-06T01:00:00Z", "O");
    story.rule("2026-07-06T01:00:00Z", "r1", "A", "2026-07-07", "O");
    story.rule_ended("2026-07-07", "r1", 2, 10);
    const auto report = story.report("2026-07-01", "2026-08-01");
    const auto order = only_order(report);
    EXPECT_EQ(order.at("order"), "O");
    EXPECT_EQ(order.at("office"), "Chamber, \"third\"");
    EXPECT_EQ(order.at("decision"), "approved");
    EXPECT_EQ(order.at("decided"), "2026-07-06T01:00:00Z");
    EXPECT_EQ(order.at("time_to_decide_seconds"), "3600");
    EXPECT_EQ(order.at("asked_until"), "none named");
    EXPECT_EQ(order.at("asked_seconds"), "");
    EXPECT_EQ(order.at("applied_seconds"), "82800");
    EXPECT_EQ(order.at("meetings"), only_row(report).meetings.front());
    EXPECT_EQ(order.at("participants_affected"), "<5");
    EXPECT_EQ(order.at("packets_dropped"), "10");
    EXPECT_EQ(order.at("was_under_gag"), "no");
}

TEST(ReportCsv, CellsAreNoFormulas)
{
    for (const std::string text : {"=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"x\",\"y\")"}) {
        EXPECT_EQ(only_order(report_with({{"authority", text}})).at("authority"), "'" + text);
    }
    EXPECT_EQ(only_order(report_with({{"authority", "A=B"}})).at("authority"), "A=B");
    // Spreadsheets skip what does not print before a formula.
    for (const std::string text : {"\t=1", "\r=1", "\n=1"}) {
        EXPECT_EQ(only_order(report_with({{"authority", text}})).at("authority"), "\xEF\xBF\xBD=1");
    }
}

TEST(ReportCsv, ReadsBackWhateverStoodInTheLog)
{
    for (const std::string text :
         {"a,b", "\"", "\"\"", "a\"b", ",", "\",\"", " blank ", "Gericht für Straßen", "中文"}) {
        EXPECT_EQ(only_order(report_with({{"authority", text}})).at("authority"), text);
    }
}

} // namespace
} // namespace meetfence::test
