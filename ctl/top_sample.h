// SPDX-License-Identifier: Apache-2.0
// The daemon's counters at one moment, as `status` and the list of active rules tell them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/json.h"

namespace meetfence::ctl {

using Moment = std::chrono::steady_clock::time_point;

struct Count {
    std::uint64_t packets = 0, bytes = 0;
};

/// What became of packets.
struct Counts {
    Count dropped, would_drop, passed;
};

using CountsByName = std::map<std::string, Counts>;

struct RuleSample {
    std::string id, meeting, whom;
    bool monitors = false;
    Counts counts;
    CountsByName countries;
};

struct Sample {
    Moment at;
    std::string version;
    std::vector<std::string> interfaces; // "eth0 native"
    std::uint64_t meetings = 0, rules_active = 0;
    CountsByName directions;
    CountsByName reasons; // each of them either drops or passes
    std::vector<RuleSample> rules;
};

[[nodiscard]] Sample read_sample(const Json& status, const Json& rules, Moment at);

} // namespace meetfence::ctl
