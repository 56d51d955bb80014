// SPDX-License-Identifier: Apache-2.0
#include "audit/report_notes.h"

#include <algorithm>

#include "audit/report_body.h"

namespace meetfence::audit {
namespace {

constexpr auto kIncidents = std::to_array<std::string_view>(
    {"rule_suspended", "geo_refused", "change_failed", "changes_undone", "log_recovered", "log_truncated"});

GeoUse geo_use(const Entry& entry)
{
    GeoUse use{entry.time, text_of(entry.body, "agreement"), {}};
    const auto& databases = member_of(entry.body, "databases");
    if (databases.is_array()) {
        for (const auto& database : databases) {
            use.databases.push_back(
                {text_of(database, "type"), text_of(database, "sha256"), time_of(database, "build")});
        }
    }
    return use;
}

} // namespace

Notes::Notes(Time since, Time until)
{
    report.since = since;
    report.until = until;
    for (const auto what : kIncidents) {
        report.incidents.push_back({std::string(what), 0, {}});
    }
}

void Notes::take(const Entry& entry)
{
    note_undone(entry); // by whatever came later
    if (entry.time >= report.until) {
        return;
    }
    note_extent(entry);
    if (entry.what.starts_with("rule_")) {
        note_rule(entry);
    } else if (entry.what.starts_with("order_")) {
        note_order(entry);
    } else if (entry.what == "geo_loaded") {
        note_geo(entry);
    }
    if (in_period(entry.time)) {
        note_event(entry);
    }
}

void Notes::note_undone(const Entry& entry)
{
    const auto& body = entry.body;
    if (entry.what == "change_failed" && number_of(body, "sequence") < entry.sequence) {
        const auto last = number_of(body, "sequence");
        const auto first = number_of(body, "first"); // where one change left several entries
        undone.add(first == 0 ? last : first, last);
    } else if (entry.what == "changes_undone" && entry.sequence > 0) {
        undone.add(number_of(body, "first"), std::min(number_of(body, "last"), entry.sequence - 1));
    }
}

void Notes::note_extent(const Entry& entry)
{
    auto& log = report.log;
    if (log.entries++ == 0) {
        log.first_sequence = entry.sequence;
        log.first_time = entry.time;
    }
    log.last_sequence = entry.sequence;
    log.last_hash = harmless(entry.hash);
}

void Notes::note_rule(const Entry& entry)
{
    const auto id = text_of(entry.body, "rule");
    if (id.empty()) {
        ++report.log.unreadable;
        return;
    }
    const auto [it, is_new] = rules.try_emplace(id);
    if (is_new) {
        const auto name = text_of(entry.body, "meeting");
        const auto [number, first] =
            meeting_numbers.emplace(name, static_cast<std::uint32_t>(meeting_names.size()));
        if (first) {
            meeting_names.push_back(name);
        }
        it->second.meeting = number->second;
    }
    note(it->second, entry);
}

void Notes::note_order(const Entry& entry)
{
    const auto id = text_of(entry.body, "order");
    if (id.empty()) {
        ++report.log.unreadable;
        return;
    }
    orders[id].push_back({entry.sequence, entry.time, entry.what, entry.body});
}

void Notes::note_geo(const Entry& entry)
{
    if (entry.time < report.since) {
        report.geo.clear();
    }
    report.geo.push_back(geo_use(entry));
}

void Notes::note_event(const Entry& entry)
{
    for (auto& incident : report.incidents) {
        if (incident.what == entry.what && entry.what != "rule_suspended") {
            ++incident.count;
            incident.last = entry.time;
        }
    }
    if (entry.what == "request_refused") {
        note_refusal(entry);
    } else if (entry.what == "refusals_omitted") {
        report.refusals_omitted += number_of(entry.body, "count");
    } else if (entry.what == "addresses_shown") {
        ++report.addresses_shown;
    }
}

void Notes::note_refusal(const Entry& entry)
{
    auto code = text_of(entry.body, "code");
    const auto status = code.empty() ? number_of(entry.body, "status") : 0;
    ++refusals[{std::move(code), status}];
}

} // namespace meetfence::audit
