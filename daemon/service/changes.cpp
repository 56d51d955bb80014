// SPDX-License-Identifier: Apache-2.0
// The changes a Service can be asked for, and the one way they all take: stage in the kernel, write to
// the disk, publish, remember.
#include <algorithm>
#include <set>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"
#include "model/text.h"

namespace meetfence::service {

policy::MeetingImage Service::image_of(const policy::RegisteredMeeting& entry, Time now) const
{
    auto rules = registry_.rules_of(entry);
    std::erase_if(rules, [&](const Rule* rule) { return !rule->in_kernel(now); });
    return policy::compile(entry.number, entry.meeting, rules, wall_offset_ns_, owner_of());
}

// What the kernel must hold for every meeting the changes touch.
std::vector<policy::MeetingImage> Service::images_after(const store::Changes& changes, Time now) const
{
    std::set<std::string> touched;
    std::map<std::string, const store::StoredMeeting*> put;
    std::map<std::string, std::vector<const Rule*>> put_rules;
    const std::set<std::uint64_t> removed(changes.removed_meetings.begin(), changes.removed_meetings.end());
    for (const auto& stored : changes.put_meetings) {
        put[stored.meeting.id] = &stored;
        touched.insert(stored.meeting.id);
    }
    for (const auto& rule : changes.put_rules) {
        touched.insert(rule.meeting);
        put_rules[rule.meeting].push_back(&rule);
    }
    std::vector<policy::MeetingImage> images;
    for (const auto& id : touched) {
        const auto known = registry_.find_meeting(id);
        const auto it = put.find(id);
        const bool stays = it != put.end() || (known && !removed.contains((*known)->number));
        if (!stays) {
            continue;
        }
        std::map<std::uint64_t, const Rule*> rules;
        for (const auto* rule : registry_.rules_for(id)) {
            rules[rule->number] = rule;
        }
        for (const auto* rule : put_rules[id]) {
            rules[rule->number] = rule;
        }
        std::vector<const Rule*> present;
        for (const auto& [number, rule] : rules) {
            if (rule->in_kernel(now)) {
                present.push_back(rule);
            }
        }
        const auto number = it != put.end() ? it->second->number : (*known)->number;
        const auto& meeting = it != put.end() ? it->second->meeting : (*known)->meeting;
        images.push_back(policy::compile(number, meeting, present, wall_offset_ns_, owner_of()));
    }
    return images;
}

Result<> Service::commit(const store::Changes& changes, const Recording& recording, Disk disk)
{
    if (changes.empty()) {
        return {};
    }
    const auto now = wall_now();
    auto& tables = plane_.tables();
    const auto leaving = leaving_with(changes, now);
    if (!leaving.empty()) {
        on_kernel_events(); // of whom they have kept out
    }
    TRY(name_participants(changes));
    auto staged =
        TRY(tables.stage(images_after(changes, now), changes.removed_meetings, named_after(changes)));
    if (disk == Disk::write) {
        if (auto written = write_down(changes, recording); !written) {
            tables.discard(std::move(staged));
            return fail(std::move(written).error());
        }
    }
    tables.publish(std::move(staged)); // from here on nothing can fail
    note_changed_rules(changes);
    lead_participants_to_meetings();

    for (const auto number : changes.removed_meetings) {
        forget_participants(number);
        if (const auto* entry = registry_.meeting_by_number(number)) {
            const std::string id(entry->meeting.id);
            registry_.remove(id, now, recording.why);
            listener_.event({{"event", "meeting_removed"}, {"meeting", id}});
        }
    }
    for (const auto& stored : changes.put_meetings) {
        if (registry_.meeting_by_number(stored.number) == nullptr) {
            listener_.event({{"event", "meeting_added"}, {"meeting", stored.meeting.id}});
        }
        registry_.put(stored.number, stored.meeting);
    }
    for (const auto& rule : changes.put_rules) {
        registry_.put(rule);
        if (rule.ended(now)) {
            registry_.end_rule(rule.number);
            forget_unnamed(rule.meeting, rule.participant);
        }
    }
    for (const auto& order : changes.put_orders) {
        orders_.put(order);
    }
    keep_counts(leaving, now);
    return {};
}

// Rules that end, and orders' rules whose meeting leaves: they may come back with it, and count from zero
// then. Those that were never in force are not told of.
std::vector<Service::LeavingRule> Service::leaving_with(const store::Changes& changes, Time now) const
{
    std::vector<LeavingRule> leaving;
    const auto& tables = plane_.tables();
    const auto add = [&](const Rule& rule) {
        const auto meeting = registry_.find_meeting(rule.meeting);
        const auto* linked = meeting ? tables.find_rule((*meeting)->number, rule.number) : nullptr;
        leaving.push_back({rule, linked == nullptr ? std::nullopt : std::optional(*linked)});
    };
    for (const auto& rule : changes.put_rules) {
        if (rule.ended(now) && !rule.pending) {
            add(rule);
        }
    }
    for (const auto number : changes.removed_meetings) {
        const auto* entry = registry_.meeting_by_number(number);
        for (const auto* rule : entry == nullptr ? std::vector<const Rule*>() : registry_.rules_of(*entry)) {
            if (!rule->order.empty() && !rule->pending) {
                add(*rule);
            }
        }
    }
    return leaving;
}

void Service::keep_counts(const std::vector<LeavingRule>& leaving, Time now)
{
    store::Counts changed;
    std::set<std::uint64_t> closed; // now
    for (const auto& [rule, linked] : leaving) {
        auto& counts = counted_[rule.number];
        if (linked) {
            add_counts(counts, plane_.tables().counts(*linked).value_or(std::vector<CountryCounts>{}));
        }
        changed[rule.number] = counts;
        if (rule.ended(now)) {
            trail_.note("rule_ended", counted_body(rule, counts, now));
            rule_event("rule_ended", rule);
            closed.insert(rule.number);
            closed_.insert(rule.number);
            kept_out_.erase(rule.number);
            new_kept_out_.erase(rule.number);
            told_drops_.erase(told_drops_.lower_bound({rule.number, 0}),
                              told_drops_.lower_bound({rule.number + 1, 0}));
        }
    }
    if (changed.empty()) {
        return;
    }
    if (auto written = store_.write_final_counts(changed, closed); !written) {
        listener_.log(Severity::error, "final counts of ended rules: " + written.error().message);
    }
}

void Service::rule_event(const char* what, const Rule& rule) const
{
    listener_.event({{"event", what},
                     {"meeting", rule.meeting},
                     {"rule", rule.id()},
                     {"state", to_text(rule.state(wall_now()))},
                     {"mode", to_text(rule.mode)}});
}

Result<> Service::put_meeting(const Meeting& meeting, const Actor& actor)
{
    TRY(registry_.check(meeting, wall_now()));
    const auto known = registry_.find_meeting(meeting.id);
    if (known && (*known)->meeting == meeting) {
        return {};
    }
    store::Changes changes{
        .put_meetings = {{known ? (*known)->number : registry_.next_meeting_number(), meeting}}};
    for (const auto* rule : registry_.rules_for(meeting.id)) {
        const bool outlives = known && meeting.until && rule->order.empty() && rule->until > *meeting.until;
        if (outlives) { // on record either
            changes.put_rules.emplace_back(*rule).until = *meeting.until;
        }
    }
    return commit(changes, {.actor = actor}, Disk::write);
}

Result<> Service::remove_meeting(const std::string& id, const Actor& actor, OnlyIf only_if)
{
    store::Changes changes;
    const auto& entry = *TRY(registry_.find_meeting(id));
    if (only_if == OnlyIf::unused &&
        (!registry_.rules_for(id).empty() || !roster_.of(entry.number).empty())) {
        return fail(ErrorCode::conflict, "meeting '" + id + "' has rules or participants: it stays");
    }
    add_removal(entry, changes);
    return commit(changes, {.actor = actor, .why = kRemoved}, Disk::write);
}

void Service::add_removal(const policy::RegisteredMeeting& entry, store::Changes& changes) const
{
    changes.removed_meetings.push_back(entry.number);
    for (const auto* rule : registry_.rules_of(entry)) {
        if (!rule->order.empty()) {
            continue; // about its identifier, under which it may come back
        }
        auto& ended = changes.put_rules.emplace_back(*rule);
        if (!rule->ended(wall_now())) {
            ended.withdrawn = wall_now();
            ended.why = kRemoved;
        }
    }
}

// An order's rule about a person reaches them only while they are placed in its country; it is not even
// made where they are not.
Result<> Service::check_placed(const Rule& rule) const
{
    if (rule.order.empty() || rule.whom != Whom::participant) {
        return {};
    }
    const auto meeting = registry_.find_meeting(rule.meeting);
    const auto* entry = meeting ? roster_.find((*meeting)->number, rule.participant) : nullptr;
    const auto places = whereabouts();
    const auto place = entry == nullptr ? places.end() : places.find(entry->owner);
    if (place != places.end() && rule.countries.contains(country_of(place->second))) {
        return {};
    }
    return fail(ErrorCode::refused,
                "the participant is not placed in " + rule.countries.text() +
                    " now: an order can keep out a participant only while there",
                "participant_elsewhere");
}

Result<> Service::check_reach(const Rule& rule, const Preview& preview) const
{
    if (preview.collateral == 0) {
        return {};
    }
    if (!has_second_opinion()) {
        return fail(ErrorCode::refused,
                    "the country databases cannot be asked a second time now, and " +
                        std::to_string(preview.collateral) +
                        " participants would be kept out on one word alone: try again in a moment "
                        "(`meetfencectl geo status` says what is wrong if it lasts)",
                    "collateral");
    }
    return fail(ErrorCode::refused,
                std::to_string(preview.collateral) + " of the " + std::to_string(preview.impact.affected) +
                    " participants whom the rule would keep out of meeting '" + rule.meeting +
                    "' are not surely among those it is about: look at the country databases "
                    "(`meetfencectl geo status`), or leave these addresses out by --except",
                "collateral");
}

Result<GrantedRule> Service::add_rule(const RuleRequest& request, bool dry_run, const Actor& actor)
{
    const auto now = wall_now();
    if (!request.order.empty()) {
        TRY(orders_.check_rule(request, now));
    }
    const auto* order = request.order.empty() ? nullptr : TRY(orders_.find(request.order));
    auto rule = TRY(registry_.grant(request, now, order));
    TRY(check_placed(rule));
    auto preview = this->preview(rule);
    TRY(check_reach(rule, preview));
    if (!dry_run) {
        rule.number = registry_.next_rule_number();
        TRY(commit({.put_rules = {rule}}, {.actor = actor}, Disk::write));
        rule_event("rule_added", rule);
    }
    return GrantedRule{std::move(rule), std::move(preview)};
}

Result<Rule> Service::change_rule(std::uint64_t number, std::optional<Mode> mode, std::optional<Time> until,
                                  const Actor& actor)
{
    const auto now = wall_now();
    auto rule = *TRY(registry_.find_rule(number));
    if (rule.ended(now)) {
        return fail(ErrorCode::conflict,
                    "rule " + rule.id() + " is " + std::string(to_text(rule.state(now))) +
                        " and cannot be changed: add a new one with `meetfencectl block`");
    }
    const bool tightens = rule.mode != Mode::enforce && mode == Mode::enforce;
    rule.mode = mode.value_or(rule.mode);
    if (until) {
        rule.until = TRY(changed_end(rule, *until, now));
    }
    if (tightens) { // asked as a new one is: people may have come since
        TRY(check_placed(rule));
        TRY(check_reach(rule, preview(rule)));
    }
    TRY(commit({.put_rules = {rule}}, {.actor = actor}, Disk::write));
    rule_event("rule_changed", rule);
    return rule;
}

Result<Time> Service::changed_end(const Rule& rule, Time until, Time now) const
{
    const auto order = orders_.find(rule.order);
    const auto latest = order ? *(*order)->terms.expires : std::max(now, rule.from) + config_->max_duration;
    if (until > latest && order) {
        return fail(ErrorCode::refused,
                    "rule " + rule.id() + " cannot outlast order '" + rule.order + "', which ends at " +
                        format_time(latest) + ": `meetfencectl order extend` asks for more",
                    "order_duration");
    }
    if (until <= std::max(now, rule.from) || until > latest) {
        return fail(ErrorCode::invalid, "rule " + rule.id() + " cannot end at " + format_time(until) +
                                            ": it must end after it begins, and by " + format_time(latest) +
                                            " (policy.max_duration)");
    }
    const auto meeting = registry_.find_meeting(rule.meeting);
    const auto end = meeting && !order ? (*meeting)->meeting.until : std::nullopt;
    return std::min(until, end.value_or(until)); // never outlives it
}

Result<Rule> Service::withdraw_rule(std::uint64_t number, const std::string& why, const Actor& actor)
{
    const auto now = wall_now();
    auto rule = *TRY(registry_.find_rule(number));
    if (rule.ended(now)) {
        return rule; // idempotent: it drops nothing any more
    }
    if (!why.empty()) {
        constexpr std::size_t kLongestWhy = 2000;
        TRY(check_text("why", why, kLongestWhy));
    }
    rule.withdrawn = now;
    rule.why = why;
    TRY(commit({.put_rules = {rule}}, {.actor = actor, .why = why}, Disk::write));
    return rule;
}

} // namespace meetfence::service
