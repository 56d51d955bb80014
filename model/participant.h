// SPDX-License-Identifier: Apache-2.0
// A participant: one person's transports within a meeting, by the platform's identifier. On the wire
// a transport is known by the ufrag of the server's own ICE agent (RFC 8445 section 5.3), which is
// what comes before the colon of USERNAME in the client's checks, or by its flow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/endpoint.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence {

/// Longest ufrag that can be registered; RFC 8839 section 5.4 allows 4 to 256, servers use 4 to 32.
inline constexpr std::size_t kLongestUfrag = 32;

struct UfragBinding {
    Endpoint endpoint;
    std::string ufrag; // the server's

    friend bool operator==(const UfragBinding&, const UfragBinding&) = default;
    friend auto operator<=>(const UfragBinding&, const UfragBinding&) = default;
};

/// Local and remote are of one family.
struct Flow {
    Transport transport = Transport::udp;
    SocketAddress local;
    SocketAddress remote;

    /// The local side as an endpoint: "udp:198.18.0.1:10000".
    [[nodiscard]] std::string local_text() const;

    friend bool operator==(const Flow&, const Flow&) = default;
    friend auto operator<=>(const Flow&, const Flow&) = default;
};

struct Participant {
    std::string meeting;
    std::string id;
    std::vector<UfragBinding> ufrags; // sorted, none twice
    std::vector<Flow> flows;          // sorted, none twice

    friend bool operator==(const Participant&, const Participant&) = default;
};

/// 1–128 bytes of printable ASCII without spaces, as a meeting's.
[[nodiscard]] Result<> check_participant_id(std::string_view id);
/// ice-char (RFC 8839 section 5.4), 4 to kLongestUfrag of them.
[[nodiscard]] Result<> check_ufrag(std::string_view ufrag);
/// `local` as in "udp:198.18.0.1:10000": one address, one port.
[[nodiscard]] Result<Flow> make_flow(std::string_view local, std::string_view remote);

/// `{"ufrags": [{"endpoint", "ufrag"}], "flows": [{"local", "remote"}]}`
[[nodiscard]] Result<Participant> participant_from_json(const Json& value, std::string meeting,
                                                        std::string id);
/// The same with "id" and "meeting" in front.
[[nodiscard]] Json to_json(const Participant& participant);

} // namespace meetfence
