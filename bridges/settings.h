// SPDX-License-Identifier: Apache-2.0
// A bridge's configuration: one JSON file, unknown keys are errors.
#pragma once

#include <string>

#include "bridges/net/daemon_link.h"
#include "bridges/source.h"
#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence::bridges {

struct Settings {
    DaemonSettings daemon;
    SocketAddress listen;
    MakeSource make_source;
};

[[nodiscard]] std::string default_path(const Kind& kind);
[[nodiscard]] Result<Settings> read_settings(const Kind& kind, const std::string& path);

} // namespace meetfence::bridges
