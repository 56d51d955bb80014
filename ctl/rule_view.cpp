// SPDX-License-Identifier: Apache-2.0
#include "ctl/rule_view.h"

#include <algorithm>
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

bool is(const Json& rule, std::string_view what)
{
    return text_of(rule, what) == "true";
}

// In one word: a rule that waits for its meeting, and one that was found to be wrong, are told apart.
std::string state_word(const Json& rule)
{
    const auto state = text_of(rule, "state");
    const bool waits = state == "active" && is(rule, "armed");
    return is(rule, "suspended") ? "suspended" : waits ? "armed" : state;
}

// The state, and when it changes if that is not at the rule's end.
std::string state_text(const Json& rule, Time now)
{
    const auto state = state_word(rule);
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

bool lets_in_the_unplaced(const Json& rule)
{
    return !texts_of(rule, "allow_only").empty();
}

// "keeps CN (China) out of meeting A"
std::string deed(const Json& rule)
{
    const auto meeting = text_of(rule, "meeting");
    if (monitors(rule)) {
        return fmt::format("{} {} in meeting {}", rule_ended(rule) ? "watched" : "watches", whom_text(rule),
                           meeting);
    }
    const auto* verb = rule_ended(rule)                        ? "kept"
                       : text_of(rule, "state") == "scheduled" ? "will keep"
                                                               : "keeps";
    return fmt::format("{} {} out of meeting {}", verb, whom_text(rule), meeting);
}

// What else must come before it keeps anybody out, in front of its deed.
std::string condition(const Json& rule)
{
    return text_of(rule, "state") == "pending"
               ? fmt::format("waits for the approval of order {}, and then ", text_of(rule, "order"))
               : "";
}

std::string waits_for_meeting(const Json& rule)
{
    return fmt::format("meeting {} is not registered yet: the rule waits for it", text_of(rule, "meeting"));
}

std::string nobody_of(const Json& rule)
{
    if (const auto participant = text_of(rule, "participant"); !participant.empty()) {
        return fmt::format("Participant {} is not there", participant);
    }
    auto countries = texts_of(rule, "countries");
    for (auto& country : countries) {
        country = country_with_name(country);
    }
    return countries.empty() ? "Nobody whom it keeps out is there"
                             : fmt::format("Nobody from {} is there", join(countries, " or "));
}

// Nothing to tell of a daemon that does not count it.
std::string counted_or_nothing(const Json& presence, std::string_view key, std::string_view remark)
{
    return member_of(presence, key).is_null()
               ? ""
               : fmt::format("{}{}", grouped(number_of(presence, key)), remark);
}

void print_present_countries(std::ostream& out, const Json& presence)
{
    Table table({{"COUNTRY"}, {"THERE NOW", Align::right}});
    for (const auto& [code, count] : member_of(presence, "by_country").items()) {
        table.add({country_with_name(code), to_line(count)});
    }
    if (!member_of(presence, "by_country").empty()) {
        table.print(out);
        out << '\n';
    }
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

std::string whom_cell(const Json& rule)
{
    const auto allowed = texts_of(rule, "allow_only");
    if (!text_of(rule, "participant").empty()) {
        return whom_text(rule);
    }
    return allowed.empty() ? join(texts_of(rule, "countries"), ",") : "all but " + join(allowed, ",");
}

bool rule_ended(const Json& rule)
{
    const auto state = text_of(rule, "state");
    return state == "expired" || state == "withdrawn";
}

std::string rule_sentence(const Json& rule, Time now)
{
    const auto* armed = is(rule, "armed") ? "is armed: it " : "";
    auto sentence = fmt::format("{} {}{}{}", text_of(rule, "id"), armed, condition(rule), deed(rule));
    if (is(rule, "suspended")) {
        sentence += ", and is suspended";
    }
    if (rule_ended(rule)) {
        return printable(sentence);
    }
    if (text_of(rule, "state") == "scheduled") {
        sentence += " from " + with_relative_time(text_of(rule, "from"), now);
    }
    sentence += " until " + with_relative_time(text_of(rule, "until"), now);
    if (lets_in_the_unplaced(rule)) {
        sentence += kUnplaced;
    }
    if (monitors(rule)) {
        sentence += "; nothing is dropped, only counted";
    }
    return printable(sentence);
}

void print_rule_table(std::ostream& out, const Json& rules, Time now)
{
    const bool ordered =
        std::ranges::any_of(rules, [](const Json& rule) { return !text_of(rule, "order").empty(); });
    std::vector<Column> columns{{"RULE"},
                                {"MEETING"},
                                {"KEEPS OUT"},
                                {"MODE"},
                                {"STATE"},
                                {"UNTIL"},
                                {"ORDER"},
                                {"DROPPED", Align::right},
                                {"WOULD DROP", Align::right}};
    constexpr auto kOrder = 6;
    if (!ordered) {
        columns.erase(columns.begin() + kOrder);
    }
    Table table(std::move(columns));
    for (const auto& rule : rules) {
        std::vector<std::string> cells{text_of(rule, "id"),
                                       text_of(rule, "meeting"),
                                       whom_cell(rule),
                                       text_of(rule, "mode"),
                                       state_text(rule, now),
                                       with_relative_time(text_of(rule, "until"), now),
                                       text_of(rule, "order"),
                                       std::to_string(number_of(rule, "packets_dropped")),
                                       std::to_string(number_of(rule, "packets_would_drop"))};
        if (!ordered) {
            cells.erase(cells.begin() + kOrder);
        }
        table.add(std::move(cells));
    }
    table.print(out);
}

void print_rule_details(std::ostream& out, const Json& rule, Time now)
{
    Details details{{"rule", text_of(rule, "id")},
                    {"state", state_word(rule)},
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
    out << printable(condition(rule) + deed(rule)) << (lets_in_the_unplaced(rule) ? kUnplaced : "") << '\n';
    auto details = conditions(rule, now);
    details.insert(details.begin() + 1, {"order", text_of(rule, "order")});
    print_details(out, details);
    if (const auto& presence = member_of(rule, "preview"); presence.is_object()) {
        out << '\n';
        print_presence(out, rule, presence);
    }
}

void print_presence(std::ostream& out, const Json& rule, const Json& presence)
{
    if (!is(presence, "registered")) {
        out << printable(waits_for_meeting(rule)) << '\n';
        return;
    }
    print_present_countries(out, presence);
    print_details(out, {{"participants", fmt::format("{} handed over, {} connected",
                                                     grouped(number_of(presence, "participants")),
                                                     grouped(number_of(presence, "connected")))},
                        {"affected", counted_or_nothing(presence, "affected", "")},
                        {"unplaced", counted_or_nothing(presence, "unplaced", " (no database places them)")},
                        {"disputed", counted_or_nothing(presence, "disputed", " (the databases disagree)")},
                        {"collateral", counted_or_nothing(presence, "collateral",
                                                          " (some database places them elsewhere)")}});
    if (const auto line = presence_sentence(rule, presence); !line.empty()) {
        out << '\n' << line << '\n';
    }
}

std::string presence_sentence(const Json& rule, const Json& presence)
{
    if (!presence.is_object()) {
        return {};
    }
    if (!is(presence, "registered")) {
        return printable(waits_for_meeting(rule));
    }
    if (member_of(presence, "affected").is_null() || number_of(presence, "affected") > 0) {
        return {};
    }
    const auto* waits = text_of(rule, "state") == "pending" ? " once its order is approved" : "";
    // Whom nobody handed over, nobody can count.
    const bool unknown = number_of(presence, "connected") == 0;
    return printable(fmt::format("{} the meeting stays undisturbed; the rule is armed{}{}.",
                                 unknown ? "As far as is known," : nobody_of(rule) + ":", waits,
                                 unknown ? ", and judges whoever comes" : ""));
}

} // namespace meetfence::ctl
