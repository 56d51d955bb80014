// SPDX-License-Identifier: Apache-2.0
// Copies of the databases in force, and of those before them, on the disk: what a rollback goes back
// to, and what a start falls back on where the configured files cannot be used.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/geo/mmdb_file.h"
#include "model/result.h"

namespace meetfence::geo {

/// Two directories, `current` and `previous`, with 0.mmdb, 1.mmdb and so on. For one process at a time.
/// What a crash or a power failure leaves is read as the set before or after, and put in order by the
/// next change; an error leaves everything as it was.
class Archive {
public:
    /// `directory` is made when something is kept, with mode 0700; its parent must exist.
    explicit Archive(std::string directory) : directory_(std::move(directory)) {}

    /// Makes these the current set; the current one becomes the previous one. Files of the same bytes
    /// as the current ones, or none at all, change nothing. Whole or not at all, also when the power
    /// fails. Needs room for a third set meanwhile.
    [[nodiscard]] Result<> keep(std::span<const Database> databases);

    /// Paths of the copies, in the order they were given; empty where there are none.
    [[nodiscard]] std::vector<std::string> current() const;
    [[nodiscard]] std::vector<std::string> previous() const;

    /// Whether the current set is these, byte for byte.
    [[nodiscard]] bool holds(std::span<const Database> databases) const;

    /// The current set becomes the previous one and the other way round, and is marked as rejected.
    /// A conflict where there is no previous one.
    [[nodiscard]] Result<> roll_back();
    /// Whether these are, byte for byte, the set that was rolled back last. Keeping any but the current
    /// set, the rejected one included, forgets about it.
    [[nodiscard]] bool is_rejected(std::span<const Database> databases) const;

private:
    std::string directory_;
};

} // namespace meetfence::geo
