// SPDX-License-Identifier: Apache-2.0
// What is known of Janus' handles, from facts in any order: late ones, double ones, lost ones. Each is as
// true as it is new, by Janus' own time stamps. Where it isn't certain in which room a PeerConnection is, it
// is in none.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bridges/janus/fact.h"
#include "bridges/ledger/reasons.h"
#include "bridges/ledger/transport.h"
#include "bridges/sdp/local_addresses.h"

namespace meetfence::bridges::janus {

/// What a room is called as a meeting: "{room}" stands for its name. "" = its participants are not bound.
struct Naming {
    std::string videoroom = "{room}";
    std::string audiobridge = "audiobridge-{room}";
    std::string prefix = "janus-"; // of participants
};

/// Facts that are older, or that much in the future, are nobody's.
inline constexpr std::chrono::minutes kOldest{10}, kMostAhead{1};
inline constexpr std::size_t kMostHandles = 1U << 18;

class Handles {
public:
    Handles(Naming naming, LocalAddresses addresses)
        : naming_(std::move(naming)), addresses_(std::move(addresses))
    {
    }

    /// Why it is of no use, in one word, or "".
    std::string_view take(const Fact& fact, Moment now);
    /// All sessions there are, or all handles of one: what is not there, and was not heard of since, is gone.
    void take_sessions(const std::set<std::uint64_t>& sessions, Moment asked);
    void take_handles(std::uint64_t session, const std::set<std::uint64_t>& handles, Moment asked);
    /// Forgets who ended long ago.
    void prune(Moment now);

    struct Change {
        HandleId who;
        std::optional<MediaTransport> transport; // none: it is not bound
    };
    /// Whose transport may have become another one since the last call.
    [[nodiscard]] std::vector<Change> take_changes();
    /// PeerConnections that are not bound, by reason; as of the last `take_changes`.
    [[nodiscard]] const Reasons& unbound() const { return unbound_; }

    struct Seat {
        Room room;
        std::string user;
    };
    /// Where a participant sits by its identifier, as the daemon calls it.
    [[nodiscard]] std::optional<Seat> seat_of(const Person& person) const;
    [[nodiscard]] bool knows(HandleId who) const { return handles_.contains(who); }
    [[nodiscard]] std::size_t size() const { return handles_.size(); }

private:
    struct Handle {
        Moment last{}; // what was heard of it
        std::optional<Plugin> plugin;
        std::map<Moment, std::optional<InRoom>>
            rooms;          // from when on; none = in no room; each another one than before
        bool moved = false; // there were more
        std::optional<std::pair<Moment, Sdp>> description;
        std::map<Endpoint, Moment> candidates; // of trickle ICE
        Moment hung_up{};
    };
    struct Standing {                  // what comes of a handle
        const char* unbound = nullptr; // why not, or null; "" where there is no PeerConnection
        MediaTransport transport;
    };
    using PrivateKey = std::pair<Room, std::string>;

    [[nodiscard]] Standing standing_of(HandleId who, const Handle& handle) const;
    [[nodiscard]] Person person_of(HandleId who, const InRoom& in_room, std::string meeting) const;
    [[nodiscard]] std::string meeting_of(const Room& room) const;
    [[nodiscard]] bool is_anothers(const Room& room, const std::string& meeting) const;
    void forget_ties(HandleId who, const Handle& handle);
    [[nodiscard]] static Sdp description_of(const Handle& handle);
    [[nodiscard]] bool ended(HandleId who, Moment at) const;
    void end(HandleId who, Moment at);
    std::string_view take_of_handle(const Fact& fact);
    void leave(const LeftRoom& left, Moment at);
    void sit(HandleId who, Handle& handle, const std::optional<InRoom>& in_room, Moment at);

    Naming naming_;
    LocalAddresses addresses_;
    std::map<HandleId, Handle> handles_;
    std::map<HandleId, Moment> ended_; // what was before is over
    std::map<std::uint64_t, Moment> ended_sessions_;
    std::map<std::pair<Room, std::string>, Moment> left_; // user "": everybody
    Moment began_{};                                      // Janus
    struct User {
        std::string id;
        HandleId publisher;
    };
    std::map<PrivateKey, User> users_;                     // by private_id
    std::map<PrivateKey, std::set<HandleId>> subscribers_; // who is somebody else's, by private_id
    std::set<HandleId> changed_;
    std::map<HandleId, const char*> why_unbound_;
    Reasons unbound_;
};

} // namespace meetfence::bridges::janus
