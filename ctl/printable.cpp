// SPDX-License-Identifier: Apache-2.0
// What may be shown of text that somebody else wrote: nothing that steers a terminal, and nothing that
// makes a line read in another order than it is written in.
#include <fmt/format.h>

#include "ctl/render.h"
#include "model/text.h"

namespace meetfence::ctl {
namespace {

// `replacement` of each character that is not shown, and of bytes that are none.
std::string with_replaced(std::string_view text, auto replacement)
{
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto begin = at;
        const auto character = next_code_point(text, at);
        if (character.valid && !is_steering(character.value)) {
            result += text.substr(begin, at - begin);
        } else {
            result += replacement(character);
        }
    }
    return result;
}

} // namespace

std::string printable(std::string_view text)
{
    // A line break or tab is meant as a blank; the others have no business in a text, and are seen.
    return with_replaced(text, [](const CodePoint& character) {
        return character.valid && character.value <= 0x7f ? " " : "\ufffd";
    });
}

std::string printable_json(std::string_view text)
{
    return with_replaced(text, [](const CodePoint& character) -> std::string {
        if (!character.valid) {
            return "\ufffd";
        }
        return character.value == '\n'
                   ? "\n"
                   : fmt::format("\\u{:04x}", static_cast<std::uint32_t>(character.value));
    });
}

} // namespace meetfence::ctl
