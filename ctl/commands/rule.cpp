// SPDX-License-Identifier: Apache-2.0
#include "model/rule.h"

#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/rule_view.h"
#include "model/meeting.h"

namespace meetfence::ctl {
namespace {

Result<std::string> rule_target(const Context& context)
{
    const auto id = context.arguments.word(0);
    TRY(parse_rule_id(id));
    return "/v1/rules/" + id;
}

Result<int> set_mode(Context& context, Mode mode)
{
    const auto target = TRY(rule_target(context));
    const Json body{{"mode", to_text(mode)}};
    const auto rule = TRY(context.client.call(Method::patch, target, &body)).body;
    if (context.json) {
        print_json(context.console, rule);
    } else {
        context.console.out << rule_sentence(rule, context.now) << '\n';
    }
    return kDone;
}

} // namespace

Result<int> run_rule_list(Context& context)
{
    std::string target = "/v1/rules";
    if (const auto meeting = context.arguments.word(0); !context.arguments.words().empty()) {
        TRY(check_meeting_id(meeting));
        target += "?meeting=" + percent_encode(meeting);
    }
    const auto rules = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, rules);
    } else if (rules.empty()) {
        say(context.console, "no rules");
    } else {
        print_rule_table(context.console.out, rules, context.now);
    }
    return kDone;
}

Result<int> run_rule_show(Context& context)
{
    const auto target = TRY(rule_target(context));
    const auto rule = TRY(context.client.get(target)).body;
    if (context.json) {
        print_json(context.console, rule);
    } else {
        print_rule_details(context.console.out, rule, context.now);
    }
    return kDone;
}

Result<int> run_rule_enforce(Context& context)
{
    return set_mode(context, Mode::enforce);
}

Result<int> run_rule_monitor(Context& context)
{
    return set_mode(context, Mode::monitor);
}

} // namespace meetfence::ctl
