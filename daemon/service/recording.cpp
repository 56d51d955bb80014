// SPDX-License-Identifier: Apache-2.0
// Service: what the audit log is told of each change, derived from the change itself, so that none can be
// forgotten.
#include <algorithm>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"
#include "model/order_json.h"

namespace meetfence::service {
namespace {

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

Json codes_of(const CountrySet& countries)
{
    auto list = Json::array();
    for (const auto country : countries.list()) {
        list.push_back(country.code());
    }
    return list;
}

// What stands in every entry about a rule.
Json rule_body(const Rule& rule)
{
    return {{"rule", rule.id()},
            {"meeting", rule.meeting},
            {"basis", rule.order.empty() ? "host" : "order"},
            {"order", text_or_null(rule.order)}};
}

Json rule_terms(const Rule& rule)
{
    return {{"mode", to_text(rule.mode)},
            {"from", format_time(rule.from)},
            {"until", format_time(rule.until)},
            {"pending", rule.pending}};
}

Json added_order_body(const Order& order)
{
    auto body = to_json(order.terms);
    body.erase("id");
    body["order"] = order.id();
    body["approvals_needed"] = order.approvals_needed;
    body["state"] = to_text(order.decided);
    return body;
}

} // namespace

// Whom it keeps out is told, but for a person, who is a hash there, and exceptions, which are addresses.
Json Service::added_rule_body(const Rule& rule) const
{
    auto body = rule_body(rule);
    const bool all_but = rule.whom == Whom::all_but;
    body["countries"] = codes_of(all_but ? CountrySet() : rule.countries);
    body["allow_only"] = codes_of(all_but ? rule.countries : CountrySet());
    body["participant"] = rule.participant.empty() ? Json(nullptr) : Json(trail_.hidden(rule.participant));
    body["exceptions"] = rule.except.size();
    body.update(rule_terms(rule));
    return body;
}

audit::Draft Service::draft_of(const Rule& rule, const Actor& actor) const
{
    if (!registry_.find_rule(rule.number)) {
        return {actor, "rule_added", added_rule_body(rule)};
    }
    auto body = rule_body(rule);
    if (rule.withdrawn) {
        body["why"] = text_or_null(rule.why);
        return {actor, rule.suspended ? "rule_suspended" : "rule_withdrawn", std::move(body)};
    }
    body.update(rule_terms(rule));
    return {actor, "rule_changed", std::move(body)};
}

std::vector<audit::Draft> Service::drafts_of(const store::Changes& changes, const Recording& recording) const
{
    auto drafts = recording.notes;
    for (const auto& order : changes.put_orders) {
        if (!orders_.find(order.id())) { // of others, the notes say what was decided
            drafts.push_back({recording.actor, "order_recorded", added_order_body(order)});
        }
    }
    for (const auto number : changes.removed_meetings) {
        if (const auto* entry = registry_.meeting_by_number(number)) {
            drafts.push_back({recording.actor,
                              "meeting_removed",
                              {{"meeting", entry->meeting.id}, {"why", text_or_null(recording.why)}}});
        }
    }
    for (const auto& [number, meeting] : changes.put_meetings) {
        auto body = to_json(meeting);
        body.erase("id");
        body["meeting"] = meeting.id;
        const bool known = registry_.meeting_by_number(number) != nullptr;
        drafts.push_back({recording.actor, known ? "meeting_changed" : "meeting_added", std::move(body)});
    }
    for (const auto& rule : changes.put_rules) {
        const auto known = registry_.find_rule(rule.number);
        if (!known || **known != rule) {
            drafts.push_back(draft_of(rule, recording.actor));
        }
    }
    return drafts;
}

// The log first, then the state database, which remembers how far the log was: what a crash leaves between
// the two is known for what it is.
Result<> Service::write_down(const store::Changes& changes, const Recording& recording)
{
    save_suspensions();
    if (!unsaved_.empty()) { // the database is not to run ahead of a rule that was stopped
        return fail(ErrorCode::exhausted,
                    "the state database cannot be written: nothing was changed (free some "
                    "space in state_dir; filtering goes on)");
    }
    const auto drafts = drafts_of(changes, recording);
    const auto head = drafts.empty() ? trail_.log().head() : TRY(trail_.append(drafts));
    auto written = store_.write(changes, head);
    if (!written && !drafts.empty()) {
        trail_.note("change_failed", {{"first", head.sequence - drafts.size() + 1},
                                      {"sequence", head.sequence},
                                      {"why", written.error().message}});
    }
    return written;
}

Json Service::counted_body(const Rule& rule, std::span<const CountryCounts> by_country, Time now) const
{
    RuleCounts sum;
    auto packets = Json::object();
    for (const auto& cell : by_country) {
        sum += cell.total();
        const auto dropped = cell.total().dropped_packets;
        if (!cell.country.none() && dropped != 0) {
            packets[std::string(cell.country.code())] = dropped;
        }
    }
    const auto kept_out = kept_out_.find(rule.number);
    const auto check = checked(rule.number);
    auto body = rule_body(rule);
    body["state"] = rule.suspended ? "suspended" : rule.withdrawn ? "withdrawn" : "expired";
    body["from"] = format_time(rule.from);
    body["until"] = format_time(rule.until);
    body["ended"] = format_time(rule.withdrawn.value_or(std::min(rule.until, now)));
    body["mode"] = to_text(rule.mode);
    body["packets_dropped"] = sum.dropped_packets;
    body["bytes_dropped"] = sum.dropped_bytes;
    body["packets_would_drop"] = sum.would_drop_packets;
    body["packets_by_country"] = std::move(packets);
    body["participants_affected"] = kept_out == kept_out_.end() ? 0 : kept_out->second.size();
    body["drops_checked"] = check.checked;
    body["drops_outside_scope"] = check.outside;
    return body;
}

} // namespace meetfence::service
