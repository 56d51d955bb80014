// SPDX-License-Identifier: Apache-2.0
// Jitsi Videobridge, two ways that go together:
//   GET /debug?full=true of its private HTTP server, asked again and again
//   POST or PATCH /colibri/v2/conferences[/MEETING-ID] here, with {"request": …, "response": …}, by whoever
//   stands between the videobridge and what controls it
#pragma once

#include "bridges/source.h"

namespace meetfence::bridges::jvb {

[[nodiscard]] Kind jvb_kind();

} // namespace meetfence::bridges::jvb
