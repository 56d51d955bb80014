// SPDX-License-Identifier: Apache-2.0
// Wall-clock times as people write them: RFC 3339 in, RFC 3339 UTC out; durations such as 90s 45m 2h 7d.
// Nothing here reads a clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "model/result.h"

namespace meetfence {

using Time = std::chrono::sys_seconds;

[[nodiscard]] Result<Time> parse_time(std::string_view text);
[[nodiscard]] std::string format_time(Time time);

/// A positive whole number with one of the units s, m, h, d; at most ten years.
[[nodiscard]] Result<std::chrono::seconds> parse_duration(std::string_view text);
/// In the largest unit that leaves no rest: "90s", "2h", "7d".
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);

} // namespace meetfence
