// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/registry.h"

#include <algorithm>

#include "daemon/policy/image.h"

namespace meetfence::policy {
namespace {

std::vector<EndpointImage> expand_all(const Meeting& meeting)
{
    std::vector<EndpointImage> images;
    for (const auto& endpoint : meeting.endpoints) {
        expand(endpoint, images);
    }
    std::ranges::sort(images);
    images.erase(std::unique(images.begin(), images.end()), images.end());
    return images;
}

std::vector<PlaceChange> declared_places(std::uint64_t number, const Meeting& meeting, int by)
{
    std::vector<PlaceChange> changes;
    const auto add = [&](const std::vector<Endpoint>& endpoints, bool turn) {
        for (const auto& endpoint : endpoints) {
            std::vector<EndpointImage> images;
            expand(endpoint, images);
            for (const auto& image : images) {
                changes.push_back({image, number, turn, by});
            }
        }
    };
    add(meeting.shared_endpoints, false);
    add(meeting.turn_endpoints, true);
    return changes;
}

std::string port_text(std::uint32_t port_slot)
{
    const bool tcp = port_slot >= MF_PORT_SLOTS / 2;
    return std::string(tcp ? "tcp" : "udp") + " port " + std::to_string(port_slot % (MF_PORT_SLOTS / 2));
}

} // namespace

Result<const RegisteredMeeting*> Registry::find_meeting(const std::string& id) const
{
    const auto it = meetings_.find(id);
    if (it == meetings_.end()) {
        return fail(ErrorCode::not_found, "there is no meeting '" + id +
                                              "': `meetfencectl meeting list` shows all, "
                                              "`meetfencectl meeting add` registers one");
    }
    return &it->second;
}

Result<const Rule*> Registry::find_rule(std::uint64_t number) const
{
    const auto it = rules_.find(number);
    if (it == rules_.end()) {
        return fail(ErrorCode::not_found,
                    "there is no rule 'r" + std::to_string(number) + "': `meetfencectl rule list` shows all");
    }
    return &it->second;
}

const RegisteredMeeting* Registry::meeting_by_number(std::uint64_t number) const
{
    const auto it = ids_.find(number);
    return it == ids_.end() ? nullptr : &meetings_.at(it->second);
}

Result<> Registry::check(const Meeting& meeting, Time now) const
{
    TRY(check_meeting_id(meeting.id));
    if (meeting.until && *meeting.until <= now) {
        return fail(ErrorCode::invalid, "meeting '" + meeting.id + "' would have ended already, at " +
                                            format_time(*meeting.until));
    }
    const auto known = meetings_.find(meeting.id);
    if (known == meetings_.end() && meetings_.size() >= limits_.meetings) {
        return fail(ErrorCode::exhausted,
                    "all " + std::to_string(limits_.meetings) +
                        " meetings of the configuration's limits.meetings are in use: remove one, "
                        "or raise the limit");
    }
    const auto before = known == meetings_.end() ? 0 : expand_all(known->second.meeting).size();
    if (endpoint_count_ - before + expand_all(meeting).size() > limits_.endpoints) {
        return fail(ErrorCode::exhausted,
                    "there would be more than " + std::to_string(limits_.endpoints) +
                        " ports registered, four for each of limits.meetings: register fewer, or "
                        "raise the limit");
    }
    return check_overlap(meeting);
}

Result<> Registry::check_overlap(const Meeting& meeting) const
{
    const auto known = meetings_.find(meeting.id);
    const auto number = known == meetings_.end() ? 0 : known->second.number;
    for (const auto& change : declared_places(number, meeting, 1)) {
        TRY(check_place(meeting.id, change.at));
    }
    const IpAddress any;
    std::map<std::uint32_t, std::size_t> addresses_on; // port → local addresses, ours and others'
    for (const auto& image : expand_all(meeting)) {
        const IpAddress local(image.local);
        if (const auto other = places_.other_than(number, image)) {
            return fail(ErrorCode::conflict, port_text(image.port_slot) +
                                                 (local == any ? "" : " of " + local.text()) +
                                                 " is shared, by meeting '" + ids_.at(*other) +
                                                 "' for one: a dedicated endpoint carries one meeting only");
        }
        const auto [count, is_first] = addresses_on.try_emplace(image.port_slot, 0);
        ++count->second;
        const auto port = holders_.find(image.port_slot);
        if (port == holders_.end()) {
            continue;
        }
        for (const auto& [address, holder] : port->second) {
            if (holder == meeting.id) {
                continue;
            }
            if (address == local || address == any || local == any) {
                return fail(ErrorCode::conflict, port_text(image.port_slot) +
                                                     (local == any ? "" : " of " + local.text()) +
                                                     " is dedicated to meeting '" + holder +
                                                     "': a dedicated endpoint carries one meeting only");
            }
            count->second += is_first ? 1 : 0;
        }
    }
    for (const auto& [port_slot, count] : addresses_on) {
        if (count > MF_ENDPOINTS_PER_PORT) {
            return fail(ErrorCode::exhausted, port_text(port_slot) + " would be registered on more than " +
                                                  std::to_string(MF_ENDPOINTS_PER_PORT) +
                                                  " local addresses: register any local address (*) instead");
        }
    }
    return {};
}

Result<> Registry::check_place(const std::string& meeting, const EndpointImage& at) const
{
    const auto port = holders_.find(at.port_slot);
    if (port == holders_.end()) {
        return {};
    }
    const IpAddress any;
    const IpAddress local(at.local);
    for (const auto& [address, holder] : port->second) {
        if (holder != meeting && (address == local || address == any || local == any)) {
            return fail(ErrorCode::conflict, to_endpoint(at).text() + " is dedicated to meeting '" + holder +
                                                 "': a dedicated endpoint carries one meeting only");
        }
    }
    return {};
}

std::vector<PlaceChange> Registry::place_changes(std::uint64_t number, const Meeting& meeting) const
{
    auto changes = declared_places(number, meeting, 1);
    if (const auto* known = meeting_by_number(number)) {
        std::ranges::move(declared_places(number, known->meeting, -1), std::back_inserter(changes));
    }
    return changes;
}

void Registry::put(std::uint64_t number, Meeting meeting)
{
    auto& entry = meetings_[meeting.id];
    if (entry.number != 0) {
        places_.apply(declared_places(number, entry.meeting, -1));
        unindex(entry.meeting);
    }
    if (auto waiting = waiting_.extract(meeting.id)) {
        entry.rules = std::move(waiting.mapped());
    }
    entry.number = number;
    ids_[number] = meeting.id;
    last_meeting_ = std::max(last_meeting_, number);
    index(meeting);
    places_.apply(declared_places(number, meeting, 1));
    entry.meeting = std::move(meeting);
}

// An order's rules outlive it: they are about the meeting's identifier, under which it may come back.
void Registry::remove(const std::string& id, Time now, const std::string& why)
{
    const auto it = meetings_.find(id);
    if (it == meetings_.end()) {
        return;
    }
    for (const auto number : it->second.rules) {
        auto& rule = rules_.at(number);
        if (!rule.order.empty() && !rule.ended(now)) {
            waiting_[id].push_back(number);
            continue;
        }
        if (!rule.ended(now)) {
            rule.withdrawn = now;
            rule.why = why;
        }
        remove_deadlines(rule);
    }
    places_.apply(declared_places(it->second.number, it->second.meeting, -1));
    unindex(it->second.meeting);
    ids_.erase(it->second.number);
    meetings_.erase(it);
}

void Registry::reserve_numbers(std::uint64_t last_meeting, std::uint64_t last_rule)
{
    last_meeting_ = std::max(last_meeting_, last_meeting);
    last_rule_ = std::max(last_rule_, last_rule);
}

std::vector<std::string> Registry::expired_meetings(Time now) const
{
    std::vector<std::string> result;
    for (const auto& [id, entry] : meetings_) {
        if (entry.meeting.until && now >= *entry.meeting.until) {
            result.push_back(id);
        }
    }
    return result;
}

void Registry::index(const Meeting& meeting)
{
    if (meeting.until) {
        deadlines_.insert(*meeting.until);
    }
    for (const auto& image : expand_all(meeting)) {
        holders_[image.port_slot][IpAddress(image.local)] = meeting.id;
        ++endpoint_count_;
    }
}

void Registry::unindex(const Meeting& meeting)
{
    if (meeting.until) {
        deadlines_.erase(deadlines_.find(*meeting.until));
    }
    for (const auto& image : expand_all(meeting)) {
        auto& port = holders_[image.port_slot];
        port.erase(IpAddress(image.local));
        if (port.empty()) {
            holders_.erase(image.port_slot);
        }
        --endpoint_count_;
    }
}

} // namespace meetfence::policy
