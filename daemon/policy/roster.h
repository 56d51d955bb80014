// SPDX-License-Identifier: Apache-2.0
// Who takes part where, as signalling hands it over. Pure: what the kernel holds is elsewhere, and
// nothing of this is ever on a disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/policy/image.h"
#include "kernel-headers/abi.h"
#include "model/participant.h"
#include "model/result.h"

namespace meetfence::policy {

/// As the kernel's tables have them.
[[nodiscard]] mf_ufrag_key to_key(const UfragBinding& binding); // of one port
[[nodiscard]] mf_flow_key to_key(const Flow& flow);
[[nodiscard]] UfragBinding to_binding(const mf_ufrag_key& key);
[[nodiscard]] Flow to_flow(const mf_flow_key& key);
[[nodiscard]] EndpointImage place_of(const UfragBinding& binding);
[[nodiscard]] EndpointImage place_of(const Flow& flow);

struct RosterEntry {
    std::uint64_t owner = 0;
    std::string id;
    std::vector<UfragBinding> ufrags; // of one port each; sorted, none twice
    std::vector<Flow> flows;          // sorted, none twice
    bool handed_over = false;         // else only a rule names it
};

class Roster {
public:
    explicit Roster(std::uint64_t limit) : limit_(limit) {}

    using Meeting = std::map<std::string, RosterEntry, std::less<>>;
    /// By identifier; empty where nobody is known.
    [[nodiscard]] const Meeting& of(std::uint64_t meeting) const;
    [[nodiscard]] const RosterEntry* find(std::uint64_t meeting, std::string_view id) const;
    struct Place {
        std::uint64_t meeting = 0;
        std::string id;
    };
    /// Whose owner word this is, or null.
    [[nodiscard]] const Place* find(std::uint64_t owner) const;
    [[nodiscard]] std::size_t size() const { return places_.size(); }
    [[nodiscard]] std::size_t ufrags() const { return ufrags_.size(); }

    /// What would stand in the roster: one port a ufrag. Refused where the roster is full, or another
    /// participant has a ufrag or a flow of it.
    [[nodiscard]] Result<RosterEntry> check(std::uint64_t meeting, const Participant& participant) const;

    // Changes that were checked before; they cannot fail.
    void put(std::uint64_t meeting, RosterEntry entry);
    void remove(std::uint64_t meeting, std::string_view id);

private:
    using Owners = std::unordered_map<std::string, std::uint64_t>; // key's bytes → owner
    void forget(const RosterEntry& entry);
    [[nodiscard]] Result<> check_free(const Owners& owners, const std::string& key, std::uint64_t owner,
                                      std::uint64_t meeting, const std::string& what) const;

    std::uint64_t limit_;
    std::unordered_map<std::uint64_t, Meeting> meetings_;
    std::unordered_map<std::uint64_t, Place> places_; // by owner
    Owners ufrags_, flows_;
};

} // namespace meetfence::policy
