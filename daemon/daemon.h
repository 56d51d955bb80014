// SPDX-License-Identifier: Apache-2.0
// The running daemon: one thread, one event loop, every part owned here.
#pragma once

#include "daemon/config/config.h"
#include "model/result.h"

namespace meetfence {

/// Runs until SIGTERM or SIGINT; SIGHUP reads `config_path` again. The filter stays in force afterwards.
[[nodiscard]] Result<> run_daemon(const Config& config, const std::string& config_path);

/// `--detach`: takes everything out of the kernel.
[[nodiscard]] Result<> detach(const Config& config);

} // namespace meetfence
