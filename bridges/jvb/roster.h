// SPDX-License-Identifier: Apache-2.0
// Whose endpoints Jitsi Videobridge has, put together from both ways of hearing of them, and kept in the
// ledger. Pure; the time is a parameter.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bridges/jvb/colibri.h"
#include "bridges/jvb/debug_state.h"
#include "bridges/ledger/ledger.h"
#include "bridges/ledger/reasons.h"
#include "bridges/sdp/local_addresses.h"

namespace meetfence::bridges::jvb {

/// What a meeting is called.
enum class Naming : std::uint8_t {
    meeting_id, // as Jicofo calls it, and where a conference has none, by the videobridge's own identifier
    name        // as people called the room
};

class Roster {
public:
    Roster(Ledger& ledger, std::string prefix, Naming naming, LocalAddresses addresses);

    /// All that there is, as asked for at `asked`: who is not among them and was not heard of since is gone.
    void take(std::span<const DebugConference> conferences, Moment asked, Moment at);
    /// "", or why nothing came of it, in one word.
    [[nodiscard]] std::string_view take(const ColibriExchange& exchange, Moment at);
    /// Told by a bridge before this one.
    void take_over(const Participant& found, Moment at);
    /// Those who were not heard of since.
    void forget(Moment before);

    [[nodiscard]] Reasons unbound() const;

    /// How long the videobridge answers to a ufrag after an ICE restart, and some more
    /// (`ice.restart.transition-window`, 3 s).
    static constexpr std::chrono::seconds kTransition{5};

private:
    using Key = std::pair<std::string, std::string>; // meeting and endpoint, whatever they are
    struct Said {
        std::vector<UfragBinding> bindings;
        Moment at;
    };
    struct Known {
        std::map<std::string, Said> ufrags; // by the ufrag
        std::string reason;                 // why it is not bound, "" where it is
        Moment at;
    };
    [[nodiscard]] std::string meeting_of(const DebugConference& conference) const;
    void take_polled(const Key& key, const DebugEndpoint& endpoint, Moment at);
    [[nodiscard]] bool take_answered(const Key& key, const ColibriEndpoint& endpoint, Moment at);
    [[nodiscard]] std::string_view say(Known& known, const std::string& ufrag,
                                       std::span<const Endpoint> candidates, Moment at) const;
    [[nodiscard]] bool publish(const Key& key, Known& known, std::string_view trouble, Moment at);
    void remove_if(const auto& gone, Moment at);

    Ledger& ledger_;
    std::string prefix_;
    Naming naming_;
    LocalAddresses addresses_;
    std::map<Key, Known> known_;
    std::map<std::string, std::pair<std::string, Moment>, std::less<>> names_; // of rooms, by meeting_id
};

} // namespace meetfence::bridges::jvb
