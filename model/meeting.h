// SPDX-License-Identifier: Apache-2.0
// A meeting: one conference, by the platform's own identifier, and where its packets arrive.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/endpoint.h"
#include "model/result.h"
#include "model/time.h"

namespace meetfence {

struct Meeting {
    std::string id;
    // Each list is sorted, none twice, and no endpoint stands in two lists.
    std::vector<Endpoint> endpoints;        // dedicated: each carries this meeting only
    std::vector<Endpoint> shared_endpoints; // carry other meetings as well
    std::vector<Endpoint> turn_endpoints;   // shared, with TURN around the packets (RFC 8656)
    std::optional<Time> until;              // the meeting and its rules end then

    friend bool operator==(const Meeting&, const Meeting&) = default;
};

/// 1–128 bytes of printable ASCII without spaces.
[[nodiscard]] Result<> check_meeting_id(std::string_view id);

} // namespace meetfence
