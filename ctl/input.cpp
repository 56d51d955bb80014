// SPDX-License-Identifier: Apache-2.0
#include "ctl/input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <system_error>

namespace meetfence::ctl {
namespace {

Error cannot_read(const std::string& name, int cause)
{
    return {ErrorCode::invalid, fmt::format("cannot read {}: {}", name,
                                            std::error_code(cause, std::generic_category()).message())};
}

Result<std::string> read_all(std::istream& in, const std::string& name, std::size_t most)
{
    std::string text;
    errno = 0;
    for (std::array<char, 65536> chunk{}; in && text.size() <= most;) {
        const auto wanted = std::min(chunk.size(), most + 1 - text.size());
        in.read(chunk.data(), static_cast<std::streamsize>(wanted));
        text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) {
        return fail(cannot_read(name, errno == 0 ? EIO : errno));
    }
    return text;
}

} // namespace

std::string input_name(const std::string& path)
{
    return path == "-" ? "stdin" : path;
}

Result<std::string> read_input(std::istream& in, const std::string& path, std::size_t most)
{
    if (path == "-") {
        return read_all(in, input_name(path), most);
    }
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        return fail(cannot_read(path, EISDIR)); // it could be opened, and only fail later
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return fail(cannot_read(path, errno));
    }
    return read_all(file, path, most);
}

} // namespace meetfence::ctl
