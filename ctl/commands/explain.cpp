// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/rule_view.h"
#include "model/endpoint.h"
#include "model/fields.h"
#include "model/participant.h"

namespace meetfence::ctl {
namespace {

// As capture tools print it: blanks and colons between the bytes are left out.
Result<std::string> read_hex(std::string text)
{
    std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0 || c == ':'; });
    const bool digits = std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (text.empty() || !digits || text.size() % 2 != 0) {
        return fail(ErrorCode::invalid, "--packet takes whole bytes in hexadecimal, such as 0200c0a8…");
    }
    return text;
}

Result<std::string> read_destination(const std::string& text)
{
    const auto endpoint = TRY(Endpoint::parse(text));
    if (!endpoint.address || endpoint.first_port != endpoint.last_port) {
        return fail(ErrorCode::invalid,
                    "endpoint '" + text + "': a packet has one local address and one port");
    }
    return endpoint.text();
}

Result<Json> question(const Arguments& arguments)
{
    if (const auto packet = arguments.text("packet")) {
        const auto hex = TRY(read_hex(*packet));
        return Json{{"packet", hex}};
    }
    const auto from = TRY(SocketAddress::parse(*arguments.text("from")));
    const auto to = TRY(read_destination(*arguments.text("to")));
    Json body{{"from", from.text()}, {"to", to}};
    if (const auto ufrag = arguments.text("ufrag")) {
        TRY(check_ufrag(*ufrag));
        body["ufrag"] = *ufrag;
    }
    return body;
}

void print_answer(const Context& context, const Json& answer)
{
    const bool drops = text_of(answer, "verdict") == "drop";
    const auto text = text_of(answer, "text");
    context.console.out << (drops ? context.style.bad("DROP") : context.style.good("PASS"))
                        << (text.empty() ? "" : ": ") << printable(text) << '\n';
    const auto or_none = [&](std::string_view key) {
        const auto value = text_of(answer, key);
        return value.empty() ? std::string("none") : value;
    };
    print_details(context.console.out,
                  {{"  reason", or_none("reason")},
                   {"  country", country_with_name(or_none("country"))},
                   {"  prefix", or_none("prefix")},
                   {"  meeting", or_none("meeting")},
                   {"  participant", text_of(answer, "participant")},
                   {"  rule", or_none("rule")},
                   {"  order", text_of(answer, "order")},
                   {"  database built", with_relative_time(text_of(answer, "geo_build"), context.now)}});
}

} // namespace

Result<int> run_explain(Context& context)
{
    const auto& arguments = context.arguments;
    const bool addresses = arguments.has("from") && arguments.has("to");
    const bool some_address = arguments.has("from") || arguments.has("to") || arguments.has("ufrag");
    const bool packet = arguments.has("packet");
    if (packet ? some_address : !addresses) {
        return refuse_usage(context.console, context.command,
                            "give --from together with --to, or --packet alone");
    }
    const auto body = TRY(question(arguments));
    const auto answer = TRY(context.client.call(Method::post, "/v1/explain", &body)).body;
    if (context.json) {
        print_json(context.console, answer);
    } else {
        print_answer(context, answer);
    }
    return kDone;
}

} // namespace meetfence::ctl
