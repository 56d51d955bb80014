// SPDX-License-Identifier: Apache-2.0
// A file system of its own, so small that it is full soon. Needs root; CI has it.
#include <sys/mount.h>

#include "tests/unit/daemon/audit/log_fixture.h"

namespace meetfence::test {
namespace {

class AuditLogOnAFullDisk : public AuditLogTest {
protected:
    void SetUp() override
    {
        mounted_ = mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=64k") == 0;
        ASSERT_TRUE(mounted_) << "mounting a small tmpfs needs root";
    }
    void TearDown() override
    {
        if (mounted_) {
            umount2(directory.path().c_str(), MNT_DETACH);
        }
    }
    void remount(const char* options) const
    {
        ASSERT_EQ(mount("tmpfs", directory.path().c_str(), "tmpfs", MS_REMOUNT, options), 0);
    }
    void expect_refusal(const Result<Head>& refused) const
    {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::exhausted) << refused.error().message;
        EXPECT_MENTIONS(refused.error().message, "the audit log in " + root + " cannot grow: ");
        EXPECT_MENTIONS(refused.error().message, "No space left");
        EXPECT_MENTIONS(refused.error().message, "nothing was changed; filtering goes on");
    }
    /// Appends until the disk is full; the refusal.
    Result<Head> fill(Log& log, std::size_t at_once) const
    {
        Result<Head> written;
        for (int i = 0; i < 1000 && (written = log.append(drafts(at_once), now)); ++i) {
        }
        return written;
    }

private:
    bool mounted_ = false;
};

TEST_F(AuditLogOnAFullDisk, WritesAllOrNothing)
{
    for (const std::size_t at_once : {1U, 7U, 30U}) {
        std::filesystem::remove_all(root);
        remount("size=64k");
        auto log = open();
        expect_refusal(fill(log, at_once));
        const auto head = log.head();
        EXPECT_EQ(head.sequence % at_once, 0U);
        EXPECT_EQ(verified().error, "");
        EXPECT_EQ(verified().head, head);
        expect_refusal(log.append(drafts(at_once), now)); // as often as one tries
        EXPECT_EQ(verified().head, head);
        // With room again it goes on.
        remount("size=1m");
        EXPECT_EQ(value_of(log.append(drafts(3), now)).sequence, head.sequence + 3);
        EXPECT_EQ(verified().error, "");
        EXPECT_EQ(open(log.head()).head(), log.head());
    }
}

TEST_F(AuditLogOnAFullDisk, SaysSoWhereThereIsNoRoomForAnotherFile)
{
    auto log = open({}, 1000);
    value_of(log.append(drafts(3), now));
    remount("size=64k,nr_inodes=3"); // root, directory, file
    expect_refusal(log.append(drafts(1, 4), now));
    EXPECT_EQ(lines(), made_lines(3));
    remount("size=64k,nr_inodes=100");
    value_of(log.append(drafts(1, 4), now));
    EXPECT_EQ(lines(), made_lines(4));
    EXPECT_EQ(files().size(), 2U);
}

TEST_F(AuditLogOnAFullDisk, OpensAndTellsOfATornWriteOnceThereIsRoom)
{
    auto log = open();
    ASSERT_FALSE(fill(log, 1));
    const auto head = log.head();
    // What is torn takes the rest of the last page, so that its record finds no room in its place.
    const auto whole = text();
    const auto torn = std::string(5, 'x');
    write_file(files().at(0), whole + torn);
    const auto filler = directory.path("filler");
    write_file(filler, "");
    for (std::error_code full; !full;) {
        std::filesystem::resize_file(filler, std::filesystem::file_size(filler) + 1, full);
        std::ofstream file(filler, std::ios::app);
        full = file << 'x' << std::flush ? std::error_code{}
                                         : std::make_error_code(std::errc::no_space_on_device);
    }
    auto again = open(head);
    EXPECT_EQ(again.head(), head);
    expect_refusal(again.append(drafts(1), now));
    EXPECT_EQ(text(), whole);
    remount("size=1m");
    EXPECT_EQ(value_of(again.append(drafts(1), now)).sequence, head.sequence + 2);
    EXPECT_EQ(verified().error, "");
    EXPECT_EQ(entry(head.sequence + 1).what, "log_recovered");
    EXPECT_EQ(entry(head.sequence + 1).body.at("sha256"), audit::sha256_hex(torn));
}

} // namespace
} // namespace meetfence::test
