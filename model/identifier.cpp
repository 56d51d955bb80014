// SPDX-License-Identifier: Apache-2.0
#include "model/identifier.h"

#include <algorithm>
#include <string>

namespace meetfence {

Result<> check_identifier(std::string_view whose, std::string_view id)
{
    constexpr std::size_t kLongest = 128;
    const auto what = std::string(whose) + " identifier";
    if (id.empty() || id.size() > kLongest) {
        return fail(ErrorCode::invalid,
                    what + " has 1 to 128 bytes, this one has " + std::to_string(id.size()));
    }
    if (!std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f; })) {
        return fail(ErrorCode::invalid, what + " is printable ASCII without spaces");
    }
    return {};
}

} // namespace meetfence
