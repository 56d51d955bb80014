// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/store/store_fixture.h"

namespace meetfence::test {
namespace {

TEST_F(StoreTest, IsEmptyAtFirst)
{
    const auto found = contents();
    EXPECT_TRUE(found.meetings.empty());
    EXPECT_TRUE(found.rules.empty());
    EXPECT_TRUE(found.final_counts.empty());
    EXPECT_EQ(found.last_meeting, 0U);
    EXPECT_EQ(found.last_rule, 0U);
}

TEST_F(StoreTest, GivesBackWhatWasWrittenAlsoAfterReopening)
{
    auto first = stored(1, "A \"quoted\" 'id'; DROP TABLE rules");
    auto second = stored(7, "B");
    second.meeting.until = at("2026-12-24T18:00:00Z");
    auto withdrawn = rule(4, "B");
    withdrawn.withdrawn = at("2026-11-22T13:00:00Z");
    withdrawn.why = "the owner's wish: \xe2\x80\x9cplease\xe2\x80\x9d";
    second.meeting.shared_endpoints = {endpoint("udp:198.18.0.2:10000"), endpoint("udp:[2001:db8::2]:10000")};
    second.meeting.turn_endpoints = {endpoint("udp:198.18.0.2:3478")};
    const Country china = country("CN");
    {
        auto database = open();
        ASSERT_TRUE(
            database.write({.put_meetings = {first, second}, .put_rules = {rule(3, "B"), withdrawn}}, {}));
        ASSERT_TRUE(
            database.write_final_counts({{4, {{china, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}}}}}, {}));
    }
    const auto found = contents();
    ASSERT_EQ(found.meetings.size(), 2U);
    EXPECT_EQ(found.meetings[0].number, 1U);
    EXPECT_EQ(found.meetings[0].meeting.id, first.meeting.id);
    EXPECT_EQ(found.meetings[1].number, 7U);
    EXPECT_EQ(found.meetings[1].meeting.until, second.meeting.until);
    EXPECT_EQ(found.meetings[1].meeting.shared_endpoints, second.meeting.shared_endpoints);
    EXPECT_EQ(found.meetings[1].meeting.turn_endpoints, second.meeting.turn_endpoints);
    EXPECT_TRUE(found.meetings[0].meeting.shared_endpoints.empty());
    EXPECT_EQ(found.meetings[1].meeting.endpoints.size(), second.meeting.endpoints.size());
    for (const auto& endpoint : second.meeting.endpoints) {
        EXPECT_NE(std::ranges::find(found.meetings[1].meeting.endpoints, endpoint),
                  found.meetings[1].meeting.endpoints.end())
            << endpoint.text();
    }
    ASSERT_EQ(found.rules.size(), 2U);
    expect_same(found.rules[0], rule(3, "B"));
    expect_same(found.rules[1], withdrawn);
    ASSERT_EQ(found.final_counts.at(4).size(), 1U);
    EXPECT_EQ(found.final_counts.at(4)[0].country, china);
    EXPECT_EQ(found.final_counts.at(4)[0].ingress.dropped_packets, 1U);
    EXPECT_EQ(found.final_counts.at(4)[0].ingress.passed_bytes, 6U);
    EXPECT_EQ(found.final_counts.at(4)[0].egress.dropped_packets, 7U);
    EXPECT_EQ(found.final_counts.at(4)[0].egress.passed_bytes, 12U);
    EXPECT_EQ(found.last_meeting, 7U);
    EXPECT_EQ(found.last_rule, 4U);
}

TEST_F(StoreTest, KeepsWhomARuleKeepsOut)
{
    auto all_but = rule(1, "A");
    all_but.whom = Whom::all_but;
    auto one = rule(2, "A");
    one.whom = Whom::participant;
    one.countries = {};
    one.participant = "p'7;--";
    ASSERT_TRUE(open().write({.put_rules = {all_but, one, rule(3, "A")}}, {}));
    const auto found = contents();
    ASSERT_EQ(found.rules.size(), 3U);
    expect_same(found.rules[0], all_but);
    expect_same(found.rules[1], one);
    expect_same(found.rules[2], rule(3, "A"));
}

TEST_F(StoreTest, KeepsCountsOfARuleThatTellsNoCountriesApart)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_rules = {rule(1, "A"), rule(2, "A")}}, {}));
    const store::Counts counts{
        {1, {{Country(), {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}}}},
        {2, {{country("CN"), {}, {1, 1, 1, 1, 1, 1}}, {country("HK"), {2, 2, 2, 2, 2, 2}, {}}}}};
    ASSERT_TRUE(database.write_final_counts(counts, {}));
    ASSERT_TRUE(database.write_final_counts(counts, {})); // replaces, and does not add
    const auto found = value_of(database.load()).final_counts;
    ASSERT_EQ(found.at(1).size(), 1U);
    EXPECT_TRUE(found.at(1)[0].country.none());
    EXPECT_EQ(found.at(1)[0].ingress.would_drop_bytes, 4U);
    EXPECT_EQ(found.at(1)[0].egress.would_drop_bytes, 10U);
    ASSERT_EQ(found.at(2).size(), 2U);
    EXPECT_EQ(found.at(2)[0].country, country("CN"));
    EXPECT_EQ(found.at(2)[0].ingress.dropped_packets, 0U);
    EXPECT_EQ(found.at(2)[0].egress.dropped_packets, 1U);
    EXPECT_EQ(found.at(2)[1].ingress.passed_packets, 2U);
}

TEST_F(StoreTest, ReplacesAMeetingAndARuleByNumber)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A")}, .put_rules = {rule(1, "A")}}, {}));
    auto changed = rule(1, "A");
    changed.mode = Mode::enforce;
    changed.until = at("2026-11-22T14:00:00Z");
    StoredMeeting moved{1, meeting("A", {"udp:*:5000"})};
    moved.meeting.shared_endpoints = {endpoint("udp:*:5001")};
    moved.meeting.turn_endpoints = {endpoint("udp:*:5002")};
    ASSERT_TRUE(database.write({.put_meetings = {moved}, .put_rules = {changed}}, {}));
    const auto found = value_of(database.load());
    ASSERT_EQ(found.meetings.size(), 1U);
    EXPECT_EQ(found.meetings[0].meeting, moved.meeting);
    ASSERT_EQ(found.rules.size(), 1U);
    expect_same(found.rules[0], changed);
}

TEST_F(StoreTest, AppliesAllOfAChangeOrNothing)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A"), stored(2, "B")}}, {}));
    // The last meeting takes an identifier that another number has.
    const auto written = database.write({.put_meetings = {stored(3, "C"), stored(4, "B")},
                                         .removed_meetings = {1},
                                         .put_rules = {rule(1, "C")}},
                                        {});
    EXPECT_FALSE(written);
    for (const auto& found : {value_of(database.load()), contents()}) {
        ASSERT_EQ(found.meetings.size(), 2U);
        EXPECT_EQ(found.meetings[0].meeting.id, "A");
        EXPECT_EQ(found.meetings[1].number, 2U);
        EXPECT_TRUE(found.rules.empty());
        EXPECT_EQ(found.last_meeting, 2U);
    }
    ASSERT_TRUE(database.write({.put_meetings = {stored(3, "C")}}, {})); // and goes on working
}

TEST_F(StoreTest, LetsAnIdentifierBeUsedAgainInTheChangeThatFreesIt)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A")}}, {}));
    ASSERT_TRUE(database.write({.put_meetings = {stored(2, "A")}, .removed_meetings = {1}}, {}));
    EXPECT_EQ(contents().meetings.at(0).number, 2U);
}

TEST_F(StoreTest, RemembersNumbersOfWhatWasDeleted)
{
    {
        auto database = open();
        ASSERT_TRUE(database.write(
            {.put_meetings = {stored(1, "A"), stored(9, "B")}, .put_rules = {rule(5, "B")}}, {}));
        ASSERT_TRUE(database.write({.removed_meetings = {9}}, {}));
    }
    const auto found = contents();
    EXPECT_EQ(found.meetings.size(), 1U);
    EXPECT_EQ(found.last_meeting, 9U);
    EXPECT_EQ(found.last_rule, 5U);
    EXPECT_EQ(found.rules.size(), 1U) << "a rule stays on record when its meeting goes";
}

TEST_F(StoreTest, RefusesASchemaOfAnotherVersionAndLeavesItAlone)
{
    ASSERT_TRUE(open().write({.put_meetings = {stored(1, "A")}}, {}));
    execute("PRAGMA user_version = 77");
    const auto opened = Store::open(path);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::conflict);
    EXPECT_MENTIONS(opened.error().message, "77");
    EXPECT_MENTIONS(opened.error().message, path);
    execute("PRAGMA user_version = 3");
    EXPECT_EQ(contents().meetings.size(), 1U);
}

TEST_F(StoreTest, RefusesAFileThatIsNoDatabase)
{
    write_file(path, std::string(10000, 'x'));
    const auto opened = Store::open(path);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::internal);
    EXPECT_EQ(read_file(path), std::string(10000, 'x'));
}

TEST_F(StoreTest, TellsOfRowsItCannotRead)
{
    const char* const damages[] = {
        "UPDATE meetings SET endpoints = '[\"udp:nonsense\"]'",
        "UPDATE meetings SET endpoints = '{'",
        "UPDATE rules SET countries = '[]'",
        "UPDATE rules SET countries = '[\"XX\"]'",
        "UPDATE rules SET mode = 'perhaps'",
        "UPDATE rules SET except_prefixes = '[1]'",
        "UPDATE meetings SET shared_endpoints = '[\"udp:nonsense\"]'",
        "UPDATE meetings SET turn_endpoints = '{'",
        "UPDATE rules SET whom = 'everybody'",
        "UPDATE rules SET whom = 'participant'",
        "UPDATE final_counts SET direction = 'sideways' WHERE direction = 'egress'",
    };
    for (const auto* damage : damages) {
        std::filesystem::remove(path);
        ASSERT_TRUE(open().write({.put_meetings = {stored(1, "A")}, .put_rules = {rule(1, "A")}}, {}));
        ASSERT_TRUE(open().write_final_counts({{1, {{country("CN"), {1}, {1}}}}}, {}));
        ASSERT_TRUE(open().load());
        execute(damage);
        const auto loaded = open().load();
        EXPECT_FALSE(loaded) << damage;
    }
}

TEST_F(StoreTest, IsForItsOwnerOnly)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A")}}, {}));
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        struct stat info {};
        ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777U, 0600U) << entry.path(); // the journal, too
    }
}

TEST_F(StoreTest, LeavesTheProcessItsUmaskAlsoWhereItCannotOpen)
{
    const auto before = umask(0022);
    EXPECT_TRUE(Store::open(path));
    EXPECT_EQ(umask(0022), 0022U);
    EXPECT_FALSE(Store::open(directory.path("missing/meetfence.db")));
    EXPECT_EQ(umask(0022), 0022U) << "every file the daemon makes from now on would differ";
    umask(before);
}

// A file system of its own, so small that it is full soon. Needs root; CI has it.
class FullDisk : public StoreTest {
protected:
    void SetUp() override
    {
        mounted_ = mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=256k") == 0;
        ASSERT_TRUE(mounted_) << "mounting a small tmpfs needs root";
    }
    void TearDown() override
    {
        if (mounted_) {
            umount2(directory.path().c_str(), MNT_DETACH);
        }
    }

private:
    bool mounted_ = false;
};

TEST_F(FullDisk, RefusesAChangeAndKeepsTheLastGoodState)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A")}}, {}));
    std::uint64_t last = 1;
    Result<> written;
    while (last < 10000 &&
           (written = database.write(
                {.put_meetings = {stored(last + 1, std::string(120, 'm') + std::to_string(last))}}, {}))) {
        ++last;
    }
    ASSERT_FALSE(written) << "the disk was never full";
    EXPECT_EQ(written.error().code, ErrorCode::exhausted) << written.error().message;
    EXPECT_EQ(value_of(database.load()).meetings.size(), last);
    // With room again it goes on.
    ASSERT_EQ(mount("tmpfs", directory.path().c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
    const auto again = database.write({.put_meetings = {stored(last + 1, "B")}}, {});
    EXPECT_TRUE(again) << error_of(again);
    EXPECT_EQ(value_of(database.load()).meetings.size(), last + 1);
}

} // namespace
} // namespace meetfence::test
