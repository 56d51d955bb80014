// SPDX-License-Identifier: Apache-2.0
// The changes a Service can be asked for, and the one way they all take: stage in the kernel, write to
// the disk, publish, remember.
#include <algorithm>
#include <set>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {

policy::MeetingImage Service::image_of(const policy::RegisteredMeeting& entry, Time now) const
{
    auto rules = registry_.rules_of(entry);
    std::erase_if(rules, [&](const Rule* rule) { return rule->ended(now); });
    return policy::compile(entry.number, entry.meeting, rules, wall_offset_ns_, owner_of());
}

// What the kernel must hold for every meeting the changes touch.
std::vector<policy::MeetingImage> Service::images_after(const store::Changes& changes, Time now) const
{
    std::set<std::string> touched;
    std::map<std::string, const store::StoredMeeting*> put;
    for (const auto& stored : changes.put_meetings) {
        put[stored.meeting.id] = &stored;
        touched.insert(stored.meeting.id);
    }
    for (const auto& rule : changes.put_rules) {
        touched.insert(rule.meeting);
    }
    std::vector<policy::MeetingImage> images;
    for (const auto& id : touched) {
        const auto known = registry_.find_meeting(id);
        const auto it = put.find(id);
        const bool stays =
            it != put.end() || (known && std::ranges::find(changes.removed_meetings, (*known)->number) ==
                                             changes.removed_meetings.end());
        if (!stays) {
            continue;
        }
        std::map<std::uint64_t, const Rule*> rules;
        if (known) {
            for (const auto* rule : registry_.rules_of(**known)) {
                rules[rule->number] = rule;
            }
        }
        for (const auto& rule : changes.put_rules) {
            if (rule.meeting == id) {
                rules[rule.number] = &rule;
            }
        }
        std::vector<const Rule*> present;
        for (const auto& [number, rule] : rules) {
            if (!rule->ended(now)) {
                present.push_back(rule);
            }
        }
        const auto number = it != put.end() ? it->second->number : (*known)->number;
        const auto& meeting = it != put.end() ? it->second->meeting : (*known)->meeting;
        images.push_back(policy::compile(number, meeting, present, wall_offset_ns_, owner_of()));
    }
    return images;
}

Result<> Service::commit(const store::Changes& changes, const std::string& why, Disk disk)
{
    if (changes.empty()) {
        return {};
    }
    const auto now = wall_now();
    auto& tables = plane_.tables();
    const auto ended = ended_by(changes, now);
    TRY(name_participants(changes));
    auto staged =
        TRY(tables.stage(images_after(changes, now), changes.removed_meetings, named_after(changes)));
    if (disk == Disk::write) {
        if (auto written = store_.write(changes); !written) {
            tables.discard(std::move(staged));
            return fail(std::move(written).error());
        }
    }
    tables.publish(std::move(staged)); // from here on nothing can fail
    lead_participants_to_meetings();

    for (const auto number : changes.removed_meetings) {
        forget_participants(number);
        if (const auto* entry = registry_.meeting_by_number(number)) {
            registry_.remove(std::string(entry->meeting.id), now, why);
        }
    }
    for (const auto& stored : changes.put_meetings) {
        registry_.put(stored.number, stored.meeting);
    }
    for (const auto& rule : changes.put_rules) {
        registry_.put(rule);
        if (rule.ended(now)) {
            registry_.end_rule(rule.number);
            forget_unnamed(rule.meeting, rule.participant);
        }
    }
    keep_final_counts(ended);
    return {};
}

Service::EndedRules Service::ended_by(const store::Changes& changes, Time now) const
{
    EndedRules ended;
    const auto& tables = plane_.tables();
    for (const auto& rule : changes.put_rules) {
        const auto meeting = registry_.find_meeting(rule.meeting);
        const auto* linked = meeting ? tables.find_rule((*meeting)->number, rule.number) : nullptr;
        if (linked != nullptr && rule.ended(now)) {
            ended.emplace_back(rule, *linked);
        }
    }
    return ended;
}

void Service::keep_final_counts(const EndedRules& ended)
{
    store::Counts counts;
    for (const auto& [rule, linked] : ended) {
        if (auto by_country = plane_.tables().counts(linked)) {
            counts[rule.number] = std::move(*by_country);
        }
        rule_event("rule_ended", rule);
    }
    if (counts.empty()) {
        return;
    }
    if (const auto written = store_.write_final_counts(counts); !written) {
        listener_.log(Severity::error, "final counts of ended rules: " + written.error().message);
    }
    final_counts_.merge(counts);
}

void Service::rule_event(const char* what, const Rule& rule) const
{
    listener_.event({{"event", what},
                     {"meeting", rule.meeting},
                     {"rule", rule.id()},
                     {"state", to_text(rule.state(wall_now()))},
                     {"mode", to_text(rule.mode)}});
}

Result<> Service::put_meeting(const Meeting& meeting)
{
    TRY(registry_.check(meeting, wall_now()));
    const auto known = registry_.find_meeting(meeting.id);
    if (known && (*known)->meeting == meeting) {
        return {};
    }
    store::Changes changes{
        .put_meetings = {{known ? (*known)->number : registry_.next_meeting_number(), meeting}}};
    if (known && meeting.until) { // rules never outlive it, on record either
        for (const auto* rule : registry_.rules_of(**known)) {
            if (rule->until > *meeting.until) {
                changes.put_rules.emplace_back(*rule).until = *meeting.until;
            }
        }
    }
    return commit(changes, "", Disk::write);
}

Result<> Service::remove_meeting(const std::string& id)
{
    const auto* entry = TRY(registry_.find_meeting(id));
    store::Changes changes{.removed_meetings = {entry->number}};
    const std::string why = "the meeting was removed";
    for (const auto* rule : registry_.rules_of(*entry)) {
        auto& withdrawn = changes.put_rules.emplace_back(*rule);
        withdrawn.withdrawn = wall_now();
        withdrawn.why = why;
    }
    return commit(changes, why, Disk::write);
}

Result<Rule> Service::add_rule(const RuleRequest& request, bool dry_run)
{
    auto rule = TRY(registry_.grant(request, wall_now()));
    if (!dry_run) {
        rule.number = registry_.next_rule_number();
        TRY(commit({.put_rules = {rule}}, "", Disk::write));
        rule_event("rule_added", rule);
    }
    return rule;
}

Result<Rule> Service::change_rule(std::uint64_t number, std::optional<Mode> mode, std::optional<Time> until)
{
    const auto now = wall_now();
    auto rule = *TRY(registry_.find_rule(number));
    if (rule.ended(now)) {
        return fail(ErrorCode::conflict,
                    "rule " + rule.id() + " is " + std::string(to_text(rule.state(now))) +
                        " and cannot be changed: add a new one with `meetfencectl block`");
    }
    rule.mode = mode.value_or(rule.mode);
    if (until) {
        const auto latest = std::max(now, rule.from) + config_.max_duration;
        if (*until <= std::max(now, rule.from) || *until > latest) {
            return fail(ErrorCode::invalid, "rule " + rule.id() + " cannot end at " + format_time(*until) +
                                                ": it must end after it begins, and by " +
                                                format_time(latest) + " (policy.max_duration)");
        }
        const auto meeting = registry_.find_meeting(rule.meeting);
        const auto meeting_end = meeting ? (*meeting)->meeting.until : std::nullopt;
        rule.until = std::min(*until, meeting_end.value_or(*until)); // never outlives it
    }
    TRY(commit({.put_rules = {rule}}, "", Disk::write));
    rule_event("rule_changed", rule);
    return rule;
}

Result<Rule> Service::withdraw_rule(std::uint64_t number, const std::string& why)
{
    const auto now = wall_now();
    auto rule = *TRY(registry_.find_rule(number));
    if (rule.ended(now)) {
        return rule; // idempotent: it drops nothing any more
    }
    rule.withdrawn = now;
    rule.why = why;
    TRY(commit({.put_rules = {rule}}, why, Disk::write));
    return rule;
}

} // namespace meetfence::service
