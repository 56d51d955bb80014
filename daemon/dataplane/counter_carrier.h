// SPDX-License-Identifier: Apache-2.0
// When maps must be made anew with other sizes, their counters go on from the old ones' values.
#pragma once

#include "daemon/dataplane/table_writer.h"
#include "pins/paths.h"

namespace meetfence::dataplane {

/// Copies what can be read; of layouts older than 3 nothing can, and counting starts at zero.
/// Packets between the copy and the switch of the links are counted in the old maps only.
void carry_counters(const pins::Path& old_maps, TableWriter& tables, int reasons_fd, int cells_fd);

} // namespace meetfence::dataplane
