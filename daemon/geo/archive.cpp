// SPDX-License-Identifier: Apache-2.0
// Sets of files are directories, and a rename decides. `making` and `old` are of no value; a set is
// called `next` once it is whole on the disk, and from then on it is the current one: what is left to
// do can be done by whoever comes next.
#include "daemon/geo/archive.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "pins/unique_fd.h"

namespace meetfence::geo {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

using Paths = std::vector<std::string>;

struct Names {
    explicit Names(const std::string& directory)
        : directory(directory),
          making(directory + "/making"),
          next(directory + "/next"),
          current(directory + "/current"),
          previous(directory + "/previous"),
          old(directory + "/old")
    {
    }

    std::string directory, making, next, current, previous, old;
};

std::string file_of(const std::string& set, std::size_t index)
{
    return set + "/" + std::to_string(index) + ".mmdb";
}

// Its place is in the previous set, with which it moves and goes.
std::string mark_of(const std::string& set)
{
    return set + "/rejected";
}

auto cannot(const std::string& what, const std::string& path, int error)
{
    const auto code = error == ENOSPC || error == EDQUOT ? ErrorCode::exhausted : ErrorCode::internal;
    return fail(code,
                "archive of country databases: cannot " + what + " " + path + ": " + std::strerror(error));
}

bool exists(const std::string& path)
{
    return access(path.c_str(), F_OK) == 0;
}

Result<> sync_directory(const std::string& path)
{
    const UniqueFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || fsync(directory.get()) != 0) {
        return cannot("sync", path, errno);
    }
    return {};
}

Result<> make_directory(const std::string& path)
{
    if (mkdir(path.c_str(), 0700) == 0) {
        return sync_directory(path + "/..");
    }
    if (errno != EEXIST) {
        return cannot("make", path, errno);
    }
    return {};
}

// Asked for first: even the removal of nothing fails where the disk is read-only.
Result<> discard(const std::string& path)
{
    std::error_code error;
    if (exists(path)) {
        std::filesystem::remove_all(path, error);
    }
    if (error) {
        return cannot("remove", path, error.value());
    }
    return {};
}

Result<> move(const Names& names, const std::string& from, const std::string& to)
{
    if (rename(from.c_str(), to.c_str()) != 0) {
        return cannot("rename " + from + " to", to, errno);
    }
    return sync_directory(names.directory);
}

Result<> make_file(const std::string& path, const UniqueFd* content)
{
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) {
        return cannot("make", path, errno);
    }
    std::vector<char> buffer(content == nullptr ? 0 : kBufferBytes);
    for (off_t at = 0; content != nullptr;) {
        const auto got = pread(content->get(), buffer.data(), buffer.size(), at);
        if (got < 0) {
            return cannot("read what belongs into", path, errno);
        }
        if (got == 0) {
            break;
        }
        // What a short write leaves is read again.
        const auto wrote = write(file.get(), buffer.data(), static_cast<std::size_t>(got));
        if (wrote < 0) {
            return cannot("write", path, errno);
        }
        at += wrote;
    }
    if (fsync(file.get()) != 0) {
        return cannot("write", path, errno);
    }
    return {};
}

Result<> make_set(const std::string& set, std::span<const Database> databases)
{
    TRY(make_directory(set));
    for (std::size_t i = 0; i < databases.size(); ++i) {
        TRY(make_file(file_of(set, i), databases[i].copy.get()));
    }
    return sync_directory(set);
}

bool same_bytes(const UniqueFd& one, const UniqueFd& other)
{
    struct stat info_of_one {};
    struct stat info_of_other {};
    if (fstat(one.get(), &info_of_one) != 0 || fstat(other.get(), &info_of_other) != 0 ||
        info_of_one.st_size != info_of_other.st_size) {
        return false;
    }
    std::vector<char> buffer_of_one(kBufferBytes);
    std::vector<char> buffer_of_other(kBufferBytes);
    for (off_t at = 0; at < info_of_one.st_size;) {
        const auto got = pread(one.get(), buffer_of_one.data(), kBufferBytes, at);
        if (got <= 0 || pread(other.get(), buffer_of_other.data(), kBufferBytes, at) != got ||
            std::memcmp(buffer_of_one.data(), buffer_of_other.data(), static_cast<std::size_t>(got)) != 0) {
            return false;
        }
        at += got;
    }
    return true;
}

Paths files_in(const std::string& set)
{
    Paths files;
    for (auto file = file_of(set, 0); exists(file); file = file_of(set, files.size())) {
        files.push_back(file);
    }
    return files;
}

bool is_set_of(const std::string& set, std::span<const Database> databases)
{
    const auto files = files_in(set);
    if (files.size() != databases.size()) {
        return false;
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
        const UniqueFd file(open(files[i].c_str(), O_RDONLY | O_CLOEXEC));
        if (!file || databases[i].copy == nullptr || !same_bytes(file, *databases[i].copy)) {
            return false;
        }
    }
    return true;
}

struct Sets {
    std::string current, previous;
};

// Where the sets are, whatever was interrupted.
Sets locate(const Names& names)
{
    if (!exists(names.next)) {
        return {names.current, names.previous};
    }
    return {names.next, exists(names.current) ? names.current : names.previous};
}

// Gives every set the name it belongs under and removes the rest.
Result<> tidy(const Names& names)
{
    TRY(discard(names.making));
    TRY(discard(names.old));
    if (exists(names.next)) {
        if (exists(names.current)) {
            if (exists(names.previous)) {
                TRY(move(names, names.previous, names.old));
            }
            TRY(move(names, names.current, names.previous));
        }
        TRY(move(names, names.next, names.current));
        TRY(discard(names.old));
    }
    // Of a rollback that did not come to be, or of one that was itself rolled back.
    return discard(mark_of(names.current));
}

// Makes a whole set the current one.
Result<> put_in_force(const Names& names, const std::string& set)
{
    if (auto moved = move(names, set, names.next); !moved) {
        static_cast<void>(rename(names.next.c_str(), set.c_str()));
        return moved;
    }
    // It is done; where the disk fails only now, the next change tries again or tells.
    static_cast<void>(tidy(names));
    return {};
}

} // namespace

Result<> Archive::keep(std::span<const Database> databases)
{
    const Names names(directory_);
    if (databases.empty() || is_set_of(locate(names).current, databases)) {
        return {};
    }
    for (const auto& database : databases) {
        if (database.copy == nullptr) {
            return fail(ErrorCode::internal, "there is no copy of " + database.path + " to be kept");
        }
    }
    TRY(make_directory(directory_));
    TRY(tidy(names));
    auto done = make_set(names.making, databases).and_then([&] { return put_in_force(names, names.making); });
    if (!done) {
        static_cast<void>(discard(names.making));
    }
    return done;
}

std::vector<std::string> Archive::current() const
{
    return files_in(locate(Names(directory_)).current);
}

std::vector<std::string> Archive::previous() const
{
    return files_in(locate(Names(directory_)).previous);
}

bool Archive::holds(std::span<const Database> databases) const
{
    return is_set_of(locate(Names(directory_)).current, databases);
}

Result<> Archive::roll_back()
{
    const Names names(directory_);
    if (current().empty() || previous().empty()) {
        return fail(ErrorCode::conflict, "there is no previous set of country databases in " + directory_);
    }
    TRY(tidy(names));
    const auto mark = mark_of(names.current);
    auto done =
        make_file(mark, nullptr).and_then([&] { return sync_directory(names.current); }).and_then([&] {
            return put_in_force(names, names.previous);
        });
    if (!done) {
        static_cast<void>(discard(mark));
    }
    return done;
}

bool Archive::is_rejected(std::span<const Database> databases) const
{
    const auto set = locate(Names(directory_)).previous;
    return exists(mark_of(set)) && is_set_of(set, databases);
}

} // namespace meetfence::geo
