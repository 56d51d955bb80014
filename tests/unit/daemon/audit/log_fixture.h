// SPDX-License-Identifier: Apache-2.0
// An audit log in a directory of the test's own, and ways past the daemon's writer.
#pragma once

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "audit/sha256.h"
#include "daemon/audit/log.h"
#include "tests/unit/audit/made_log.h"
#include "tests/unit/daemon/temp_dir.h"

namespace meetfence::test {

class AuditLogTest : public testing::Test {
protected:
    using Log = audit::Log;
    using Head = audit::Head;

    [[nodiscard]] Result<Log> try_open(const Head& known = {},
                                       std::uint64_t max_file_bytes = Log::kMaxFileBytes) const
    {
        return Log::open(root, known, now, {0, "root"}, max_file_bytes);
    }
    [[nodiscard]] Log open(const Head& known = {}, std::uint64_t max_file_bytes = Log::kMaxFileBytes) const
    {
        return value_of(try_open(known, max_file_bytes));
    }

    /// A log of so many entries, written one by one, and its head.
    [[nodiscard]] Head write(std::size_t count, std::uint64_t max_file_bytes = Log::kMaxFileBytes) const
    {
        auto log = open({}, max_file_bytes);
        for (std::size_t i = 1; i <= count; ++i) {
            value_of(log.append(drafts(1, i), now));
        }
        return log.head();
    }

    [[nodiscard]] std::vector<std::string> files() const
    {
        std::vector<std::string> paths;
        for (const auto& file : std::filesystem::directory_iterator(root)) {
            paths.push_back(file.path().string());
        }
        std::ranges::sort(paths);
        return paths;
    }
    [[nodiscard]] std::string text() const
    {
        std::string all;
        for (const auto& file : files()) {
            all += read_file(file);
        }
        return all;
    }
    void put(const std::string& content, const std::string& name = "00000000000000000001.jsonl") const
    {
        std::filesystem::create_directory(root);
        std::filesystem::remove(root + "/" +
                                name); // some file systems wait for the disk where a file is emptied
        write_file(root + "/" + name, content);
    }

    static Lines split(const std::string& text)
    {
        Lines lines;
        for (std::size_t begin = 0; begin < text.size();) {
            const auto end = std::min(text.find('\n', begin), text.size());
            lines.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
        return lines;
    }
    static std::string joined(const Lines& lines)
    {
        std::string text;
        for (const auto& line : lines) {
            text += line + "\n";
        }
        return text;
    }
    [[nodiscard]] Lines lines() const { return split(text()); }

    /// The whole of it, as it is on the disk.
    [[nodiscard]] Verified verified() const
    {
        EXPECT_TRUE(text().empty() || text().ends_with('\n'));
        return verify(lines());
    }
    [[nodiscard]] audit::Entry entry(std::size_t line) const
    {
        return value_of(audit::parse_line(lines().at(line - 1)));
    }

    const TempDir directory;
    const std::string root = directory.path("audit");
    const Time now = at("2026-11-22T12:00:00Z");
};

} // namespace meetfence::test
