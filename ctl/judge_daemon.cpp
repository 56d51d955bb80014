// SPDX-License-Identifier: Apache-2.0
#include "ctl/judge_daemon.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "audit/chain.h"
#include "ctl/render.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

using namespace std::chrono_literals;

constexpr auto kAsRoot = "run it as root: sudo meetfencectl doctor";
constexpr auto kOldDatabase = 45 * 24h;
constexpr double kNearlyFull = 0.80;
constexpr double kFull = 0.95;
constexpr std::string_view kNotThere = "unknown";

Finding judge_version(const Json& status, std::string_view own)
{
    const auto daemons = text_of(status, "version");
    if (daemons == own) {
        return {"daemon.version", Judged::good, fmt::format("{}, as this tool", daemons)};
    }
    return {"daemon.version", Judged::hint,
            fmt::format("the daemon is version {}, this tool version {}",
                        daemons.empty() ? kNotThere : daemons, own),
            "systemctl restart meetfenced, so that the installed version runs"};
}

// "" where the database is young enough.
std::string too_old(const std::string& build, Time now)
{
    const auto time = parse_time(build);
    return time && now - *time > kOldDatabase ? relative_time(*time, now) : "";
}

Finding judge_age(const Json& geo, Time now)
{
    constexpr auto kCheck = "database.age";
    constexpr auto kNewer = "get a newer database; it is loaded as soon as it is in place (geo status)";
    const auto& databases = member_of(geo, "databases");
    if (databases.empty()) {
        return {kCheck, Judged::hint, "no database: addresses are placed by `overrides` alone",
                "name one in `geo.databases` of the configuration"};
    }
    std::vector<std::string> old;
    for (const auto& database : databases) {
        const auto build = text_of(database, "build");
        const auto time = parse_time(build);
        if (time && *time > now + 24h) {
            return {"database.age", Judged::wrong,
                    fmt::format("{} was built in the future ({})", text_of(database, "path"), build),
                    "set the clock: timedatectl set-ntp true"};
        }
        if (const auto age = too_old(build, now); !age.empty()) {
            old.push_back(fmt::format("{} was built {}", text_of(database, "path"), age));
        }
    }
    return old.empty()
               ? Finding{kCheck, Judged::good, "built " + with_relative_time(text_of(geo, "build"), now)}
               : Finding{kCheck, Judged::hint, fmt::format("{}: addresses have moved since", join(old, ", ")),
                         kNewer};
}

double fill(std::uint64_t used, std::uint64_t room)
{
    return room == 0 ? 0 : static_cast<double>(used) / static_cast<double>(room);
}

struct Fill {
    std::string name;
    std::uint64_t used = 0, room = 0;
};

std::vector<Fill> tables_of(const Json& status)
{
    std::vector<Fill> tables;
    for (const auto& [name, table] : member_of(status, "tables").items()) {
        tables.push_back({name, number_of(table, "used"), number_of(table, "room")});
    }
    const auto& flows = member_of(status, "flows");
    if (flows.is_object() && std::ranges::find(tables, "flows", &Fill::name) == tables.end()) {
        tables.push_back({"flows", number_of(flows, "confirmed"), number_of(flows, "room")});
    }
    return tables;
}

std::string fill_text(const Fill& table)
{
    return fmt::format("{} {:.0f} % full ({} of {})", table.name, fill(table.used, table.room) * 100,
                       grouped(table.used), grouped(table.room));
}

bool still_wanted(const Json& rule, Time now)
{
    const auto until = parse_time(text_of(rule, "until"));
    return until && *until > now;
}

} // namespace

Findings judge_reachable(const Error* unreachable, bool nobody_listens, const Json& status,
                         std::string_view own_version)
{
    if (unreachable == nullptr) {
        return {{"daemon", Judged::good, "answers"}, judge_version(status, own_version)};
    }
    if (nobody_listens) {
        return {{"daemon", Judged::wrong,
                 "does not run: what is in force stays so, and nothing new comes into force",
                 "systemctl start meetfenced; journalctl -u meetfenced tells why it ended"}};
    }
    if (unreachable->code == ErrorCode::forbidden || unreachable->message.starts_with("permission denied")) {
        return {{"daemon", Judged::unknown, "this user may not ask it",
                 "run it as root, or join the group of viewers (control.viewers)"}};
    }
    return {{"daemon", Judged::wrong, unreachable->message, "systemctl status meetfenced"}};
}

Finding judge_pins(const Error* failure, const std::string& bpf_dir, bool privileged, std::size_t interfaces)
{
    constexpr auto kCheck = "pins";
    if (failure == nullptr) {
        return {kCheck, Judged::good,
                fmt::format("whole, of this version's layout, {}",
                            count_of(interfaces, "interface", "interfaces"))};
    }
    if (failure->code == ErrorCode::conflict) {
        return {kCheck, Judged::wrong, failure->message,
                "systemctl restart meetfenced takes them over; or `meetfenced --detach` removes them"};
    }
    if (!privileged) {
        return {kCheck, Judged::unknown, fmt::format("this user may not open what is in {}", bpf_dir),
                kAsRoot};
    }
    if (failure->code == ErrorCode::not_found) {
        return {kCheck, Judged::wrong,
                fmt::format("nothing whole is pinned in {}: nothing is filtered", bpf_dir),
                "systemctl restart meetfenced makes them anew"};
    }
    return {kCheck, Judged::wrong, failure->message, "systemctl restart meetfenced makes them anew"};
}

Findings judge_database(const Json& geo, Time now)
{
    Findings findings;
    const auto prefixes = number_of(geo, "prefixes_v4") + number_of(geo, "prefixes_v6");
    findings.push_back(prefixes == 0
                           ? Finding{"database", Judged::wrong,
                                     "no address is placed: no rule keeps a country out",
                                     "put a database in place (geo.databases), then meetfencectl geo reload"}
                           : Finding{"database", Judged::good,
                                     fmt::format("{} IPv4 and {} IPv6 prefixes are placed",
                                                 grouped(number_of(geo, "prefixes_v4")),
                                                 grouped(number_of(geo, "prefixes_v6")))});
    if (prefixes != 0) {
        findings.push_back(judge_age(geo, now));
    }
    if (const auto problem = text_of(geo, "problem"); !problem.empty()) {
        findings.push_back({"database.load", Judged::wrong, "the last load was refused: " + problem,
                            "meetfencectl geo diff FILE tells more; geo reload tries again"});
    }
    return findings;
}

Findings judge_tables(const Json& status)
{
    Findings findings;
    Fill fullest;
    for (const auto& table : tables_of(status)) {
        const auto part = fill(table.used, table.room);
        if (part > kNearlyFull) {
            findings.push_back({"tables." + table.name, part > kFull ? Judged::wrong : Judged::hint,
                                fill_text(table),
                                "raise `limits` in the configuration, then restart meetfenced"});
        }
        if (fullest.name.empty() || part > fill(fullest.used, fullest.room)) {
            fullest = table;
        }
    }
    if (findings.empty() && !fullest.name.empty()) {
        findings.push_back({"tables", Judged::good, "the fullest: " + fill_text(fullest)});
    }
    return findings;
}

Finding judge_scope(const Json& status)
{
    const auto outside = number_of(member_of(status, "packets"), "dropped_outside_scope");
    const auto checked = number_of(member_of(status, "check"), "checked");
    if (outside == 0) {
        return {"scope", Judged::good,
                fmt::format("every drop is a rule's; {} judged again", count_of(checked, "was", "were"))};
    }
    return {
        "scope", Judged::wrong,
        fmt::format("{} dropped that no rule accounts for", count_of(outside, "packet was", "packets were")),
        "meetfencectl events names the rule; unblock it, and report this as a defect"};
}

Findings judge_suspended(const Json& rules, const Json& status, Time now)
{
    Findings findings;
    for (const auto& rule : rules) {
        if (text_of(rule, "suspended") == "true" && still_wanted(rule, now)) {
            findings.push_back(
                {"rule." + text_of(rule, "id"), Judged::wrong,
                 fmt::format("the running check suspended it: {} is not kept out of meeting {}",
                             text_of(rule, "id"), text_of(rule, "meeting")),
                 fmt::format("meetfencectl rule show {} tells why; ask for a new rule once that is "
                             "mended",
                             text_of(rule, "id"))});
        }
    }
    if (const auto orders = number_of(member_of(status, "orders"), "suspended"); orders > 0) {
        findings.push_back({"orders", Judged::wrong,
                            count_of(orders, "order is suspended", "orders are suspended"),
                            "meetfencectl order list --state suspended"});
    }
    return findings;
}

Finding judge_audit(std::string_view lines, const Json& status)
{
    constexpr auto kCheck = "audit";
    constexpr auto kVerify = "meetfencectl audit verify tells where; keep the files as they are";
    const auto& known = member_of(status, "audit");
    std::optional<audit::Chain> chain;
    std::uint64_t entries = 0;
    for (std::size_t begin = 0; begin < lines.size(); ++entries) {
        const auto end = std::min(lines.find('\n', begin), lines.size());
        const auto line = lines.substr(begin, end - begin);
        if (!chain) {
            // What stands before the first of them is taken at its word.
            const auto first = audit::parse_line(line);
            chain.emplace(first ? audit::Head{first->sequence - 1, first->prev} : audit::Head{});
        }
        if (const auto entry = chain->take(line); !entry) {
            return {kCheck, Judged::wrong, "the log does not hold: " + entry.error().message, kVerify};
        }
        begin = end + 1;
    }
    const auto head = chain ? chain->head() : audit::Head{};
    // Others may have been written since the daemon was asked.
    if (head.sequence < number_of(known, "sequence") ||
        (head.sequence == number_of(known, "sequence") && head.sequence > 0 &&
         head.hash != text_of(known, "hash"))) {
        return {kCheck, Judged::wrong,
                fmt::format("the log ends with entry {}, and the daemon knows entry {}", head.sequence,
                            number_of(known, "sequence")),
                kVerify};
    }
    return {kCheck, Judged::good,
            entries == 0 ? "no entries yet"
                         : fmt::format("nothing changed, removed or reordered in the last {}",
                                       count_of(entries, "entry", "entries"))};
}

} // namespace meetfence::ctl
