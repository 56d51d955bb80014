// SPDX-License-Identifier: Apache-2.0
#include "ctl/order_view.h"

#include <fmt/format.h>
#include <ostream>

#include "ctl/render.h"
#include "ctl/rule_view.h"

namespace meetfence::ctl {
namespace {

constexpr std::size_t kWidestAuthority = 40;

bool is(const Json& order, std::string_view what)
{
    return text_of(order, what) == "true";
}

std::string name_of(const Json& actor)
{
    const auto user = text_of(actor, "user");
    return user.empty() ? "uid " + text_of(actor, "uid") : user;
}

std::string names_of(const Json& actors)
{
    std::vector<std::string> names;
    for (const auto& actor : actors) {
        names.push_back(name_of(actor));
    }
    return join(names, ", ");
}

// "alice, 2026-11-22T12:00:00Z (5m ago)", "" where nobody did it.
std::string deed_of(const Json& actor, Time now)
{
    return actor.is_object()
               ? fmt::format("{}, {}", name_of(actor), with_relative_time(text_of(actor, "at"), now))
               : "";
}

// What waits for approvals: the order itself, or its extension.
const Json& approved_thing(const Json& order)
{
    return extension_asked(order) ? member_of(order, "extension") : order;
}

// Whoever asked for it may not approve it, nor anybody twice.
std::string excluded_names(const Json& order)
{
    const auto& thing = approved_thing(order);
    auto names = Json::array({extension_asked(order) ? thing : member_of(order, "recorded")});
    for (const auto& approval : member_of(thing, "approvals")) {
        names.push_back(approval);
    }
    return names_of(names);
}

std::string approvals_text(const Json& order, const Json& thing)
{
    const auto& approvals = member_of(thing, "approvals");
    const auto names = names_of(approvals);
    return fmt::format("{} of {}{}{}", approvals.size(), number_of(order, "approvals_needed"),
                       names.empty() ? "" : ": ", names);
}

std::uint64_t missing_approvals(const Json& order)
{
    const auto needed = number_of(order, "approvals_needed");
    const auto given = member_of(approved_thing(order), "approvals").size();
    return needed > given ? needed - given : 0;
}

// "overbroad", "other (the letter names no law)"
std::string end_reason(const Json& order)
{
    const auto& end = member_of(order, "ended");
    const auto reason = text_of(end, "reason");
    const auto why = text_of(end, "why");
    if (reason.empty() || why.empty() || reason == why) {
        return reason.empty() ? why : reason;
    }
    return fmt::format("{} ({})", reason, why);
}

std::string remarks(const Json& order)
{
    std::string text;
    text += is(order, "review_due") ? ", review due" : "";
    text += extension_asked(order) ? ", extension asked" : "";
    return text;
}

std::string gag_text(const Json& order)
{
    if (!is(order, "gag")) {
        return {};
    }
    const auto end = text_of(order, "gag_until");
    return end.empty() ? "without an end" : "until " + end;
}

std::string extension_text(const Json& order, Time now)
{
    const auto& extension = member_of(order, "extension");
    if (!extension.is_object()) {
        return {};
    }
    return fmt::format("until {}, asked by {}: {}; approvals {}",
                       with_relative_time(text_of(extension, "expires"), now), name_of(extension),
                       text_of(extension, "why"), approvals_text(order, extension));
}

Details demand(const Json& order)
{
    return {{"authority", text_of(order, "authority")},
            {"type", text_of(order, "authority_type")},
            {"office", text_of(order, "office")},
            {"jurisdiction", country_with_name(text_of(order, "jurisdiction"))},
            {"legal basis", text_of(order, "legal_basis")},
            {"case", text_of(order, "case")},
            {"category", text_of(order, "category")},
            {"issued", text_of(order, "issued")},
            {"received", fmt::format("{} ({})", text_of(order, "received"), text_of(order, "channel"))},
            {"document", text_of(order, "document")},
            {"requested", text_of(order, "requested")},
            {"until then", text_of(order, "requested_until")},
            {"narrowed", text_of(order, "narrowing")},
            {"gag", gag_text(order)}};
}

} // namespace

bool extension_asked(const Json& order)
{
    return member_of(order, "extension").is_object();
}

std::string order_sentence(const Json& order, Time now)
{
    const auto state = text_of(order, "state");
    auto sentence =
        fmt::format("order {} of {} for {} is {}", text_of(order, "id"), text_of(order, "authority"),
                    country_with_name(text_of(order, "jurisdiction")), state);
    const auto reason = end_reason(order);
    if (state == "rejected" || state == "withdrawn" || state == "suspended") {
        sentence += reason.empty() ? "" : ": " + reason;
    } else {
        sentence += fmt::format("; it {} {}", state == "expired" ? "ended" : "ends",
                                with_relative_time(text_of(order, "expires"), now));
    }
    return printable(sentence);
}

std::string rules_line(const Json& order)
{
    const auto state = text_of(order, "state");
    const auto rules = join(texts_of(order, "rules"), ", ");
    const bool lasts = state == "recorded" || state == "approved" || state == "active";
    return rules.empty() ? "" : printable((lasts ? "its rules: " : "its rules have ended: ") + rules);
}

std::string next_step(const Json& order, Time now)
{
    const auto id = text_of(order, "id");
    const auto state = text_of(order, "state");
    if (state == "recorded" && text_of(order, "channel") == "oral") {
        return printable(
            fmt::format("nobody can approve what was received only orally: ask for it in writing, "
                        "record that, and: meetfencectl order reject {} --why 'oral only'",
                        id));
    }
    if (state == "recorded" || extension_asked(order)) {
        const auto missing = missing_approvals(order);
        const auto until = text_of(member_of(order, "extension"), "expires");
        const auto what =
            extension_asked(order) ? "its extension until " + with_relative_time(until, now) : "it";
        return printable(
            fmt::format("{} needs {} than {}: meetfencectl order approve {}", what,
                        count_of(missing, "approval by another user", "approvals by other users"),
                        excluded_names(order), id));
    }
    if (state == "approved" && member_of(order, "rules").empty()) {
        const auto meetings = texts_of(order, "meetings");
        return printable(fmt::format("to carry it out: meetfencectl block {} --country {} --order {}",
                                     meetings.size() == 1 ? meetings.front() : "M",
                                     text_of(order, "jurisdiction"), id));
    }
    return {};
}

void print_order_table(std::ostream& out, const Json& orders, Time now)
{
    Table table({{"ORDER"},
                 {"COUNTRY"},
                 {"AUTHORITY"},
                 {"STATE"},
                 {"EXPIRES"},
                 {"APPROVALS", Column::Align::right},
                 {"RULES"}});
    for (const auto& order : orders) {
        table.add(
            {text_of(order, "id"), text_of(order, "jurisdiction"),
             shorten(printable(text_of(order, "authority")), kWidestAuthority),
             text_of(order, "state") + remarks(order), with_relative_time(text_of(order, "expires"), now),
             fmt::format("{}/{}", member_of(order, "approvals").size(), number_of(order, "approvals_needed")),
             join(texts_of(order, "rules"), ",")});
    }
    table.print(out);
}

void print_order_details(std::ostream& out, const Json& order, Time now)
{
    Details details{{"order", text_of(order, "id")}, {"state", text_of(order, "state") + remarks(order)}};
    const auto what = demand(order);
    details.insert(details.end(), what.begin(), what.end());
    const auto meetings = join(texts_of(order, "meetings"), ", ");
    const auto& end = member_of(order, "ended");
    details.insert(
        details.end(),
        {{"meetings", meetings.empty() ? "any that an operator names (the order names none)" : meetings},
         {"from", with_relative_time(text_of(order, "from"), now)},
         {"expires", with_relative_time(text_of(order, "expires"), now)},
         {"review", with_relative_time(text_of(order, "review"), now)},
         {"recorded", deed_of(member_of(order, "recorded"), now)},
         {"approvals", approvals_text(order, order)},
         {"extension", extension_text(order, now)},
         {"ended", deed_of(end, now)},
         {"why", end_reason(order)},
         {"rules", join(texts_of(order, "rules"), ", ")}});
    print_details(out, details);
}

} // namespace meetfence::ctl
