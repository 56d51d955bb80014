// SPDX-License-Identifier: Apache-2.0
// What a monitoring system asks each few seconds, in Prometheus' text format. No label holds an address or a
// person; how many there can be is bounded by the rules and orders that have not ended.
#pragma once

#include "daemon/control/message.h"
#include "daemon/service/service.h"

namespace meetfence::control {

[[nodiscard]] Result<Response> get_metrics(service::Service& service, const Request& request);

} // namespace meetfence::control
