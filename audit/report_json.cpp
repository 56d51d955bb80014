// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "audit/report.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

constexpr int kSchemaVersion = 1;

Json json_of(const std::optional<Time>& time)
{
    return time ? Json(format_time(*time)) : Json();
}

Json json_of(const std::optional<std::chrono::seconds>& duration)
{
    return duration ? Json(duration->count()) : Json();
}

Json json_of(const std::string& text)
{
    return text.empty() ? Json() : Json(text);
}

// A number where it is one.
Json json_of(const People& people)
{
    return people.exact() ? Json(people.least()) : Json(people.text());
}

Json json_of(const DurationSummary& summary)
{
    return {{"count", summary.count},
            {"median_seconds", json_of(summary.median)},
            {"longest_seconds", json_of(summary.longest)}};
}

Json json_of(const Tally& tally)
{
    return {{"undecided_before", tally.undecided_before},
            {"received", tally.received},
            {"approved", tally.approved()},
            {"approved_as_asked", tally.approved_as_asked},
            {"narrowed", tally.narrowed},
            {"rejected", tally.rejected},
            {"withdrawn_undecided", tally.withdrawn_undecided},
            {"lapsed", tally.lapsed},
            {"undecided_after", tally.undecided_after},
            {"running_before", tally.running_before},
            {"extended", tally.extended},
            {"expired", tally.expired},
            {"withdrawn", tally.withdrawn},
            {"suspended", tally.suspended},
            {"running_after", tally.running_after},
            {"in_force_after", tally.in_force_after},
            {"participants_affected", json_of(tally.participants)},
            {"packets_dropped", tally.packets_dropped}};
}

Json with_name(std::string_view key, const std::string& name, const Tally& tally)
{
    Json json{{key, name}};
    json.update(json_of(tally));
    return json;
}

Json json_of(const OrderRow& row)
{
    return {{"order", row.order},
            {"authority", json_of(row.authority)},
            {"authority_type", row.authority_type},
            {"office", json_of(row.office)},
            {"jurisdiction", row.jurisdiction},
            {"legal_basis", json_of(row.legal_basis)},
            {"category", json_of(row.category)},
            {"channel", row.channel},
            {"issued", json_of(row.issued)},
            {"received", json_of(row.received)},
            {"recorded", json_of(row.recorded)},
            {"decision", to_text(row.decision)},
            {"reason", json_of(row.reason)},
            {"decided", json_of(row.decided)},
            {"time_to_decide_seconds", json_of(row.to_decide)},
            {"from", json_of(row.from)},
            {"asked_until", row.asked_until ? json_of(row.asked_until) : Json("none named")},
            {"asked_seconds", json_of(row.asked)},
            {"expires", json_of(row.expires)},
            {"extensions", row.extensions},
            {"state", row.state},
            {"ended", json_of(row.ended)},
            {"applied_seconds", row.applied.count()},
            {"meetings", row.meetings},
            {"rules", row.rules},
            {"rules_not_ended", row.rules_not_ended},
            {"participants_affected", json_of(row.participants)},
            {"packets_dropped", row.packets_dropped},
            {"bytes_dropped", row.bytes_dropped},
            {"drops_checked", row.drops_checked},
            {"drops_outside_scope", row.drops_outside_scope},
            {"was_under_gag", row.gag}};
}

Json orders_json(const Report& report)
{
    auto json = json_of(report.orders);
    json["meetings_restricted"] = report.meetings;
    auto& by_jurisdiction = json["by_jurisdiction"] = Json::array();
    for (const auto& [code, tally] : report.by_jurisdiction) {
        by_jurisdiction.push_back(with_name("jurisdiction", code, tally));
    }
    auto& by_type = json["by_authority_type"] = Json::array();
    for (const auto& [type, tally] : report.by_authority_type) {
        by_type.push_back(with_name("authority_type", type, tally));
    }
    auto& rejections = json["rejections"] = Json::array();
    for (const auto& [reason, count] : report.rejections) {
        rejections.push_back(
            {{"reason", reason},
             {"orders", count.orders},
             {"by_jurisdiction",
              count.by_jurisdiction.empty() ? Json::object() : Json(count.by_jurisdiction)}});
    }
    auto& rows = json["rows"] = Json::array();
    for (const auto& row : report.rows) {
        rows.push_back(json_of(row));
    }
    json["rows_withheld"] = report.withheld;
    json["rows_withheld_without_end"] = report.withheld_without_end;
    return json;
}

Json decision_times_json(const DecisionTimes& times)
{
    auto json = json_of(times.all);
    auto& classes = json["classes"] = Json::array();
    for (std::size_t i = 0; i < kClasses; ++i) {
        classes.push_back({{"class", kClassNames.at(i)},
                           {"approved", times.approved.at(i)},
                           {"rejected", times.rejected.at(i)}});
    }
    return json;
}

Json durations_json(const OrderDurations& durations)
{
    Json json{{"asked", json_of(durations.asked)},
              {"asked_none_named", durations.none_named},
              {"applied", json_of(durations.applied)}};
    auto& classes = json["classes"] = Json::array();
    for (std::size_t i = 0; i < kClasses; ++i) {
        classes.push_back({{"class", kClassNames.at(i)},
                           {"asked", durations.asked_classes.at(i)},
                           {"applied", durations.applied_classes.at(i)}});
    }
    return json;
}

Json hosts_json(const HostRestrictions& hosts)
{
    return {{"rules", hosts.rules},
            {"begun", hosts.begun},
            {"meetings", hosts.meetings},
            {"by_country", hosts.by_country.empty() ? Json::object() : Json(hosts.by_country)},
            {"all_but_some_countries", hosts.all_but},
            {"single_participant", hosts.participant},
            {"durations", json_of(hosts.durations)},
            {"packets_dropped", hosts.packets_dropped},
            {"drops_checked", hosts.drops_checked},
            {"drops_outside_scope", hosts.drops_outside_scope},
            {"rules_suspended", hosts.suspended}};
}

Json over_time_json(const std::vector<TimeBucket>& buckets)
{
    auto json = Json::array();
    for (const auto& bucket : buckets) {
        json.push_back({{"from", format_time(bucket.begin)},
                        {"until", format_time(bucket.end)},
                        {"order_rules", bucket.order_rules},
                        {"host_rules", bucket.host_rules}});
    }
    return json;
}

Json geo_json(const std::vector<GeoUse>& uses)
{
    auto json = Json::array();
    for (const auto& use : uses) {
        auto databases = Json::array();
        for (const auto& database : use.databases) {
            databases.push_back({{"type", json_of(database.type)},
                                 {"build", json_of(database.build)},
                                 {"sha256", json_of(database.sha256)}});
        }
        json.push_back({{"since", format_time(use.since)},
                        {"agreement", json_of(use.agreement)},
                        {"databases", std::move(databases)}});
    }
    return json;
}

Json refusals_json(const Report& report)
{
    auto by_code = Json::array();
    for (const auto& refusal : report.refusals) {
        by_code.push_back({{"code", json_of(refusal.code)},
                           {"status", refusal.code.empty() ? Json(refusal.status) : Json()},
                           {"count", refusal.count}});
    }
    return {{"by_code", std::move(by_code)}, {"more_not_kept", report.refusals_omitted}};
}

Json incidents_json(const std::vector<IncidentCount>& incidents)
{
    auto json = Json::object();
    for (const auto& incident : incidents) {
        json[incident.what] = {{"count", incident.count}, {"last", json_of(incident.last)}};
    }
    return json;
}

} // namespace

Json to_json(const Report& report)
{
    auto terms = Json::array();
    for (const auto& [term, meaning] : definitions()) {
        terms.push_back({{"term", term}, {"meaning", meaning}});
    }
    const auto& log = report.log;
    return {{"schema", "meetfence-transparency-report"},
            {"schema_version", kSchemaVersion},
            {"definitions", std::move(terms)},
            {"period",
             {{"since", report.since == Time{} ? Json() : Json(format_time(report.since))},
              {"until", format_time(report.until)}}},
            {"log",
             {{"entries", log.entries},
              {"first_sequence", log.first_sequence},
              {"first_time", json_of(log.first_time)},
              {"last_sequence", log.last_sequence},
              {"last_hash", json_of(log.last_hash)},
              {"unreadable", log.unreadable}}},
            {"orders", orders_json(report)},
            {"time_to_decide", decision_times_json(report.decision_times)},
            {"duration", durations_json(report.durations)},
            {"host_restrictions", hosts_json(report.hosts)},
            {"over_time", over_time_json(report.over_time)},
            {"outside_jurisdiction",
             {{"drops_outside_scope", report.order_check.drops_outside_scope},
              {"drops_checked", report.order_check.drops_checked},
              {"rules_suspended", report.order_check.rules_suspended},
              {"measured_by", scope_measurement()}}},
            {"incidents", incidents_json(report.incidents)},
            {"refused_requests", refusals_json(report)},
            {"addresses_shown", report.addresses_shown},
            {"databases", geo_json(report.geo)}};
}

} // namespace meetfence::audit
