// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/participant_tables.h"

#include <algorithm>
#include <atomic>
#include <bpf/bpf.h>
#include <cstring>
#include <ctime>

#include "daemon/dataplane/kernel_error.h"
#include "kernel-headers/flow_table.h"

namespace meetfence::dataplane {
namespace {

std::uint32_t tick_now()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const auto ns =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
    return static_cast<std::uint32_t>(ns >> MF_TICK_SHIFT) + 1;
}

std::vector<UfragBinding> missing(const std::vector<UfragBinding>& from, const std::vector<UfragBinding>& in)
{
    std::vector<UfragBinding> result;
    std::ranges::set_difference(from, in, std::back_inserter(result));
    return result;
}

} // namespace

ParticipantTables::ParticipantTables(ParticipantMaps maps, mf_control& control)
    : maps_(std::move(maps)),
      control_(&control),
      pool_(
          static_cast<std::uint32_t>(std::min<std::size_t>(maps_.participants.size(), MF_PARTICIPANT_INDEX)))
{
}

Result<> ParticipantTables::put(const policy::RosterEntry* before, policy::RosterEntry& after,
                                std::uint32_t meeting_slot)
{
    static const policy::RosterEntry kNobody;
    const auto& old = before == nullptr ? kNobody : *before;
    if (before == nullptr) {
        after.owner = TRY(add(after, meeting_slot));
    } else {
        after.owner = before->owner;
        if (before->handed_over != after.handed_over) {
            TRY(write_id(after));
        }
    }
    const auto added = missing(after.ufrags, old.ufrags);
    if (auto bound = bind(added, missing(old.ufrags, after.ufrags), after.owner); !bound) {
        if (before == nullptr) {
            remove({.owner = after.owner, .id = after.id});
        } else if (before->handed_over != after.handed_over) {
            TRY(write_id(*before));
        }
        return bound;
    }
    for (const auto& flow : after.flows) {
        prove(policy::to_key(flow), after.owner, MF_TICK_ALWAYS, 0);
    }
    for (const auto& flow : old.flows) {
        if (std::ranges::binary_search(after.flows, flow)) {
            continue;
        }
        if (auto* element = find(policy::to_key(flow)); element != nullptr && element->owner == after.owner) {
            store(element->owner, MF_FLOW_DEAD);
            swept_.push_back(static_cast<std::uint32_t>(element - &maps_.flows[0]));
        }
    }
    for (const auto& binding : added) {
        meet_sighting(binding, 4, after.owner);
        meet_sighting(binding, 6, after.owner);
    }
    return {};
}

Result<> ParticipantTables::write_id(const policy::RosterEntry& entry)
{
    const auto index = index_of(entry.owner);
    mf_participant_id value{.owner = entry.owner | (entry.handed_over ? 0 : MF_BY_RULE_ONLY)};
    std::ranges::copy(entry.id, value.id);
    if (const int error = bpf_map_update_elem(maps_.ids_fd, &index, &value, BPF_ANY); error != 0) {
        auto failed = kernel_error("the kernel's table of participants", -error);
        if (error == -E2BIG) {
            failed.value().message +=
                ": it holds limits.participants of them; remove some, or raise the limit "
                "and restart";
        }
        return failed;
    }
    return {};
}

Result<std::uint32_t> ParticipantTables::take_index()
{
    auto index = pool_.take();
    if (!index && !pool_.limbo().empty()) {
        TRY(maps_.wait_for_packets());
        pool_.recycle();
        index = pool_.take();
    }
    if (!index) {
        return fail(ErrorCode::exhausted,
                    "the kernel's table of participants is full: remove some, or raise limits.participants "
                    "and restart");
    }
    return *index;
}

Result<std::uint64_t> ParticipantTables::add(const policy::RosterEntry& entry, std::uint32_t meeting_slot)
{
    const auto index = TRY(take_index());
    const auto owner = ++control_->last_participant << MF_PARTICIPANT_SHIFT | index;
    auto named = entry;
    named.owner = owner;
    if (auto written = write_id(named); !written) {
        pool_.give_back(index);
        return fail(std::move(written).error());
    }
    auto& element = maps_.participants[index];
    element.meeting = meeting_slot;
    element.told = 0;
    store(element.owner, owner);
    return owner;
}

Result<> ParticipantTables::bind(const std::vector<UfragBinding>& added,
                                 const std::vector<UfragBinding>& removed, std::uint64_t owner)
{
    for (std::size_t i = 0; i < added.size(); ++i) {
        const auto key = policy::to_key(added[i]);
        if (const int error = bpf_map_update_elem(maps_.ufrags_fd, &key, &owner, BPF_ANY); error != 0) {
            unbind({added.begin(), added.begin() + static_cast<std::ptrdiff_t>(i)});
            auto failed = kernel_error("the kernel's table of ufrags", -error);
            failed.value().message += ": it holds two for each of limits.participants";
            return failed;
        }
    }
    unbind(removed);
    return {};
}

void ParticipantTables::unbind(const std::vector<UfragBinding>& ufrags)
{
    for (const auto& binding : ufrags) {
        const auto key = policy::to_key(binding);
        bpf_map_delete_elem(maps_.ufrags_fd, &key);
    }
}

void ParticipantTables::lead_to(std::uint64_t owner, std::uint32_t meeting_slot)
{
    maps_.participants[index_of(owner)].meeting = meeting_slot;
}

void ParticipantTables::remove(const policy::RosterEntry& entry)
{
    const auto index = index_of(entry.owner);
    store(maps_.participants[index].owner, 0); // from here on nothing is this participant's
    unbind(entry.ufrags);
    bpf_map_delete_elem(maps_.ids_fd, &index);
    pool_.retire(index);
}

// Somebody who was answered before being handed over is where the answer went.
void ParticipantTables::meet_sighting(const UfragBinding& binding, std::uint8_t family, std::uint64_t owner)
{
    auto key = policy::to_key(binding);
    const auto tag = mf_ufrag_tag(&key);
    IpAddress::Bytes local{};
    std::ranges::copy(key.local, local.begin());
    std::ranges::fill(key.local, 0);
    key.local[15] = family;
    mf_sighting seen{};
    mf_sighting again{};
    // Twice: the least recently used elements are given away, and could be in mid-reading.
    if (bpf_map_lookup_elem(maps_.sightings_fd, &key, &seen) != 0 ||
        bpf_map_lookup_elem(maps_.sightings_fd, &key, &again) != 0 ||
        std::memcmp(&seen, &again, sizeof(seen)) != 0 || !is_recent(seen.seen) ||
        (local != IpAddress::Bytes{} && !std::ranges::equal(local, seen.flow.local))) {
        return;
    }
    auto* flow = find(seen.flow);
    if (flow == nullptr || !is_alive(flow->owner) || !is_recent(flow->proven)) {
        prove(seen.flow, owner, seen.seen, find_stranger(seen.flow, tag));
    } else if (flow->owner == owner && flow->contested_by == tag) {
        flow->contested = 0; // it was the participant's own new transport that contested it
        flow->rivalled = 0;
    }
    bpf_map_delete_elem(maps_.sightings_fd, &key);
}

// As bpf/learn.h, find_stranger: whoever else was answered there, unless it is by this ufrag.
std::uint32_t ParticipantTables::find_stranger(const mf_flow_key& key, std::uint32_t ufrag) const
{
    const auto hash = mf_flow_hash(&key, control_->flow_secret);
    const auto index = static_cast<std::uint32_t>(hash) & (MF_STRANGERS - 1);
    mf_stranger met{};
    const bool known = bpf_map_lookup_elem(maps_.strangers_fd, &index, &met) == 0 &&
                       met.flow == static_cast<std::uint32_t>(hash >> 32) && is_recent(met.tick);
    return known && met.ufrag != ufrag ? met.ufrag : 0;
}

// `stranger`: tag of the ufrag by which somebody else was answered on the flow, or 0.
void ParticipantTables::prove(const mf_flow_key& key, std::uint64_t owner, std::uint32_t proven,
                              std::uint32_t stranger)
{
    mf_flow after{.key = key, .proven = proven, .contested_by = stranger};
    after.contested = stranger != 0 ? tick_now() : 0;
    auto* flow = find(key);
    if (flow == nullptr) {
        carry_flow(after, owner);
        return;
    }
    const auto before = read(flow->owner);
    if (before == owner) {
        flow->proven = proven;
        return;
    }
    if (is_alive(before) && is_recent(flow->proven)) {
        const bool same_meeting =
            maps_.participants[index_of(before)].meeting == maps_.participants[index_of(owner)].meeting;
        (same_meeting ? after.rivalled : after.contested) = tick_now();
    }
    flow->contested = after.contested;
    flow->rivalled = after.rivalled;
    flow->contested_by = after.contested_by; // 0: by somebody whom no ufrag of the new owner's makes good
    flow->proven = proven;
    store(flow->owner, owner);
}

// As bpf/learn.h, add_flow.
void ParticipantTables::carry_flow(const mf_flow& flow, std::uint64_t owner)
{
    const auto hash = mf_flow_hash(&flow.key, control_->flow_secret);
    for (std::uint32_t probe = 0; probe < MF_FLOW_PROBES; ++probe) {
        auto& element = maps_.flows[mf_flow_slot(hash, probe, control_->flow_slots)];
        __u64 before = read(element.owner);
        if ((before != MF_FLOW_NEVER && before != MF_FLOW_FREED) ||
            !std::atomic_ref<__u64>(element.owner).compare_exchange_strong(before, MF_FLOW_BUSY)) {
            continue;
        }
        element.key = flow.key;
        element.proven = flow.proven;
        element.contested = flow.contested;
        element.rivalled = flow.rivalled;
        element.contested_by = flow.contested_by;
        store(element.owner, owner);
        return;
    }
}

mf_flow* ParticipantTables::find(const mf_flow_key& key) const
{
    const auto hash = mf_flow_hash(&key, control_->flow_secret);
    for (std::uint32_t probe = 0; probe < MF_FLOW_PROBES; ++probe) {
        auto& flow = maps_.flows[mf_flow_slot(hash, probe, control_->flow_slots)];
        const auto owner = read(flow.owner);
        if (owner == MF_FLOW_NEVER) {
            return nullptr;
        }
        if (owner >= MF_FLOW_FIRST_OWNER && std::memcmp(&flow.key, &key, sizeof(key)) == 0) {
            return &flow;
        }
    }
    return nullptr;
}

bool ParticipantTables::is_alive(std::uint64_t owner) const
{
    return owner >= MF_FLOW_FIRST_OWNER && index_of(owner) < maps_.participants.size() &&
           maps_.participants[index_of(owner)].owner == owner;
}

bool ParticipantTables::is_recent(std::uint32_t then) const
{
    return then == MF_TICK_ALWAYS || (then != 0 && static_cast<std::int32_t>(tick_now() - then) <
                                                       static_cast<std::int32_t>(control_->flow_idle));
}

bool ParticipantTables::is_contested(const mf_flow& flow) const
{
    return flow.contested != 0 && is_recent(flow.contested);
}

void ParticipantTables::for_each_flow(const std::function<void(const mf_flow&)>& take) const
{
    for (std::size_t slot = 0; slot < maps_.flows.size(); ++slot) {
        auto& flow = maps_.flows[slot];
        if (is_alive(read(flow.owner)) && is_recent(flow.proven)) {
            take(flow);
        }
    }
}

Result<std::size_t> ParticipantTables::count_waiting() const
{
    std::vector<mf_ufrag_key> keys(MF_SIGHTINGS);
    std::vector<mf_sighting> sightings(MF_SIGHTINGS);
    std::uint32_t count = MF_SIGHTINGS;
    std::uint32_t next = 0;
    if (bpf_map_lookup_batch(maps_.sightings_fd, nullptr, &next, keys.data(), sightings.data(), &count,
                             nullptr) != 0 &&
        errno != ENOENT) { // the end of the table
        return kernel_error("counting who waits to be handed over");
    }
    return static_cast<std::size_t>(
        std::count_if(sightings.begin(), sightings.begin() + count,
                      [&](const mf_sighting& sighting) { return is_recent(sighting.seen); }));
}

void ParticipantTables::sweep(std::uint32_t slots)
{
    for (; slots > 0; --slots) {
        sweep_slot(next_sweep_);
        next_sweep_ = (next_sweep_ + 1) & (control_->flow_slots - 1);
        if (next_sweep_ == 0) {
            swept_flows_ = std::exchange(met_, 0);
        }
    }
}

void ParticipantTables::sweep_slot(std::uint32_t slot)
{
    auto& flow = maps_.flows[slot];
    __u64 owner = read(flow.owner);
    if (owner < MF_FLOW_FIRST_OWNER) {
        return;
    }
    if (is_alive(owner) && is_recent(flow.proven)) {
        ++met_;
    } else if (std::atomic_ref<__u64>(flow.owner).compare_exchange_strong(owner, MF_FLOW_DEAD)) {
        swept_.push_back(slot);
    }
}

void ParticipantTables::free_unlinked(const Unlinked& unlinked)
{
    for (const auto slot : unlinked.flows) {
        auto& flow = maps_.flows[slot];
        if (read(flow.owner) == MF_FLOW_DEAD || read(flow.owner) == MF_FLOW_BUSY) {
            flow.key = {};
            store(flow.owner, MF_FLOW_FREED);
        }
    }
    for (const auto index : unlinked.participants) {
        pool_.give_back(index);
    }
}

void ParticipantTables::keep_unlinked(const Unlinked& unlinked)
{
    swept_.insert(swept_.end(), unlinked.flows.begin(), unlinked.flows.end());
    for (const auto index : unlinked.participants) {
        pool_.retire(index);
    }
}

} // namespace meetfence::dataplane
