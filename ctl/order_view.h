// SPDX-License-Identifier: Apache-2.0
// Orders as the daemon answers them, shown to people.
#pragma once

#include <iosfwd>
#include <string>

#include "model/fields.h"
#include "model/time.h"

namespace meetfence::ctl {

/// "order O of District Court 3 for CN (China) is recorded; it ends 2026-11-22T18:00:00Z (in 2h)", by state.
[[nodiscard]] std::string order_sentence(const Json& order, Time now);
/// "its rules: r1, r2", "its rules have ended: r1"; "" where it has none.
[[nodiscard]] std::string rules_line(const Json& order);
/// What comes next, and who may do it: "it needs 1 approval by another user than alice: meetfencectl order
/// approve O"; "" where nothing does.
[[nodiscard]] std::string next_step(const Json& order, Time now);
/// Whether the order has an extension that waits for approvals.
[[nodiscard]] bool extension_asked(const Json& order);

void print_order_table(std::ostream& out, const Json& orders, Time now);
/// Everything about one order but its rules.
void print_order_details(std::ostream& out, const Json& order, Time now);

} // namespace meetfence::ctl
