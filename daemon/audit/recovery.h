// SPDX-License-Identifier: Apache-2.0
// What a start finds of the audit log: a log that ends where the state database says, one that a crash tore,
// or one that somebody shortened or exchanged.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audit/entry.h"
#include "daemon/audit/files.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::audit {

struct Recovery {
    Head head;                      // what the next entry follows
    std::uint64_t found_beyond = 0; // entries behind the one that was known
    std::uint64_t bytes = 0;        // of the last file that stay; what is behind them is of a torn write
    std::vector<std::pair<std::string, Json>> findings; // `what` and body of the entries that tell of it
};

/// Changes nothing. `known` is the last entry that the state database remembers, sequence 0 where it
/// remembers none.
[[nodiscard]] Result<Recovery> recover(std::span<const LogFile> files, const Head& known);

} // namespace meetfence::audit
