// SPDX-License-Identifier: Apache-2.0
// When maps must be made anew with other sizes, who takes part goes on from the old ones: it is nowhere
// else.
#pragma once

#include <vector>

#include "daemon/dataplane/participant_tables.h"
#include "pins/paths.h"

namespace meetfence::dataplane {

/// Who took part when an earlier daemon ended.
struct LeftParticipant {
    std::uint64_t meeting = 0; // number
    policy::RosterEntry entry;
    std::vector<mf_flow> learned; // of tables that are replaced
};

/// Empty where there are none, or their layout is older than 3 or unknown.
[[nodiscard]] Result<std::vector<LeftParticipant>> read_old_participants(const pins::Path& maps);

} // namespace meetfence::dataplane
