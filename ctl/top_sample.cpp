// SPDX-License-Identifier: Apache-2.0
#include "ctl/top_sample.h"

#include "ctl/rule_view.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

// As rules and their countries count.
Counts counts_of(const Json& counted)
{
    return {{number_of(counted, "packets_dropped"), number_of(counted, "bytes_dropped")},
            {number_of(counted, "packets_would_drop"), number_of(counted, "bytes_would_drop")},
            {number_of(counted, "packets_passed"), number_of(counted, "bytes_passed")}};
}

Counts direction_counts(const Json& direction)
{
    return {.dropped = {number_of(direction, "dropped"), number_of(direction, "bytes_dropped")},
            .passed = {number_of(direction, "passed"), number_of(direction, "bytes_passed")}};
}

RuleSample read_rule(const Json& rule)
{
    RuleSample sample{.id = text_of(rule, "id"),
                      .meeting = text_of(rule, "meeting"),
                      .whom = whom_cell(rule),
                      .monitors = text_of(rule, "mode") == "monitor",
                      .counts = counts_of(rule)};
    for (const auto& [code, counts] : member_of(rule, "by_country").items()) {
        sample.countries[code] = counts_of(counts);
    }
    return sample;
}

} // namespace

Sample read_sample(const Json& status, const Json& rules, Moment at)
{
    Sample sample{.at = at,
                  .version = text_of(status, "version"),
                  .meetings = number_of(status, "meetings"),
                  .rules_active = number_of(status, "rules_active")};
    for (const auto& interface : member_of(status, "interfaces")) {
        sample.interfaces.push_back(text_of(interface, "name") + " " + text_of(interface, "ingress"));
    }
    for (const auto* direction : {"ingress", "egress"}) {
        sample.directions[direction] = direction_counts(member_of(member_of(status, "packets"), direction));
    }
    for (const auto& [reason, counted] : member_of(status, "reasons").items()) {
        const Count count{number_of(counted, "packets"), number_of(counted, "bytes")};
        sample.reasons[reason] =
            reason.starts_with("drop_") ? Counts{.dropped = count} : Counts{.passed = count};
    }
    for (const auto& rule : rules) {
        // A daemon that does not know what was asked for answers with all of them.
        if (text_of(rule, "state") == "active") {
            sample.rules.push_back(read_rule(rule));
        }
    }
    return sample;
}

} // namespace meetfence::ctl
