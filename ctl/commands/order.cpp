// SPDX-License-Identifier: Apache-2.0
// `order …`: what an authority demanded, and who lets it take effect. What an order may say is judged by the
// daemon, which writes down what it refuses; only what has a form of its own, a time or a file, is read here.
#include "model/order.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <ostream>

#include "audit/sha256.h"
#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/input.h"
#include "ctl/order_view.h"
#include "ctl/rule_view.h"
#include "model/identifier.h"

namespace meetfence::ctl {
namespace {

constexpr std::size_t kLargestDocument = 256UL << 20;

Result<std::string> order_target(const Context& context)
{
    const auto id = context.arguments.word(0);
    TRY(check_identifier("an order's", id));
    return "/v1/orders/" + percent_encode(id);
}

Result<> put_time(Json& body, std::string_view key, const Arguments& arguments, std::string_view option)
{
    if (const auto text = arguments.text(option)) {
        body[std::string(key)] = format_time(TRY(parse_time(*text)));
    }
    return {};
}

// The SHA-256 of the paper; the person sees what stands for it from now on.
Result<std::string> document_hash(Context& context, const std::string& path)
{
    const auto bytes = TRY(read_input(context.console.in, path, kLargestDocument));
    const auto name = input_name(path);
    if (bytes.empty()) {
        return fail(ErrorCode::invalid, name + " is empty: give the document that was received");
    }
    if (bytes.size() > kLargestDocument) {
        return fail(ErrorCode::invalid,
                    fmt::format("{} is larger than {}, the most that is read of a document", name,
                                byte_count(kLargestDocument)));
    }
    auto hash = audit::sha256_hex(bytes);
    say(context.console, fmt::format("{} has the SHA-256 {}; only that is sent, the document stays where it "
                                     "is: keep it",
                                     name, hash));
    return hash;
}

Result<> put_times(Json& body, const Context& context)
{
    const auto& arguments = context.arguments;
    for (const auto* key : {"issued", "received", "from", "expires", "review"}) {
        TRY(put_time(body, key, arguments, key));
    }
    TRY(put_time(body, "requested_until", arguments, "requested-until"));
    TRY(put_time(body, "gag_until", arguments, "gag-until"));
    if (const auto duration = arguments.text("for")) {
        const auto length = TRY(parse_duration(*duration));
        const auto from = body.contains("from") ? TRY(parse_time(text_of(body, "from"))) : context.now;
        body["expires"] = format_time(std::max(from, context.now) + length);
    }
    return {};
}

Result<Json> requested_order(Context& context)
{
    constexpr auto kTexts =
        std::to_array<std::pair<const char*, const char*>>({{"authority", "authority"},
                                                            {"authority_type", "authority-type"},
                                                            {"office", "office"},
                                                            {"jurisdiction", "jurisdiction"},
                                                            {"legal_basis", "legal-basis"},
                                                            {"case", "case"},
                                                            {"channel", "channel"},
                                                            {"category", "category"},
                                                            {"requested", "requested"},
                                                            {"narrowing", "narrowing"}});
    const auto& arguments = context.arguments;
    Json body{{"id", arguments.word(0)}};
    for (const auto& [key, option] : kTexts) {
        if (const auto text = arguments.text(option)) {
            body[key] = *text;
        }
    }
    TRY(put_times(body, context));
    if (arguments.has("meeting")) {
        body["meetings"] = arguments.texts("meeting");
    }
    if (arguments.has("gag")) {
        body["gag"] = true;
    }
    if (const auto path = arguments.text("document")) {
        body["document"] = TRY(document_hash(context, *path));
    }
    return body;
}

// What became of the order, and what comes next.
void show_outcome(Context& context, const Json& order)
{
    if (context.json) {
        print_json(context.console, order);
        return;
    }
    auto& out = context.console.out;
    out << order_sentence(order, context.now) << '\n';
    for (const auto& line : {rules_line(order), next_step(order, context.now)}) {
        out << line << (line.empty() ? "" : "\n");
    }
}

Result<int> change_order(Context& context, const std::string& target, const Json* body)
{
    show_outcome(context, TRY(context.client.call(Method::post, target, body)).body);
    return kDone;
}

Result<Json> rules_of(Context& context, const Json& order)
{
    auto rules = Json::array();
    for (const auto& id : texts_of(order, "rules")) {
        rules.push_back(TRY(context.client.get("/v1/rules/" + percent_encode(id))).body);
    }
    return rules;
}

// Who is in the rule's meeting; where nobody registered it yet, that.
Result<Json> presence_at(Context& context, const Json& rule)
{
    auto target = "/v1/meetings/" + percent_encode(text_of(rule, "meeting")) + "/impact";
    if (const auto countries = texts_of(rule, "countries"); !countries.empty()) {
        target += "?country=" + join(countries, ",");
    }
    const auto impact = context.client.get(target);
    if (!impact && impact.error().code != ErrorCode::not_found) {
        return fail(impact.error());
    }
    Json presence = impact ? impact->body : Json::object();
    presence["registered"] = impact.has_value();
    if (!text_of(rule, "participant").empty()) {
        presence.erase("affected"); // it is that of the rules in force: an impact is asked by country
    }
    return presence;
}

Result<> show_pending_rule(Context& context, const Json& rule)
{
    auto& err = context.console.err;
    err << '\n' << rule_sentence(rule, context.now) << '\n';
    print_presence(err, rule, TRY(presence_at(context, rule)));
    return {};
}

bool wants_to_be_asked(const Context& context)
{
    return context.console.can_ask && !context.arguments.has("yes");
}

Result<bool> may_approve(Context& context, const std::string& target)
{
    if (!wants_to_be_asked(context)) {
        return true;
    }
    const auto order = TRY(context.client.get(target)).body;
    print_order_details(context.console.err, order, context.now);
    for (const auto& rule : TRY(rules_of(context, order))) {
        if (text_of(rule, "state") == "pending") {
            TRY(show_pending_rule(context, rule));
        }
    }
    context.client.disconnect(); // a person may take long to answer
    return confirm(context.console, extension_asked(order) ? "Approve the extension?" : "Approve?");
}

Result<bool> may_withdraw(Context& context, const std::string& target)
{
    if (!wants_to_be_asked(context)) {
        return true;
    }
    const auto order = TRY(context.client.get(target)).body;
    context.console.err << order_sentence(order, context.now) << '\n';
    for (const auto& rule : TRY(rules_of(context, order))) {
        if (!rule_ended(rule)) {
            context.console.err << "would end: " << rule_sentence(rule, context.now) << '\n';
        }
    }
    context.client.disconnect();
    return confirm(context.console, "Withdraw?");
}

// A duration is one more than was granted: "for two days longer".
Result<Json> requested_extension(const Context& context, const Json& order)
{
    const auto& arguments = context.arguments;
    Json body;
    TRY(put_time(body, "expires", arguments, "expires"));
    if (const auto duration = arguments.text("for")) {
        const auto length = TRY(parse_duration(*duration));
        body["expires"] = format_time(TRY(parse_time(text_of(order, "expires"))) + length);
    }
    TRY(put_time(body, "review", arguments, "review"));
    body["why"] = arguments.text("why").value_or("");
    return body;
}

bool ask_for_extension(Context& context, const Json& order, const Json& body)
{
    context.client.disconnect();
    context.console.err << order_sentence(order, context.now) << '\n'
                        << "would end " << with_relative_time(text_of(body, "expires"), context.now) << '\n';
    return confirm(context.console, "Ask for the extension?");
}

constexpr auto kTwoEnds = "--expires and --for say the same: give one of them";

void warn_of_unnamed_meetings(Console& console, const Json& order)
{
    const auto id = text_of(order, "id");
    say(console, fmt::format("order {} names no meeting, so any operator may name one: meetfencectl block M "
                             "--country {} --order {}; an order that is about certain meetings is recorded "
                             "with --meeting M: withdraw this one, and record it anew",
                             id, text_of(order, "jurisdiction"), id));
}

} // namespace

Result<int> run_order_add(Context& context)
{
    if (context.arguments.has("expires") && context.arguments.has("for")) {
        return refuse_usage(context.console, context.command, kTwoEnds);
    }
    TRY(order_target(context));
    const auto body = TRY(requested_order(context));
    const auto order = TRY(context.client.call(Method::post, "/v1/orders", &body)).body;
    show_outcome(context, order);
    if (texts_of(order, "meetings").empty()) {
        warn_of_unnamed_meetings(context.console, order);
    }
    return kDone;
}

Result<int> run_order_approve(Context& context)
{
    const auto target = TRY(order_target(context));
    if (!TRY(may_approve(context, target))) {
        say(context.console, "nothing is approved");
        return kFailed;
    }
    return change_order(context, target + "/approve", nullptr);
}

Result<int> run_order_reject(Context& context)
{
    const auto target = TRY(order_target(context));
    const Json body{{"why", context.arguments.text("why").value_or("")}};
    return change_order(context, target + "/reject", &body);
}

Result<int> run_order_withdraw(Context& context)
{
    const auto target = TRY(order_target(context));
    const Json body{{"why", context.arguments.text("why").value_or("")}};
    if (!TRY(may_withdraw(context, target))) {
        say(context.console, "nothing is withdrawn");
        return kFailed;
    }
    return change_order(context, target + "/withdraw", &body);
}

Result<int> run_order_extend(Context& context)
{
    const auto& arguments = context.arguments;
    if (arguments.has("expires") == arguments.has("for")) {
        return refuse_usage(context.console, context.command,
                            arguments.has("for") ? kTwoEnds : "say until when: give --expires T or --for D");
    }
    const auto target = TRY(order_target(context));
    const bool asks = wants_to_be_asked(context);
    const auto order = asks || arguments.has("for") ? TRY(context.client.get(target)).body : Json();
    const auto body = TRY(requested_extension(context, order));
    if (asks && !ask_for_extension(context, order, body)) {
        say(context.console, "no extension is asked for");
        return kFailed;
    }
    return change_order(context, target + "/extend", &body);
}

Result<int> run_order_list(Context& context)
{
    std::string target = "/v1/orders";
    if (const auto state = context.arguments.text("state")) {
        target += fmt::format("?state={}", to_text(TRY(parse_order_state(*state))));
    }
    const auto orders = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, orders);
    } else if (orders.empty()) {
        say(context.console, "no orders");
    } else {
        print_order_table(context.console.out, orders, context.now);
    }
    return kDone;
}

Result<int> run_order_show(Context& context)
{
    const auto target = TRY(order_target(context));
    const auto order = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, order);
        return kDone;
    }
    const auto rules = TRY(rules_of(context, order));
    auto& out = context.console.out;
    print_order_details(out, order, context.now);
    if (!rules.empty()) {
        out << '\n';
        print_rule_table(out, rules, context.now);
    }
    if (const auto next = next_step(order, context.now); !next.empty()) {
        out << '\n' << next << '\n';
    }
    return kDone;
}

} // namespace meetfence::ctl
