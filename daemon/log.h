// SPDX-License-Identifier: Apache-2.0
// Log lines on standard error: with syslog priorities where the journal reads them (sd-daemon(3)),
// as plain words where a person does.
#pragma once

#include <string>

#include "daemon/service/service.h"

namespace meetfence {

void set_up_log();
void log(service::Severity severity, const std::string& message);

} // namespace meetfence
