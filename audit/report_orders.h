// SPDX-License-Identifier: Apache-2.0
// An order as the audit log tells it: its entries, and what they made of it by the end of a period.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/entry.h"
#include "audit/report.h"
#include "audit/report_rules.h"

namespace meetfence::audit {

struct OrderStep {
    std::uint64_t sequence = 0;
    Time time;
    std::string what;
    Json body;
};
using OrderLog = std::vector<OrderStep>;

struct OrderLife {
    OrderRow row;
    std::uint64_t sequence = 0; // of its first entry
    Time recorded;
    std::optional<Time> over; // no longer open: turned down, lapsed or ended
    std::vector<Time> extended;
    bool gagged = false; // at the end of the period
    bool gag_without_end = false;

    [[nodiscard]] bool granted() const;
    [[nodiscard]] bool running() const { return granted() && row.ending == Ending::none; }
};

/// None where all its entries were undone.
[[nodiscard]] std::optional<OrderLife> life_of(const std::string& id, const OrderLog& log,
                                               const Undone& undone, Time until);

} // namespace meetfence::audit
