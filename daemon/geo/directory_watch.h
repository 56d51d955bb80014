// SPDX-License-Identifier: Apache-2.0
// Tells when files may have changed, whichever way their publisher goes: overwriting in place,
// renaming over them, or pointing a symbolic link elsewhere.
#pragma once

#include <set>
#include <span>
#include <string>

#include "model/result.h"
#include "pins/unique_fd.h"

namespace meetfence::geo {

class DirectoryWatch {
public:
    /// Watches the directories: a file that is replaced is another file. With no path it never tells
    /// anything.
    [[nodiscard]] static Result<DirectoryWatch> watch(std::span<const std::string> paths);

    /// Readable when something happened in one of the directories.
    [[nodiscard]] int fd() const { return inotify_.get(); }

    /// Takes in what happened. Whether it concerns one of the files.
    [[nodiscard]] bool read();
    /// Somebody has begun to write into one of the files, and not closed it yet.
    [[nodiscard]] bool being_written() const { return !open_.empty(); }

private:
    [[nodiscard]] Result<> add(const std::string& path);

    UniqueFd inotify_;
    std::set<std::string> names_; // of the files, without their directories
    std::set<std::string> open_;
};

} // namespace meetfence::geo
