// SPDX-License-Identifier: Apache-2.0
// A log written for a test: each entry goes through the form of a line and back, as a real one does.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "audit/entry.h"
#include "audit/report.h"

namespace meetfence::test {

inline Time when(std::string_view text)
{
    return *parse_time(text.size() == 10 ? std::string(text) + "T00:00:00Z" : std::string(text));
}

inline constexpr std::string_view kReportKey = "a key of a test";

class Story {
public:
    /// Returns the entry's sequence.
    std::uint64_t tell(std::string_view time, std::string what, Json body)
    {
        const auto line =
            audit::make_line(head_, when(time), {{1000, "alice"}, std::move(what), std::move(body)});
        entries_.push_back(*audit::parse_line(line));
        return head_.sequence;
    }

    /// `change` is laid over what every order has.
    std::uint64_t order(std::string_view time, std::string_view id, Json change = Json::object())
    {
        Json body{{"order", id},
                  {"authority", "Court of Example"},
                  {"authority_type", "court"},
                  {"office", nullptr},
                  {"jurisdiction", "CN"},
                  {"legal_basis", "Example Act, section 1"},
                  {"received", format_time(when(time))},
                  {"channel", "post"},
                  {"category", "other"},
                  {"requested_until", nullptr},
                  {"narrowing", nullptr},
                  {"from", format_time(when(time))},
                  {"expires", format_time(when(time) + std::chrono::hours(72))},
                  {"gag", false},
                  {"gag_until", nullptr},
                  {"state", "recorded"}};
        body.update(change);
        return tell(time, "order_recorded", body);
    }
    std::uint64_t approve(std::string_view time, std::string_view id)
    {
        return tell(
            time, "order_approved",
            {{"order", id}, {"approvals", 1}, {"needed", 1}, {"state", "approved"}, {"extension", false}});
    }

    /// A rule from `time` on; of an order where there is one.
    std::uint64_t rule(std::string_view time, std::string_view id, std::string_view meeting,
                       std::string_view until, std::string_view order = {}, Json change = Json::object())
    {
        Json body{{"rule", id},
                  {"meeting", meeting},
                  {"basis", order.empty() ? "host" : "order"},
                  {"order", order.empty() ? Json() : Json(order)},
                  {"countries", {"CN"}},
                  {"allow_only", Json::array()},
                  {"participant", nullptr},
                  {"mode", "enforce"},
                  {"from", format_time(when(time))},
                  {"until", format_time(when(until))},
                  {"exceptions", 0},
                  {"pending", false}};
        body.update(change);
        return tell(time, "rule_added", body);
    }
    std::uint64_t rule_ended(std::string_view time, std::string_view id, std::uint64_t participants,
                             std::uint64_t packets, Json change = Json::object())
    {
        Json body{{"rule", id},
                  {"state", "expired"},
                  {"ended", format_time(when(time))},
                  {"mode", "enforce"},
                  {"packets_dropped", packets},
                  {"bytes_dropped", packets * 100},
                  {"participants_affected", participants},
                  {"drops_checked", packets / 10},
                  {"drops_outside_scope", 0}};
        body.update(change);
        return tell(time, "rule_ended", body);
    }

    [[nodiscard]] audit::Report report(std::string_view since, std::string_view until) const
    {
        return report(when(since), when(until));
    }
    [[nodiscard]] audit::Report report(Time since, Time until) const
    {
        audit::ReportBuilder builder(since, until, std::string(kReportKey));
        for (const auto& entry : entries_) {
            builder.take(entry);
        }
        return builder.finish();
    }
    [[nodiscard]] std::vector<audit::Entry>& entries() { return entries_; }

private:
    audit::Head head_;
    std::vector<audit::Entry> entries_;
};

/// The report's only row.
inline const audit::OrderRow& only_row(const audit::Report& report)
{
    if (report.rows.size() != 1) {
        throw std::runtime_error("one row was expected, there are " + std::to_string(report.rows.size()));
    }
    return report.rows.front();
}

} // namespace meetfence::test
