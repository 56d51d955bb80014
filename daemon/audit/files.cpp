// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace meetfence::audit {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 20;

std::optional<std::uint64_t> first_of(const std::string& name)
{
    if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix) || name.front() == '-') {
        return std::nullopt;
    }
    std::uint64_t first = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, first);
    return error == std::errc{} && end == name.data() + kDigits ? std::optional(first) : std::nullopt;
}

Result<> sync_directory(const std::string& path)
{
    const UniqueFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || fsync(directory.get()) != 0) {
        return fail(file_error("sync", path, errno));
    }
    return {};
}

Result<> each_chunk(const std::string& path, std::uint64_t most,
                    const std::function<Result<bool>(std::string_view)>& take)
{
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return fail(file_error("read", path, errno));
    }
    std::array<char, 65536> chunk{};
    while (most > 0) {
        const auto got = ::read(file.get(), chunk.data(), std::min<std::uint64_t>(chunk.size(), most));
        if (got < 0) {
            return fail(file_error("read", path, errno));
        }
        const auto bytes = static_cast<std::size_t>(got);
        if (bytes == 0 || !TRY(take(std::string_view(chunk.data(), bytes)))) {
            return {};
        }
        most -= bytes;
    }
    return {};
}

} // namespace

Error file_error(std::string_view what, const std::string& path, int error)
{
    const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return {full ? ErrorCode::exhausted : ErrorCode::internal,
            fmt::format("cannot {} {}: {}", what, path, std::strerror(error))};
}

Result<> make_directory(const std::string& directory)
{
    if (mkdir(directory.c_str(), 0700) == 0) {
        return sync_directory(directory + "/..");
    }
    if (errno != EEXIST) {
        return fail(file_error("make", directory, errno));
    }
    return {};
}

Result<std::vector<LogFile>> list_files(const std::string& directory)
{
    std::error_code error;
    std::vector<LogFile> files;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
        if (const auto first = first_of(it->path().filename().string())) {
            files.push_back({*first, it->path().string()});
        }
    }
    if (error) {
        return fail(file_error("read", directory, error.value()));
    }
    std::ranges::sort(files, {}, &LogFile::first);
    return files;
}

Result<UniqueFd> make_file(const std::string& directory, std::uint64_t first, std::string& path)
{
    path = fmt::format("{}/{:0{}}{}", directory, first, kDigits, kSuffix);
    UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) {
        return fail(file_error("make", path, errno));
    }
    // An empty one is what a crash left between this and the first line.
    if (info.st_size != 0) {
        return fail(file_error("make", path, EEXIST));
    }
    TRY(sync_directory(directory));
    return file;
}

Result<UniqueFd> open_for_append(const std::string& path)
{
    UniqueFd file(open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
    if (!file) {
        return fail(file_error("open", path, errno));
    }
    return file;
}

Result<std::string> read_whole(const std::string& path)
{
    std::string text;
    TRY(each_chunk(path, UINT64_MAX, [&](std::string_view chunk) -> Result<bool> {
        text += chunk;
        return true;
    }));
    return text;
}

Result<> each_line(const std::string& path, std::uint64_t most,
                   const std::function<Result<bool>(std::string_view)>& take)
{
    std::string partial;
    bool wanted = true;
    TRY(each_chunk(path, most, [&](std::string_view chunk) -> Result<bool> {
        const auto before = partial.size(); // of a line that has no end yet
        partial += chunk;
        std::size_t begin = 0;
        for (auto end = partial.find('\n', before); wanted && end != std::string::npos;
             end = partial.find('\n', begin)) {
            wanted = TRY(take(std::string_view(partial).substr(begin, end - begin)));
            begin = end + 1;
        }
        partial.erase(0, begin);
        return wanted;
    }));
    if (wanted && !partial.empty()) {
        TRY(take(partial));
    }
    return {};
}

} // namespace meetfence::audit
