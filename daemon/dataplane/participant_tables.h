// SPDX-License-Identifier: Apache-2.0
// Who takes part and whose flows are whose, as the kernel holds it: the only place where that is kept
// while no daemon runs. kernel-headers/abi.h says how each table may be changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/dataplane/index_pool.h"
#include "daemon/policy/roster.h"
#include "kernel-headers/abi.h"
#include "model/result.h"
#include "pins/mapped_array.h"

namespace meetfence::dataplane {

struct ParticipantMaps {
    pins::MappedArray<mf_participant> participants;
    pins::MappedArray<mf_flow> flows;
    int ids_fd = -1, ufrags_fd = -1, sightings_fd = -1;
};

/// A participant as the tables hold it.
struct HeldParticipant {
    policy::RosterEntry entry;
    std::uint32_t meeting_slot = 0;
};

class ParticipantTables {
public:
    /// `control` outlives the object.
    ParticipantTables(ParticipantMaps maps, mf_control& control);

    /// Everybody an earlier daemon left, with what they are known by; what belongs to nobody is taken out.
    [[nodiscard]] Result<std::vector<HeldParticipant>> adopt();

    /// Brings a participant from `before` (null: was not there) to `after`, whose owner is filled in.
    /// exhausted where a table is full; then all is as before.
    [[nodiscard]] Result<> put(const policy::RosterEntry* before, policy::RosterEntry& after,
                               std::uint32_t meeting_slot);
    void lead_to(std::uint64_t owner, std::uint32_t meeting_slot);
    /// With its flows, at once.
    void remove(const policy::RosterEntry& entry);

    /// What was learned by another set of tables: where there is room.
    void carry_flow(const mf_flow& flow, std::uint64_t owner);
    /// Calls `take` for each flow that says whose packets are.
    void for_each_flow(const std::function<void(const mf_flow&)>& take) const;
    /// Whether two meetings claim it now.
    [[nodiscard]] bool is_contested(const mf_flow& flow) const;

    /// Looks at the next `slots` of the table of flows, and takes out those that nobody has or that were
    /// not proven for long. Elements so unlinked are used again after `free_swept`, before which every
    /// packet on its way must be through.
    void sweep(std::uint32_t slots);
    [[nodiscard]] bool has_swept() const { return !swept_.empty(); }
    [[nodiscard]] std::vector<std::uint32_t> take_swept() { return std::exchange(swept_, {}); }
    void free_swept(const std::vector<std::uint32_t>& slots);

    /// Elements of those who left may be used again.
    void recycle() { pool_.recycle(); }
    [[nodiscard]] bool has_garbage() const { return !pool_.limbo().empty(); }

private:
    [[nodiscard]] static std::uint32_t index_of(std::uint64_t owner)
    {
        return static_cast<std::uint32_t>(owner & MF_PARTICIPANT_INDEX);
    }
    [[nodiscard]] static std::uint64_t read(__u64& word)
    {
        return std::atomic_ref(word).load(std::memory_order_acquire);
    }
    static void store(__u64& word, std::uint64_t value)
    {
        std::atomic_ref(word).store(value, std::memory_order_release);
    }
    [[nodiscard]] Result<std::uint64_t> add(const policy::RosterEntry& entry, std::uint32_t meeting_slot);
    [[nodiscard]] Result<> write_id(const policy::RosterEntry& entry);
    [[nodiscard]] Result<std::map<std::uint64_t, HeldParticipant>> read_participants();
    [[nodiscard]] Result<> read_ufrags(std::map<std::uint64_t, HeldParticipant>& held);
    [[nodiscard]] Result<> bind(const std::vector<UfragBinding>& added,
                                const std::vector<UfragBinding>& removed, std::uint64_t owner);
    void unbind(const std::vector<UfragBinding>& ufrags);
    void meet_sighting(const UfragBinding& binding, std::uint8_t family, std::uint64_t owner);
    void prove(const mf_flow_key& key, std::uint64_t owner, std::uint32_t proven);
    [[nodiscard]] mf_flow* find(const mf_flow_key& key) const;
    [[nodiscard]] bool is_alive(std::uint64_t owner) const;
    [[nodiscard]] bool is_recent(std::uint32_t then) const;

    ParticipantMaps maps_;
    mf_control* control_;
    IndexPool pool_;
    std::uint32_t next_sweep_ = 0;
    std::vector<std::uint32_t> swept_;
};

} // namespace meetfence::dataplane
