// SPDX-License-Identifier: Apache-2.0
#include "ctl/command_table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

#include "ctl/commands/commands.h"
#include "model/suggest.h"

namespace meetfence::ctl {
namespace {

using enum Option::Kind;

constexpr auto kGlobal = std::to_array<Option>({
    {"socket", value, "PATH", "the daemon's control socket (default /run/meetfence/control.sock)"},
    {"json", flag, "", "answer as JSON"},
    {"bpf-dir", value, "DIR", "where the kernel objects are pinned, for status without the daemon"},
    {"version", flag, "", "print the version"},
    {"help", flag, "", "print this help"},
});

constexpr auto kTop = std::to_array<Option>({
    {"interval", value, "D", "how long each round takes, such as 5s (default 1s)"},
    {"count", value, "N", "end after so many rounds"},
});

constexpr auto kDoctor = std::to_array<Option>({
    {"config", value, "FILE", "whose interfaces to look at where the daemon does not answer"},
});

constexpr auto kMeetingAdd = std::to_array<Option>({
    {"endpoint", values, "E", "a local address that carries this meeting only, such as udp:198.18.0.1:40000"},
    {"shared-endpoint", values, "E", "a local address that carries other meetings as well"},
    {"turn-endpoint", values, "E", "a shared local address where packets come within TURN"},
    {"until", value, "T", "when the meeting and its rules end, such as 2026-11-22T18:00:00Z"},
    {"for", value, "D", "the same as a duration from now: 90s 45m 2h 7d"},
});

constexpr auto kParticipantAdd = std::to_array<Option>({
    {"ufrag", values, "E=UFRAG", "the ufrag of the server's ICE agent for this person, at a shared endpoint"},
    {"flow", values, "LOCAL,REMOTE", "a flow, such as udp:198.18.0.1:10000,203.0.113.10:51000"},
});

constexpr auto kParticipantList = std::to_array<Option>({
    {"show-addresses", flag, "", "also the remote addresses; for operators only, and told to the audit log"},
    {"purpose", value, "TEXT", "what the addresses are looked at for, kept in the audit log"},
});

constexpr auto kOrderAdd = std::to_array<Option>({
    {"authority", value, "A", "who demands it, such as 'District Court 3'", true},
    {"authority-type", value, "TYPE", "court, agency or other (default)"},
    {"office", value, "TEXT", "the office or official within it"},
    {"jurisdiction", value, "CC", "its one country, and the only one that its rules can be about", true},
    {"legal-basis", value, "TEXT", "the law it is based on", true},
    {"case", value, "TEXT", "its case number"},
    {"issued", value, "T", "when it was issued"},
    {"received", value, "T", "when it was received, such as 2026-11-22T09:00:00Z", true},
    {"channel", value, "HOW", "portal, signed-pdf, email, post, oral or other (default)"},
    {"category", value, "C", "what it is about, for the report (default: other)"},
    {"requested", value, "TEXT", "the scope that was asked for"},
    {"requested-until", value, "T", "the end that was asked for"},
    {"narrowing", value, "TEXT", "what is done less than was asked for, and why"},
    {"meeting", values, "M", "the meetings that its rules may be about (default: any that a rule names)"},
    {"from", value, "T", "when its rules may begin (default: now)"},
    {"expires", value, "T", "when it ends with all its rules (default: 72 hours after its begin)"},
    {"for", value, "D", "the same as a duration from its begin: 90s 45m 2h 7d"},
    {"review", value, "T", "when it is to be looked at again (default where it lasts longer: after 7 days)"},
    {"gag", flag, "", "it must not be spoken of"},
    {"gag-until", value, "T", "the end of --gag"},
    {"document", value, "FILE", "the letter: its SHA-256 is kept, and nothing else of it"},
});

constexpr auto kYes = std::to_array<Option>({
    {"yes", flag, "", "do not ask at a terminal"},
});

constexpr auto kOrderReject = std::to_array<Option>({
    {"why", value, "W",
     "overbroad, no legal basis, no authority, outside jurisdiction, improperly served, oral only, or other "
     "words",
     true},
});

constexpr auto kOrderWithdraw = std::to_array<Option>({
    {"why", value, "W", "the reason, kept with the order", true},
    {"yes", flag, "", "do not ask at a terminal"},
});

constexpr auto kOrderExtend = std::to_array<Option>({
    {"expires", value, "T", "the later end"},
    {"for", value, "D", "the same as a duration from its present end: 90s 45m 2h 7d"},
    {"why", value, "W", "the reason, kept with the order", true},
    {"review", value, "T", "when it is to be looked at again"},
    {"yes", flag, "", "do not ask at a terminal"},
});

constexpr auto kOrderList = std::to_array<Option>({
    {"state", value, "S", "only those recorded, approved, rejected, active, expired, withdrawn or suspended"},
});

constexpr auto kBlock = std::to_array<Option>({
    {"country", values, "CC", "ISO 3166-1 codes, such as CN HK or CN,HK; CN, HK, MO and TW are four"},
    {"participant", value, "P", "this person and nobody else, wherever placed"},
    {"allow-only", values, "CC", "everyone outside these countries; who cannot be placed is let in"},
    {"order", value, "O", "an authority ordered it (default: the meeting's host asks)"},
    {"from", value, "T", "when it begins (default: now)"},
    {"until", value, "T",
     "when it ends (default: with its meeting or order, at the latest after policy.max_duration)"},
    {"for", value, "D", "the same as a duration from its begin: 90s 45m 2h 7d"},
    {"monitor", flag, "", "only count what would be dropped"},
    {"except", values, "PREFIX", "remote addresses that are never dropped by this rule"},
    {"dry-run", flag, "", "check and show, change nothing"},
    {"yes", flag, "", "do not ask at a terminal"},
});

constexpr auto kUnblock = std::to_array<Option>({
    {"why", value, "W", "the reason, kept with the rule"},
});

constexpr auto kImpact = std::to_array<Option>({
    {"country", values, "CC",
     "whom a rule against these countries would affect (default: the rules in force)"},
});

constexpr auto kExplain = std::to_array<Option>({
    {"from", value, "IP:PORT", "the remote address of the packet"},
    {"to", value, "E", "the local address of the packet, such as udp:198.18.0.1:40000"},
    {"ufrag", value, "U", "the packet is an ICE check that names this ufrag of the server"},
    {"packet", value, "HEX", "a whole Ethernet frame instead"},
});

constexpr auto kGeoReload = std::to_array<Option>({
    {"force", flag, "", "put the databases in force even where a check refuses them"},
});

constexpr auto kGeoDiff = std::to_array<Option>({
    {"replaces", value, "PATH", "the configured database that FILE would replace"},
});

constexpr auto kEvents = std::to_array<Option>({
    {"follow", flag, "", "go on with new events until interrupted"},
});

constexpr auto kAuditShow = std::to_array<Option>({
    {"from", value, "SEQ", "from this entry on (default: from the first)"},
    {"last", value, "N", "only the last N entries"},
});

constexpr auto kAuditVerify = std::to_array<Option>({
    {"head", value, "SEQ:HASH", "an entry that the log must have, as the journal has it"},
});

constexpr auto kReport = std::to_array<Option>({
    {"since", value, "T", "what happened from then on (default: everything)"},
    {"until", value, "T", "what happened before then (default: now)"},
    {"format", value, "FORMAT", "json (default), csv or html"},
    {"audit", value, "DIR", "from the files of an audit log there, verified, without the daemon"},
    {"key", value, "FILE",
     "with --audit: report.key of the state directory, which hides the names of meetings"},
});

constexpr auto kApply = std::to_array<Option>({
    {"dry-run", flag, "", "show what would change, change nothing"},
    {"yes", flag, "", "do not ask at a terminal before something is removed"},
});

constexpr std::size_t kAnyNumber = SIZE_MAX;

// Name, synopsis, help; least and most words; options; what it does. A table is read by its rows:
// clang-format off
constexpr auto kCommands = std::to_array<Command>({
    {"status", "", "interfaces, country tables, counters; also with the daemon dead", 0, 0, {}, run_status},
    {"top", "[--interval D] [--count N]",
     "rates by reason, country, meeting and rule, drawn anew each second; lines in a pipe", 0, 0, kTop, run_top},
    {"doctor", "[--config FILE]",
     "what is wrong with this host and the daemon, and what to do about it; status 1 if anything", 0, 0, kDoctor,
     run_doctor},
    {"meeting add", "M [--endpoint E…] [--shared-endpoint E…] [--turn-endpoint E…] [--until T | --for D]",
     "register a meeting and where its packets arrive", 1, 1, kMeetingAdd, run_meeting_add},
    {"meeting list", "", "all meetings", 0, 0, {}, run_meeting_list},
    {"meeting show", "M", "one meeting and its rules", 1, 1, {}, run_meeting_show},
    {"meeting remove", "M", "forget a meeting; its rules end, those under an order wait for it to come back", 1, 1, {},
     run_meeting_remove},
    {"participant add", "M P --ufrag E=UFRAG… | --flow LOCAL,REMOTE…",
     "tell how one person's packets are known in a meeting", 2, 2, kParticipantAdd, run_participant_add},
    {"participant list", "M [--show-addresses --purpose TEXT]",
     "who is known in a meeting, with countries; addresses only where somebody says what for", 1, 1,
     kParticipantList, run_participant_list},
    {"participant remove", "M P", "forget how one person's packets are known", 2, 2, {}, run_participant_remove},
    {"order add",
     "O --authority A --jurisdiction CC --legal-basis TEXT --received T [--meeting M…] [--expires T | --for D]"
     " [--document FILE] [OPTION…]",
     "record what an authority demands; nothing happens before it is approved", 1, 1, kOrderAdd, run_order_add},
    {"order approve", "O [--yes]", "approve an order, or its extension, that another user recorded", 1, 1, kYes,
     run_order_approve},
    {"order reject", "O --why W", "turn an order down", 1, 1, kOrderReject, run_order_reject},
    {"order withdraw", "O --why W [--yes]", "end an order and all its rules", 1, 1, kOrderWithdraw,
     run_order_withdraw},
    {"order extend", "O --expires T | --for D --why W [--review T] [--yes]",
     "ask for a later end; it takes new approvals", 1, 1, kOrderExtend, run_order_extend},
    {"order list", "[--state S]", "all orders", 0, 0, kOrderList, run_order_list},
    {"order show", "O", "one order, its rules, and what comes next", 1, 1, {}, run_order_show},
    {"block",
     "M --country CC… | --participant P | --allow-only CC… [--order O] [--from T] [--until T | --for D]"
     " [--monitor] [--except PREFIX…] [--dry-run] [--yes]",
     "keep countries, all but some countries, or one participant out of one meeting", 1, 1, kBlock, run_block},
    {"unblock", "RULE [--why W]", "withdraw a rule", 1, 1, kUnblock, run_unblock},
    {"rule list", "[M]", "all rules, or those of one meeting", 0, 1, {}, run_rule_list},
    {"rule show", "RULE", "one rule and its counters by direction and by country", 1, 1, {}, run_rule_show},
    {"rule enforce", "RULE", "let a rule drop packets", 1, 1, {}, run_rule_enforce},
    {"rule monitor", "RULE", "let a rule only count what it would drop", 1, 1, {}, run_rule_monitor},
    {"impact", "M [--country CC…]", "who is there and who would be affected, by country, as counts", 1, 1, kImpact,
     run_impact},
    {"explain", "--from IP:PORT --to E [--ufrag U] | --packet HEX",
     "the loaded program's verdict on a packet, and why", 0, 0, kExplain, run_explain},
    {"geo lookup", "IP… | -",
     "the country of addresses in the loaded tables; - reads them from stdin", 1, kAnyNumber, {}, run_geo_lookup},
    {"geo status", "", "the country tables and where they come from", 0, 0, {}, run_geo_status},
    {"geo reload", "[--force]", "read the country databases again", 0, 0, kGeoReload, run_geo_reload},
    {"geo rollback", "", "go back to the country table before the last load", 0, 0, {}, run_geo_rollback},
    {"geo diff", "FILE [--replaces PATH]",
     "what a country database would change; status 1 if it would be refused (- reads stdin)", 1, 1, kGeoDiff,
     run_geo_diff},
    {"events", "[--follow]", "what happened: first drops, participants kept out, changes of rules", 0, 0, kEvents, run_events},
    {"audit show", "[--from SEQ | --last N]", "who did what, and when; with --json the log's own lines", 0, 0,
     kAuditShow, run_audit_show},
    {"audit verify", "[DIR | FILE…] [--head SEQ:HASH]",
     "whether a line of the audit log was changed, removed or reordered, and where; of named files without the daemon",
     0, kAnyNumber, kAuditVerify, run_audit_verify},
    {"report", "[--since T] [--until T] [--format json|csv|html] [--audit DIR --key FILE]",
     "what was demanded and done, fit to be published", 0, 0, kReport, run_report},
    {"apply", "FILE [--dry-run] [--yes]",
     "make meetings and rules those of FILE, and no others (- reads stdin)", 1, 1, kApply, run_apply},
    {"diff", "FILE", "what apply would change; status 1 if anything", 1, 1, {}, run_diff},
    {"export", "", "meetings and rules in the form that apply reads", 0, 0, {}, run_export},
    {"completion bash", "", "the completion script of bash, as installed with the tool", 0, 0, {}, run_completion_bash},
});
// clang-format on

constexpr std::string_view kUsageLine = "usage: meetfencectl [--socket PATH] [--json] COMMAND …\n";
constexpr std::string_view kExitStatuses =
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 daemon unreachable;\n"
    "status: 10 some interface is not filtered.\n";

std::string list_commands(auto is_listed)
{
    std::size_t width = 0;
    for (const auto& command : kCommands) {
        width = std::max(width, command.name.size());
    }
    std::string text;
    for (const auto& command : kCommands) {
        if (is_listed(command)) {
            text += fmt::format("  {:<{}}  {}\n", command.name, width, command.help);
        }
    }
    return text;
}

std::string_view second_word(std::string_view name, std::string_view first)
{
    const bool follows = name.size() > first.size() && name.starts_with(first) && name[first.size()] == ' ';
    return follows ? name.substr(first.size() + 1) : std::string_view{};
}

} // namespace

std::span<const Command> commands()
{
    return kCommands;
}

std::span<const Option> global_options()
{
    return kGlobal;
}

const Command* find_command(std::string_view name)
{
    const auto* const it = std::ranges::find(kCommands, name, &Command::name);
    return it == kCommands.end() ? nullptr : &*it;
}

bool is_group(std::string_view name)
{
    return std::ranges::any_of(kCommands,
                               [&](const Command& c) { return !second_word(c.name, name).empty(); });
}

std::string general_help()
{
    return fmt::format("{}\nWithout a command: status.\n\n{}\nOptions:\n{}\n{}"
                       "Times are RFC 3339, such as 2026-11-22T18:00:00Z; durations 90s 45m 2h 7d.\n"
                       "'meetfencectl COMMAND --help' tells more about one command.\n",
                       kUsageLine, list_commands([](const Command&) { return true; }), options_help(kGlobal),
                       kExitStatuses);
}

std::string group_help(std::string_view group)
{
    return fmt::format("usage: meetfencectl {} COMMAND …\n\n{}", group,
                       list_commands([&](const Command& c) { return !second_word(c.name, group).empty(); }));
}

std::string command_help(const Command& command)
{
    auto text = fmt::format("usage: meetfencectl {}{}{}\n\n{}\n", command.name,
                            command.synopsis.empty() ? "" : " ", command.synopsis, command.help);
    if (!command.options.empty()) {
        text += "\nOptions:\n" + options_help(command.options);
    }
    return text + "\nOptions of every command:\n" + options_help(kGlobal);
}

std::string unknown_command(std::string_view name, std::string_view next_word)
{
    std::vector<std::string_view> candidates;
    for (const auto& command : kCommands) {
        const auto first = command.name.substr(0, command.name.find(' '));
        candidates.push_back(name.empty() ? first : second_word(command.name, name));
    }
    std::erase(candidates, std::string_view{});
    if (next_word.empty() || next_word.starts_with('-')) {
        return fmt::format("'{}' needs one word more: {}", name, fmt::join(candidates, ", "));
    }
    const auto prefix = name.empty() ? std::string{} : std::string(name) + " ";
    const auto near = nearest(next_word, candidates);
    return fmt::format("unknown command '{}{}'{}", prefix, next_word,
                       near.empty() ? "" : fmt::format(" (did you mean '{}{}'?)", prefix, near));
}

} // namespace meetfence::ctl
