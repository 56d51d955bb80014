// SPDX-License-Identifier: Apache-2.0
// Rules as the daemon answers them, shown to people; shared by the commands that speak of rules.
#pragma once

#include <iosfwd>
#include <string>

#include "model/fields.h"
#include "model/time.h"

namespace meetfence::ctl {

/// "CN (China)"
[[nodiscard]] std::string country_with_name(const std::string& code);
/// Whom it keeps out, for a column: "CN,HK", "all but US", "participant p7"
[[nodiscard]] std::string whom_cell(const Json& rule);
[[nodiscard]] bool rule_ended(const Json& rule);
/// "r1 keeps CN (China) out of meeting A until 2026-11-22T18:00:00Z (in 2h)", by whom it keeps out, by
/// mode and state.
[[nodiscard]] std::string rule_sentence(const Json& rule, Time now);

void print_rule_table(std::ostream& out, const Json& rules, Time now);
/// Everything about one rule, counts by direction and by country included.
void print_rule_details(std::ostream& out, const Json& rule, Time now);
/// What a rule that does not exist yet would be, and whom it would meet: the answer's `preview`.
void print_rule_preview(std::ostream& out, const Json& rule, Time now);

/// Who is in the rule's meeting now, by country, and whom the rule would affect. `presence` is a preview, or
/// an impact with "registered".
void print_presence(std::ostream& out, const Json& rule, const Json& presence);
/// That nobody is affected, or that the meeting is still to come; "" otherwise.
[[nodiscard]] std::string presence_sentence(const Json& rule, const Json& presence);

} // namespace meetfence::ctl
