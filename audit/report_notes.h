// SPDX-License-Identifier: Apache-2.0
// What a report keeps of the entries while it reads them: orders and rules with their steps, since a later
// entry can say that an earlier one came to nothing; the rest as counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "audit/entry.h"
#include "audit/report.h"
#include "audit/report_orders.h"
#include "audit/report_rules.h"

namespace meetfence::audit {

struct Notes {
    Report report; // as far as it is known without orders and rules
    Undone undone;
    std::map<std::string, OrderLog> orders;
    std::unordered_map<std::string, RuleLog> rules;
    std::unordered_map<std::string, std::uint32_t> meeting_numbers;
    std::vector<std::string> meeting_names;
    std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> refusals; // by code, status

    Notes(Time since, Time until);
    void take(const Entry& entry);
    [[nodiscard]] bool in_period(Time time) const { return time >= report.since && time < report.until; }

private:
    void note_undone(const Entry& entry);
    void note_extent(const Entry& entry);
    void note_rule(const Entry& entry);
    void note_order(const Entry& entry);
    void note_event(const Entry& entry);
    void note_geo(const Entry& entry);
    void note_refusal(const Entry& entry);
};

} // namespace meetfence::audit
