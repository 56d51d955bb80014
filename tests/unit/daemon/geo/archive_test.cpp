// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/archive.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/geo/made_mmdb.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::Archive;
using geo::Database;
using Set = std::vector<Database>;
using Contents = std::vector<std::string>;

Database database(const std::string& content)
{
    UniqueFd copy(memfd_create("meetfence-test", MFD_CLOEXEC));
    if (write(copy.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
        throw std::runtime_error("memfd");
    }
    return {.path = "test", .copy = std::make_shared<const UniqueFd>(std::move(copy))};
}

Set set(const Contents& contents)
{
    Set databases;
    for (const auto& content : contents) {
        databases.push_back(database(content));
    }
    return databases;
}

Contents read_all(const std::vector<std::string>& paths)
{
    Contents contents;
    for (const auto& path : paths) {
        contents.push_back(read_file(path));
    }
    return contents;
}

class ArchiveTest : public testing::Test {
protected:
    void keep(const Contents& contents)
    {
        const auto kept = archive.keep(set(contents));
        ASSERT_TRUE(kept) << error_of(kept);
    }
    void expect(const Contents& current, const Contents& previous) const
    {
        EXPECT_EQ(read_all(archive.current()), current);
        EXPECT_EQ(read_all(archive.previous()), previous);
    }
    [[nodiscard]] std::string path(const std::string& name) const { return root + "/" + name; }
    [[nodiscard]] Contents names() const
    {
        Contents found;
        for (const auto& entry : std::filesystem::directory_iterator(root)) {
            found.push_back(entry.path().filename().string());
        }
        std::ranges::sort(found);
        return found;
    }

    TempDir directory;
    const std::string root = directory.path("geo");
    Archive archive{root};
};

TEST_F(ArchiveTest, KnowsWhetherTheCurrentSetIsThese)
{
    EXPECT_FALSE(archive.holds(set({"one"})));
    keep({"one", "two"});
    EXPECT_TRUE(archive.holds(set({"one", "two"})));
    EXPECT_FALSE(archive.holds(set({"two", "one"})));
    EXPECT_FALSE(archive.holds(set({"one"})));
    EXPECT_FALSE(archive.holds(set({"one", "two", "three"})));
    keep({"three"});
    EXPECT_FALSE(archive.holds(set({"one", "two"})));
    ASSERT_TRUE(archive.roll_back());
    EXPECT_TRUE(archive.holds(set({"one", "two"})));
}

TEST_F(ArchiveTest, IsEmptyAndMakesNothingBeforeSomethingIsKept)
{
    expect({}, {});
    EXPECT_FALSE(archive.is_rejected(set({"A"})));
    EXPECT_FALSE(archive.is_rejected({}));
    const auto back = archive.roll_back();
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, ErrorCode::conflict);
    EXPECT_MENTIONS(back.error().message, root);
    EXPECT_FALSE(std::filesystem::exists(root));
}

TEST_F(ArchiveTest, KeepsTheLastTwoSetsInTheOrderOfTheirFiles)
{
    keep({"A0", "A1", "A2"});
    expect({"A0", "A1", "A2"}, {});
    EXPECT_EQ(archive.current().at(1), path("current/1.mmdb"));
    keep({"B"});
    expect({"B"}, {"A0", "A1", "A2"});
    EXPECT_EQ(archive.previous().at(2), path("previous/2.mmdb"));
    keep({"C0", "C1"});
    expect({"C0", "C1"}, {"B"});
    EXPECT_EQ(names(), (Contents{"current", "previous"}));
    expect(read_all(Archive(root).current()), {"B"});
}

TEST_F(ArchiveTest, IsForTheDaemonAlone)
{
    keep({"A"});
    struct stat info {};
    for (const auto& name : {root, path("current")}) {
        ASSERT_EQ(stat(name.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777U, 0700U) << name;
    }
    ASSERT_EQ(stat(archive.current().front().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TEST_F(ArchiveTest, DoesNotChangeForTheSameBytes)
{
    keep({"A"});
    keep({"B0", "B1"});
    struct stat before {};
    struct stat after {};
    ASSERT_EQ(stat(archive.current().front().c_str(), &before), 0);
    keep({"B0", "B1"});
    keep({});
    expect({"B0", "B1"}, {"A"});
    ASSERT_EQ(stat(archive.current().front().c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    // Another order, fewer files and other bytes of the same number are other sets.
    keep({"B1", "B0"});
    expect({"B1", "B0"}, {"B0", "B1"});
    keep({"B1"});
    expect({"B1"}, {"B1", "B0"});
    keep({"C1"});
    expect({"C1"}, {"B1"});
}

TEST_F(ArchiveTest, LeavesTheCopyAsItIs)
{
    // More than one buffer, so that offsets count.
    std::string large(3U << 20, 'x');
    large.replace(1U << 20, 4, "here");
    const auto databases = set({large});
    const int fd = databases.front().copy->get();
    ASSERT_EQ(lseek(fd, 7, SEEK_SET), 7);
    ASSERT_TRUE(archive.keep(databases));
    ASSERT_TRUE(archive.keep(databases));
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 7);
    EXPECT_TRUE(read_file(archive.current().front()) == large);
    large.back() = 'y';
    EXPECT_TRUE(archive.keep(set({large})));
    EXPECT_TRUE(read_file(archive.current().front()) == large);
}

TEST_F(ArchiveTest, HoldsFilesThatCanBeLoaded)
{
    const auto loaded =
        value_of(geo::load_mmdb(make_mmdb(directory, "country", "iso 6", "203.0.113.0/24 CN\n")));
    ASSERT_TRUE(archive.keep(std::span(&loaded, 1)));
    const auto again = value_of(geo::load_mmdb(archive.current().at(0)));
    EXPECT_EQ(again.v4, loaded.v4);
    EXPECT_EQ(again.build, loaded.build);
}

TEST_F(ArchiveTest, RollsBackAndRemembersWhatWasRejected)
{
    keep({"A"});
    EXPECT_FALSE(archive.roll_back());
    keep({"B0", "B1"});
    ASSERT_TRUE(archive.roll_back());
    expect({"A"}, {"B0", "B1"});
    const Archive restarted(root);
    EXPECT_TRUE(restarted.is_rejected(set({"B0", "B1"})));
    EXPECT_FALSE(restarted.is_rejected(set({"B0"})));
    EXPECT_FALSE(restarted.is_rejected(set({"B1", "B0"})));
    EXPECT_FALSE(restarted.is_rejected(set({"A"})));
    // What is in force anyway says nothing about what was rejected.
    keep({"A"});
    EXPECT_TRUE(archive.is_rejected(set({"B0", "B1"})));
    keep({"C"});
    expect({"C"}, {"A"});
    EXPECT_FALSE(archive.is_rejected(set({"B0", "B1"})));
    EXPECT_FALSE(archive.is_rejected(set({"A"})));
}

TEST_F(ArchiveTest, RejectsOnlyWhatWasRolledBackLast)
{
    keep({"A"});
    keep({"B"});
    ASSERT_TRUE(archive.roll_back());
    ASSERT_TRUE(archive.roll_back());
    expect({"B"}, {"A"});
    EXPECT_TRUE(archive.is_rejected(set({"A"})));
    EXPECT_FALSE(archive.is_rejected(set({"B"})));
    // Kept all the same: somebody wants it.
    keep({"A"});
    expect({"A"}, {"B"});
    EXPECT_FALSE(archive.is_rejected(set({"A"})));
    EXPECT_FALSE(archive.is_rejected(set({"B"})));
}

TEST_F(ArchiveTest, RefusesADatabaseWithoutACopy)
{
    keep({"A"});
    const Database without[] = {database("B"), {.path = "/x/y.mmdb"}};
    const auto kept = archive.keep(without);
    ASSERT_FALSE(kept);
    EXPECT_MENTIONS(kept.error().message, "/x/y.mmdb");
    EXPECT_FALSE(archive.is_rejected(without));
    expect({"A"}, {});
    EXPECT_EQ(names(), (Contents{"current"}));
}

TEST_F(ArchiveTest, NeedsAParentDirectoryAndSaysSo)
{
    Archive nowhere(directory.path("missing/geo"));
    const auto kept = nowhere.keep(set({"A"}));
    ASSERT_FALSE(kept);
    EXPECT_MENTIONS(kept.error().message, directory.path("missing/geo"));
    EXPECT_MENTIONS(kept.error().message, "No such file");
    write_file(root, "a file in its place");
    EXPECT_FALSE(archive.keep(set({"A"})));
}

// A disk of its own, which can be full or read-only for root, too. Needs root; CI has it.
class ArchiveOnBadDisk : public ArchiveTest {
protected:
    void SetUp() override
    {
        mounted_ = mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=256k") == 0;
        ASSERT_TRUE(mounted_) << "mounting a small tmpfs needs root";
        keep({"A"});
        keep({"B", std::string(65536, 'b')});
    }
    void TearDown() override
    {
        if (mounted_) {
            umount2(directory.path().c_str(), MNT_DETACH);
        }
    }
    void remount(unsigned long flags, const char* options = "size=256k") const
    {
        ASSERT_EQ(mount("tmpfs", directory.path().c_str(), "tmpfs", MS_REMOUNT | flags, options), 0);
    }
    void expect_as_it_was() const
    {
        expect({"B", std::string(65536, 'b')}, {"A"});
        EXPECT_EQ(names(), (Contents{"current", "previous"}));
        EXPECT_FALSE(archive.is_rejected(set({"B", std::string(65536, 'b')})));
    }

private:
    bool mounted_ = false;
};

TEST_F(ArchiveOnBadDisk, TellsThatItIsFullAndChangesNothing)
{
    // Full within the second file, after the first one was written.
    const auto large = set({"C", std::string(300000, 'c')});
    const auto kept = archive.keep(large);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::exhausted);
    EXPECT_MENTIONS(kept.error().message, path("making/1.mmdb"));
    EXPECT_MENTIONS(kept.error().message, "No space left");
    expect_as_it_was();
    remount(0, "size=4m");
    ASSERT_TRUE(archive.keep(large));
    expect({"C", std::string(300000, 'c')}, {"B", std::string(65536, 'b')});
}

TEST_F(ArchiveOnBadDisk, TellsThatItHasNoRoomForAnotherFile)
{
    remount(0, "size=256k,nr_inodes=10");
    // Root, geo, two sets, three files: seven. There is room for a set of one file or a mark.
    const auto kept = archive.keep(set({"C", "D", "E"}));
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::exhausted);
    EXPECT_MENTIONS(kept.error().message, path("making/2.mmdb"));
    expect_as_it_was();
    remount(0, "size=256k,nr_inodes=7");
    const auto back = archive.roll_back();
    ASSERT_FALSE(back);
    EXPECT_MENTIONS(back.error().message, path("current/rejected"));
    expect_as_it_was();
}

TEST_F(ArchiveOnBadDisk, TellsThatItIsReadOnlyAndChangesNothing)
{
    remount(MS_RDONLY);
    const auto kept = archive.keep(set({"C"}));
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::internal);
    EXPECT_MENTIONS(kept.error().message, path("making"));
    EXPECT_MENTIONS(kept.error().message, "Read-only file system");
    const auto back = archive.roll_back();
    ASSERT_FALSE(back);
    EXPECT_MENTIONS(back.error().message, path("current/rejected"));
    expect_as_it_was();
    // The same set needs no disk.
    EXPECT_TRUE(archive.keep(set({"B", std::string(65536, 'b')})));
    remount(0);
    EXPECT_TRUE(archive.roll_back());
    expect({"A"}, {"B", std::string(65536, 'b')});
}

TEST_F(ArchiveOnBadDisk, IsReadAlsoWhereItCannotBePutInOrder)
{
    std::filesystem::rename(path("previous"), path("next")); // as in the middle of a rollback
    remount(MS_RDONLY);
    expect({"A"}, {"B", std::string(65536, 'b')});
    const auto kept = archive.keep(set({"C"}));
    ASSERT_FALSE(kept);
    EXPECT_MENTIONS(kept.error().message, path("previous"));
    expect({"A"}, {"B", std::string(65536, 'b')});
}

} // namespace
} // namespace meetfence::test
