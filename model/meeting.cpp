// SPDX-License-Identifier: Apache-2.0
#include "model/meeting.h"

#include "model/identifier.h"

namespace meetfence {

Result<> check_meeting_id(std::string_view id)
{
    return check_identifier("a meeting's", id);
}

} // namespace meetfence
