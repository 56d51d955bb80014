// SPDX-License-Identifier: Apache-2.0
// From a request to the function that answers it: one table, with who may ask.
#pragma once

#include <functional>
#include <string>

#include "daemon/control/message.h"
#include "daemon/service/service.h"

namespace meetfence::control {

using Log = std::function<void(service::Severity, const std::string&)>;

/// Answers, at once or when long work is done, and tells `log` of every change that was asked for,
/// with who asked.
void answer(service::Service& service, const Request& request, const Log& log,
            const std::function<void(Response)>& reply);

} // namespace meetfence::control
