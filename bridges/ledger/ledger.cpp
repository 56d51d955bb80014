// SPDX-License-Identifier: Apache-2.0
#include "bridges/ledger/ledger.h"

#include <algorithm>

namespace meetfence::bridges {
namespace {

Person person_of(const Participant& participant)
{
    return {participant.meeting, participant.id};
}

template <class T> void sort_unique(std::vector<T>& items)
{
    std::ranges::sort(items);
    items.erase(std::unique(items.begin(), items.end()), items.end());
}

template <class T> std::vector<T> both(const std::vector<T>& one, const std::vector<T>& other)
{
    std::vector<T> result;
    std::ranges::set_intersection(one, other, std::back_inserter(result));
    return result;
}

template <class T> std::vector<T> only(const std::vector<T>& one, const std::vector<T>& other)
{
    std::vector<T> result;
    std::ranges::set_difference(one, other, std::back_inserter(result));
    return result;
}

} // namespace

bool Ledger::put(const std::string& key, MediaTransport transport, Moment at)
{
    sort_unique(transport.ufrags);
    sort_unique(transport.flows);
    const auto it = transports_.find(key);
    if (it != transports_.end() && it->second == transport) {
        return true;
    }
    if (it == transports_.end() && transports_.size() >= kMostTransports) {
        return false;
    }
    remove(key, at);
    keys_of_[transport.person].insert(key);
    claim(transport, at);
    transports_.emplace(key, std::move(transport));
    return true;
}

void Ledger::remove(const std::string& key, Moment at)
{
    const auto it = transports_.find(key);
    if (it == transports_.end()) {
        return;
    }
    const auto keys = keys_of_.find(it->second.person);
    keys->second.erase(key);
    if (keys->second.empty()) {
        keys_of_.erase(keys);
    }
    release(it->second, at);
    transports_.erase(it);
}

void Ledger::keep(const std::set<std::string>& keys, Moment at)
{
    std::vector<std::string> gone;
    for (const auto& [key, transport] : transports_) {
        if (!keys.contains(key)) {
            gone.push_back(key);
        }
    }
    for (const auto& key : gone) {
        remove(key, at);
    }
}

void Ledger::claim(const MediaTransport& transport, Moment at)
{
    const auto add = [&](const Claim& claim) {
        auto& persons = claims_[claim];
        const bool is_new = persons[transport.person]++ == 0;
        if (is_new && persons.size() == 2) {
            ++contested_;
        }
        for (const auto& [person, count] : persons) {
            change(person, at);
        }
    };
    std::ranges::for_each(transport.ufrags, add);
    std::ranges::for_each(transport.flows, add);
}

void Ledger::release(const MediaTransport& transport, Moment at)
{
    const auto drop = [&](const Claim& claim) {
        const auto it = claims_.find(claim);
        auto& persons = it->second;
        for (const auto& [person, count] : persons) {
            change(person, at);
        }
        if (--persons[transport.person] == 0) {
            persons.erase(transport.person);
            contested_ -= persons.size() == 1 ? 1 : 0;
        }
        if (persons.empty()) {
            claims_.erase(it);
        }
    };
    std::ranges::for_each(transport.ufrags, drop);
    std::ranges::for_each(transport.flows, drop);
}

void Ledger::change(const Person& person, Moment at)
{
    const auto refused = refused_.extract(person);
    changed_.try_emplace(person, refused.empty() ? at : refused.mapped());
}

bool Ledger::somebody_elses(const Claim& claim, const Person& person) const
{
    const auto it = claims_.find(claim);
    return it != claims_.end() && (it->second.size() > 1 || !it->second.contains(person));
}

Participant Ledger::wanted(const Person& person) const
{
    Participant result{person.meeting, person.id, {}, {}};
    if (const auto keys = keys_of_.find(person); keys != keys_of_.end()) {
        for (const auto& key : keys->second) {
            const auto& transport = transports_.at(key);
            std::ranges::copy_if(transport.ufrags, std::back_inserter(result.ufrags),
                                 [&](const auto& ufrag) { return !somebody_elses(ufrag, person); });
            std::ranges::copy_if(transport.flows, std::back_inserter(result.flows),
                                 [&](const auto& flow) { return !somebody_elses(flow, person); });
        }
    }
    sort_unique(result.ufrags);
    sort_unique(result.flows);
    return result;
}

// Whether another participant waits for something that this one gives up.
bool Ledger::hands_over(const Participant& had, const Participant& wanted) const
{
    const auto person = person_of(had);
    const auto waited_for = [&](const auto& claim) { return somebody_elses(claim, person); };
    return std::ranges::any_of(only(had.ufrags, wanted.ufrags), waited_for) ||
           std::ranges::any_of(only(had.flows, wanted.flows), waited_for);
}

std::vector<Step> Ledger::take(std::size_t most)
{
    std::vector<Step> releases, rest;
    gone_.clear();
    while (!changed_.empty() && releases.size() + rest.size() < most) {
        const auto [person, since] = *changed_.begin();
        changed_.erase(changed_.begin());
        auto step = Step{wanted(person), since};
        if (knotted_.erase(person) > 0) {
            releases.push_back({{person.meeting, person.id, {}, {}}, since});
            if (!step.removes()) {
                rest.push_back(std::move(step));
            }
            continue;
        }
        const auto had = applied_.find(person);
        const bool has_some = had != applied_.end();
        if (!unknown_.contains(person) && (has_some ? had->second == step.participant : step.removes())) {
            continue;
        }
        if (!has_some || step.removes() || !hands_over(had->second, step.participant)) {
            (step.removes() ? releases : rest).push_back(std::move(step));
            continue;
        }
        auto less = step;
        less.participant.ufrags = both(had->second.ufrags, step.participant.ufrags);
        less.participant.flows = both(had->second.flows, step.participant.flows);
        const bool nothing_new = less.participant == step.participant;
        releases.push_back(std::move(less));
        if (!nothing_new) {
            rest.push_back(std::move(step));
        }
    }
    std::ranges::move(rest, std::back_inserter(releases));
    return releases;
}

void Ledger::set_applied(const Participant& participant)
{
    const auto person = person_of(participant);
    unknown_.erase(person);
    if (const auto it = applied_.find(person); it != applied_.end()) {
        bindings_ -= it->second.ufrags.size() + it->second.flows.size();
        applied_.erase(it);
    }
    if (const auto count = participant.ufrags.size() + participant.flows.size(); count > 0) {
        bindings_ += count;
        applied_.emplace(person, participant);
    }
}

void Ledger::done(const Step& step)
{
    set_applied(step.participant);
    if (gone_.contains(step.participant.meeting)) { // before it, or with it
        const auto person = person_of(step.participant);
        set_applied({person.meeting, person.id, {}, {}});
        unknown_.insert(person);
        change(person, step.since);
    }
}

void Ledger::refused(const Step& step)
{
    const auto person = person_of(step.participant);
    if (applied_.contains(person) || unknown_.contains(person)) {
        knotted_.insert(person);
    }
    if (!changed_.contains(person)) {
        refused_.try_emplace(person, step.since);
    }
}

void Ledger::retry()
{
    changed_.merge(refused_);
    refused_.clear();
}

void Ledger::meeting_gone(const std::string& meeting, Moment at)
{
    gone_.insert(meeting);
    for (auto it = applied_.lower_bound({meeting, {}});
         it != applied_.end() && it->first.meeting == meeting;) {
        bindings_ -= it->second.ufrags.size() + it->second.flows.size();
        it = applied_.erase(it);
    }
    for (auto it = keys_of_.lower_bound({meeting, {}}); it != keys_of_.end() && it->first.meeting == meeting;
         ++it) {
        change(it->first, at);
    }
}

void Ledger::start_over(std::span<const Person> found, Moment at)
{
    applied_.clear();
    bindings_ = 0;
    unknown_ = {found.begin(), found.end()};
    knotted_.clear();
    for (const auto& person : found) {
        change(person, at);
    }
    for (const auto& [person, keys] : keys_of_) {
        change(person, at);
    }
}

bool Ledger::has_person_in(const std::string& meeting) const
{
    const auto it = keys_of_.lower_bound({meeting, {}});
    return it != keys_of_.end() && it->first.meeting == meeting;
}

std::vector<std::string> Ledger::meetings() const
{
    std::vector<std::string> result;
    for (const auto& [person, keys] : keys_of_) {
        if (result.empty() || result.back() != person.meeting) {
            result.push_back(person.meeting);
        }
    }
    return result;
}

} // namespace meetfence::bridges
