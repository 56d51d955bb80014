// SPDX-License-Identifier: Apache-2.0
// Service: what the program tells of by itself, passed on in words.
#include <fmt/format.h>

#include "daemon/service/service.h"
#include "pins/reason.h"

namespace meetfence::service {

void Service::on_kernel_events()
{
    const auto read = plane_.events().read<mf_event>([this](const mf_event& event) { tell(event); });
    if (!read) {
        listener_.log(Severity::error, read.error().message);
    }
}

void Service::tell(const mf_event& event)
{
    const auto* meeting = registry_.meeting_by_number(event.meeting);
    const auto wall_ns = static_cast<std::int64_t>(event.time_ns) + wall_offset_ns_;
    Json json{{"time", format_time(Time(std::chrono::seconds(wall_ns / 1'000'000'000)))},
              {"event", ""},
              {"meeting", meeting == nullptr ? Json(nullptr) : Json(meeting->meeting.id)}};
    if (event.kind == MF_EVENT_CONTESTED) {
        json["event"] = "flow_contested";
        listener_.event(json);
        warn_of_contest(meeting == nullptr ? "(gone)" : meeting->meeting.id);
        return;
    }
    if (event.kind == MF_EVENT_PARTICIPANT) {
        const auto* place = roster_.find(event.participant);
        if (place == nullptr) {
            return; // who left meanwhile needs no telling
        }
        json["event"] = "participant_blocked";
        json["participant"] = place->id;
        // Of a rule that was counted for the last time, an event may still be on its way.
        if (!closed_.contains(event.rule) && kept_out_[event.rule].insert(event.participant).second) {
            new_kept_out_[event.rule].insert(event.participant);
        }
    } else {
        json["event"] = is_drop(event.reason) ? "drop" : "would_drop";
        log_first_drop(event);
    }
    json["rule"] = "r" + std::to_string(event.rule);
    json["country"] = event.country == 0 ? Json(nullptr) : Json(Country(event.country).code());
    json["reason"] = reason_name(event.reason);
    json["direction"] = event.direction == MF_EGRESS ? "egress" : "ingress";
    listener_.event(json);
}

// Whoever spoofs addresses must not be able to fill the journal.
void Service::warn_of_contest(const std::string& meeting)
{
    const auto omitted = alarms_.tell("contested " + meeting, Repetition::Clock::now());
    if (!omitted) {
        return;
    }
    const auto since = *omitted == 0 ? "" : fmt::format(" (and {} more since it was told last)", *omitted);
    listener_.log(
        Severity::warning,
        fmt::format("meeting {}: a flow is claimed by another meeting as well, and passes{}", meeting, since),
        {.message_id = message_id::kFlowContested, .meeting = meeting});
}

// Of a rule and a country once.
void Service::log_first_drop(const mf_event& event)
{
    const auto known = registry_.find_rule(event.rule);
    if (!known || closed_.contains(event.rule) || !told_drops_.emplace(event.rule, event.country).second) {
        return;
    }
    const auto& rule = **known;
    const std::string country(event.country == 0 ? "" : Country(event.country).code());
    listener_.log(Severity::info,
                  fmt::format("rule {} of meeting {} {} packets{}", rule.id(), rule.meeting,
                              is_drop(event.reason) ? "drops" : "would drop",
                              country.empty() ? "" : " from " + country),
                  {.message_id = message_id::kRuleDrops,
                   .rule = rule.id(),
                   .meeting = rule.meeting,
                   .country = country,
                   .reason = std::string(reason_name(event.reason)),
                   .order = rule.order});
}

void Service::save_kept_out()
{
    if (!new_kept_out_.empty() && store_.write_kept_out(new_kept_out_)) {
        new_kept_out_.clear();
    }
}

} // namespace meetfence::service
