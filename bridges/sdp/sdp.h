// SPDX-License-Identifier: Apache-2.0
// Of a session description (RFC 8866), what an ICE agent announces of itself (RFC 8839): its ufrags, and
// where it is reached.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bridges/sdp/local_addresses.h"
#include "model/participant.h"
#include "model/result.h"

namespace meetfence::bridges {

/// Longer ones are refused: SDP of a hundred streams has some 200 kB.
inline constexpr std::size_t kLongestSdp = 1U << 20;

/// Of one description; more than any server has.
inline constexpr std::size_t kMostBindings = 4096;

struct IceSection {
    std::string ufrag;               // of the section, or of the session; "" where there is none
    std::vector<Endpoint> endpoints; // of its host candidates, and of what reflexive ones are based on
};

struct Sdp {
    std::string session_name;         // s=
    std::vector<IceSection> sections; // of each m= that is not rejected
};

/// Lines it does not know are nobody's business; only what is no session description at all is an error.
[[nodiscard]] Result<Sdp> parse_sdp(std::string_view text);

/// "candidate:1 1 udp 2015365631 198.18.0.1 20084 typ host", with or without the name in front, as
/// signalling carries it. A relay's candidate is not reached here, and a name (".local") is no address: those
/// are refused.
[[nodiscard]] Result<Endpoint> parse_candidate(std::string_view text);

/// Each section's ufrag at each of its endpoints; where sections are bundled (RFC 9143), the first one's
/// endpoints serve those that have the same ufrag. Sorted, none twice.
[[nodiscard]] std::vector<UfragBinding> bindings_of(const Sdp& sdp, const LocalAddresses& addresses);

} // namespace meetfence::bridges
