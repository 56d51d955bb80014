// SPDX-License-Identifier: Apache-2.0
// Files that commands are given, and stdin in their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "model/result.h"

namespace meetfence::ctl {

/// What errors call it: the path, or "stdin" for "-".
[[nodiscard]] std::string input_name(const std::string& path);

/// All of a file, or of `in` for "-". Reads no more than one byte above `most`, and leaves it to the
/// caller to refuse that in the words of its own purpose.
[[nodiscard]] Result<std::string> read_input(std::istream& in, const std::string& path,
                                             std::size_t most = SIZE_MAX - 1);

} // namespace meetfence::ctl
