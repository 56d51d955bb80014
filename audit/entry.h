// SPDX-License-Identifier: Apache-2.0
// One line of the audit log: what it says, and how it is written. There is one way only to write an entry,
// so that a line that was touched is another line. docs/audit-log.md tells it in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/actor.h"
#include "model/json.h"
#include "model/result.h"
#include "model/time.h"

namespace meetfence::audit {

/// The last entry of a log; of an empty one, what its first entry follows.
struct Head {
    std::uint64_t sequence = 0;
    std::string hash = std::string(64, '0');

    friend bool operator==(const Head&, const Head&) = default;
};

/// What is to be written. The body is an object; it may hold texts, whole numbers, truth values and null.
struct Draft {
    Actor actor;
    std::string what;
    Json body;
};

struct Entry {
    std::uint64_t sequence = 0;
    Time time;
    Actor actor;
    std::string what;
    Json body;
    std::string prev, hash;
};

/// The line without its "\n", following `head`, which moves on to it. Bytes that are no UTF-8 are replaced, a
/// number with a fraction becomes a text: an entry can be written whatever happened.
[[nodiscard]] std::string make_line(Head& head, Time time, const Draft& draft);

/// Checks the form and the line's own hash; what it follows is for Chain. The error says what is wrong, as
/// what follows "line 17: ".
[[nodiscard]] Result<Entry> parse_line(std::string_view line);

/// What the line calls itself, without a check of anything else; 0 where that cannot be read.
[[nodiscard]] std::uint64_t sequence_of(std::string_view line);

} // namespace meetfence::audit
