// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "model/json.h"

namespace meetfence::bridges {

/// A member of what the daemon answered, "" where it is absent or no text.
[[nodiscard]] inline std::string text_of(const Json& object, const char* key)
{
    const auto it = object.is_object() ? object.find(key) : object.end();
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

} // namespace meetfence::bridges
