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
#include <utility>
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
    int ids_fd = -1, ufrags_fd = -1, sightings_fd = -1, strangers_fd = -1;
    /// Returns when no packet can see anything that was unlinked before the call.
    std::function<Result<>()> wait_for_packets;
};

/// Elements that packets on their way may still look at.
struct Unlinked {
    std::vector<std::uint32_t> flows, participants;
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
    /// Ufrags that were answered of late and that nobody was handed over with, in either address family.
    [[nodiscard]] Result<std::size_t> count_waiting() const;
    /// Whether two meetings claim it now.
    [[nodiscard]] bool is_contested(const mf_flow& flow) const;

    /// Looks at the next `slots` of the table of flows, and takes out those that nobody has or that were
    /// not proven for long.
    void sweep(std::uint32_t slots);
    /// Flows that say whose packets are, as the last sweep through the whole table met them; none before
    /// that.
    [[nodiscard]] std::optional<std::uint64_t> swept_flows() const { return swept_flows_; }

    // Elements that were unlinked are used again when every packet that was on its way is through.
    [[nodiscard]] bool has_unlinked() const { return !swept_.empty() || !pool_.limbo().empty(); }
    [[nodiscard]] Unlinked take_unlinked() { return {std::exchange(swept_, {}), pool_.take_limbo()}; }
    void free_unlinked(const Unlinked& unlinked);
    void keep_unlinked(const Unlinked& unlinked); // for later

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
    [[nodiscard]] Result<std::uint32_t> take_index();
    [[nodiscard]] Result<std::uint64_t> add(const policy::RosterEntry& entry, std::uint32_t meeting_slot);
    [[nodiscard]] Result<> write_id(const policy::RosterEntry& entry);
    [[nodiscard]] Result<std::map<std::uint64_t, HeldParticipant>> read_participants();
    [[nodiscard]] Result<> read_ufrags(std::map<std::uint64_t, HeldParticipant>& held);
    [[nodiscard]] Result<> bind(const std::vector<UfragBinding>& added,
                                const std::vector<UfragBinding>& removed, std::uint64_t owner);
    void unbind(const std::vector<UfragBinding>& ufrags);
    void meet_sighting(const UfragBinding& binding, std::uint8_t family, std::uint64_t owner);
    void prove(const mf_flow_key& key, std::uint64_t owner, std::uint32_t proven, std::uint32_t stranger);
    [[nodiscard]] std::uint32_t find_stranger(const mf_flow_key& key, std::uint32_t ufrag) const;
    void sweep_slot(std::uint32_t slot);
    [[nodiscard]] mf_flow* find(const mf_flow_key& key) const;
    [[nodiscard]] bool is_alive(std::uint64_t owner) const;
    [[nodiscard]] bool is_recent(std::uint32_t then) const;

    ParticipantMaps maps_;
    mf_control* control_;
    IndexPool pool_;
    std::uint32_t next_sweep_ = 0;
    std::uint64_t met_ = 0; // since the sweep began at the first slot
    std::optional<std::uint64_t> swept_flows_;
    std::vector<std::uint32_t> swept_;
};

} // namespace meetfence::dataplane
