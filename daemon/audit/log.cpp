// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit/log.h"

#include <cerrno>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/audit/files.h"
#include "daemon/audit/recovery.h"

namespace meetfence::audit {
namespace {

Error opening(Error error, const std::string& directory)
{
    return std::move(error).context("the audit log in " + directory + " cannot be opened");
}

Error reading(Error error)
{
    return std::move(error).context("the audit log");
}

} // namespace

Log::Log(std::string directory, std::uint64_t max_file_bytes)
    : directory_(std::move(directory)), max_file_bytes_(max_file_bytes)
{
}

Result<Log> Log::open(std::string directory, const Head& known, Time now, const Actor& self,
                      std::uint64_t max_file_bytes)
{
    const auto located = [&](Error error) { return opening(std::move(error), directory); };
    TRY(make_directory(directory).map_error(located));
    const auto files = TRY(list_files(directory).map_error(located));
    const auto found = TRY(recover(files, known).map_error(located));
    Log log(directory, max_file_bytes);
    log.head_ = found.head;
    log.found_beyond_ = found.found_beyond;
    if (!files.empty()) {
        log.path_ = files.back().path;
        log.file_ = TRY(open_for_append(log.path_).map_error(located));
        log.bytes_ = found.bytes;
    }
    for (const auto& [what, body] : found.findings) {
        log.torn_ = log.torn_ || what == "log_recovered";
        log.pending_.push_back({self, what, body});
    }
    if (const auto written = log.append({}, now); !written && written.error().code != ErrorCode::exhausted) {
        return fail(written.error());
    }
    return log;
}

Error Log::cannot_grow(const Error& cause) const
{
    return {
        cause.code,
        fmt::format("the audit log in {} cannot grow: {}; nothing was changed; filtering goes on{}",
                    directory_, cause.message,
                    cause.code == ErrorCode::exhausted ? "; the disk is full: make room and try again" : "")};
}

Result<> Log::begin_file()
{
    file_ = TRY(make_file(directory_, head_.sequence + 1, path_));
    bytes_ = 0;
    torn_ = false;
    return {};
}

// A file that somebody else removed, cut or wrote to is not written to any more.
Result<> Log::make_ready()
{
    if (!file_) {
        return begin_file();
    }
    struct stat info {};
    if (fstat(file_.get(), &info) != 0) {
        return fail(file_error("look at", path_, errno));
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const bool touched = info.st_nlink == 0 || size < bytes_ || (size > bytes_ && !torn_);
    if (touched) {
        return begin_file();
    }
    cut_back();
    if (torn_) {
        return fail(file_error("cut a torn write off", path_, errno));
    }
    return bytes_ > max_file_bytes_ ? begin_file() : Result<>{};
}

void Log::cut_back()
{
    torn_ = torn_ && ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0;
}

Result<> Log::write(const std::string& lines)
{
    for (std::size_t written = 0; written < lines.size();) {
        const auto wrote = ::write(file_.get(), lines.data() + written, lines.size() - written);
        if (wrote < 0 && errno != EINTR) {
            return fail(file_error("write", path_, errno));
        }
        written += wrote < 0 ? 0 : static_cast<std::size_t>(wrote);
    }
    if (fdatasync(file_.get()) != 0) {
        return fail(file_error("sync", path_, errno));
    }
    return {};
}

Result<Head> Log::append(std::span<const Draft> drafts, Time now)
{
    if (drafts.empty() && pending_.empty()) {
        return head_;
    }
    const auto refused = [&](const Error& cause) { return cannot_grow(cause); };
    TRY(make_ready().map_error(refused));
    auto head = head_;
    std::string lines;
    for (const auto& list : {std::span<const Draft>(pending_), drafts}) {
        for (const auto& draft : list) {
            lines.append(make_line(head, now, draft)).append("\n");
        }
    }
    if (const auto written = write(lines); !written) {
        torn_ = true;
        cut_back();
        return fail(refused(written.error()));
    }
    head_ = head;
    bytes_ += lines.size();
    pending_.clear();
    return head_;
}

std::uint64_t Log::bytes_of(const std::string& path) const
{
    return path == path_ ? bytes_ : UINT64_MAX;
}

Result<std::vector<std::string>> Log::read(std::uint64_t from, std::size_t most) const
{
    const auto files = TRY(list_files(directory_).map_error(reading));
    std::vector<std::string> lines;
    bool begun = from <= 1;
    // Not before the line that follows entry from - 1: one that somebody put there is not to be passed over.
    const auto take = [&](std::string_view line) -> Result<bool> {
        const auto sequence = begun ? 0 : sequence_of(line);
        if (begun || sequence >= from) {
            begun = true;
            lines.emplace_back(line);
        }
        begun = begun || sequence + 1 == from;
        return lines.size() < most;
    };
    for (std::size_t i = 0; i < files.size() && lines.size() < most; ++i) {
        const bool holds_earlier_only = !begun && i + 1 < files.size() && files[i + 1].first < from;
        if (!holds_earlier_only) {
            TRY(each_line(files[i].path, bytes_of(files[i].path), take).map_error(reading));
        }
    }
    return lines;
}

Result<Lines> Log::lines() const
{
    Lines lines;
    for (const auto& file : TRY(list_files(directory_).map_error(reading))) {
        lines.parts_.push_back({file.path, bytes_of(file.path)});
    }
    return lines;
}

Result<> Lines::for_each(const std::function<Result<>(std::string_view)>& take) const
{
    for (const auto& [path, bytes] : parts_) {
        TRY(each_line(path, bytes, [&](std::string_view line) -> Result<bool> {
            TRY(take(line));
            return true;
        }));
    }
    return {};
}

} // namespace meetfence::audit
