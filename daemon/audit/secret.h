// SPDX-License-Identifier: Apache-2.0
// The key that names are hashed with before they are published. Whoever has it can tell which meeting a
// hash in a report is about.
#pragma once

#include <string>

#include "model/result.h"

namespace meetfence::audit {

/// 32 random bytes, made where there is none yet; the file is its owner's alone.
[[nodiscard]] Result<std::string> load_or_make_secret(const std::string& path);

} // namespace meetfence::audit
