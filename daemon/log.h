// SPDX-License-Identifier: Apache-2.0
// Log lines: to the journal with fields of their own where standard error leads there, else to standard
// error, with syslog priorities for a program that reads them (sd-daemon(3)), as plain words for a person.
#pragma once

#include <string>

#include "daemon/service/log_line.h"

namespace meetfence {

void set_up_log();
void log(const service::LogLine& line);
inline void log(service::Severity severity, const std::string& text, service::LogFields fields = {})
{
    log({severity, text, std::move(fields)});
}

} // namespace meetfence
