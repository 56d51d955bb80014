// SPDX-License-Identifier: Apache-2.0
// Colibri2 in JSON, as Jitsi Videobridge takes it at /colibri/v2/conferences: a request and its answer tell
// which endpoints of which meeting go by which ufrags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence::bridges::jvb {

struct ColibriEndpoint {
    std::string id;
    std::string ufrag;
    std::vector<Endpoint> candidates; // those of this host
};

struct ColibriExchange {
    std::string meeting_id;
    std::string name;                 // of the room, "" where the request does not say it
    bool expires = false;             // the conference, whole
    std::vector<std::string> expired; // endpoints
    std::vector<ColibriEndpoint> answered;
};

/// Of {"request": …, "response": …}. `meeting_id` is the one of the path, "" where it has none, as in the
/// request that makes a conference. An error's reason is one word: "malformed", or "no_meeting" where path
/// and request name none, or not the same.
[[nodiscard]] Result<ColibriExchange> parse_exchange(std::string_view text, std::string_view meeting_id);

} // namespace meetfence::bridges::jvb
