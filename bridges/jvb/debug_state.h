// SPDX-License-Identifier: Apache-2.0
// What Jitsi Videobridge answers to GET /debug?full=true: every conference with its endpoints. Of its
// megabytes, a handful of keys is kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace meetfence::bridges::jvb {

struct DebugEndpoint {
    std::string id;
    std::vector<std::string> ufrags; // the current one, and that of an ICE restart under way
    bool gone = false;               // it is expired, or its ICE transport is closed
};

struct DebugConference {
    std::string id;                        // the videobridge's own
    std::optional<std::string> meeting_id; // Jicofo's
    std::optional<std::string> name;       // of the room, as people chose it
    bool uncertain = false;                // a name that is no text
    bool expired = false;
    std::vector<DebugEndpoint> endpoints;
};

/// An answer without "conferences" is somebody else's: an error, and not an empty list. So is one that says
/// the same twice, for readers differ in which they believe.
[[nodiscard]] Result<std::vector<DebugConference>> parse_debug_state(std::string_view text);

} // namespace meetfence::bridges::jvb
