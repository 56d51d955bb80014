// SPDX-License-Identifier: Apache-2.0
// What there is to count: for `status` and for what a monitoring system reads, each counted once.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pins/pinned_status.h"

namespace meetfence::service {

/// What a request may change.
enum class Change : std::uint8_t { rule, meeting, participant, order, declaration, geo };
inline constexpr auto kChanges = std::to_array<std::string_view>(
    {"rule", "meeting", "participant", "order", "declaration", "geo"}); // by enum Change

/// A request that was answered. `change`: what it changed, where it did.
struct Answered {
    std::optional<Change> change;
    unsigned status = 0; // HTTP
    std::chrono::duration<double> took{};
};

/// How long changes took, as a histogram.
struct Durations {
    static constexpr auto kBounds = std::to_array<double>(
        {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}); // seconds

    void add(std::chrono::duration<double> took);

    std::array<std::uint64_t, kBounds.size() + 1> counts{}; // up to each bound, and above the last one
    double sum = 0;
};

/// What became of the requests so far, since the daemon started.
struct RequestFigures {
    std::array<Durations, kChanges.size()> in_force; // from the arrival of the request; by enum Change
    std::uint64_t refused = 0, failed = 0;           // HTTP status 4xx, 5xx
};

struct TableFill {
    std::string_view table;
    std::uint64_t used = 0, room = 0;
};

/// Flows are looked for in the whole of their table, which may be large; or as they were counted within the
/// last ten seconds anyway.
enum class FlowCount : std::uint8_t { exact, of_late };

/// At one moment.
struct Figures {
    PinnedStatus pinned;
    std::uint64_t flows = 0;           // confirmed
    std::uint64_t flows_waiting = 0;   // of who was not handed over yet
    std::uint64_t flows_contested = 0; // so far
    std::uint64_t flows_refused = 0;   // so far, for want of room
    std::array<TableFill, 8> tables{};
};

} // namespace meetfence::service
