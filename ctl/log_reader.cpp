// SPDX-License-Identifier: Apache-2.0
#include "ctl/log_reader.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <system_error>
#include <vector>

namespace meetfence::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 20;

// "<sequence of the first entry, 20 digits>.jsonl": in the order of their names, entries are in theirs.
bool is_log_file(const fs::path& path)
{
    const auto digits = path.stem().string();
    return path.extension() == ".jsonl" && digits.size() == kDigits &&
           std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

Error cannot_read(const std::string& path, const std::error_code& cause)
{
    return {ErrorCode::invalid, fmt::format("cannot read {}: {}", path, cause.message())};
}

Result<std::vector<fs::path>> log_files(const std::string& directory)
{
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
        if (is_log_file(it->path())) {
            files.push_back(it->path());
        }
    }
    if (error) {
        return fail(cannot_read(directory, error));
    }
    if (files.empty()) {
        return fail(ErrorCode::not_found,
                    fmt::format("there is no audit log in {}: its files are called {:0{}}.jsonl and so on",
                                directory, 1, kDigits));
    }
    std::ranges::sort(files);
    return files;
}

Result<> read_file(const fs::path& path, bool last, audit::Chain& chain, ReadLog& log,
                   const std::function<Result<>(const audit::Entry&)>& take)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return fail(cannot_read(path.string(), std::error_code(errno, std::generic_category())));
    }
    chain.begin_file(path.filename().string());
    for (std::string line; std::getline(file, line);) {
        if (file.eof() && last) {
            log.torn_bytes = line.size();
            return {};
        }
        TRY(chain.take(line).and_then(take).map_error([&](Error error) {
            return std::move(error).context("the audit log in " + fs::absolute(path).parent_path().string() +
                                            " does not hold");
        }));
    }
    if (file.bad()) {
        return fail(cannot_read(path.string(), std::error_code(EIO, std::generic_category())));
    }
    return {};
}

} // namespace

Result<ReadLog> read_log(const std::string& directory, const std::function<void(const audit::Entry&)>& take)
{
    return read_log(std::span(&directory, 1), [&](const audit::Entry& entry) -> Result<> {
        take(entry);
        return {};
    });
}

Result<ReadLog> read_log(std::span<const std::string> paths,
                         const std::function<Result<>(const audit::Entry&)>& take)
{
    std::vector<fs::path> files;
    for (const auto& path : paths) {
        std::error_code ignored;
        const bool is_file = fs::is_regular_file(path, ignored);
        const auto more = is_file ? std::vector{fs::path(path)} : TRY(log_files(path));
        files.insert(files.end(), more.begin(), more.end());
    }
    ReadLog log{.files = files.size()};
    audit::Chain chain;
    for (std::size_t i = 0; i < files.size(); ++i) {
        TRY(read_file(files[i], i + 1 == files.size(), chain, log, take));
    }
    log.head = chain.head();
    return log;
}

} // namespace meetfence::ctl
