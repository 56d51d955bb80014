// SPDX-License-Identifier: Apache-2.0
// What the daemon writes, and how it reads it to others.
#include <sys/stat.h>

#include "tests/unit/daemon/audit/bad_disk.h"
#include "tests/unit/daemon/audit/log_fixture.h"

namespace meetfence::test {
namespace {

mode_t mode_of(const std::string& path)
{
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777U;
}

TEST_F(AuditLogTest, IsForItsOwnerAlone)
{
    const auto before = umask(0);
    static_cast<void>(write(1));
    umask(before);
    EXPECT_EQ(mode_of(root), 0700U);
    EXPECT_EQ(mode_of(files().at(0)), 0600U);
    EXPECT_EQ(files(), Lines{root + "/00000000000000000001.jsonl"});
}

TEST_F(AuditLogTest, HasNoFileBeforeTheFirstEntry)
{
    auto log = open();
    EXPECT_EQ(log.head(), Head{});
    EXPECT_TRUE(files().empty());
    EXPECT_EQ(value_of(log.read(1, 10)), Lines{});
    EXPECT_EQ(value_of(log.append({}, now)), Head{});
    EXPECT_TRUE(files().empty());
}

TEST_F(AuditLogTest, WritesAllEntriesInTheirOrder)
{
    auto log = open();
    EXPECT_EQ(value_of(log.append(drafts(3), now)).sequence, 3U);
    EXPECT_EQ(value_of(log.append(drafts(17, 4), now)), log.head());
    EXPECT_EQ(lines(), made_lines(20));
    EXPECT_EQ(log.head(), verify(made_lines(20)).head);
    EXPECT_EQ(log.found_beyond(), 0U);
}

TEST_F(AuditLogTest, GoesOnWhereItEnded)
{
    auto head = write(2);
    for (std::size_t i = 3; i <= 20; ++i) {
        auto log = open(head);
        EXPECT_EQ(log.head(), head);
        EXPECT_EQ(log.found_beyond(), 0U);
        head = value_of(log.append(drafts(1, i), now));
    }
    EXPECT_EQ(lines(), made_lines(20));
}

TEST_F(AuditLogTest, LeavesFilesOfOtherNamesAlone)
{
    for (const auto* name : {"1.jsonl", "00000000000000000005.json", "0000000000000000000x.jsonl", "notes",
                             "-0000000000000000005.jsonl"}) {
        put("something else\n", name);
    }
    const auto head = write(3);
    EXPECT_EQ(open(head).head().sequence, 3U);
    EXPECT_EQ(split(read_file(root + "/00000000000000000001.jsonl")), made_lines(3));
}

TEST_F(AuditLogTest, FollowsNoSymbolicLink)
{
    const auto elsewhere = directory.path("elsewhere");
    write_file(elsewhere, "");
    std::filesystem::create_directory(root);
    std::filesystem::create_symlink(elsewhere, root + "/00000000000000000001.jsonl");
    EXPECT_FALSE(try_open());
    EXPECT_EQ(read_file(elsewhere), "");
}

TEST_F(AuditLogTest, SaysWhichDirectoryItCannotUse)
{
    const auto nowhere = Log::open(directory.path("missing/audit"), {}, now, {});
    ASSERT_FALSE(nowhere);
    EXPECT_MENTIONS(nowhere.error().message, directory.path("missing/audit"));
    EXPECT_MENTIONS(nowhere.error().message, "No such file");
    write_file(root, "a file in its place");
    EXPECT_FALSE(try_open());
}

TEST_F(AuditLogTest, BeginsAFileWhereOneIsLargeAndKeepsTheChain)
{
    const auto head = write(40, 1000);
    ASSERT_GT(files().size(), 5U);
    EXPECT_EQ(lines(), made_lines(40));
    for (const auto& file : files()) {
        const auto first = read_file(file);
        EXPECT_EQ(std::stoull(std::filesystem::path(file).stem()), audit::sequence_of(first)) << file;
        EXPECT_EQ(mode_of(file), 0600U);
    }
    auto log = open(head, 1000);
    EXPECT_EQ(log.head(), head);
    value_of(log.append(drafts(2, 41), now));
    EXPECT_EQ(lines(), made_lines(42));
}

TEST_F(AuditLogTest, DoesNotTakeAFileApart)
{
    auto log = open({}, 1);
    value_of(log.append(drafts(10), now));
    EXPECT_EQ(files().size(), 1U) << "one write goes into one file";
    value_of(log.append(drafts(10, 11), now));
    EXPECT_EQ(files().size(), 2U);
    EXPECT_EQ(verified().error, "");
}

TEST_F(AuditLogTest, ReadsFromAnyEntryAsManyAsWanted)
{
    const auto made = made_lines(30);
    for (const std::uint64_t max_file_bytes : {std::uint64_t{1000}, Log::kMaxFileBytes}) {
        std::filesystem::remove_all(root);
        const auto log = open(write(30, max_file_bytes), max_file_bytes);
        for (std::size_t from = 0; from <= 32; ++from) {
            for (const std::size_t most : {0U, 1U, 2U, 7U, 30U, 1000U}) {
                const auto begin = std::min<std::size_t>(from == 0 ? 0 : from - 1, made.size());
                const auto end = std::min(begin + most, made.size());
                const Lines wanted(made.begin() + static_cast<std::ptrdiff_t>(begin),
                                   made.begin() + static_cast<std::ptrdiff_t>(end));
                EXPECT_EQ(value_of(log.read(from, most)), wanted) << from << " " << most;
            }
        }
        Lines all;
        ASSERT_TRUE(value_of(log.lines()).for_each([&](std::string_view line) -> Result<> {
            all.emplace_back(line);
            return {};
        }));
        EXPECT_EQ(all, made);
    }
}

TEST_F(AuditLogTest, PassesOnWhyAReaderStopped)
{
    static_cast<void>(write(5));
    int taken = 0;
    const auto stopped = value_of(open().lines()).for_each([&](std::string_view) -> Result<> {
        return ++taken == 3 ? Result<>(fail(ErrorCode::conflict, "enough")) : Result<>{};
    });
    EXPECT_EQ(error_of(stopped), "enough");
    EXPECT_EQ(taken, 3);
}

// Who reads page by page and verifies has to come across every line that somebody put there.
TEST_F(AuditLogTest, HidesNoLineBetweenTwoPages)
{
    const auto made = made_lines(10);
    Lines strange{"", "garbage", made[0], made[5], made[9], "{\"seq\":3,"};
    for (std::size_t place = 0; place <= made.size(); ++place) {
        for (const auto& line : strange) {
            auto touched = made;
            touched.insert(touched.begin() + static_cast<std::ptrdiff_t>(place), line);
            put(joined(touched));
            const auto log = open();
            audit::Chain chain;
            Result<> all_well;
            Lines page;
            do {
                page = value_of(log.read(chain.head().sequence + 1, 5));
                for (const auto& taken : page) {
                    const auto entry = chain.take(taken);
                    all_well = entry ? Result<>{} : Result<>(fail(entry.error()));
                    if (!entry) {
                        break;
                    }
                }
            } while (all_well && page.size() == 5);
            EXPECT_FALSE(all_well) << "'" << line << "' behind entry " << place;
            EXPECT_EQ(chain.head().sequence, place + (place < 10 && line == made[place] ? 1 : 0));
        }
    }
}

TEST_F(AuditLogTest, DoesNotWriteToAFileThatSomebodyTouchesMeanwhile)
{
    const struct {
        const char* name;
        void (*touch)(const std::string&);
        std::size_t wrong_line;
    } cases[] = {
        {"removed", [](const std::string& path) { std::filesystem::remove(path); }, 1},
        {"replaced",
         [](const std::string& path) {
             write_file(path + ".new", read_file(path));
             std::filesystem::rename(path + ".new", path);
         },
         0},
        {"emptied", [](const std::string& path) { write_file(path, ""); }, 1},
        {"cut", [](const std::string& path) { std::filesystem::resize_file(path, 700); }, 2},
        {"written to", [](const std::string& path) { write_file(path, read_file(path) + "a line\n"); }, 6},
    };
    for (const auto& [name, touch, wrong_line] : cases) {
        SCOPED_TRACE(name);
        std::filesystem::remove_all(root);
        auto log = open();
        value_of(log.append(drafts(5), now));
        touch(files().at(0));
        const auto before = std::filesystem::exists(root + "/00000000000000000001.jsonl")
                                ? read_file(root + "/00000000000000000001.jsonl")
                                : "";
        value_of(log.append(drafts(3, 6), now));
        value_of(log.append(drafts(3, 9), now));
        EXPECT_EQ(split(read_file(root + "/00000000000000000006.jsonl")).size(), 6U);
        EXPECT_EQ(text().substr(0, before.size()), before) << "what was touched is evidence";
        EXPECT_EQ(verify(lines()).wrong_line, wrong_line) << verify(lines()).error;
    }
}

TEST_F(AuditLogTest, WritesNothingThatTheDiskDoesNotKeep)
{
    auto log = open();
    value_of(log.append(drafts(5), now));
    {
        const WithDisk bad({.fails_to_sync = true});
        for (int i = 0; i < 3; ++i) {
            const auto refused = log.append(drafts(2, 6), now);
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code, ErrorCode::internal);
            EXPECT_MENTIONS(refused.error().message, "the audit log in " + root + " cannot grow: ");
            EXPECT_MENTIONS(refused.error().message, "nothing was changed; filtering goes on");
            EXPECT_EQ(lines(), made_lines(5));
            EXPECT_EQ(log.head().sequence, 5U);
        }
    }
    value_of(log.append(drafts(2, 6), now));
    EXPECT_EQ(lines(), made_lines(7));
}

TEST_F(AuditLogTest, GrowsNoMoreUntilWhatFailedIsCutOff)
{
    auto log = open();
    value_of(log.append(drafts(5), now));
    {
        const WithDisk bad({.fails_to_sync = true, .fails_to_cut = true});
        EXPECT_FALSE(log.append(drafts(2, 6), now));
    }
    EXPECT_EQ(lines().size(), 7U) << "what failed is still there";
    EXPECT_EQ(value_of(log.read(1, 100)), made_lines(5)) << "and is nothing that anybody is shown";
    {
        const WithDisk bad({.fails_to_cut = true});
        const auto refused = log.append(drafts(1, 90), now);
        ASSERT_FALSE(refused);
        EXPECT_MENTIONS(refused.error().message, "cut a torn write off");
        EXPECT_EQ(lines().size(), 7U);
    }
    value_of(log.append(drafts(1, 6), now));
    EXPECT_EQ(lines(), made_lines(6));
    EXPECT_EQ(verified().error, "");
}

} // namespace
} // namespace meetfence::test
