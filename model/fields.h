// SPDX-License-Identifier: Apache-2.0
// Tolerant reading of what another program says, in whatever version it is: a missing member, or one of
// another type, must not hide the others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/json.h"

namespace meetfence {

/// The member as text, "" where it is absent or null.
[[nodiscard]] std::string text_of(const Json& object, std::string_view key);
/// The member as a number, 0 where it is absent or none.
[[nodiscard]] std::uint64_t number_of(const Json& object, std::string_view key);
/// The strings of a list, none where it is absent.
[[nodiscard]] std::vector<std::string> texts_of(const Json& object, std::string_view key);
/// The member, or a null that can be read like an empty object or list.
[[nodiscard]] const Json& member_of(const Json& object, std::string_view key);

} // namespace meetfence
