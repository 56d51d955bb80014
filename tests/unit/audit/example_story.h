// SPDX-License-Identifier: Apache-2.0
// Half a year of a platform that does not exist: the story behind docs/examples/transparency-report.html.
#pragma once

#include "tests/unit/audit/story.h"

namespace meetfence::test {

/// From July to December 2026.
[[nodiscard]] Story example_story();
/// One order after the other, for what a long report looks like.
[[nodiscard]] Story long_story(unsigned orders);

} // namespace meetfence::test
