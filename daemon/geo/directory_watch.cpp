// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/directory_watch.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/inotify.h>
#include <unistd.h>

namespace meetfence::geo {

Result<DirectoryWatch> DirectoryWatch::watch(std::span<const std::string> paths)
{
    DirectoryWatch watch;
    watch.inotify_ = UniqueFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch.inotify_) {
        return fail(ErrorCode::internal, std::string("inotify_init1: ") + std::strerror(errno));
    }
    for (const auto& path : paths) {
        TRY(watch.add(path));
        // Behind a symbolic link, the file it leads to may change as well.
        std::error_code error;
        if (const auto target = std::filesystem::canonical(path, error); !error && target != path) {
            TRY(watch.add(target));
        }
    }
    return watch;
}

Result<> DirectoryWatch::add(const std::string& path)
{
    const std::filesystem::path file(path);
    const auto directory = file.parent_path();
    constexpr auto kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO;
    if (inotify_add_watch(inotify_.get(), directory.c_str(), kEvents) < 0) {
        return fail(ErrorCode::internal, "watching " + directory.string() + ": " + std::strerror(errno));
    }
    names_.insert(file.filename());
    return {};
}

bool DirectoryWatch::read()
{
    bool concerned = false;
    alignas(inotify_event) std::array<char, 16384> buffer{};
    for (;;) {
        const auto got = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (got <= 0) {
            return concerned;
        }
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            const auto* event = reinterpret_cast<const inotify_event*>(&buffer.at(at));
            at += sizeof(inotify_event) + event->len;
            if ((event->mask & IN_Q_OVERFLOW) != 0) {
                concerned = true; // and what it was is lost
                open_.clear();
                continue;
            }
            const std::string name(event->len == 0 ? "" : static_cast<const char*>(event->name));
            if (!names_.contains(name)) {
                continue;
            }
            concerned = true;
            if ((event->mask & IN_MODIFY) != 0) {
                open_.insert(name);
            } else {
                open_.erase(name);
            }
        }
    }
}

} // namespace meetfence::geo
