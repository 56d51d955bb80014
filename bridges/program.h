// SPDX-License-Identifier: Apache-2.0
// What the command line asks for. Exit status: 0 done; 1 refused or failed; 2 usage; 3 the bridge does not
// answer; 10 it runs, but the media server or the daemon does not answer it.
#pragma once

#include <string>

#include "bridges/settings.h"
#include "bridges/source.h"

namespace meetfence::bridges {

inline constexpr int kFailed = 1, kUsage = 2, kUnreachable = 3, kUnwell = 10;

/// Until SIGTERM or SIGINT.
[[nodiscard]] Result<> run_bridge(const Kind& kind, const Settings& settings);
/// Of the bridge that listens where the settings say.
[[nodiscard]] int show_status(const Settings& settings, bool as_json);

} // namespace meetfence::bridges
