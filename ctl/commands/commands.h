// SPDX-License-Identifier: Apache-2.0
// What the commands do; what they are called stands in ctl/command_table.cpp. Each yields an exit
// status, or the error that ended it.
#pragma once

#include "model/result.h"

namespace meetfence::ctl {

struct Context;

[[nodiscard]] Result<int> run_status(Context& context);
[[nodiscard]] Result<int> run_top(Context& context);
[[nodiscard]] Result<int> run_doctor(Context& context);

[[nodiscard]] Result<int> run_meeting_add(Context& context);
[[nodiscard]] Result<int> run_meeting_list(Context& context);
[[nodiscard]] Result<int> run_meeting_show(Context& context);
[[nodiscard]] Result<int> run_meeting_remove(Context& context);

[[nodiscard]] Result<int> run_participant_add(Context& context);
[[nodiscard]] Result<int> run_participant_list(Context& context);
[[nodiscard]] Result<int> run_participant_remove(Context& context);

[[nodiscard]] Result<int> run_order_add(Context& context);
[[nodiscard]] Result<int> run_order_approve(Context& context);
[[nodiscard]] Result<int> run_order_reject(Context& context);
[[nodiscard]] Result<int> run_order_withdraw(Context& context);
[[nodiscard]] Result<int> run_order_extend(Context& context);
[[nodiscard]] Result<int> run_order_list(Context& context);
[[nodiscard]] Result<int> run_order_show(Context& context);

[[nodiscard]] Result<int> run_block(Context& context);
[[nodiscard]] Result<int> run_unblock(Context& context);

[[nodiscard]] Result<int> run_rule_list(Context& context);
[[nodiscard]] Result<int> run_rule_show(Context& context);
[[nodiscard]] Result<int> run_rule_enforce(Context& context);
[[nodiscard]] Result<int> run_rule_monitor(Context& context);

[[nodiscard]] Result<int> run_impact(Context& context);
[[nodiscard]] Result<int> run_explain(Context& context);

[[nodiscard]] Result<int> run_geo_lookup(Context& context);
[[nodiscard]] Result<int> run_geo_status(Context& context);
[[nodiscard]] Result<int> run_geo_reload(Context& context);
[[nodiscard]] Result<int> run_geo_rollback(Context& context);
[[nodiscard]] Result<int> run_geo_diff(Context& context);

[[nodiscard]] Result<int> run_events(Context& context);
[[nodiscard]] Result<int> run_audit_show(Context& context);
[[nodiscard]] Result<int> run_audit_verify(Context& context);

[[nodiscard]] Result<int> run_report(Context& context);

[[nodiscard]] Result<int> run_apply(Context& context);
[[nodiscard]] Result<int> run_diff(Context& context);
[[nodiscard]] Result<int> run_export(Context& context);

[[nodiscard]] Result<int> run_completion_bash(Context& context);

} // namespace meetfence::ctl
