// SPDX-License-Identifier: Apache-2.0
#include "bridges/coturn/allocation_table.h"

namespace meetfence::bridges::coturn {
namespace {

constexpr std::string_view kSuperseded = "superseded", kExpired = "expired", kNoRoom = "no_room";

} // namespace

AllocationTable::AllocationTable(Ledger& ledger, AllocationRules rules, std::string prefix)
    : ledger_(ledger), rules_(std::move(rules)), prefix_(std::move(prefix))
{
}

void AllocationTable::heard(const std::string& key, const std::optional<std::string>& value, Moment at)
{
    if (!value) {
        remove(key, at);
        return;
    }
    put(key, *value, at);
    for (const auto& rival : rivals(key)) {
        release(rival, entries_.at(rival), kSuperseded, at);
    }
}

void AllocationTable::found(const Listing& listing, Moment at)
{
    std::vector<std::string> gone;
    for (auto& [key, entry] : entries_) {
        if (!listing.values.contains(key) && !listing.changing.contains(key)) {
            // Within its lifetime an allocation goes on without Redis; coturn says it again when it is
            // refreshed.
            entry.forgotten = entry.forgotten || (listing.new_server && entry.unbound.empty());
            if (!entry.forgotten) {
                gone.push_back(key);
            }
        }
    }
    for (const auto& key : gone) {
        remove(key, at);
    }
    for (const auto& [key, value] : listing.values) {
        if (!listing.changing.contains(key)) {
            find(key, value, listing.after_gap, at);
        }
    }
}

void AllocationTable::find(const std::string& key, const std::string& value, bool after_gap, Moment at)
{
    const auto it = entries_.find(key);
    if (it == entries_.end() || it->second.value != value) {
        put(key, value, at);
    } else if (it->second.forgotten || after_gap) {
        it->second.forgotten = false;
        it->second.until = at + it->second.lifetime + kMargin;
    }
    for (const auto& rival : rivals(key)) {
        if (entries_.at(rival).forgotten) {
            remove(rival, at);
        }
    }
}

void AllocationTable::put(const std::string& key, const std::string& value, Moment at)
{
    auto reading = read_allocation(key, value, rules_, prefix_);
    if (reading.ended) {
        remove(key, at);
        return;
    }
    auto& entry = entries_[key];
    auto& [meeting, participant, flows, lifetime] = reading.allocation;
    const auto until = at + lifetime + kMargin;
    if (reading.unbound.empty() && entry.flows != flows) {
        release(key, entry, "", at);
    }
    if (reading.unbound.empty() && !ledger_.put(key, {{meeting, participant}, {}, flows}, at)) {
        reading.unbound = kNoRoom;
    }
    if (!reading.unbound.empty()) {
        release(key, entry, reading.unbound, at);
        flows.clear();
    }
    for (const auto& flow : flows) {
        keys_of_[flow].insert(key);
    }
    entry = {value, std::move(flows), lifetime, until, reading.unbound, false};
}

void AllocationTable::remove(const std::string& key, Moment at)
{
    if (const auto it = entries_.find(key); it != entries_.end()) {
        release(key, it->second, "", at);
        entries_.erase(it);
    }
}

void AllocationTable::release(const std::string& key, Entry& entry, std::string_view why, Moment at)
{
    for (const auto& flow : entry.flows) {
        const auto it = keys_of_.find(flow);
        it->second.erase(key);
        if (it->second.empty()) {
            keys_of_.erase(it);
        }
    }
    ledger_.remove(key, at);
    entry.flows.clear();
    entry.unbound = why;
}

// Of other allocations, those that claim one of its flows.
std::vector<std::string> AllocationTable::rivals(const std::string& key) const
{
    std::set<std::string> others;
    if (const auto it = entries_.find(key); it != entries_.end()) {
        for (const auto& flow : it->second.flows) {
            const auto& keys = keys_of_.at(flow);
            others.insert(keys.begin(), keys.end());
        }
    }
    others.erase(key);
    return {others.begin(), others.end()};
}

void AllocationTable::forget_old(Moment at)
{
    std::vector<std::string> forgotten;
    for (auto& [key, entry] : entries_) {
        if (entry.flows.empty() || at <= entry.until) {
            continue;
        }
        if (entry.forgotten) {
            forgotten.push_back(key);
        } else {
            release(key, entry, kExpired, at);
        }
    }
    for (const auto& key : forgotten) {
        remove(key, at);
    }
}

Reasons AllocationTable::unbound() const
{
    Reasons counts;
    for (const auto& [key, entry] : entries_) {
        if (!entry.unbound.empty()) {
            ++counts[std::string(entry.unbound)];
        }
    }
    return counts;
}

} // namespace meetfence::bridges::coturn
