// SPDX-License-Identifier: Apache-2.0
// Free text that people give, and that is kept, logged and published: reasons, names of authorities.
#pragma once

#include <cstddef>
#include <string_view>

#include "model/result.h"

namespace meetfence {

/// Whether the text may be kept: 1 to `most` characters of UTF-8; no control characters, none that turn
/// the direction of writing (Unicode UAX #9: they make text read as what it is not), and no IP address,
/// since no person is to be found in what is kept. `what` names it in the refusal, which never quotes it.
[[nodiscard]] Result<> check_text(std::string_view what, std::string_view text, std::size_t most);

/// The code point that begins at `at`, which is moved behind it; none where the bytes are no UTF-8.
struct CodePoint {
    char32_t value = 0;
    bool valid = false;
};
[[nodiscard]] CodePoint next_code_point(std::string_view text, std::size_t& at);

/// Neither shown as a character of its own nor harmless: control characters, and those that turn the
/// direction of writing.
[[nodiscard]] bool is_steering(char32_t character);

} // namespace meetfence
