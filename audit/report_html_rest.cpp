// SPDX-License-Identifier: Apache-2.0
// Where the figures come from, what hosts asked for, and what went wrong.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "audit/chart.h"
#include "audit/html.h"
#include "audit/report_html_parts.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

constexpr std::size_t kMostBuilds = 3; // named one by one; more, by the first and the last

std::string fact(std::string_view name, std::string_view markup)
{
    return fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), markup);
}

std::string note(std::string_view text)
{
    return fmt::format("<div class=\"note alarm\" role=\"note\">{}</div>\n", paragraph(text));
}

// What makes the log less than the whole truth.
std::string log_notes(const Report& report)
{
    std::string markup;
    for (const auto& incident : report.incidents) {
        if (incident.what == "log_truncated" && incident.count > 0) {
            markup += note("The log was found shorter than it had been: entries are missing, and this report "
                           "lacks what they said.");
        }
    }
    if (report.log.entries > 0 && report.log.first_sequence != 1) {
        markup +=
            note(fmt::format("The log given begins with entry {}: what came before is not in this report.",
                             report.log.first_sequence));
    }
    if (report.log.unreadable > 0) {
        markup += note(fmt::format("{} did not say what they are about, and are not in this report.",
                                   count_words(report.log.unreadable, "entry", "entries")));
    }
    return markup;
}

std::string bucket_label(const TimeBucket& bucket)
{
    const auto day = day_words(bucket.begin);
    const auto length = bucket.end - bucket.begin;
    if (length >= std::chrono::days(28)) {
        return day.substr(day.find(' ') + 1); // "Nov 2026"
    }
    const auto short_day = day.substr(0, day.rfind(' '));
    return length >= std::chrono::days(1) ? short_day
                                          : short_day + ", " + format_time(bucket.begin).substr(11, 5);
}

std::string bucket_figure(const Report& report, bool of_orders, std::string_view table)
{
    std::vector<ChartRow> rows;
    std::uint64_t most = 0;
    for (const auto& bucket : report.over_time) {
        rows.push_back({bucket_label(bucket), {of_orders ? bucket.order_rules : bucket.host_rules}});
        most = std::max(most, rows.back().values.front());
    }
    const std::string_view title = of_orders ? "Rules in force under orders" : "Rules in force by hosts";
    const auto chart = columns({of_orders ? "orders-over-time" : "hosts-over-time", title,
                                fmt::format("{} parts of the period, at most {} in one of them. The table "
                                            "below has all figures.",
                                            rows.size(), most)},
                               of_orders ? "c1" : "c2", rows);
    return figure(title,
                  most > 0    ? chart
                  : of_orders ? none("No rule under an order was in force.")
                              : none("No rule of a host was in force."),
                  table);
}

struct Builds {
    std::set<Time> dates;
    bool undated = false;
};

std::string builds_cell(const Builds& builds)
{
    std::string markup;
    if (builds.dates.size() > kMostBuilds) {
        markup = fmt::format("{} builds, {} to {}", builds.dates.size(),
                             time_markup(*builds.dates.begin(), day_words(*builds.dates.begin())),
                             time_markup(*builds.dates.rbegin(), day_words(*builds.dates.rbegin())));
    } else {
        for (const auto& date : builds.dates) {
            markup += (markup.empty() ? "" : "; ") + time_markup(date, day_words(date));
        }
    }
    return builds.undated ? markup + (markup.empty() ? "not known" : "; not known") : markup;
}

std::string agreement_words(std::string_view agreement)
{
    return agreement == "all"     ? "all: a country only where every database that knows an address agrees"
           : agreement == "first" ? "first: the first database that knows an address decides"
           : agreement.empty()    ? "not known"
                                  : std::string(agreement);
}

} // namespace

std::string definitions_markup()
{
    std::string markup = "<dl class=\"terms\">\n";
    for (const auto& [term, meaning] : definitions()) {
        markup += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(term), escaped(meaning));
    }
    return markup + "</dl>\n";
}

std::string period_markup(const Report& report)
{
    const auto& log = report.log;
    auto markup =
        "<dl class=\"facts\">\n" +
        fact("From", report.since == Time{}
                         ? log.first_time ? "the beginning of the log, " +
                                                time_markup(*log.first_time, time_words(*log.first_time))
                                          : "the beginning of the log"
                         : time_markup(report.since, time_words(report.since))) +
        fact("Up to, not including", time_markup(report.until, time_words(report.until)));
    if (log.entries > 0) {
        markup +=
            fact("Computed from", fmt::format("entries {} to {} of the audit log",
                                              grouped(log.first_sequence), grouped(log.last_sequence))) +
            fact("Hash of the last entry", element("span", "hash", escaped(log.last_hash)));
    } else {
        markup += fact("Computed from", "an audit log without entries in or before the period");
    }
    return markup + "</dl>\n" + log_notes(report);
}

std::string hosts_markup(const Report& report)
{
    const auto& hosts = report.hosts;
    if (hosts.rules == 0) {
        return none("No host’s rule was in force in the period.");
    }
    auto markup =
        paragraph(
            "A meeting’s host can ask to keep people out of their own meeting. No authority has a part in "
            "this.") +
        "<dl class=\"facts\">\n" +
        fact("Rules in force in the period", fmt::format("{}, of which {} began in it", grouped(hosts.rules),
                                                         hosts.begun == 0 ? "none" : grouped(hosts.begun))) +
        fact("Meetings", grouped(hosts.meetings)) +
        fact("Duration", hosts.durations.median
                             ? escaped(fmt::format("{} in the middle, {} at most, of {} that ended",
                                                   duration_words(*hosts.durations.median),
                                                   duration_words(*hosts.durations.longest),
                                                   count_words(hosts.durations.count, "rule", "rules")))
                             : "none has ended") +
        fact("Packets", grouped(hosts.packets_dropped)) +
        fact("Drops checked",
             fmt::format("{}, of which {} outside what the host asked for", grouped(hosts.drops_checked),
                         hosts.drops_outside_scope == 0 ? "none" : grouped(hosts.drops_outside_scope))) +
        fact("Rules suspended", hosts.suspended == 0 ? "none" : grouped(hosts.suspended)) + "</dl>\n";
    HtmlTable table{"hosts-table",
                    "A rule for several countries counts for each of them.",
                    {{"Kept out"}, {"Rules", true}},
                    {}};
    for (const auto& [code, rules] : hosts.by_country) {
        table.rows.push_back({escaped(country_words(code)), grouped(rules)});
    }
    for (const auto& [name, rules] : {std::pair("All but named countries", hosts.all_but),
                                      std::pair("A single participant", hosts.participant)}) {
        if (rules > 0) {
            table.rows.push_back({name, grouped(rules)});
        }
    }
    return markup + (table.rows.empty() ? "" : markup_of(table));
}

std::string over_time_markup(const Report& report)
{
    if (std::ranges::all_of(report.over_time, [](const TimeBucket& bucket) {
            return bucket.order_rules + bucket.host_rules == 0;
        })) {
        return none("No rule was in force in the period.");
    }
    HtmlTable table{
        "over-time-table",
        "Rules that were in force at any moment of each part of the period. Each part ends where the "
        "next begins.",
        {{"From"}, {"Under orders", true}, {"By hosts", true}},
        {}};
    for (const auto& bucket : report.over_time) {
        const bool whole_day = bucket.begin == std::chrono::floor<std::chrono::days>(bucket.begin);
        table.rows.push_back(
            {time_markup(bucket.begin, whole_day ? day_words(bucket.begin) : time_words(bucket.begin)),
             grouped(bucket.order_rules), grouped(bucket.host_rules)});
    }
    return bucket_figure(report, true, "") + bucket_figure(report, false, markup_of(table));
}

std::string outside_markup(const Report& report)
{
    const auto& check = report.order_check;
    auto markup =
        "<dl class=\"facts\">\n" +
        fact("Drops outside an order’s scope",
             check.drops_checked == 0 && check.drops_outside_scope == 0
                 ? std::string("none found, and none checked")
                 : fmt::format("<strong>{}</strong> of {} that were checked",
                               check.drops_outside_scope == 0 ? "none" : grouped(check.drops_outside_scope),
                               grouped(check.drops_checked))) +
        fact("Rules under orders suspended for it",
             check.rules_suspended == 0 ? "none" : grouped(check.rules_suspended)) +
        "</dl>\n";
    if (check.drops_checked == 0) {
        markup +=
            paragraph("No drop of a rule that ended in the period was checked. So nothing was measured.");
    }
    return markup + "<h3>How it is measured</h3>\n" + paragraph(scope_measurement());
}

std::string incidents_markup(const Report& report)
{
    auto markup = report.orders.suspended == 0
                      ? none("No order was suspended.")
                      : paragraph(fmt::format("{} suspended.", count_words(report.orders.suspended,
                                                                           "order was", "orders were")));
    if (std::ranges::all_of(report.incidents,
                            [](const IncidentCount& incident) { return incident.count == 0; })) {
        return markup + none("No rule was suspended, no database refused, no change failed, and the log is "
                             "without a break.");
    }
    HtmlTable table{
        "incidents-table", "Events in the period.", {{"What"}, {"Times", true}, {"Last", true}}, {}};
    for (const auto& incident : report.incidents) {
        table.rows.push_back(
            {escaped(incident_words(incident.what)), grouped(incident.count),
             incident.last ? time_markup(*incident.last, day_words(*incident.last)) : "none"});
    }
    return markup + markup_of(table);
}

std::string refusals_markup(const Report& report)
{
    if (report.refusals.empty() && report.refusals_omitted == 0) {
        return none("No request was refused.");
    }
    HtmlTable table{"refusals-table",
                    "Requests that changed nothing, by the reason given. Guardrails have a code.",
                    {{"Code"}, {"What was refused"}, {"Requests", true}},
                    {}};
    for (const auto& refusal : report.refusals) {
        const auto words = refusal.code.empty()
                               ? fmt::format("Not by a guardrail; answered with status {}", refusal.status)
                               : std::string(refusal_words(refusal.code));
        table.rows.push_back({refusal.code.empty() ? "none" : element("code", "", escaped(refusal.code)),
                              words.empty() ? "See the program’s documentation" : escaped(words),
                              grouped(refusal.count)});
    }
    return (table.rows.empty() ? "" : markup_of(table)) +
           (report.refusals_omitted == 0
                ? ""
                : paragraph(
                      fmt::format("Beyond these, {} refused at so high a rate that each was only counted.",
                                  count_words(report.refusals_omitted, "request was", "requests were"))));
}

std::string views_markup(const Report& report)
{
    if (report.addresses_shown == 0) {
        return none("Nobody looked at participants’ addresses.");
    }
    return paragraph(
        fmt::format("Participants’ network addresses were looked at {}. An operator has to give a purpose, "
                    "which is in the "
                    "audit log; the addresses are not kept.",
                    report.addresses_shown == 1 ? "once" : grouped(report.addresses_shown) + " times"));
}

std::string databases_markup(const Report& report)
{
    std::map<std::string, Builds> by_type;
    std::set<std::string> agreements;
    for (const auto& use : report.geo) {
        agreements.insert(agreement_words(use.agreement));
        for (const auto& database : use.databases) {
            auto& builds = by_type[database.type];
            if (database.build) {
                builds.dates.insert(*database.build);
            } else {
                builds.undated = true;
            }
        }
    }
    if (by_type.empty()) {
        return none("No country database was in use.");
    }
    HtmlTable table{"databases-table",
                    "Databases in use in the period, by the date of their build.",
                    {{"Database"}, {"Built"}},
                    {}};
    for (const auto& [type, builds] : by_type) {
        table.rows.push_back({type.empty() ? "not known" : foreign(type), builds_cell(builds)});
    }
    auto markup = markup_of(table) + "<dl class=\"facts\">\n";
    for (const auto& agreement : agreements) {
        markup += fact("Agreement", foreign(agreement));
    }
    return markup + "</dl>\n";
}

std::string checking_markup(const Report& report)
{
    const auto since = report.since == Time{} ? std::string() : " --since " + format_time(report.since);
    return paragraph(
               "Every figure follows from the audit log alone. Each entry of the log holds the hash of the "
               "one before, so that nothing can be changed, removed or put in later without being found. "
               "Whoever holds the log and the key of the meetings’ hashes computes this page again, byte "
               "for byte:") +
           fmt::format("<p><code>meetfencectl audit verify</code><br/><code>meetfencectl report{} --until {} "
                       "--format html</code></p>\n",
                       since, format_time(report.until)) +
           paragraph(
               "What orders say in words about people and places, case numbers and the hashes of letters are "
               "in the log, and not in this report.");
}

} // namespace meetfence::audit
