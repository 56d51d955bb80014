// SPDX-License-Identifier: Apache-2.0
// Lines of an audit log as the daemon would write them, and a check of lines.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "audit/chain.h"
#include "audit/entry.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {

using Lines = std::vector<std::string>;

inline audit::Draft draft(std::size_t number)
{
    static const Lines kTexts{"plain", "\"quoted\\\"", "Üñï ½ 会议 \U0001F600", "tab\tand\nline", "\x7f", ""};
    return {.actor = {static_cast<std::uint32_t>(1000 + number % 3), number % 3 == 2 ? "" : "alice"},
            .what = number % 2 == 0 ? "meeting_added" : "rule_added",
            .body = Json{{"text", kTexts[number % kTexts.size()]},
                         {"number", number},
                         {"nothing", nullptr},
                         {"list", {1, "two", false}},
                         {"inner", {{"z", 1}, {"a", {{"y", -2}, {"b", Json::array()}}}}}}};
}

inline std::vector<audit::Draft> drafts(std::size_t count, std::size_t first = 1)
{
    std::vector<audit::Draft> made;
    for (std::size_t i = 0; i < count; ++i) {
        made.push_back(draft(first + i));
    }
    return made;
}

inline Lines made_lines(std::size_t count, audit::Head head = {})
{
    Lines lines;
    for (const auto& made : drafts(count)) {
        lines.push_back(audit::make_line(head, at("2026-11-22T12:00:00Z"), made));
    }
    return lines;
}

/// What verification says to these lines, and the head it comes to.
struct Verified {
    std::string error; // "" where all is well
    audit::Head head;
    std::size_t wrong_line = 0; // from 1
};

inline Verified verify(const Lines& lines)
{
    audit::Chain chain;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (const auto entry = chain.take(lines[i]); !entry) {
            return {entry.error().message, chain.head(), i + 1};
        }
    }
    return {"", chain.head()};
}

} // namespace meetfence::test
