// SPDX-License-Identifier: Apache-2.0
// `participant add | list | remove`: how the packets of one person are known. A media server hands
// them over by the API; here somebody does it by hand.
#include "model/participant.h"

#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/rule_view.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

Result<std::string> participants_target(const Context& context)
{
    const auto meeting = context.arguments.word(0);
    TRY(check_meeting_id(meeting));
    return "/v1/meetings/" + percent_encode(meeting) + "/participants";
}

Result<std::string> participant_target(const Context& context)
{
    const auto all = TRY(participants_target(context));
    const auto id = context.arguments.word(1);
    TRY(check_participant_id(id));
    return all + "/" + percent_encode(id);
}

struct Halves {
    std::string first, second;
};

// At the first separator; neither half has one in it.
Result<Halves> split_at(const std::string& text, char separator, std::string_view form)
{
    const auto at = text.find(separator);
    if (at == std::string::npos) {
        return fail(ErrorCode::invalid, fmt::format("'{}' is not of the form {}", text, form));
    }
    return Halves{text.substr(0, at), text.substr(at + 1)};
}

// In the canonical spelling, checked before anything is sent.
Result<Json> requested_participant(const Context& context)
{
    const auto& arguments = context.arguments;
    Participant participant{arguments.word(0), arguments.word(1), {}, {}};
    for (const auto& text : arguments.texts("ufrag")) {
        const auto halves = TRY(split_at(text, '=', "E=UFRAG, as in udp:198.18.0.1:10000=abcd"));
        TRY(check_ufrag(halves.second));
        participant.ufrags.push_back({TRY(Endpoint::parse(halves.first)), halves.second});
    }
    for (const auto& text : arguments.texts("flow")) {
        const auto halves =
            TRY(split_at(text, ',', "LOCAL,REMOTE, as in udp:198.18.0.1:10000,203.0.113.10:51000"));
        participant.flows.push_back(TRY(make_flow(halves.first, halves.second)));
    }
    auto body = to_json(participant);
    body.erase("id"); // the path names both
    body.erase("meeting");
    return body;
}

std::string countries_of(const Json& participant)
{
    auto countries = texts_of(participant, "countries");
    for (auto& country : countries) {
        country = country_with_name(country);
    }
    return join(countries, ", ");
}

void print_participants(std::ostream& out, const Json& participants, bool with_addresses)
{
    std::vector<Column> columns{
        {"PARTICIPANT"}, {"UFRAGS", Align::right}, {"CONFIRMED FLOWS", Align::right}, {"COUNTRIES"}};
    if (with_addresses) {
        columns.push_back({"ADDRESSES"});
    }
    Table table(std::move(columns));
    for (const auto& participant : participants) {
        std::vector<std::string> cells{
            text_of(participant, "id"), std::to_string(member_of(participant, "ufrags").size()),
            std::to_string(number_of(participant, "confirmed_flows")), countries_of(participant)};
        if (with_addresses) {
            cells.push_back(join(texts_of(participant, "addresses"), ", "));
        }
        table.add(std::move(cells));
    }
    table.print(out);
}

} // namespace

Result<int> run_participant_add(Context& context)
{
    if (!context.arguments.has("ufrag") && !context.arguments.has("flow")) {
        return refuse_usage(context.console, context.command,
                            "give --ufrag or --flow: packets are known as this participant's by them");
    }
    const auto target = TRY(participant_target(context));
    const auto body = TRY(requested_participant(context));
    const auto answer = TRY(context.client.call(Method::put, target, &body));
    if (context.json) {
        print_json(context.console, answer.body);
        return kDone;
    }
    constexpr unsigned kCreated = 201;
    context.console.out << fmt::format("participant {} of meeting {} {}\n", context.arguments.word(1),
                                       context.arguments.word(0),
                                       answer.status == kCreated ? "added" : "was there; it is now as asked");
    return kDone;
}

Result<int> run_participant_list(Context& context)
{
    const auto& arguments = context.arguments;
    const bool with_addresses = arguments.has("show-addresses");
    if (with_addresses != arguments.has("purpose")) {
        return refuse_usage(context.console, context.command,
                            "--show-addresses and --purpose TEXT go together: who looks at addresses says "
                            "what for, and the audit log keeps it");
    }
    auto target = TRY(participants_target(context));
    if (with_addresses) {
        target += "?addresses=true&purpose=" + percent_encode(arguments.text("purpose").value_or(""));
    }
    const auto participants = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, participants);
        return kDone;
    }
    if (participants.empty()) {
        say(context.console, "no participants");
        return kDone;
    }
    print_participants(context.console.out, participants, with_addresses);
    return kDone;
}

Result<int> run_participant_remove(Context& context)
{
    const auto target = TRY(participant_target(context));
    TRY(context.client.call(Method::remove, target));
    const auto meeting = context.arguments.word(0);
    const auto id = context.arguments.word(1);
    if (context.json) {
        print_json(context.console, Json{{"id", id}, {"meeting", meeting}, {"removed", true}});
    } else {
        context.console.out << fmt::format("participant {} of meeting {} removed\n", id, meeting);
    }
    return kDone;
}

} // namespace meetfence::ctl
