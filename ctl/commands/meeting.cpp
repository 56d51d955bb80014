// SPDX-License-Identifier: Apache-2.0
#include "model/meeting.h"

#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/rule_view.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

Result<std::string> meeting_target(const Context& context)
{
    const auto id = context.arguments.word(0);
    TRY(check_meeting_id(id));
    return "/v1/meetings/" + percent_encode(id);
}

// The option's endpoints in their canonical spelling.
Result<Json> endpoints(const Arguments& arguments, std::string_view option)
{
    auto list = Json::array();
    const auto texts = arguments.texts(option);
    for (const auto& endpoint : TRY(parse_endpoints(texts))) {
        list.push_back(endpoint.text());
    }
    return list;
}

Result<Json> read_until(const Context& context)
{
    if (const auto until = context.arguments.text("until")) {
        const auto time = TRY(parse_time(*until));
        return format_time(time);
    }
    if (const auto duration = context.arguments.text("for")) {
        const auto length = TRY(parse_duration(*duration));
        return format_time(context.now + length);
    }
    return Json(nullptr);
}

Result<Json> requested_meeting(const Context& context)
{
    Json body;
    body["endpoints"] = TRY(endpoints(context.arguments, "endpoint"));
    body["until"] = TRY(read_until(context));
    if (context.arguments.has("shared-endpoint")) {
        body["shared_endpoints"] = TRY(endpoints(context.arguments, "shared-endpoint"));
    }
    if (context.arguments.has("turn-endpoint")) {
        body["turn_endpoints"] = TRY(endpoints(context.arguments, "turn-endpoint"));
    }
    return body;
}

std::vector<std::string> all_endpoints(const Json& meeting)
{
    auto list = texts_of(meeting, "endpoints");
    for (const auto& endpoint : texts_of(meeting, "shared_endpoints")) {
        list.push_back(endpoint + " (shared)");
    }
    for (const auto& endpoint : texts_of(meeting, "turn_endpoints")) {
        list.push_back(endpoint + " (TURN)");
    }
    return list;
}

void print_meeting(const Context& context, const Json& meeting)
{
    print_details(context.console.out,
                  {{"meeting", text_of(meeting, "id")},
                   {"endpoints", join(all_endpoints(meeting), ", ")},
                   {"until", with_relative_time(text_of(meeting, "until"), context.now)}});
}

} // namespace

Result<int> run_meeting_add(Context& context)
{
    if (context.arguments.has("until") && context.arguments.has("for")) {
        return refuse_usage(context.console, context.command,
                            "--until and --for say the same: give one of them");
    }
    const auto target = TRY(meeting_target(context));
    const auto body = TRY(requested_meeting(context));
    const auto answer = TRY(context.client.call(Method::put, target, &body));
    if (context.json) {
        print_json(context.console, answer.body);
        return kDone;
    }
    constexpr unsigned kCreated = 201;
    context.console.out << fmt::format("meeting {} {}\n", context.arguments.word(0),
                                       answer.status == kCreated ? "added" : "was there; it is now as asked");
    return kDone;
}

Result<int> run_meeting_list(Context& context)
{
    const auto answer = TRY(context.client.get("/v1/meetings"));
    if (context.json) {
        print_json(context.console, answer.body);
        return kDone;
    }
    if (answer.body.empty()) {
        say(context.console, "no meetings");
        return kDone;
    }
    Table table({{"MEETING"}, {"ENDPOINTS"}, {"UNTIL"}, {"RULES"}});
    for (const auto& meeting : answer.body) {
        table.add({text_of(meeting, "id"), join(all_endpoints(meeting), ", "),
                   with_relative_time(text_of(meeting, "until"), context.now),
                   join(texts_of(meeting, "rules"), ",")});
    }
    table.print(context.console.out);
    return kDone;
}

Result<int> run_meeting_show(Context& context)
{
    const auto target = TRY(meeting_target(context));
    const auto meeting = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, meeting);
        return kDone;
    }
    const auto rules_target = "/v1/rules?meeting=" + percent_encode(context.arguments.word(0));
    const auto rules = TRY(context.client.get(rules_target)).body;
    print_meeting(context, meeting);
    if (!rules.empty()) {
        context.console.out << '\n';
        print_rule_table(context.console.out, rules, context.now);
    }
    return kDone;
}

Result<int> run_meeting_remove(Context& context)
{
    const auto target = TRY(meeting_target(context));
    TRY(context.client.call(Method::remove, target));
    if (context.json) {
        print_json(context.console, Json{{"id", context.arguments.word(0)}, {"removed", true}});
    } else {
        context.console.out << fmt::format("meeting {} removed\n", context.arguments.word(0));
    }
    return kDone;
}

} // namespace meetfence::ctl
