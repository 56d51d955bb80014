// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

// Of an event whose name alone tells too little.
std::string meaning(const std::string& event)
{
    return event == "flow_contested" ? "  another meeting claims a flow of it; the flow passes" : "";
}

constexpr std::size_t kEventColumns = std::string_view("participant_blocked").size(); // the longest there is

std::string event_line(const Json& event)
{
    auto line = fmt::format("{}  {:<{}}", text_of(event, "time"), text_of(event, "event"), kEventColumns);
    for (const auto* key : {"meeting", "participant", "rule", "order", "state", "country", "reason"}) {
        if (const auto value = text_of(event, key); !value.empty()) {
            line += fmt::format("  {} {}", key, value);
        }
    }
    auto text = text_of(event, "text");
    text = text.empty() ? text_of(event, "why") : text;
    line += text.empty() ? meaning(text_of(event, "event")) : "  " + text;
    return printable(line);
}

// A line that is no JSON is shown as it is: better than to lose it.
void print_event(const Context& context, std::string_view line)
{
    if (line.empty()) {
        return; // a daemon may send empty lines to keep the connection alive
    }
    auto& out = context.console.out;
    if (context.json) {
        out << printable_json(line) << '\n';
        return;
    }
    const auto event = parse_json(line, "event");
    out << (event ? event_line(*event) : printable(line)) << '\n';
}

Result<int> follow(Context& context)
{
    const auto end = TRY(context.client.stream_lines("/v1/events?follow=true", [&](std::string_view line) {
        print_event(context, line);
        context.console.out.flush();
    }));
    if (end == StreamEnd::interrupted) {
        return kDone;
    }
    return fail(ErrorCode::unreachable, fmt::format("meetfenced on {} ended the events; its state: "
                                                    "systemctl status meetfenced",
                                                    context.client.socket_path()));
}

} // namespace

Result<int> run_events(Context& context)
{
    if (context.arguments.has("follow")) {
        return follow(context);
    }
    const auto response = TRY(context.client.request(Method::get, "/v1/events?follow=false"));
    if (response.status >= 400) {
        return fail(refusal(response));
    }
    const std::string_view body = response.body;
    for (std::size_t begin = 0; begin < body.size();) {
        const auto end = std::min(body.find('\n', begin), body.size());
        print_event(context, body.substr(begin, end - begin));
        begin = end + 1;
    }
    if (body.empty()) {
        say(context.console, "no events");
    }
    return kDone;
}

} // namespace meetfence::ctl
