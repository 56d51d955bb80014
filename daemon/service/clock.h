// SPDX-License-Identifier: Apache-2.0
// The two clocks rules live by. The only place that reads them.
#pragma once

#include <cstdint>

#include "model/time.h"

namespace meetfence::service {

[[nodiscard]] Time wall_now();
/// CLOCK_BOOTTIME, which no one can set and which goes on while the machine sleeps.
[[nodiscard]] std::uint64_t boot_now_ns();
/// CLOCK_REALTIME - CLOCK_BOOTTIME; changes only when the wall clock is set.
[[nodiscard]] std::int64_t wall_offset_ns();

} // namespace meetfence::service
