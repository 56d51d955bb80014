// SPDX-License-Identifier: Apache-2.0
// Janus (1.1.2 and newer): its events, by HTTP (sampleevh) or WebSocket (wsevh), and its Admin API, which is
// asked for everything again and again: an event handler gives up on an event after some tries.
#pragma once

#include "bridges/source.h"

namespace meetfence::bridges::janus {

[[nodiscard]] Kind janus_kind();

} // namespace meetfence::bridges::janus
