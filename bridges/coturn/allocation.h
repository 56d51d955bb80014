// SPDX-License-Identifier: Apache-2.0
// What coturn keeps in Redis of an allocation (its --redis-statsdb), as of 4.6.1:
//   key    turn/realm/REALM/user/USERNAME/allocation/000000000000000001/status
//   value  new lifetime=600, type=UDP, local=198.18.0.1:3478, remote=203.0.113.10:41662, ssl=NONE,
//   cipher=NONE
// or `refreshed …` with the same fields. The key is published on a channel of its own name as well.
//
// The username says whose it is. It is minted by the platform (--use-auth-secret), as
// TIMESTAMP:MEETING/PARTICIPANT. One '/' divides the two identifiers, always: what has a '/' of its own has
// it as ~2F, a '%' as ~25, a '~' as ~7E, and any byte may be written so. Not as in URLs: coturn hands the
// username to printf's cousin in hiredis, and dies of a '%', or tells another name.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/participant.h"

namespace meetfence::bridges::coturn {

struct AllocationRules {
    std::string realm = {}; // "": of all realms
    /// The host's own, which stand in the place of a local address that coturn does not tell: 0.0.0.0, where
    /// it listens on all of them.
    std::vector<IpAddress> listen_addresses = {};
};

struct Allocation {
    std::string meeting, participant;
    std::vector<Flow> flows; // between client and coturn; several where the local address is one of some
    std::chrono::seconds lifetime{0};
};

/// Why it is nobody's; one word each.
namespace unbound {
inline constexpr std::string_view kMalformed = "malformed", kOtherRealm = "other_realm",
                                  kNoMeeting = "no_meeting", kBadName = "bad_name", kTransport = "transport",
                                  kLocalAddress = "local_address";
} // namespace unbound

struct AllocationReading {
    std::string_view unbound; // "" where it is somebody's
    bool ended = false;       // its client has given it up
    Allocation allocation;    // the lifetime is there in any case
};

/// Of a Redis key or channel: whether it is about the state of an allocation.
[[nodiscard]] bool names_allocation(std::string_view key);
/// `prefix` comes before the participant's identifier.
[[nodiscard]] AllocationReading read_allocation(std::string_view key, std::string_view value,
                                                const AllocationRules& rules, std::string_view prefix);

/// Of keys and channels, in Redis' glob style.
inline constexpr std::string_view kAllocationPattern = "turn/*/allocation/*/status";

} // namespace meetfence::bridges::coturn
