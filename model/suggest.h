// SPDX-License-Identifier: Apache-2.0
// "Did you mean …?" for mistyped words: keys, commands, country names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace meetfence {

/// The candidate nearest to `word` by edit distance, or "" where none is near enough to be meant.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// " (did you mean X?)" or "".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

} // namespace meetfence
