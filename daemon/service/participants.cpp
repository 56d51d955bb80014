// SPDX-License-Identifier: Apache-2.0
// Service: who takes part. Signalling hands participants over; they live in the kernel's tables and, as
// a copy, in the roster, and nowhere else.
#include <algorithm>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {
namespace {

std::vector<policy::PlaceChange> place_changes(std::uint64_t meeting, const policy::RosterEntry& entry,
                                               int by)
{
    std::vector<policy::PlaceChange> changes;
    for (const auto& binding : entry.ufrags) {
        changes.push_back({policy::place_of(binding), meeting, false, by});
    }
    for (const auto& flow : entry.flows) {
        changes.push_back({policy::place_of(flow), meeting, false, by});
    }
    return changes;
}

void append(std::vector<policy::PlaceChange>& to, std::vector<policy::PlaceChange> from)
{
    std::ranges::move(from, std::back_inserter(to));
}

} // namespace

policy::OwnerOf Service::owner_of() const
{
    return [this](std::uint64_t meeting, const std::string& participant) -> std::uint64_t {
        const auto* entry = roster_.find(meeting, participant);
        return entry == nullptr ? 0 : entry->owner;
    };
}

// Their meetings may have gone while no daemon ran.
Result<> Service::take_over_participants()
{
    auto& tables = plane_.participants();
    // Nor is a number given out again after a reboot, which empties the kernel: whom a rule kept out is known
    // by it.
    auto& last = plane_.tables().control().last_participant;
    for (const auto& [rule, people] : kept_out_) {
        last = std::max<std::uint64_t>(last, people.empty() ? 0 : *people.rbegin() >> MF_PARTICIPANT_SHIFT);
    }
    left_ = TRY(plane_.participants_left());
    std::erase_if(left_, [&](const auto& left) {
        const bool gone = registry_.meeting_by_number(left.meeting) == nullptr;
        if (gone && plane_.adopted()) {
            tables.remove(left.entry);
        }
        return gone;
    });
    for (auto& left : left_) {
        if (!plane_.adopted()) {
            TRY(tables.put(nullptr, left.entry, 0));
            for (const auto& flow : left.learned) {
                tables.carry_flow(flow, left.entry.owner);
            }
        }
        registry_.apply(place_changes(left.meeting, left.entry, 1));
        roster_.put(left.meeting, left.entry);
    }
    if (!left_.empty()) {
        listener_.log(Severity::info,
                      std::to_string(left_.size()) + " participants were found in the kernel");
    }
    // A rule may name somebody who is not there yet.
    store::Changes rules;
    for (const auto& [id, entry] : registry_.meetings()) {
        for (const auto* rule : registry_.rules_of(entry)) {
            rules.put_rules.push_back(*rule);
        }
    }
    return name_participants(rules);
}

// In tables that were made anew, or for meetings that are, their meetings' places are known only now.
void Service::lead_participants_to_meetings()
{
    for (const auto& left : std::exchange(left_, {})) {
        const auto it = plane_.tables().meetings().find(left.meeting);
        if (it != plane_.tables().meetings().end()) {
            plane_.participants().lead_to(left.entry.owner, it->second.shared_slot);
        }
    }
}

// Whom a rule names gets a word in the kernel before the rule does.
Result<> Service::name_participants(const store::Changes& changes)
{
    std::map<std::string_view, std::uint64_t> new_numbers;
    for (const auto& [number, meeting] : changes.put_meetings) {
        new_numbers[meeting.id] = number;
    }
    for (const auto& rule : changes.put_rules) {
        const auto meeting = registry_.find_meeting(rule.meeting);
        const auto added = new_numbers.find(rule.meeting);
        if (meeting || added != new_numbers.end()) {
            TRY(name_participant(rule, meeting ? (*meeting)->number : added->second));
        }
    }
    for (const auto& [number, meeting] : changes.put_meetings) { // for which an order's rules have waited
        for (const auto* rule : registry_.rules_for(meeting.id)) {
            TRY(name_participant(*rule, number));
        }
    }
    return {};
}

Result<> Service::name_participant(const Rule& rule, std::uint64_t meeting)
{
    if (rule.whom != Whom::participant || !rule.in_kernel(wall_now()) ||
        roster_.find(meeting, rule.participant) != nullptr) {
        return {};
    }
    policy::RosterEntry entry{.id = rule.participant};
    const auto linked = plane_.tables().meetings().find(meeting);
    const bool known = linked != plane_.tables().meetings().end();
    TRY(plane_.participants().put(nullptr, entry, known ? linked->second.shared_slot : 0));
    if (!known) {
        left_.push_back({meeting, entry, {}});
    }
    roster_.put(meeting, std::move(entry));
    return {};
}

bool Service::is_named(const policy::RegisteredMeeting& meeting, const std::string& participant) const
{
    return std::ranges::any_of(registry_.rules_of(meeting), [&](const Rule* rule) {
        return rule->whom == Whom::participant && rule->participant == participant;
    });
}

// Known by a rule only, and now by none.
void Service::forget_unnamed(const std::string& meeting, const std::string& participant)
{
    const auto known = registry_.find_meeting(meeting);
    if (!known || participant.empty() || is_named(**known, participant)) {
        return;
    }
    const auto* entry = roster_.find((*known)->number, participant);
    if (entry != nullptr && !entry->handed_over) {
        plane_.participants().remove(*entry);
        roster_.remove((*known)->number, participant);
    }
}

void Service::forget_participants(std::uint64_t meeting)
{
    std::vector<policy::PlaceChange> changes;
    std::vector<std::string> ids;
    for (const auto& [id, entry] : roster_.of(meeting)) {
        append(changes, place_changes(meeting, entry, -1));
        plane_.participants().remove(entry);
        ids.push_back(id);
    }
    for (const auto& id : ids) {
        roster_.remove(meeting, id);
    }
    registry_.apply(changes);
}

std::vector<policy::NamedEndpoint> Service::named_after(const store::Changes& changes) const
{
    std::vector<policy::PlaceChange> places;
    for (const auto& stored : changes.put_meetings) {
        append(places, registry_.place_changes(stored.number, stored.meeting));
    }
    for (const auto number : changes.removed_meetings) {
        append(places, registry_.place_changes(number, Meeting{}));
        for (const auto& [id, entry] : roster_.of(number)) {
            append(places, place_changes(number, entry, -1));
        }
    }
    return registry_.places().after(places);
}

Result<bool> Service::put_participant(const Participant& participant)
{
    const auto* meeting = TRY(registry_.find_meeting(participant.meeting));
    auto entry = TRY(roster_.check(meeting->number, participant));
    const auto* before = roster_.find(meeting->number, participant.id);
    const bool is_new = before == nullptr || !before->handed_over;
    if (!is_new && before->ufrags == entry.ufrags && before->flows == entry.flows) {
        return false;
    }
    TRY(put_entry(*meeting, std::move(entry)));
    return is_new;
}

Result<> Service::put_entry(const policy::RegisteredMeeting& meeting, policy::RosterEntry entry)
{
    const auto* before = roster_.find(meeting.number, entry.id);
    auto places = place_changes(meeting.number, entry, 1);
    for (const auto& change : places) {
        TRY(registry_.check_place(meeting.meeting.id, change.at));
    }
    if (before != nullptr) {
        append(places, place_changes(meeting.number, *before, -1));
    }
    auto& tables = plane_.tables();
    auto staged = TRY(tables.stage({}, {}, registry_.places().after(places)));
    const auto slot = tables.meetings().at(meeting.number).shared_slot;
    if (auto put = plane_.participants().put(before, entry, slot); !put) {
        tables.discard(std::move(staged));
        return put;
    }
    tables.publish(std::move(staged));
    registry_.apply(places);
    roster_.put(meeting.number, std::move(entry));
    return {};
}

// Whom a rule names stays known to it, by a new word: flows of the old one are nobody's.
Result<> Service::remove_participant(const std::string& meeting, const std::string& id)
{
    const auto* known = TRY(registry_.find_meeting(meeting));
    const auto* entry = roster_.find(known->number, id);
    if (entry == nullptr || !entry->handed_over) {
        return fail(ErrorCode::not_found, "meeting '" + meeting +
                                              "' has no such participant: `meetfencectl "
                                              "participant list " +
                                              meeting + "` shows those it has");
    }
    const auto gone = *entry;
    const auto places = place_changes(known->number, gone, -1);
    auto& tables = plane_.tables();
    auto staged = TRY(tables.stage({}, {}, registry_.places().after(places)));
    plane_.participants().remove(gone);
    tables.publish(std::move(staged));
    registry_.apply(places);
    roster_.remove(known->number, id);
    store::Changes rules;
    for (const auto* rule : registry_.rules_of(*known)) {
        if (rule->whom == Whom::participant && rule->participant == id) {
            rules.put_rules.push_back(*rule);
        }
    }
    return commit(rules, {.actor = AuditTrail::self()}, Disk::leave);
}

// A tenth of the table each time. Waiting for packets takes some 10 ms, in which requests go on being
// answered.
void Service::sweep_flows()
{
    auto& tables = plane_.participants();
    tables.sweep(plane_.tables().control().flow_slots / 10 + 1);
    if (!tables.has_unlinked()) {
        return;
    }
    listener_.background([this, unlinked = tables.take_unlinked()]() -> std::function<void()> {
        const auto waited = plane_.geo().wait_for_packets();
        return [this, unlinked, through = waited.has_value()] {
            auto& held = plane_.participants();
            through ? held.free_unlinked(unlinked) : held.keep_unlinked(unlinked);
        };
    });
}

} // namespace meetfence::service
