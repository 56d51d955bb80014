// SPDX-License-Identifier: Apache-2.0
// Percent-encoding (RFC 3986 section 2.1) of one segment of a path, or of a value in a query.
#pragma once

#include <string>
#include <string_view>

#include "model/result.h"

namespace meetfence {

[[nodiscard]] std::string percent_encode(std::string_view text);
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

} // namespace meetfence
