// SPDX-License-Identifier: Apache-2.0
// What the pinned kernel objects say about themselves. The daemon answers `status` with it, and the
// control tool asks it directly while the daemon is dead: the kernel is the truth for both.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/json.h"
#include "model/result.h"
#include "pins/cells.h"
#include "pins/interface_status.h"
#include "pins/paths.h"

namespace meetfence {

struct PinnedStatus {
    std::vector<InterfaceStatus> interfaces;
    std::uint64_t prefixes_v4 = 0, prefixes_v6 = 0, generation = 0, geo_bytes = 0;
    Time build;
    std::uint64_t meetings = 0;
    std::uint64_t rules_active = 0;
    pins::Traffic reasons{};
    std::unordered_map<std::uint32_t, RuleCounts> rule_counts; // of each rule, by the first of its cells
    // Drops that no rule's own counters account for, by the other set of counters, and those that the running
    // check found wrong; 0 or a defect.
    std::uint64_t dropped_outside_scope = 0;
};

/// not_found where nothing is pinned; conflict where another layout is.
[[nodiscard]] Result<PinnedStatus> read_pinned_status(const pins::Path& bpf_dir);
[[nodiscard]] Json to_json(const InterfaceStatus& interface);
[[nodiscard]] Json to_json(const PinnedStatus& status, std::string_view version, bool daemon_running);

/// Both, for a dead daemon.
[[nodiscard]] Result<Json> pinned_status_json(const std::string& bpf_dir);

} // namespace meetfence
