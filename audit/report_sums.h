// SPDX-License-Identifier: Apache-2.0
// From single orders and rules to the figures of a report.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "audit/report_notes.h"

namespace meetfence::audit {

class ReportSums {
public:
    ReportSums(Notes notes, std::string key)
        : notes_(std::move(notes)), report_(notes_.report), key_(std::move(key))
    {
    }
    [[nodiscard]] Report finish();

private:
    // An order, and what its rules did.
    struct OrderFacts {
        OrderLife life;
        std::vector<Span> spans;
        std::set<std::uint32_t> meetings;
        std::uint64_t participants = 0;
        bool rule_ended = false, in_force = false;
    };

    [[nodiscard]] Time begin() const;
    [[nodiscard]] bool in_period(Time time) const { return notes_.in_period(time); }
    [[nodiscard]] bool counts(const RuleEnd& end) const;
    [[nodiscard]] bool in_period(const std::vector<Span>& spans) const;
    void sum_rule(const RuleLog& rule);
    void sum_rule_of(OrderFacts& order, const RuleLog& rule, const std::vector<Span>& spans);
    void sum_rule_of_host(const RuleLog& rule, const std::vector<Span>& spans);
    void sum_suspensions(const RuleLog& rule);
    [[nodiscard]] std::vector<OrderFacts*> finish_orders();
    void finish_row(OrderFacts& order);
    void sum_groups(const std::vector<OrderFacts*>& concerned);
    void sum_times(const std::vector<OrderFacts*>& concerned);
    void finish_refusals();

    Notes notes_;
    Report report_;
    std::string key_;
    std::map<std::string, OrderFacts> facts_;
    std::set<std::uint32_t> order_meetings_, host_meetings_;
    std::vector<std::chrono::seconds> host_durations_;
};

} // namespace meetfence::audit
