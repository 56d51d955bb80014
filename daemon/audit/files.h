// SPDX-License-Identifier: Apache-2.0
// The files of an audit log: `<sequence of the first entry, 20 digits>.jsonl`, so that the order of the names
// is that of the entries.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "pins/unique_fd.h"

namespace meetfence::audit {

struct LogFile {
    std::uint64_t first = 0; // as its name says
    std::string path;
};

/// `what` was being done to `path` when the kernel answered `error`.
[[nodiscard]] Error file_error(std::string_view what, const std::string& path, int error);

/// Makes the directory, for its owner alone, where there is none; its parent must exist.
[[nodiscard]] Result<> make_directory(const std::string& directory);

/// In the order of their entries; files with other names are none of the log's.
[[nodiscard]] Result<std::vector<LogFile>> list_files(const std::string& directory);

/// The file that begins with entry `first`, for its owner alone, empty, and in the directory for good.
[[nodiscard]] Result<UniqueFd> make_file(const std::string& directory, std::uint64_t first,
                                         std::string& path);

[[nodiscard]] Result<UniqueFd> open_for_append(const std::string& path);

[[nodiscard]] Result<std::string> read_whole(const std::string& path);

/// Hands over the lines within the first `most` bytes, without "\n", until `take` yields false or fails.
[[nodiscard]] Result<> each_line(const std::string& path, std::uint64_t most,
                                 const std::function<Result<bool>(std::string_view)>& take);

} // namespace meetfence::audit
