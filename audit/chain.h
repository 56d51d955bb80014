// SPDX-License-Identifier: Apache-2.0
// Verification of an audit log, line by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/entry.h"
#include "model/result.h"

namespace meetfence::audit {

class Chain {
public:
    /// `before` is what the first line has to follow: nothing, where the log is read from its beginning.
    explicit Chain(Head before = {}) : head_(std::move(before)) {}

    /// From here on errors name this file, and its lines from 1.
    void begin_file(std::string name);

    /// Takes the next line, without its "\n". The error, "line 17 (entry 17): …", says whether it was
    /// changed, others before it are missing, or it stands elsewhere; head() stays where it was. A clock that
    /// was set back is none.
    [[nodiscard]] Result<Entry> take(std::string_view line);

    /// The last entry taken.
    [[nodiscard]] const Head& head() const { return head_; }

private:
    [[nodiscard]] Result<> check_place(const Entry& entry) const;

    Head head_;
    std::string file_;
    std::uint64_t lines_ = 0; // of the present file
};

} // namespace meetfence::audit
