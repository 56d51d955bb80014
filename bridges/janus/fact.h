// SPDX-License-Identifier: Apache-2.0
// One thing that Janus says of itself, and when it was so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "bridges/ledger/ledger.h"
#include "bridges/sdp/sdp.h"

namespace meetfence::bridges::janus {

/// A handle is a client's end of one plugin, with one PeerConnection at most. Both numbers are random, and
/// never given twice.
struct HandleId {
    std::uint64_t session = 0, handle = 0;

    friend auto operator<=>(const HandleId&, const HandleId&) = default;
};

enum class Plugin : std::uint8_t { other, videoroom, audiobridge };

/// Rooms of two plugins have nothing to do with each other, whatever they are called.
struct Room {
    Plugin plugin = Plugin::other;
    std::string name;     // numbers in figures
    bool is_text = false; // Janus was configured with string_ids; so are its participants' then

    friend auto operator<=>(const Room&, const Room&) = default;
};

struct ServerEnd {}; // started or shut down: whatever was before is over
struct SessionEnd {};
struct HandleEnd {};
struct Attached {
    Plugin plugin = Plugin::other;
};
struct InRoom {
    Room room;
    std::string user;       // the room's number of the participant; "" of a subscriber
    std::string private_id; // what ties a subscriber to its participant; "" where it is not told
};
struct InNoRoom {};
struct LeftRoom { // of whom the event names no handle
    Room room;
    std::string user; // "" for everybody: the room is gone
};
struct Described {
    Sdp sdp; // the server's
};
struct HungUp {};
struct LocalCandidate {
    Endpoint endpoint;
};

struct Fact {
    Moment at;
    HandleId who; // the session alone for its end; nobody for ServerEnd and LeftRoom
    std::variant<ServerEnd, SessionEnd, HandleEnd, Attached, InRoom, InNoRoom, LeftRoom, Described, HungUp,
                 LocalCandidate>
        what;
};

} // namespace meetfence::bridges::janus
