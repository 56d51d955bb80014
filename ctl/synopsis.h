// SPDX-License-Identifier: Apache-2.0
// What the synopsis of a command says of its words, for those that complete or typeset it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace meetfence::ctl {

/// The words that come before the options, as the synopsis calls them: "M P" of "M P --ufrag E=UFRAG…". One
/// that may be repeated, or stand for one that may, ends with "…". Brackets are taken away.
[[nodiscard]] std::vector<std::string> words_of(std::string_view synopsis);

} // namespace meetfence::ctl
