// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bridges/coturn/allocation_table.h"

namespace meetfence::bridges::coturn::test {

using std::chrono::seconds;
using Bound = std::map<std::string, std::set<std::string>>; // "MEETING PARTICIPANT" by flow

inline std::string key_for(const std::string& username, unsigned number = 1)
{
    return "turn/realm/r/user/" + username + "/allocation/" + std::to_string(number) + "/status";
}

inline std::string value_for(unsigned port, unsigned lifetime = 600)
{
    return "refreshed lifetime=" + std::to_string(lifetime) +
           ", type=UDP, local=198.18.0.1:3478, remote=203.0.113.10:" + std::to_string(port) + ", ssl=NONE";
}

inline std::string flow_for(unsigned port)
{
    return "udp:198.18.0.1:3478 203.0.113.10:" + std::to_string(port);
}

/// A table, and what a daemon would have of it.
class AllocationTableTest : public testing::Test {
protected:
    // What a daemon would have, told by the ledger's steps.
    Bound bound()
    {
        for (auto steps = ledger.take(64); !steps.empty(); steps = ledger.take(64)) {
            for (const auto& step : steps) {
                daemon[step.participant.meeting + " " + step.participant.id] = step.participant.flows;
                ledger.done(step);
            }
        }
        Bound result;
        for (const auto& [person, flows] : daemon) {
            for (const auto& flow : flows) {
                result[flow.local_text() + " " + flow.remote.text()].insert(person);
            }
        }
        return result;
    }
    std::map<std::string, std::uint64_t, std::less<>> unbound() const { return table.unbound(); }
    Moment after(seconds time) const { return start + time; }
    static Bound one(unsigned port, const std::string& person) { return {{flow_for(port), {person}}}; }

    const Moment start{std::chrono::hours(500000)};
    Ledger ledger;
    AllocationTable table{ledger, {}, "coturn-"};
    std::map<std::string, std::vector<Flow>> daemon;
    const std::string key = key_for("1:m/p"), other = key_for("1:n/q");
};

} // namespace meetfence::bridges::coturn::test
