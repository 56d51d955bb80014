// SPDX-License-Identifier: Apache-2.0
// The platform's own identifiers: taken as they are, within bounds that are the same for all of them.
#pragma once

#include <string_view>

#include "model/result.h"

namespace meetfence {

/// 1–128 bytes of printable ASCII without spaces. `whose` names it in errors: "a meeting's".
[[nodiscard]] Result<> check_identifier(std::string_view whose, std::string_view id);

} // namespace meetfence
