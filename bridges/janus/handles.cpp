// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/handles.h"

#include <algorithm>

namespace meetfence::bridges::janus {
namespace {

constexpr std::size_t kMostMoves = 32;      // of a handle between rooms
constexpr std::size_t kMostCandidates = 64; // of a handle
constexpr const char* kNoConnection = "";

// What Janus writes into its descriptions: "VideoRoom 1234".
std::string session_name(const Room& room)
{
    return (room.plugin == Plugin::videoroom ? "VideoRoom " : "AudioBridge ") + room.name;
}

bool names_a_room(const std::string& session)
{
    return session.starts_with("VideoRoom ") || session.starts_with("AudioBridge ");
}

// Events say different things of one stay: what one leaves out, another has told.
void complete(InRoom& newer, const InRoom& older)
{
    newer.user = newer.user.empty() ? older.user : newer.user;
    newer.private_id = newer.private_id.empty() ? older.private_id : newer.private_id;
}

bool same_stay(const std::optional<InRoom>& one, const std::optional<InRoom>& other)
{
    if (!one || !other) {
        return !one && !other;
    }
    return one->room == other->room && (one->user.empty() || other->user.empty() || one->user == other->user);
}

constexpr std::string_view kPlace = "{room}", kHandle = "handle-";

std::string replaced(std::string text, const std::string& room)
{
    if (const auto at = text.find(kPlace); at != std::string::npos) {
        text.replace(at, kPlace.size(), room);
    }
    return text;
}

bool may_be_called(std::string_view meeting, std::string_view naming)
{
    const auto at = naming.find(kPlace);
    return at != std::string_view::npos && meeting.size() > naming.size() - kPlace.size() &&
           meeting.starts_with(naming.substr(0, at)) && meeting.ends_with(naming.substr(at + kPlace.size()));
}

} // namespace

std::string_view Handles::take(const Fact& fact, Moment now)
{
    if (fact.at < now - kOldest) {
        return "too_old";
    }
    if (fact.at > now + kMostAhead) {
        return "from_the_future";
    }
    const auto end_all = [&](const auto& is_meant) {
        std::vector<HandleId> over;
        for (const auto& [who, handle] : handles_) {
            if (is_meant(who, handle)) {
                over.push_back(who);
            }
        }
        for (const auto& who : over) {
            end(who, fact.at);
        }
    };
    if (std::holds_alternative<ServerEnd>(fact.what)) {
        began_ = std::max(began_, fact.at);
        end_all([&](HandleId, const Handle& handle) { return handle.last < fact.at; });
    } else if (std::holds_alternative<SessionEnd>(fact.what)) {
        auto& ended = ended_sessions_[fact.who.session];
        ended = std::max(ended, fact.at);
        end_all([&](HandleId who, const Handle&) { return who.session == fact.who.session; });
    } else if (std::holds_alternative<HandleEnd>(fact.what)) {
        end(fact.who, fact.at);
    } else if (const auto* left = std::get_if<LeftRoom>(&fact.what)) {
        leave(*left, fact.at);
    } else {
        return take_of_handle(fact);
    }
    return {};
}

std::string_view Handles::take_of_handle(const Fact& fact)
{
    if (ended(fact.who, fact.at)) {
        return "late";
    }
    if (handles_.size() >= kMostHandles && !handles_.contains(fact.who)) {
        return "full";
    }
    auto& handle = handles_[fact.who];
    handle.last = std::max(handle.last, fact.at);
    changed_.insert(fact.who);
    if (const auto* attached = std::get_if<Attached>(&fact.what)) {
        handle.plugin = attached->plugin;
    } else if (const auto* in_room = std::get_if<InRoom>(&fact.what)) {
        handle.plugin = in_room->room.plugin;
        sit(fact.who, handle, *in_room, fact.at);
    } else if (std::holds_alternative<InNoRoom>(fact.what)) {
        sit(fact.who, handle, std::nullopt, fact.at);
    } else if (const auto* described = std::get_if<Described>(&fact.what)) {
        if (!handle.description || handle.description->first <= fact.at) {
            handle.description = {fact.at, described->sdp};
        }
    } else if (std::holds_alternative<HungUp>(fact.what)) {
        handle.hung_up = std::max(handle.hung_up, fact.at);
    } else if (const auto* candidate = std::get_if<LocalCandidate>(&fact.what)) {
        if (handle.candidates.size() < kMostCandidates) {
            auto& at = handle.candidates[candidate->endpoint];
            at = std::max(at, fact.at);
        }
    }
    return {};
}

void Handles::sit(HandleId who, Handle& handle, const std::optional<InRoom>& in_room, Moment at)
{
    const auto put = [&](Moment when, std::optional<InRoom> stay) {
        auto it = handle.rooms.insert_or_assign(when, std::move(stay)).first;
        if (const auto next = std::next(it);
            next != handle.rooms.end() && same_stay(it->second, next->second)) {
            if (it->second) {
                complete(*next->second, *it->second);
                it->second = next->second;
            }
            handle.rooms.erase(next);
        }
        if (it != handle.rooms.begin() && same_stay(std::prev(it)->second, it->second)) {
            const auto before = std::prev(it);
            if (it->second) {
                complete(*it->second, *before->second);
                before->second = it->second;
            }
            handle.rooms.erase(it);
        }
    };
    put(at, in_room);
    if (in_room) {
        for (const auto& user : {in_room->user, std::string()}) { // events may have come in another order
            if (const auto left = left_.find({in_room->room, user});
                left != left_.end() && left->second >= at) {
                put(left->second, std::nullopt);
            }
        }
        if (const PrivateKey key(in_room->room, in_room->private_id); !key.second.empty()) {
            auto& subscribers = subscribers_[key];
            if (in_room->user.empty()) {
                subscribers.insert(who);
            } else if (auto& user = users_[key]; user.id != in_room->user) {
                user = {in_room->user, who};
                changed_.insert(subscribers.begin(), subscribers.end());
            }
        }
    }
    if (handle.rooms.size() > kMostMoves) {
        handle.rooms.erase(handle.rooms.begin());
        handle.moved = true;
    }
}

void Handles::leave(const LeftRoom& left, Moment at)
{
    auto& last = left_[{left.room, left.user}];
    last = std::max(last, at);
    for (auto& [who, handle] : handles_) {
        const auto stay = handle.rooms.upper_bound(at);
        if (stay == handle.rooms.begin() || !std::prev(stay)->second) {
            continue;
        }
        const auto& in_room = *std::prev(stay)->second;
        if (in_room.room == left.room && (left.user.empty() || in_room.user == left.user)) {
            sit(who, handle, std::nullopt, at);
            changed_.insert(who);
        }
    }
}

bool Handles::ended(HandleId who, Moment at) const
{
    const auto handle = ended_.find(who);
    const auto session = ended_sessions_.find(who.session);
    return at < began_ || (handle != ended_.end() && at <= handle->second) ||
           (session != ended_sessions_.end() && at <= session->second);
}

void Handles::end(HandleId who, Moment at)
{
    auto& over = ended_[who];
    over = std::max(over, at);
    if (const auto it = handles_.find(who); it != handles_.end()) {
        over = std::max(over, it->second.last); // what it said last was said before, whatever the stamps
        forget_ties(who, it->second);
        handles_.erase(it);
    }
    changed_.insert(who);
}

// Whose private_id it was stays known for as long as somebody subscribes by it.
void Handles::forget_ties(HandleId who, const Handle& handle)
{
    for (const auto& [from, in_room] : handle.rooms) {
        if (!in_room || in_room->private_id.empty()) {
            continue;
        }
        const PrivateKey key(in_room->room, in_room->private_id);
        auto& subscribers = subscribers_[key];
        subscribers.erase(who);
        const auto user = users_.find(key);
        const bool publisher_gone = user == users_.end() || user->second.publisher == who ||
                                    !handles_.contains(user->second.publisher);
        if (subscribers.empty()) {
            subscribers_.erase(key);
            if (publisher_gone) {
                users_.erase(key);
            }
        }
    }
}

void Handles::take_sessions(const std::set<std::uint64_t>& sessions, Moment asked)
{
    std::vector<HandleId> over;
    for (const auto& [who, handle] : handles_) {
        if (!sessions.contains(who.session) && handle.last < asked) {
            over.push_back(who);
        }
    }
    for (const auto& who : over) {
        end(who, asked);
    }
}

void Handles::take_handles(std::uint64_t session, const std::set<std::uint64_t>& handles, Moment asked)
{
    std::vector<HandleId> over;
    for (auto it = handles_.lower_bound({session, 0}); it != handles_.end() && it->first.session == session;
         ++it) {
        if (!handles.contains(it->first.handle) && it->second.last < asked) {
            over.push_back(it->first);
        }
    }
    for (const auto& who : over) {
        end(who, asked);
    }
}

void Handles::prune(Moment now)
{
    const auto is_old = [&](const auto& entry) {
        return entry.second < now - kOldest || entry.second > now + kMostAhead; // the clock was set back
    };
    began_ = began_ > now + kMostAhead ? Moment() : began_;
    std::erase_if(ended_, is_old);
    std::erase_if(ended_sessions_, is_old);
    std::erase_if(left_, is_old);
}

std::string Handles::meeting_of(const Room& room) const
{
    const auto& naming = room.plugin == Plugin::videoroom ? naming_.videoroom : naming_.audiobridge;
    return replaced(naming, room.name);
}

// Whoever makes a room gives it a name where Janus has string_ids: "audiobridge-1234" in VideoRoom, say. The
// name belongs to the plugin whose naming says more of it.
bool Handles::is_anothers(const Room& room, const std::string& meeting) const
{
    const bool video = room.plugin == Plugin::videoroom;
    const auto& own = video ? naming_.videoroom : naming_.audiobridge;
    const auto& other = video ? naming_.audiobridge : naming_.videoroom;
    return own != other && own.size() <= other.size() && may_be_called(meeting, other);
}

Person Handles::person_of(HandleId who, const InRoom& in_room, std::string meeting) const
{
    auto user = in_room.user;
    if (user.empty() && !in_room.private_id.empty()) {
        const auto known = users_.find({in_room.room, in_room.private_id});
        user = known == users_.end() ? "" : known->second.id;
    }
    auto id = naming_.prefix + user;
    if (user.empty() || user.starts_with(kHandle) || !check_participant_id(id)) {
        // A subscriber that is nobody's, as far as is known, or somebody who calls himself as one.
        id = naming_.prefix + std::string(kHandle) + std::to_string(who.handle);
    }
    return {std::move(meeting), std::move(id)};
}

// With trickle ICE the candidates come by themselves.
Sdp Handles::description_of(const Handle& handle)
{
    auto sdp = handle.description->second;
    for (auto& section : sdp.sections) {
        for (const auto& [endpoint, at] : handle.candidates) {
            if (at > handle.hung_up &&
                std::ranges::find(section.endpoints, endpoint) == section.endpoints.end()) {
                section.endpoints.push_back(endpoint);
            }
        }
    }
    return sdp;
}

Handles::Standing Handles::standing_of(HandleId who, const Handle& handle) const
{
    if (!handle.description || handle.description->first <= handle.hung_up) {
        return {.unbound = kNoConnection};
    }
    const auto& [described, sdp] = *handle.description;
    const auto& stay = handle.rooms.empty() ? std::nullopt : handle.rooms.rbegin()->second;
    if (!stay) {
        return {.unbound = handle.plugin == Plugin::other ? "other_plugin" : "no_room"};
    }
    // The first stay was there before anybody told of it; of a later one, older descriptions are not.
    const bool first =
        !handle.moved && std::ranges::none_of(handle.rooms.begin(), std::prev(handle.rooms.end()),
                                              [](const auto& entry) { return entry.second.has_value(); });
    const bool certain = names_a_room(sdp.session_name) ? sdp.session_name == session_name(stay->room)
                                                        : first || described >= handle.rooms.rbegin()->first;
    if (!certain) {
        return {.unbound = "room_uncertain"};
    }
    auto meeting = meeting_of(stay->room);
    if (meeting.empty()) {
        return {.unbound = "not_wanted"};
    }
    if (!check_meeting_id(meeting)) {
        return {.unbound = "bad_name"};
    }
    if (is_anothers(stay->room, meeting)) {
        return {.unbound = "ambiguous_name"};
    }
    auto ufrags = bindings_of(description_of(handle), addresses_);
    if (ufrags.empty()) {
        return {.unbound = "no_candidates"};
    }
    return {.transport = {person_of(who, *stay, std::move(meeting)), std::move(ufrags), {}}};
}

std::vector<Handles::Change> Handles::take_changes()
{
    std::vector<Change> changes;
    for (const auto& who : std::exchange(changed_, {})) {
        const auto it = handles_.find(who);
        auto standing =
            it == handles_.end() ? Standing{.unbound = kNoConnection} : standing_of(who, it->second);
        if (const auto before = why_unbound_.extract(who); !before.empty()) {
            --unbound_[before.mapped()];
        }
        const bool bound = standing.unbound == nullptr;
        if (!bound && standing.unbound != kNoConnection) {
            ++unbound_[standing.unbound];
            why_unbound_[who] = standing.unbound;
        }
        changes.push_back({who, bound ? std::optional(std::move(standing.transport)) : std::nullopt});
    }
    return changes;
}

std::optional<Handles::Seat> Handles::seat_of(const Person& person) const
{
    for (const auto& [who, handle] : handles_) {
        const auto& stay = handle.rooms.empty() ? std::nullopt : handle.rooms.rbegin()->second;
        if (stay && !stay->user.empty() && !stay->user.starts_with(kHandle) &&
            naming_.prefix + stay->user == person.id && meeting_of(stay->room) == person.meeting) {
            return Seat{stay->room, stay->user};
        }
    }
    return std::nullopt;
}

} // namespace meetfence::bridges::janus
