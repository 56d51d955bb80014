// SPDX-License-Identifier: Apache-2.0
// Databases of the version before.
#include "tests/unit/daemon/store/store_fixture.h"

namespace meetfence::test {
namespace {

using StoreSchemaTest = StoreTest;

// What the version before wrote, word for word.
constexpr const char* kSchema1 = R"sql(
CREATE TABLE meetings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoints TEXT NOT NULL,
    until_s INTEGER);
CREATE TABLE rules (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    meeting TEXT NOT NULL,
    countries TEXT NOT NULL,
    mode TEXT NOT NULL,
    from_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL,
    except_prefixes TEXT NOT NULL,
    withdrawn_s INTEGER,
    why TEXT NOT NULL);
CREATE TABLE final_counts (
    rule INTEGER NOT NULL REFERENCES rules(number),
    country TEXT NOT NULL,
    dropped_packets INTEGER NOT NULL, dropped_bytes INTEGER NOT NULL,
    would_drop_packets INTEGER NOT NULL, would_drop_bytes INTEGER NOT NULL,
    passed_packets INTEGER NOT NULL, passed_bytes INTEGER NOT NULL,
    PRIMARY KEY (rule, country)) WITHOUT ROWID;
INSERT INTO meetings VALUES (3, 'A', '["udp:198.18.0.1:40000"]', NULL), (9, 'gone', '[]', NULL);
DELETE FROM meetings WHERE number = 9;
INSERT INTO rules VALUES
    (5, 'A', '["CN","HK"]', 'monitor', 100, 200, '["203.0.113.0/28"]', NULL, ''),
    (6, 'A', '["US"]', 'enforce', 100, 200, '[]', 150, 'the owner asked');
INSERT INTO final_counts VALUES (6, 'US', 1, 2, 3, 4, 5, 6), (5, 'CN', 7, 0, 0, 0, 0, 0), (5, 'HK', 8, 0, 0, 0, 0, 0);
PRAGMA user_version = 1;
)sql";

TEST_F(StoreSchemaTest, TakesOverADatabaseOfSchema1WithAllThatIsInIt)
{
    execute(kSchema1);
    ASSERT_TRUE(Store::open(path));
    const auto found = contents(); // opened a second time: a step is made once
    ASSERT_EQ(found.meetings.size(), 1U);
    EXPECT_EQ(found.meetings[0].number, 3U);
    EXPECT_EQ(found.meetings[0].meeting, meeting("A", {"udp:198.18.0.1:40000"}));
    ASSERT_EQ(found.rules.size(), 2U);
    EXPECT_EQ(found.rules[0].number, 5U);
    EXPECT_EQ(found.rules[0].whom, Whom::countries);
    EXPECT_EQ(found.rules[0].countries, countries({"CN", "HK"}));
    EXPECT_EQ(found.rules[0].participant, "");
    EXPECT_EQ(found.rules[0].mode, Mode::monitor);
    EXPECT_EQ(found.rules[0].except, std::vector{prefix("203.0.113.0/28")});
    EXPECT_EQ(found.rules[0].until, Time(std::chrono::seconds(200)));
    EXPECT_EQ(found.rules[1].withdrawn, Time(std::chrono::seconds(150)));
    EXPECT_EQ(found.rules[1].why, "the owner asked");
    EXPECT_EQ(found.closed, (std::set<std::uint64_t>{5, 6}));
    ASSERT_EQ(found.final_counts.size(), 2U);
    ASSERT_EQ(found.final_counts.at(5).size(), 2U);
    EXPECT_EQ(found.final_counts.at(5)[1].ingress.dropped_packets, 8U);
    ASSERT_EQ(found.final_counts.at(6).size(), 1U);
    const auto& counted = found.final_counts.at(6)[0];
    EXPECT_EQ(counted.country, country("US"));
    EXPECT_EQ(counted.ingress.dropped_packets, 1U);
    EXPECT_EQ(counted.ingress.passed_bytes, 6U);
    EXPECT_EQ(counted.egress.dropped_packets, 0U);
    EXPECT_EQ(found.last_meeting, 9U);
    EXPECT_EQ(found.last_rule, 6U);
}

TEST_F(StoreSchemaTest, WritesWhatIsNewIntoADatabaseThatItTookOver)
{
    execute(kSchema1);
    auto one = rule(7, "A");
    one.whom = Whom::participant;
    one.countries = {};
    one.participant = "p7";
    StoredMeeting shared{3, meeting("A", {})};
    shared.meeting.shared_endpoints = {endpoint("udp:*:10000")};
    {
        auto database = open();
        ASSERT_TRUE(database.write({.put_meetings = {shared}, .put_rules = {one}}, {}));
        ASSERT_TRUE(database.write_final_counts({{7, {{Country(), {1}, {2}}}}}, {}));
    }
    const auto found = contents();
    EXPECT_EQ(found.meetings.at(0).meeting, shared.meeting);
    expect_same(found.rules.at(2), one);
    EXPECT_EQ(found.final_counts.at(7).at(0).egress.dropped_packets, 2U);
    EXPECT_EQ(found.final_counts.at(6).at(0).ingress.dropped_packets, 1U);
}

// Word for word as well; rules that had ended, that were withdrawn and that last (to the year 9999).
constexpr const char* kSchema2 = R"sql(
CREATE TABLE meetings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoints TEXT NOT NULL,
    until_s INTEGER,
    shared_endpoints TEXT NOT NULL DEFAULT '[]',
    turn_endpoints TEXT NOT NULL DEFAULT '[]');
CREATE TABLE rules (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    meeting TEXT NOT NULL,
    countries TEXT NOT NULL,
    mode TEXT NOT NULL,
    from_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL,
    except_prefixes TEXT NOT NULL,
    withdrawn_s INTEGER,
    why TEXT NOT NULL,
    whom TEXT NOT NULL DEFAULT 'countries',
    participant TEXT NOT NULL DEFAULT '');
CREATE TABLE final_counts (
    rule INTEGER NOT NULL REFERENCES rules(number),
    country TEXT NOT NULL,
    direction TEXT NOT NULL,
    dropped_packets INTEGER NOT NULL, dropped_bytes INTEGER NOT NULL,
    would_drop_packets INTEGER NOT NULL, would_drop_bytes INTEGER NOT NULL,
    passed_packets INTEGER NOT NULL, passed_bytes INTEGER NOT NULL,
    PRIMARY KEY (rule, country, direction)) WITHOUT ROWID;
INSERT INTO meetings VALUES (3, 'A', '["udp:198.18.0.1:40000"]', NULL, '["udp:*:10000"]', '[]');
INSERT INTO rules VALUES
    (5, 'A', '["CN","HK"]', 'monitor', 100, 200, '[]', NULL, '', 'countries', ''),
    (6, 'A', '["US"]', 'enforce', 100, 253402300799, '[]', 150, 'the owner asked', 'all_but', ''),
    (7, 'A', '["US"]', 'enforce', 100, 253402300799, '[]', NULL, '', 'countries', ''),
    (8, 'A', '[]', 'enforce', 100, 253402300799, '[]', NULL, '', 'participant', 'p-7');
INSERT INTO final_counts VALUES (5, 'CN', 'egress', 7, 0, 0, 0, 0, 0);
PRAGMA user_version = 2;
)sql";

TEST_F(StoreSchemaTest, TakesOverADatabaseOfSchema2WithAllThatIsInIt)
{
    execute(kSchema2);
    ASSERT_TRUE(Store::open(path));
    const auto found = contents();
    ASSERT_EQ(found.meetings.size(), 1U);
    EXPECT_EQ(found.meetings[0].meeting.shared_endpoints, std::vector{endpoint("udp:*:10000")});
    ASSERT_EQ(found.rules.size(), 4U);
    for (const auto& rule : found.rules) {
        EXPECT_EQ(rule.order, "");
        EXPECT_FALSE(rule.pending);
        EXPECT_FALSE(rule.suspended);
    }
    EXPECT_EQ(found.rules[1].whom, Whom::all_but);
    EXPECT_EQ(found.rules[3].participant, "p-7");
    EXPECT_EQ(found.final_counts.at(5).at(0).egress.dropped_packets, 7U);
    EXPECT_EQ(found.closed, (std::set<std::uint64_t>{5, 6})) << "there was no log then to tell of their end";
    EXPECT_TRUE(found.orders.empty());
    EXPECT_TRUE(found.kept_out.empty());
    EXPECT_EQ(found.audit_head, audit::Head{});
}

TEST_F(StoreSchemaTest, LeavesADatabaseThatItCannotTakeOverAsItWas)
{
    execute(kSchema1);
    execute("CREATE TABLE final_counts_1 (x TEXT)"); // in the way of a step
    EXPECT_FALSE(Store::open(path));
    execute("DROP TABLE final_counts_1");
    const auto found = contents();
    EXPECT_EQ(found.meetings.size(), 1U);
    EXPECT_EQ(found.rules.size(), 2U);
    EXPECT_EQ(found.final_counts.size(), 2U);
}

} // namespace
} // namespace meetfence::test
