// SPDX-License-Identifier: Apache-2.0
// POST /v1/batch: many requests in one, a line each, answered a line each. Each stands for itself.
#pragma once

#include "daemon/control/handlers.h"
#include "daemon/control/router.h"

namespace meetfence::control {

/// Answers other requests between two lots of lines.
void run_batch(service::Service& service, const Request& request, const Witness& witness, LaterReply reply);

} // namespace meetfence::control
