// SPDX-License-Identifier: Apache-2.0
// A log line in the journal's own form (systemd.journal-fields(7)).
#pragma once

#include <string>
#include <vector>

#include "daemon/service/log_line.h"

namespace meetfence {

/// Of syslog(3): 3 for an error to 6 for information.
[[nodiscard]] int priority_of(service::Severity severity);

/// "MESSAGE=…", "PRIORITY=…", "MESSAGE_ID=…" and MEETFENCE_RULE, _MEETING, _COUNTRY, _REASON, _ORDER,
/// _INTERFACE, those that the line has.
[[nodiscard]] std::vector<std::string> journal_fields(const service::LogLine& line);

/// Whether standard error is the journal's own stream: $JOURNAL_STREAM names the same device and inode.
[[nodiscard]] bool stderr_is_journal();

/// False where the journal does not take it.
[[nodiscard]] bool write_to_journal(const service::LogLine& line);

} // namespace meetfence
