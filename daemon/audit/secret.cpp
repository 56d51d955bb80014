// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit/secret.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/audit/files.h"
#include "pins/unique_fd.h"

namespace meetfence::audit {
namespace {

constexpr std::size_t kBytes = 32;

Result<std::string> make_secret(const std::string& path)
{
    std::array<char, kBytes> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return fail(file_error("making a random key for", path, errno));
    }
    // Whole or not at all: half a key would be another one after the next start.
    const auto fresh = path + ".new";
    const UniqueFd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file || write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        fsync(file.get()) != 0 || rename(fresh.c_str(), path.c_str()) != 0) {
        return fail(file_error("making", path, errno));
    }
    return std::string(bytes.data(), bytes.size());
}

} // namespace

Result<std::string> load_or_make_secret(const std::string& path)
{
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) {
        return errno == ENOENT ? make_secret(path) : fail(file_error("opening", path, errno));
    }
    std::array<char, kBytes + 1> bytes{};
    const auto size = read(file.get(), bytes.data(), bytes.size());
    if (size != static_cast<ssize_t>(kBytes)) {
        return fail(ErrorCode::internal,
                    path + " is not a key of 32 bytes: meetings in reports are hashed with it; "
                           "put back the one that was there, or remove it to begin anew");
    }
    return std::string(bytes.data(), kBytes);
}

} // namespace meetfence::audit
