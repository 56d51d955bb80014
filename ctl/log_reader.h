// SPDX-License-Identifier: Apache-2.0
// The files of an audit log, read and verified without the daemon.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "audit/chain.h"
#include "model/result.h"

namespace meetfence::ctl {

struct ReadLog {
    audit::Head head; // of the last entry
    std::size_t files = 0;
    /// A line that was being written when somebody pulled the plug, or is being written now: no entry.
    std::size_t torn_bytes = 0;
};

/// Hands over all entries of the log in `directory`, in their order. The error says which line of which file
/// does not hold, or what cannot be read.
[[nodiscard]] Result<ReadLog> read_log(const std::string& directory,
                                       const std::function<void(const audit::Entry&)>& take);
/// The same for files in the order of `paths`; a directory stands for those of the log in it.
[[nodiscard]] Result<ReadLog> read_log(std::span<const std::string> paths,
                                       const std::function<Result<>(const audit::Entry&)>& take);

} // namespace meetfence::ctl
