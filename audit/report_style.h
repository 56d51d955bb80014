// SPDX-License-Identifier: Apache-2.0
// How a report looks: on a screen, wide or narrow, light or dark, and on paper.
#pragma once

#include <string_view>

namespace meetfence::audit {

[[nodiscard]] std::string_view report_style();

} // namespace meetfence::audit
