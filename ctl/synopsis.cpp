// SPDX-License-Identifier: Apache-2.0
#include "ctl/synopsis.h"

#include <algorithm>
#include <sstream>

namespace meetfence::ctl {

std::vector<std::string> words_of(std::string_view synopsis)
{
    std::vector<std::string> words;
    bool is_alternative = false; // to the word before: "DIR | FILE…"
    std::istringstream parts{std::string(synopsis)};
    for (std::string part; parts >> part;) {
        if (part == "|") {
            is_alternative = true;
            continue;
        }
        std::erase(part, '[');
        std::erase(part, ']');
        if (part.starts_with('-')) {
            break;
        }
        if (is_alternative) {
            words.back() = part;
        } else {
            words.push_back(part);
        }
        is_alternative = false;
    }
    return words;
}

} // namespace meetfence::ctl
