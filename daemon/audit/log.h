// SPDX-License-Identifier: Apache-2.0
// The audit log on the disk. An entry is there for good before anybody gets an answer.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/entry.h"
#include "model/result.h"
#include "pins/unique_fd.h"

namespace meetfence::audit {

/// The lines that were there at one moment, on the disk; may be read on another thread than the log's.
class Lines {
public:
    /// Each one, in order.
    [[nodiscard]] Result<> for_each(const std::function<Result<>(std::string_view)>& take) const;

private:
    friend class Log;
    struct Part {
        std::string path;
        std::uint64_t bytes = 0;
    };
    std::vector<Part> parts_;
};

/// For one process at a time. Nothing that was written is ever written again: what somebody else did to the
/// files is left as it is, and the chain goes on behind it, so that verification finds the place for ever.
class Log {
public:
    static constexpr std::uint64_t kMaxFileBytes = std::uint64_t{64} << 20;

    /// `known` is the last entry that the state database remembers (sequence 0: none), `self` the actor of
    /// entries that tell what was found: `log_recovered` of a torn write, which is cut off; `log_truncated`
    /// where the known entry is not there. Where the disk is full these are written with the next append.
    [[nodiscard]] static Result<Log> open(std::string directory, const Head& known, Time now,
                                          const Actor& self, std::uint64_t max_file_bytes = kMaxFileBytes);

    /// All of them, or none: one write, and one wait for the disk. ErrorCode::exhausted where the disk is
    /// full.
    [[nodiscard]] Result<Head> append(std::span<const Draft> drafts, Time now);

    [[nodiscard]] const Head& head() const { return head_; }
    /// Entries that `open` found behind the known one: those of a crash before the state database had them.
    [[nodiscard]] std::uint64_t found_beyond() const { return found_beyond_; }

    /// The lines from entry `from` on, as they are. Lines that somebody put between them are among them.
    [[nodiscard]] Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) const;
    [[nodiscard]] Result<Lines> lines() const;

private:
    Log(std::string directory, std::uint64_t max_file_bytes);
    [[nodiscard]] Result<> begin_file();
    [[nodiscard]] Result<> make_ready();
    [[nodiscard]] Result<> write(const std::string& lines);
    void cut_back();
    [[nodiscard]] Error cannot_grow(const Error& cause) const;
    [[nodiscard]] std::uint64_t bytes_of(const std::string& path) const;

    std::string directory_;
    std::uint64_t max_file_bytes_;
    Head head_;
    std::uint64_t found_beyond_ = 0;
    UniqueFd file_; // the last one; empty before the first
    std::string path_;
    std::uint64_t bytes_ = 0;    // of the last file: the whole lines
    bool torn_ = false;          // and there is something behind them that is to be cut off
    std::vector<Draft> pending_; // of what `open` found
};

} // namespace meetfence::audit
