// SPDX-License-Identifier: Apache-2.0
#include "ctl/rule_view.h"

#include <fmt/format.h>
#include <ostream>

#include "ctl/render.h"
#include "model/country.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

constexpr std::string_view kUnplaced = "; who cannot be placed is let in";

std::string counted(const Json& counts, const std::string& what)
{
    return traffic(number_of(counts, "packets_" + what), number_of(counts, "bytes_" + what));
}

bool monitors(const Json& rule)
{
    return text_of(rule, "mode") == "monitor";
}

// The state, and when it changes if that is not at the rule's end.
std::string state_text(const Json& rule, Time now)
{
    const auto state = text_of(rule, "state");
    const auto from = parse_time(text_of(rule, "from"));
    return state == "scheduled" && from ? fmt::format("{} ({})", state, relative_time(*from, now)) : state;
}

std::string with_names(std::vector<std::string> codes)
{
    for (auto& code : codes) {
        code = country_with_name(code);
    }
    return join(codes, ", ");
}

// "CN (China), HK (Hong Kong)", "everyone but US (United States)", "participant p7"
std::string whom_text(const Json& rule)
{
    if (const auto participant = text_of(rule, "participant"); !participant.empty()) {
        return "participant " + participant;
    }
    const auto allowed = texts_of(rule, "allow_only");
    return allowed.empty() ? with_names(texts_of(rule, "countries")) : "everyone but " + with_names(allowed);
}

// The same for a column: "CN,HK", "all but US", "participant p7"
std::string whom_cell(const Json& rule)
{
    const auto allowed = texts_of(rule, "allow_only");
    if (!text_of(rule, "participant").empty()) {
        return whom_text(rule);
    }
    return allowed.empty() ? join(texts_of(rule, "countries"), ",") : "all but " + join(allowed, ",");
}

bool lets_in_the_unplaced(const Json& rule)
{
    return !texts_of(rule, "allow_only").empty();
}

// "keeps CN (China) out of meeting A"
std::string deed(const Json& rule)
{
    const auto state = text_of(rule, "state");
    const bool ended = state == "expired" || state == "withdrawn";
    const auto meeting = text_of(rule, "meeting");
    if (monitors(rule)) {
        return fmt::format("{} {} in meeting {}", ended ? "watched" : "watches", whom_text(rule), meeting);
    }
    const auto* verb = ended ? "kept" : state == "scheduled" ? "will keep" : "keeps";
    return fmt::format("{} {} out of meeting {}", verb, whom_text(rule), meeting);
}

Details conditions(const Json& rule, Time now)
{
    const auto allowed = with_names(texts_of(rule, "allow_only"));
    return {{"meeting", text_of(rule, "meeting")},
            {"countries", with_names(texts_of(rule, "countries"))},
            {"allow only", allowed.empty() ? "" : allowed + std::string(kUnplaced)},
            {"participant", text_of(rule, "participant")},
            {"mode", monitors(rule) ? "monitor (nothing is dropped, only counted)" : text_of(rule, "mode")},
            {"from", with_relative_time(text_of(rule, "from"), now)},
            {"until", with_relative_time(text_of(rule, "until"), now)},
            {"except", join(texts_of(rule, "except"), ", ")}};
}

// A row for each of `rows`: its name, and the six counts.
void print_counts(std::ostream& out, std::string_view header,
                  const std::vector<std::pair<std::string, const Json*>>& rows)
{
    Table table({{header},
                 {"DROPPED", Align::right},
                 {"BYTES", Align::right},
                 {"WOULD DROP", Align::right},
                 {"BYTES", Align::right},
                 {"PASSED", Align::right},
                 {"BYTES", Align::right}});
    for (const auto& [name, counts] : rows) {
        std::vector<std::string> cells{name};
        for (const auto* what : {"dropped", "would_drop", "passed"}) {
            cells.push_back(std::to_string(number_of(*counts, fmt::format("packets_{}", what))));
            cells.push_back(byte_count(number_of(*counts, fmt::format("bytes_{}", what))));
        }
        table.add(std::move(cells));
    }
    table.print(out);
}

void print_direction_counts(std::ostream& out, const Json& rule)
{
    const auto& ingress = member_of(rule, "ingress");
    const auto& egress = member_of(rule, "egress");
    if (ingress.is_object() && egress.is_object()) {
        out << '\n';
        print_counts(out, "DIRECTION", {{"ingress", &ingress}, {"egress", &egress}});
    }
}

void print_country_counts(std::ostream& out, const Json& rule)
{
    std::vector<std::pair<std::string, const Json*>> rows;
    for (const auto& [code, counts] : member_of(rule, "by_country").items()) {
        rows.emplace_back(country_with_name(code), &counts);
    }
    if (!rows.empty()) {
        out << '\n';
        print_counts(out, "COUNTRY", rows);
    }
}

} // namespace

std::string country_with_name(const std::string& code)
{
    const auto country = Country::from_database(code);
    return country.none() ? code : fmt::format("{} ({})", code, country.name());
}

std::string rule_sentence(const Json& rule, Time now)
{
    const auto state = text_of(rule, "state");
    const bool ended = state == "expired" || state == "withdrawn";
    auto sentence = fmt::format("{} {}", text_of(rule, "id"), deed(rule));
    if (state == "scheduled") {
        sentence += " from " + with_relative_time(text_of(rule, "from"), now);
    }
    if (!ended) {
        sentence += " until " + with_relative_time(text_of(rule, "until"), now);
    }
    if (lets_in_the_unplaced(rule) && !ended) {
        sentence += kUnplaced;
    }
    if (monitors(rule) && !ended) {
        sentence += "; nothing is dropped, only counted";
    }
    return printable(sentence);
}

void print_rule_table(std::ostream& out, const Json& rules, Time now)
{
    Table table({{"RULE"},
                 {"MEETING"},
                 {"KEEPS OUT"},
                 {"MODE"},
                 {"STATE"},
                 {"UNTIL"},
                 {"DROPPED", Align::right},
                 {"WOULD DROP", Align::right}});
    for (const auto& rule : rules) {
        table.add({text_of(rule, "id"), text_of(rule, "meeting"), whom_cell(rule), text_of(rule, "mode"),
                   state_text(rule, now), with_relative_time(text_of(rule, "until"), now),
                   std::to_string(number_of(rule, "packets_dropped")),
                   std::to_string(number_of(rule, "packets_would_drop"))});
    }
    table.print(out);
}

void print_rule_details(std::ostream& out, const Json& rule, Time now)
{
    Details details{{"rule", text_of(rule, "id")},
                    {"state", text_of(rule, "state")},
                    {"basis", text_of(rule, "basis")},
                    {"order", text_of(rule, "order")}};
    const auto more = conditions(rule, now);
    details.insert(details.end(), more.begin(), more.end());
    details.emplace_back("withdrawn", with_relative_time(text_of(rule, "withdrawn"), now));
    details.emplace_back("why", text_of(rule, "why"));
    details.emplace_back("dropped", counted(rule, "dropped"));
    details.emplace_back("would drop", counted(rule, "would_drop"));
    details.emplace_back("passed", counted(rule, "passed"));
    print_details(out, details);
    print_direction_counts(out, rule);
    print_country_counts(out, rule);
}

void print_rule_preview(std::ostream& out, const Json& rule, Time now)
{
    out << printable(deed(rule)) << (lets_in_the_unplaced(rule) ? kUnplaced : "") << '\n';
    print_details(out, conditions(rule, now));
}

} // namespace meetfence::ctl
