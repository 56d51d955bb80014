// SPDX-License-Identifier: Apache-2.0
// What a monitoring system asks each few seconds. No label holds an address, a meeting or a person; how many
// samples there can be is bounded by the rules and orders that have not ended.
#pragma once

#include "daemon/control/message.h"
#include "daemon/service/service.h"

namespace meetfence::control {

[[nodiscard]] Result<Response> get_metrics(service::Service& service, const Request& request);
/// The same for who is not at the control socket.
[[nodiscard]] Response scrape(service::Service& service, const Request& request);

} // namespace meetfence::control
