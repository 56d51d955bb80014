// SPDX-License-Identifier: Apache-2.0
// From a request to the function that answers it: one table, with who may ask.
#pragma once

#include <functional>
#include <string>

#include "daemon/control/message.h"
#include "daemon/service/service.h"

namespace meetfence::control {

/// Answers, and tells `log` of every change that was asked for, with who asked.
[[nodiscard]] Response answer(service::Service& service, const Request& request,
                              const std::function<void(service::Severity, const std::string&)>& log);

} // namespace meetfence::control
