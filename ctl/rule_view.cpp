// SPDX-License-Identifier: Apache-2.0
#include "ctl/rule_view.h"

#include <fmt/format.h>
#include <ostream>

#include "ctl/render.h"
#include "model/country.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

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

Details conditions(const Json& rule, Time now)
{
    return {{"meeting", text_of(rule, "meeting")},
            {"countries", countries_with_names(rule)},
            {"mode", monitors(rule) ? "monitor (nothing is dropped, only counted)" : text_of(rule, "mode")},
            {"from", with_relative_time(text_of(rule, "from"), now)},
            {"until", with_relative_time(text_of(rule, "until"), now)},
            {"except", join(texts_of(rule, "except"), ", ")}};
}

void print_country_counts(std::ostream& out, const Json& by_country)
{
    Table table({{"COUNTRY"},
                 {"DROPPED", Align::right},
                 {"BYTES", Align::right},
                 {"WOULD DROP", Align::right},
                 {"BYTES", Align::right},
                 {"PASSED", Align::right},
                 {"BYTES", Align::right}});
    for (const auto& [code, counts] : by_country.items()) {
        std::vector<std::string> cells{country_with_name(code)};
        for (const auto* what : {"dropped", "would_drop", "passed"}) {
            cells.push_back(std::to_string(number_of(counts, fmt::format("packets_{}", what))));
            cells.push_back(byte_count(number_of(counts, fmt::format("bytes_{}", what))));
        }
        table.add(std::move(cells));
    }
    table.print(out);
}

} // namespace

std::string country_with_name(const std::string& code)
{
    const auto country = Country::from_database(code);
    return country.none() ? code : fmt::format("{} ({})", code, country.name());
}

std::string countries_with_names(const Json& rule)
{
    auto countries = texts_of(rule, "countries");
    for (auto& country : countries) {
        country = country_with_name(country);
    }
    return join(countries, ", ");
}

std::string rule_sentence(const Json& rule, Time now)
{
    const auto state = text_of(rule, "state");
    const bool ended = state == "expired" || state == "withdrawn";
    const auto* verb = monitors(rule)         ? (ended ? "watched" : "watches")
                       : ended                ? "blocked"
                       : state == "scheduled" ? "will block"
                                              : "blocks";
    auto sentence = fmt::format("{} {} {} in meeting {}", text_of(rule, "id"), verb,
                                countries_with_names(rule), text_of(rule, "meeting"));
    if (state == "scheduled") {
        sentence += " from " + with_relative_time(text_of(rule, "from"), now);
    }
    if (!ended) {
        sentence += " until " + with_relative_time(text_of(rule, "until"), now);
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
                 {"COUNTRIES"},
                 {"MODE"},
                 {"STATE"},
                 {"UNTIL"},
                 {"DROPPED", Align::right},
                 {"WOULD DROP", Align::right}});
    for (const auto& rule : rules) {
        table.add({text_of(rule, "id"), text_of(rule, "meeting"), join(texts_of(rule, "countries"), ","),
                   text_of(rule, "mode"), state_text(rule, now),
                   with_relative_time(text_of(rule, "until"), now),
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
    if (const auto& by_country = member_of(rule, "by_country"); !by_country.empty()) {
        out << '\n';
        print_country_counts(out, by_country);
    }
}

void print_rule_preview(std::ostream& out, const Json& rule, Time now)
{
    print_details(out, conditions(rule, now));
}

} // namespace meetfence::ctl
