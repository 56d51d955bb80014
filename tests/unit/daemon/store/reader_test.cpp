// SPDX-License-Identifier: Apache-2.0
// The check's own connection: it sees what is on the disk, as soon as it is there.
#include <algorithm>

#include "daemon/store/reader.h"
#include "tests/unit/daemon/store/store_fixture.h"

namespace meetfence::test {
namespace {

class ReaderTest : public StoreTest {
protected:
    void write(const store::Changes& changes) { ASSERT_TRUE(writer.write(changes, {})); }
    [[nodiscard]] store::RuleRow row_of(std::uint64_t number)
    {
        auto row = value_of(reader.rule(number));
        if (!row) {
            throw std::runtime_error("there is no such row");
        }
        return *row;
    }

    Store writer = open();
    store::Reader reader = value_of(store::Reader::open(path));
};

TEST_F(ReaderTest, ReadsARule)
{
    auto written = rule(1, "A");
    written.order = "O-1";
    write({.put_rules = {written}});
    const auto row = row_of(1);
    EXPECT_EQ(row.meeting, "A");
    EXPECT_EQ(row.whom, Whom::countries);
    EXPECT_EQ(row.countries, written.countries);
    EXPECT_EQ(row.participant, "");
    EXPECT_EQ(row.mode, Mode::monitor);
    EXPECT_EQ(row.from, written.from);
    EXPECT_EQ(row.until, written.until);
    EXPECT_EQ(row.except, written.except);
    EXPECT_FALSE(row.withdrawn);
    EXPECT_EQ(row.order, "O-1");
    EXPECT_FALSE(row.pending);
}

TEST_F(ReaderTest, ReadsEveryKindOfRule)
{
    auto all_but = rule(1, "A");
    all_but.whom = Whom::all_but;
    auto participant = rule(2, "A");
    participant.whom = Whom::participant;
    participant.countries = {};
    participant.participant = "p-7";
    auto ordered = participant;
    ordered.number = 3;
    ordered.countries = countries({"CN"});
    ordered.order = "O-1";
    ordered.pending = true;
    write({.put_rules = {all_but, participant, ordered}});
    EXPECT_EQ(row_of(1).whom, Whom::all_but);
    EXPECT_EQ(row_of(2).whom, Whom::participant);
    EXPECT_EQ(row_of(2).participant, "p-7");
    EXPECT_TRUE(row_of(2).countries.empty());
    EXPECT_EQ(row_of(3).countries, countries({"CN"}));
    EXPECT_TRUE(row_of(3).pending);
}

TEST_F(ReaderTest, ReadsAMeeting)
{
    auto written = stored(7, "A");
    std::ranges::sort(written.meeting.endpoints); // as every meeting's are
    write({.put_meetings = {written}});
    const auto row = value_of(reader.meeting(7));
    ASSERT_TRUE(row);
    EXPECT_EQ(row->id, "A");
    EXPECT_EQ(row->endpoints, written.meeting.endpoints);
}

TEST_F(ReaderTest, HasNoRowsThatAreNotThere)
{
    EXPECT_FALSE(value_of(reader.rule(1)));
    EXPECT_FALSE(value_of(reader.meeting(1)));
}

TEST_F(ReaderTest, SeesEveryChangeAtOnce)
{
    EXPECT_FALSE(value_of(reader.rule(1)));
    auto written = rule(1, "A");
    write({.put_rules = {written}});
    EXPECT_EQ(row_of(1).mode, Mode::monitor);
    EXPECT_EQ(row_of(1).mode, Mode::monitor) << "asked again";
    written.mode = Mode::enforce;
    written.withdrawn = at("2026-11-22T13:00:00Z");
    write({.put_rules = {written}});
    EXPECT_EQ(row_of(1).mode, Mode::enforce);
    EXPECT_EQ(row_of(1).withdrawn, written.withdrawn);

    write({.put_meetings = {stored(7, "A")}});
    EXPECT_TRUE(value_of(reader.meeting(7)));
    write({.removed_meetings = {7}});
    EXPECT_FALSE(value_of(reader.meeting(7)));
}

TEST_F(ReaderTest, SaysWhatItCannotRead)
{
    write({.put_rules = {rule(1, "A")}});
    execute("UPDATE rules SET whom = 'somebody'");
    const auto row = reader.rule(1);
    ASSERT_FALSE(row);
    EXPECT_NE(row.error().message.find("somebody"), std::string::npos);
}

TEST_F(ReaderTest, NeedsADatabase)
{
    const auto missing = directory.path("missing.db");
    const auto opened = store::Reader::open(missing);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find(missing), std::string::npos);
}

TEST_F(ReaderTest, WritesNothing)
{
    write({.put_rules = {rule(1, "A")}});
    (void)row_of(1);
    const auto before = std::filesystem::last_write_time(path);
    for (std::uint64_t number = 1; number < 100; ++number) {
        (void)reader.rule(number);
        (void)reader.meeting(number);
    }
    EXPECT_EQ(std::filesystem::last_write_time(path), before);
    write({.put_rules = {rule(2, "A")}}); // and is in nobody's way
    EXPECT_EQ(row_of(2).meeting, "A");
}

} // namespace
} // namespace meetfence::test
