// SPDX-License-Identifier: Apache-2.0
// Answers of a daemon at two moments, for `top`.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "ctl/top_sample.h"

namespace meetfence::test {

inline Json status_of(std::uint64_t dropped, std::uint64_t passed)
{
    const Json still{{"dropped", 0U}, {"passed", 0U}, {"bytes_dropped", 0U}, {"bytes_passed", 0U}};
    return {{"version", "0.1.0"},
            {"interfaces", {{{"name", "eth0"}, {"ingress", "native"}, {"egress", true}}}},
            {"meetings", 2U},
            {"rules_active", 2U},
            {"packets",
             {{"ingress",
               {{"dropped", dropped},
                {"passed", passed},
                {"bytes_dropped", dropped * 100},
                {"bytes_passed", passed * 1000}}},
              {"egress", still}}},
            {"reasons",
             {{"drop_country", {{"packets", dropped}, {"bytes", dropped * 100}}},
              {"other_traffic", {{"packets", passed}, {"bytes", passed * 1000}}}}}};
}

inline Json counts_of(std::uint64_t dropped, std::uint64_t would_drop = 0)
{
    return {{"packets_dropped", dropped},
            {"bytes_dropped", dropped * 100},
            {"packets_would_drop", would_drop},
            {"bytes_would_drop", would_drop * 100}};
}

inline Json rule_of(const char* id, const char* meeting, const Json& counts, const Json& by_country)
{
    Json rule{{"id", id},          {"meeting", meeting}, {"countries", {"CN"}},
              {"mode", "enforce"}, {"state", "active"},  {"by_country", by_country}};
    rule.update(counts);
    return rule;
}

inline Json rule_against_cn(const char* id, const char* meeting, std::uint64_t dropped,
                            std::uint64_t would_drop = 0)
{
    const auto counts = counts_of(dropped, would_drop);
    return rule_of(id, meeting, counts, {{"CN", counts}});
}

inline ctl::Sample sample_at(int seconds, const Json& status, const std::vector<Json>& rules)
{
    return ctl::read_sample(status, Json(rules), ctl::Moment(std::chrono::seconds(seconds)));
}

} // namespace meetfence::test
