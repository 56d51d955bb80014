// SPDX-License-Identifier: Apache-2.0
// What the service manager is told (sd_notify(3)). Nothing where there is none.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace meetfence::supervisor {

void ready(const std::string& status);
/// Until `ready` is told again.
void reloading();
void stopping();
void status(const std::string& status);

/// How often it wants to hear that the main loop is alive; none where it does not.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();
void alive();

} // namespace meetfence::supervisor
