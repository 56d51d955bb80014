// SPDX-License-Identifier: Apache-2.0
// `block` and `unblock`: how a rule begins, and how it ends before its time.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/rule_view.h"
#include "model/fields.h"
#include "model/identifier.h"
#include "model/meeting.h"
#include "model/participant.h"
#include "model/rule.h"

namespace meetfence::ctl {
namespace {

constexpr auto kWhom = std::to_array<std::string_view>({"country", "participant", "allow-only"});

Result<> read_whom(const Arguments& arguments, RuleRequest& rule)
{
    if (const auto participant = arguments.text("participant")) {
        rule.whom = Whom::participant;
        rule.participant = *participant;
        return check_participant_id(*participant);
    }
    rule.whom = arguments.has("allow-only") ? Whom::all_but : Whom::countries;
    const auto codes = split_commas(arguments.texts(rule.whom == Whom::all_but ? "allow-only" : "country"));
    rule.countries = TRY(parse_countries(codes));
    return {};
}

Result<RuleRequest> requested_rule(const Context& context)
{
    const auto& arguments = context.arguments;
    RuleRequest rule;
    rule.meeting = arguments.word(0);
    TRY(check_meeting_id(rule.meeting));
    TRY(read_whom(arguments, rule));
    rule.mode = arguments.has("monitor") ? Mode::monitor : Mode::enforce;
    if (const auto from = arguments.text("from")) {
        rule.from = TRY(parse_time(*from));
    }
    if (const auto until = arguments.text("until")) {
        rule.until = TRY(parse_time(*until));
    }
    if (const auto duration = arguments.text("for")) {
        // Counted from the begin, where that is still to come: "tomorrow at six, for two hours".
        const auto length = TRY(parse_duration(*duration));
        rule.until = std::max(rule.from.value_or(context.now), context.now) + length;
    }
    if (rule.from && rule.until && *rule.until <= *rule.from) {
        return fail(ErrorCode::invalid, fmt::format("the rule would end ({}) before it begins ({})",
                                                    format_time(*rule.until), format_time(*rule.from)));
    }
    const auto prefixes = split_commas(arguments.texts("except"));
    rule.except = TRY(parse_prefixes(prefixes));
    if (const auto order = arguments.text("order")) {
        TRY(check_identifier("an order's", *order));
        rule.order = *order;
    }
    return rule;
}

Json request_json(const RuleRequest& rule)
{
    const auto time = [](const std::optional<Time>& t) { return t ? Json(format_time(*t)) : Json(nullptr); };
    Json body{{"meeting", rule.meeting}};
    if (rule.whom == Whom::participant) {
        body["participant"] = rule.participant;
    } else {
        auto& codes = body[rule.whom == Whom::all_but ? "allow_only" : "countries"] = Json::array();
        for (const auto country : rule.countries.list()) {
            codes.push_back(country.code());
        }
    }
    body["mode"] = to_text(rule.mode);
    body["from"] = time(rule.from);
    body["until"] = time(rule.until);
    body["except"] = Json::array();
    for (const auto& prefix : rule.except) {
        body["except"].push_back(prefix.text());
    }
    if (!rule.order.empty()) {
        body["order"] = rule.order;
    }
    return body;
}

// What would happen, as the daemon sees it: with the end that its policy gives.
Result<Json> dry_run(Context& context, const Json& body)
{
    return TRY(context.client.call(Method::post, "/v1/rules?dry_run=true", &body)).body;
}

Result<bool> ask_first(Context& context, const Json& body)
{
    const auto preview = TRY(dry_run(context, body));
    context.client.disconnect(); // a person may take long to answer
    print_rule_preview(context.console.err, preview, context.now);
    return confirm(context.console, "Block?");
}

void show_outcome(Context& context, const Json& rule)
{
    auto& console = context.console;
    if (context.json) {
        print_json(console, rule);
        return;
    }
    console.out << rule_sentence(rule, context.now) << '\n';
    if (const auto line = presence_sentence(rule, member_of(rule, "preview")); !line.empty()) {
        console.out << line << '\n';
    }
    if (text_of(rule, "state") == "pending") {
        const auto order = text_of(rule, "order");
        say(console, fmt::format("who may approve order {}: meetfencectl order show {}", order, order));
    }
}

} // namespace

Result<int> run_block(Context& context)
{
    const auto& arguments = context.arguments;
    auto& console = context.console;
    if (arguments.has("until") && arguments.has("for")) {
        return refuse_usage(console, context.command, "--until and --for say the same: give one of them");
    }
    if (std::ranges::count_if(kWhom, [&](auto option) { return arguments.has(option); }) != 1) {
        return refuse_usage(console, context.command,
                            "say whom: give one of --country CC, --participant P and --allow-only CC");
    }
    const auto request = TRY(requested_rule(context));
    const auto body = request_json(request);
    if (arguments.has("dry-run")) {
        const auto preview = TRY(dry_run(context, body));
        if (context.json) {
            print_json(console, preview);
        } else {
            console.out << "dry run, nothing is changed; the rule would be:\n";
            print_rule_preview(console.out, preview, context.now);
        }
        return kDone;
    }
    if (console.can_ask && !arguments.has("yes") && !TRY(ask_first(context, body))) {
        say(console, "nothing is blocked");
        return kFailed;
    }
    show_outcome(context, TRY(context.client.call(Method::post, "/v1/rules", &body)).body);
    return kDone;
}

Result<int> run_unblock(Context& context)
{
    const auto id = context.arguments.word(0);
    TRY(parse_rule_id(id));
    auto target = "/v1/rules/" + id;
    if (const auto why = context.arguments.text("why")) {
        target += "?why=" + percent_encode(*why);
    }
    const auto rule = TRY(context.client.call(Method::remove, target)).body;
    if (context.json) {
        print_json(context.console, rule);
        return kDone;
    }
    const bool monitors = text_of(rule, "mode") == "monitor";
    const std::string what = monitors ? "would_drop" : "dropped";
    context.console.out << fmt::format(
        "withdrawn: {}; it {} {}\n", rule_sentence(rule, context.now),
        monitors ? "would have dropped" : "dropped",
        traffic(number_of(rule, "packets_" + what), number_of(rule, "bytes_" + what)));
    return kDone;
}

} // namespace meetfence::ctl
