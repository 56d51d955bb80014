// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/roster.h"

#include <algorithm>

namespace meetfence::bridges::jvb {
namespace {

constexpr std::size_t kMostUfrags = 2; // of an endpoint: before and after an ICE restart

std::string ledger_key(const auto& key)
{
    return to_line(Json{key.first, key.second});
}

} // namespace

Roster::Roster(Ledger& ledger, std::string prefix, Naming naming, LocalAddresses addresses)
    : ledger_(ledger), prefix_(std::move(prefix)), naming_(naming), addresses_(std::move(addresses))
{
}

void Roster::remove_if(const auto& gone, Moment at)
{
    std::erase_if(known_, [&](const auto& item) {
        const bool is_gone = gone(item.first, item.second);
        if (is_gone) {
            ledger_.remove(ledger_key(item.first), at);
        }
        return is_gone;
    });
}

// "" where it is not certain. Never a room's name in the place of an identifier: anybody may call a room as
// somebody else's meeting.
std::string Roster::meeting_of(const DebugConference& conference) const
{
    if (conference.uncertain) {
        return {};
    }
    return naming_ == Naming::name ? conference.name.value_or("")
                                   : conference.meeting_id.value_or(conference.id);
}

void Roster::take(std::span<const DebugConference> conferences, Moment asked, Moment at)
{
    std::set<Key> there;
    for (const auto& conference : conferences) {
        if (conference.expired) {
            continue;
        }
        const auto meeting = meeting_of(conference);
        if (conference.meeting_id && conference.name && !conference.uncertain) {
            names_[*conference.meeting_id] = {*conference.name, at};
        }
        for (const auto& endpoint : conference.endpoints) {
            const auto key =
                meeting.empty() ? Key("", conference.id + "/" + endpoint.id) : Key(meeting, endpoint.id);
            if (!endpoint.gone) {
                there.insert(key);
                take_polled(key, endpoint, at);
            }
        }
    }
    remove_if([&](const Key& key, const Known& known) { return known.at < asked && !there.contains(key); },
              at);
    std::erase_if(names_, [&](const auto& item) { return item.second.second < asked; });
}

// Videobridges without ICE restart do not show the ufrag: then the one of the answer stays.
void Roster::take_polled(const Key& key, const DebugEndpoint& endpoint, Moment at)
{
    auto& known = known_[key];
    std::string_view trouble;
    for (const auto& ufrag : endpoint.ufrags) {
        const auto wrong = say(known, ufrag, {}, at);
        trouble = trouble.empty() ? wrong : trouble;
    }
    if (endpoint.ufrags.empty()) {
        for (auto& [ufrag, said] : known.ufrags) {
            said.at = at;
        }
    }
    std::erase_if(known.ufrags, [&](const auto& item) { return at - item.second.at > kTransition; });
    static_cast<void>(publish(key, known, trouble, at)); // where there is no room, it is counted
}

std::string_view Roster::take(const ColibriExchange& exchange, Moment at)
{
    const auto named = names_.find(exchange.meeting_id);
    auto meeting = exchange.meeting_id;
    if (naming_ == Naming::name) {
        meeting = !exchange.name.empty() ? exchange.name
                                         : (named == names_.end() ? std::string() : named->second.first);
    }
    if (meeting.empty()) {
        return "no_meeting";
    }
    if (exchange.expires) {
        remove_if([&](const Key& key, const Known&) { return key.first == meeting; }, at);
        names_.erase(exchange.meeting_id);
        return {};
    }
    if (naming_ == Naming::name) {
        names_[exchange.meeting_id] = {meeting, at};
    }
    for (const auto& id : exchange.expired) {
        const Key key(meeting, id);
        known_.erase(key);
        ledger_.remove(ledger_key(key), at);
    }
    for (const auto& endpoint : exchange.answered) {
        const bool is_expired = std::ranges::find(exchange.expired, endpoint.id) != exchange.expired.end();
        if (!is_expired && !take_answered({meeting, endpoint.id}, endpoint, at)) {
            return "no_room";
        }
    }
    return {};
}

bool Roster::take_answered(const Key& key, const ColibriEndpoint& endpoint, Moment at)
{
    if (known_.size() >= kMostTransports && !known_.contains(key)) {
        return false;
    }
    auto& known = known_[key];
    const auto trouble = say(known, endpoint.ufrag, endpoint.candidates, at);
    while (known.ufrags.size() > kMostUfrags) {
        known.ufrags.erase(
            std::ranges::min_element(known.ufrags, {}, [](const auto& item) { return item.second.at; }));
    }
    return publish(key, known, trouble, at);
}

void Roster::take_over(const Participant& found, Moment at)
{
    const Key key(found.meeting, found.id.substr(prefix_.size()));
    auto& known = known_[key];
    if (!known.ufrags.empty()) {
        return;
    }
    for (const auto& binding : found.ufrags) {
        auto& said = known.ufrags[binding.ufrag];
        said.bindings.push_back(binding);
        said.at = at;
    }
    static_cast<void>(publish(key, known, {}, at));
}

void Roster::forget(Moment before)
{
    remove_if([&](const Key&, const Known& known) { return known.at < before; }, before);
    std::erase_if(names_, [&](const auto& item) { return item.second.second < before; });
}

// Checks carry what the videobridge has before the first colon, and it compares no more than that: a
// `ufrag-prefix` may have one.
std::string_view Roster::say(Known& known, const std::string& ufrag, std::span<const Endpoint> candidates,
                             Moment at) const
{
    const auto compared = ufrag.substr(0, ufrag.find(':'));
    if (!check_ufrag(compared)) {
        return compared.size() > kLongestUfrag ? "long_ufrag" : "bad_ufrag";
    }
    auto& said = known.ufrags[compared];
    said.at = at;
    if (!candidates.empty() || !addresses_.instead.empty()) {
        said.bindings.clear();
    }
    for (auto endpoint : addresses_.instead.empty() ? candidates : std::span(addresses_.instead)) {
        endpoint.address = addresses_.any ? std::nullopt : endpoint.address;
        said.bindings.push_back({endpoint, compared});
    }
    return said.bindings.empty() ? "no_candidates" : "";
}

bool Roster::publish(const Key& key, Known& known, std::string_view trouble, Moment at)
{
    MediaTransport transport{{key.first, prefix_ + key.second}, {}, {}};
    for (const auto& [ufrag, said] : known.ufrags) {
        transport.ufrags.insert(transport.ufrags.end(), said.bindings.begin(), said.bindings.end());
    }
    known.at = at;
    known.reason.clear();
    if (key.first.empty()) {
        known.reason = "no_meeting";
    } else if (!check_meeting_id(key.first) || !check_participant_id(transport.person.id)) {
        known.reason = "bad_name";
    } else if (transport.ufrags.empty()) {
        known.reason = trouble.empty() ? "no_ufrag" : trouble;
    }
    if (!known.reason.empty()) {
        ledger_.remove(ledger_key(key), at);
        return true;
    }
    if (!ledger_.put(ledger_key(key), std::move(transport), at)) {
        known.reason = "no_room";
        return false;
    }
    return true;
}

Reasons Roster::unbound() const
{
    Reasons result;
    for (const auto& [key, known] : known_) {
        if (!known.reason.empty()) {
            ++result[known.reason];
        }
    }
    return result;
}

} // namespace meetfence::bridges::jvb
