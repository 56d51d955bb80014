// SPDX-License-Identifier: Apache-2.0
// What the daemon's answers, and the pins, mean. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ctl/finding.h"
#include "model/json.h"
#include "model/result.h"
#include "model/time.h"

namespace meetfence::ctl {

/// `unreachable`: why the daemon does not answer, null where it does.
[[nodiscard]] Findings judge_reachable(const Error* unreachable, bool nobody_listens, const Json& status,
                                       std::string_view own_version);
/// `failure`: why the pins could not be read, null where they could.
[[nodiscard]] Finding judge_pins(const Error* failure, const std::string& bpf_dir, bool privileged,
                                 std::size_t interfaces);
/// Of GET /v1/geo.
[[nodiscard]] Findings judge_database(const Json& geo, Time now);
/// How full tables are: `tables` and `flows` of GET /v1/status.
[[nodiscard]] Findings judge_tables(const Json& status);
/// Drops that no rule accounts for.
[[nodiscard]] Finding judge_scope(const Json& status);
/// What the running check took out of force and nobody has replaced: suspended rules, and orders.
[[nodiscard]] Findings judge_suspended(const Json& rules, const Json& status, Time now);
/// The last entries of the audit log, as text, against the daemon's own word for the last one.
[[nodiscard]] Finding judge_audit(std::string_view lines, const Json& status);

} // namespace meetfence::ctl
