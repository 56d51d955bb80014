// SPDX-License-Identifier: Apache-2.0
// ParticipantTables::adopt: whom did an earlier daemon leave, perhaps in mid-change?
#include <algorithm>
#include <bpf/bpf.h>
#include <cstring>

#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/participant_tables.h"

namespace meetfence::dataplane {
namespace {

constexpr std::uint32_t kBatch = 4096;

// Calls `take(key, value)` for every element of a hash.
template <class Key, class Value, class Take> Result<> for_each(int fd, const char* what, Take take)
{
    std::vector<Key> keys(kBatch);
    std::vector<Value> values(kBatch);
    std::uint32_t position = 0;
    std::uint32_t* from = nullptr;
    for (int error = 0; error == 0; from = &position) {
        std::uint32_t count = kBatch;
        error = bpf_map_lookup_batch(fd, from, &position, keys.data(), values.data(), &count, nullptr);
        if (error != 0 && error != -ENOENT) {
            return kernel_error(std::string("reading the kernel's table of ") + what, -error);
        }
        for (std::size_t i = 0; i < count; ++i) {
            take(keys[i], values[i]);
        }
    }
    return {};
}

} // namespace

Result<std::vector<HeldParticipant>> ParticipantTables::adopt()
{
    auto held = TRY(read_participants());
    TRY(read_ufrags(held));
    for_each_flow([&](const mf_flow& flow) {
        if (const auto it = held.find(flow.owner); it != held.end() && flow.proven == MF_TICK_ALWAYS) {
            it->second.entry.flows.push_back(policy::to_flow(flow.key));
        }
    });
    // Of a sweep, or of one that was being added, that stopped half-way. Packets on their way may add flows
    // now; what is no longer being written by then is left alone.
    for (std::uint32_t slot = 0; slot < maps_.flows.size(); ++slot) {
        const auto owner = read(maps_.flows[slot].owner);
        if (owner == MF_FLOW_DEAD || owner == MF_FLOW_BUSY) {
            swept_.push_back(slot);
        }
    }
    std::vector<HeldParticipant> result;
    for (auto& [owner, participant] : held) {
        auto& entry = participant.entry;
        std::ranges::sort(entry.ufrags);
        std::ranges::sort(entry.flows);
        result.push_back(std::move(participant));
    }
    return result;
}

Result<std::map<std::uint64_t, HeldParticipant>> ParticipantTables::read_participants()
{
    std::map<std::uint64_t, HeldParticipant> held;
    std::vector<std::uint32_t> strangers;
    TRY((for_each<std::uint32_t, mf_participant_id>(
        maps_.ids_fd, "participants", [&](std::uint32_t index, const mf_participant_id& id) {
            const std::uint64_t owner = id.owner & ~MF_BY_RULE_ONLY;
            if (!is_alive(owner) || index_of(owner) != index || !pool_.take_exactly(index)) {
                strangers.push_back(index);
                return;
            }
            held[owner] = {{.owner = owner,
                            .id = std::string(id.id, strnlen(id.id, sizeof(id.id))),
                            .handed_over = owner == id.owner},
                           maps_.participants[index].meeting};
            control_->last_participant =
                std::max<std::uint64_t>(control_->last_participant, owner >> MF_PARTICIPANT_SHIFT);
        })));
    for (const auto index : strangers) { // of a removal that stopped half-way
        bpf_map_delete_elem(maps_.ids_fd, &index);
    }
    for (std::size_t index = 1; index < maps_.participants.size(); ++index) {
        if (auto& element = maps_.participants[index]; element.owner != 0 && !held.contains(element.owner)) {
            store(element.owner, 0);
        }
    }
    return held;
}

Result<> ParticipantTables::read_ufrags(std::map<std::uint64_t, HeldParticipant>& held)
{
    std::vector<mf_ufrag_key> strangers;
    TRY((for_each<mf_ufrag_key, std::uint64_t>(
        maps_.ufrags_fd, "ufrags", [&](const mf_ufrag_key& key, std::uint64_t owner) {
            if (const auto it = held.find(owner); it != held.end()) {
                it->second.entry.ufrags.push_back(policy::to_binding(key));
            } else {
                strangers.push_back(key);
            }
        })));
    for (const auto& key : strangers) {
        bpf_map_delete_elem(maps_.ufrags_fd, &key);
    }
    return {};
}

} // namespace meetfence::dataplane
