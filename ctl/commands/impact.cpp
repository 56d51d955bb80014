// SPDX-License-Identifier: Apache-2.0
// `impact`: who is in a meeting, and whom a rule affects, as counts.
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/rule_view.h"
#include "model/country.h"
#include "model/fields.h"
#include "model/meeting.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

Result<std::string> impact_target(const Arguments& arguments)
{
    const auto meeting = arguments.word(0);
    TRY(check_meeting_id(meeting));
    auto target = "/v1/meetings/" + percent_encode(meeting) + "/impact";
    if (arguments.has("country")) {
        const auto codes = split_commas(arguments.texts("country"));
        TRY(parse_countries(codes));
        target += "?country=" + join(codes, ",");
    }
    return target;
}

void print_by_country(std::ostream& out, const Json& impact)
{
    Table table({{"COUNTRY"}, {"PARTICIPANTS", Align::right}});
    for (const auto& [code, count] : member_of(impact, "by_country").items()) {
        table.add({country_with_name(code), to_line(count)});
    }
    if (const auto unplaced = number_of(impact, "unplaced"); unplaced > 0) {
        table.add({"not placed", std::to_string(unplaced)});
    }
    table.print(out);
}

// What it comes to.
std::string conclusion(const Json& impact)
{
    const auto asked = texts_of(impact, "countries_asked");
    const auto affected = number_of(impact, "affected");
    const auto connected = number_of(impact, "connected");
    const auto share = fmt::format("{} of {}", grouped(affected),
                                   count_of(connected, "connected participant", "connected participants"));
    if (asked.empty()) {
        return affected == 0 ? "the rules in force keep out nobody who is there now"
                             : fmt::format("the rules in force keep out {}", share);
    }
    const auto countries = join(asked, " or ");
    return affected == 0
               ? fmt::format("nobody from {} is there now: the meeting stays undisturbed", countries)
               : fmt::format("a rule against {} would keep out {}", join(asked, " and "), share);
}

} // namespace

Result<int> run_impact(Context& context)
{
    const auto target = TRY(impact_target(context.arguments));
    const auto impact = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, impact);
        return kDone;
    }
    auto& out = context.console.out;
    print_details(out, {{"meeting", text_of(impact, "meeting")},
                        {"participants", fmt::format("{} handed over, {} connected",
                                                     grouped(number_of(impact, "participants")),
                                                     grouped(number_of(impact, "connected")))}});
    if (!member_of(impact, "by_country").empty() || number_of(impact, "unplaced") > 0) {
        out << '\n';
        print_by_country(out, impact);
    }
    out << '\n' << printable(conclusion(impact)) << '\n';
    return kDone;
}

} // namespace meetfence::ctl
