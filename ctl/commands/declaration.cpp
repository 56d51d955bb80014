// SPDX-License-Identifier: Apache-2.0
// Meetings and rules as one document: `apply` makes the daemon's state that document and nothing
// else, `diff` tells what it would change, `export` writes the present state in the same form.
#include <algorithm>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/input.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

// Form and values are checked by the daemon, which names the place in the document.
Result<Json> read_declaration(Context& context)
{
    const auto path = context.arguments.word(0);
    const auto name = input_name(path);
    const auto text = TRY(read_input(context.console.in, path));
    auto document = TRY(parse_json(text, name));
    if (!document.is_object()) {
        return fail(ErrorCode::invalid,
                    name + " must be a JSON object, such as 'meetfencectl export' writes");
    }
    return document;
}

Result<Json> put_declaration(Context& context, const Json& document, bool dry_run)
{
    const auto* target = dry_run ? "/v1/declaration?dry_run=true" : "/v1/declaration";
    return TRY(context.client.call(Method::put, target, &document)).body;
}

const Json& changes_of(const Json& answer)
{
    return member_of(answer, "changes");
}

bool removes_something(const Json& answer)
{
    return std::ranges::any_of(changes_of(answer),
                               [](const Json& change) { return text_of(change, "action") == "remove"; });
}

void print_changes(std::ostream& out, const Json& answer)
{
    for (const auto& change : changes_of(answer)) {
        const auto action = text_of(change, "action");
        const char sign = action == "add" ? '+' : action == "remove" ? '-' : '~';
        const auto detail = text_of(change, "detail");
        out << printable(fmt::format("{} {} {}{}{}", sign, text_of(change, "kind"), text_of(change, "name"),
                                     detail.empty() ? "" : " ", detail))
            << '\n';
    }
}

void show_changes(Context& context, const Json& answer)
{
    if (context.json) {
        print_json(context.console, answer);
        return;
    }
    print_changes(context.console.out, answer);
    if (changes_of(answer).empty()) {
        say(context.console, "no differences");
    }
}

// Only a removal is asked about: it is what a file says by silence, perhaps by mistake.
Result<bool> may_apply(Context& context, const Json& document)
{
    if (!context.console.can_ask || context.arguments.has("yes")) {
        return true;
    }
    const auto planned = TRY(put_declaration(context, document, true));
    if (!removes_something(planned)) {
        return true;
    }
    context.client.disconnect(); // a person may take long to answer
    print_changes(context.console.err, planned);
    return confirm(context.console, "Apply?");
}

} // namespace

Result<int> run_apply(Context& context)
{
    const auto document = TRY(read_declaration(context));
    const bool dry_run = context.arguments.has("dry-run");
    if (!dry_run && !TRY(may_apply(context, document))) {
        say(context.console, "nothing is changed");
        return kFailed;
    }
    const auto answer = TRY(put_declaration(context, document, dry_run));
    show_changes(context, answer);
    return kDone;
}

Result<int> run_diff(Context& context)
{
    const auto document = TRY(read_declaration(context));
    const auto answer = TRY(put_declaration(context, document, true));
    show_changes(context, answer);
    return changes_of(answer).empty() ? kDone : kFailed;
}

Result<int> run_export(Context& context)
{
    const auto document = TRY(context.client.get("/v1/declaration")).body;
    constexpr int kIndent = 2; // a file for people to edit and to keep under version control
    const auto text = document.dump(kIndent, ' ', false, Json::error_handler_t::replace);
    context.console.out << printable_json(text) << '\n';
    return kDone;
}

} // namespace meetfence::ctl
