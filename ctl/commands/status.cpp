// SPDX-License-Identifier: Apache-2.0
// `status` also works with the daemon dead: the kernel goes on filtering, and what is pinned there
// tells what it does.
#include <algorithm>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "model/fields.h"
#include "pins/pinned_status.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

// From the pins, where nobody answers; where those tell nothing either, the daemon's absence counts.
Result<Json> pinned_status(Context& context, Error unreachable)
{
    auto status = pinned_status_json(context.bpf_dir);
    if (!status) {
        unreachable.message += fmt::format("; nor is there kernel state to read in {}: {}", context.bpf_dir,
                                           status.error().message);
        return fail(std::move(unreachable));
    }
    say(context.console,
        fmt::format("meetfenced is not running ({}); this is the kernel state pinned in {}; to "
                    "start it: systemctl start meetfenced",
                    context.client.socket_path(), context.bpf_dir));
    return status;
}

Result<Json> read_status(Context& context)
{
    auto answer = context.client.get("/v1/status");
    if (answer) {
        return std::move(answer->body);
    }
    // Without permission, or with an answer that breaks off, the daemon may well be there.
    if (!context.client.nobody_listens()) {
        return fail(std::move(answer).error());
    }
    return pinned_status(context, std::move(answer).error());
}

void print_interfaces(std::ostream& out, const Json& interfaces)
{
    Table table({{"INTERFACE"}, {"INGRESS"}, {"EGRESS"}});
    for (const auto& interface : interfaces) {
        const auto device = text_of(interface, "device");
        const auto by = text_of(interface, "by");
        table.add({text_of(interface, "name") + (device.empty() ? "" : " (now " + device + ")"),
                   text_of(interface, "ingress") + (by.empty() ? "" : " by " + by),
                   text_of(interface, "egress") == "true" ? "yes" : "no"});
    }
    table.print(out);
}

void print_reasons(std::ostream& out, const Json& reasons)
{
    Table table({{"REASON"}, {"PACKETS", Align::right}, {"BYTES", Align::right}});
    for (const auto& [reason, counts] : reasons.items()) {
        table.add({reason, text_of(counts, "packets"), byte_count(number_of(counts, "bytes"))});
    }
    table.print(out);
}

// Of one direction, "" from a daemon that does not tell them apart.
std::string direction_text(const Json& packets, std::string_view direction)
{
    const auto& counts = member_of(packets, direction);
    return counts.is_object() ? fmt::format("{} seen, {} passed, {} dropped", number_of(counts, "seen"),
                                            number_of(counts, "passed"), number_of(counts, "dropped"))
                              : "";
}

std::string flows_text(const Json& flows)
{
    return flows.is_object()
               ? fmt::format("{} confirmed, room for {}; {} contested since the start",
                             grouped(number_of(flows, "confirmed")), grouped(number_of(flows, "room")),
                             grouped(number_of(flows, "contested")))
               : "";
}

std::string orders_text(const Json& orders)
{
    return orders.is_object()
               ? fmt::format("{} recorded, {} approved, {} active, {} suspended; {} to be reviewed",
                             number_of(orders, "recorded"), number_of(orders, "approved"),
                             number_of(orders, "active"), number_of(orders, "suspended"),
                             number_of(orders, "review_due"))
               : "";
}

std::string check_text(const Json& check)
{
    return check.is_object() ? fmt::format("{} drops judged again, {} outside scope, {} skipped",
                                           number_of(check, "checked"), number_of(check, "outside"),
                                           number_of(check, "skipped"))
                             : "";
}

std::string audit_text(const Json& audit)
{
    return audit.is_object() ? fmt::format("{} entries", grouped(number_of(audit, "sequence"))) : "";
}

void print_status(const Context& context, const Json& status)
{
    auto& out = context.console.out;
    const auto& geo = member_of(status, "geo");
    const auto& packets = member_of(status, "packets");
    const auto version = text_of(status, "version");
    const auto* of = version.empty() ? "" : ", version ";
    print_details(
        out,
        {{"daemon", fmt::format("{}{}{}", text_of(status, "daemon"), of, version)},
         {"meetings", text_of(status, "meetings")},
         {"active rules", text_of(status, "rules_active")},
         {"orders", orders_text(member_of(status, "orders"))},
         {"participants", text_of(status, "participants")},
         {"flows", flows_text(member_of(status, "flows"))},
         {"countries",
          fmt::format("{} IPv4 and {} IPv6 prefixes, generation {}", number_of(geo, "prefixes_v4"),
                      number_of(geo, "prefixes_v6"), number_of(geo, "generation"))},
         {"built", with_relative_time(text_of(geo, "build"), context.now)},
         {"packets", fmt::format("{} seen, {} passed, {} dropped, {} dropped outside scope",
                                 number_of(packets, "seen"), number_of(packets, "passed"),
                                 number_of(packets, "dropped"), number_of(packets, "dropped_outside_scope"))},
         {"  ingress", direction_text(packets, "ingress")},
         {"  egress", direction_text(packets, "egress")},
         {"check", check_text(member_of(status, "check"))},
         {"audit log", audit_text(member_of(status, "audit"))}});
    out << '\n';
    print_interfaces(out, member_of(status, "interfaces"));
    if (const auto& reasons = member_of(status, "reasons"); !reasons.empty()) {
        out << '\n';
        print_reasons(out, reasons);
    }
}

std::vector<std::string> unfiltered_interfaces(const Json& status)
{
    std::vector<std::string> names;
    for (const auto& interface : member_of(status, "interfaces")) {
        const bool sends_freely = !interface.value("egress", true);
        if (text_of(interface, "ingress") == "none") {
            names.push_back(text_of(interface, "name") + (sends_freely ? "" : " (what comes in)"));
        } else if (sends_freely) {
            names.push_back(text_of(interface, "name") + " (what goes out)");
        }
    }
    return names;
}

} // namespace

Result<int> run_status(Context& context)
{
    const auto status = TRY(read_status(context));
    if (context.json) {
        print_json(context.console, status);
    } else {
        print_status(context, status);
    }
    if (member_of(status, "interfaces").empty()) {
        say(context.console, "no interface is filtered");
        return kUnfiltered;
    }
    if (const auto names = unfiltered_interfaces(status); !names.empty()) {
        say(context.console, "not filtered: " + join(names, ", "));
        return kUnfiltered;
    }
    return kDone;
}

} // namespace meetfence::ctl
