// SPDX-License-Identifier: Apache-2.0
#include "model/meeting.h"

#include <algorithm>

namespace meetfence {

Result<> check_meeting_id(std::string_view id)
{
    constexpr std::size_t kLongest = 128;
    if (id.empty() || id.size() > kLongest) {
        return fail(ErrorCode::invalid,
                    "a meeting's identifier has 1 to 128 bytes, this one has " + std::to_string(id.size()));
    }
    if (!std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f; })) {
        return fail(ErrorCode::invalid, "a meeting's identifier is printable ASCII without spaces");
    }
    return {};
}

} // namespace meetfence
