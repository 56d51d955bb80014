// SPDX-License-Identifier: Apache-2.0
// coturn, by what it keeps in Redis: each allocation's state under a key, and a message whenever one changes.
// The message says which key to look at; a look at all of them follows every interval, and at once where
// messages may have been missed.
#pragma once

#include "bridges/source.h"

namespace meetfence::bridges::coturn {

[[nodiscard]] Kind coturn_kind();

} // namespace meetfence::bridges::coturn
