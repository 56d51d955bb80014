// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "bridges/coturn/coturn_source.h"
#include "bridges/janus/janus_source.h"
#include "bridges/jvb/jvb_source.h"
#include "bridges/sdp/sdp_source.h"
#include "bridges/source.h"

namespace meetfence::bridges {

std::span<const Kind> kinds()
{
    static const auto all =
        std::to_array<Kind>({janus::janus_kind(), coturn::coturn_kind(), jvb::jvb_kind(), sdp_kind()});
    return all;
}

} // namespace meetfence::bridges
