// SPDX-License-Identifier: Apache-2.0
// What is told to the audit log, also where it cannot grow at the moment.
#include "daemon/service/audit_trail.h"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "tests/unit/daemon/audit/bad_disk.h"
#include "tests/unit/daemon/audit/log_fixture.h"
#include "tests/unit/daemon/service/moved_clock.h"

namespace meetfence::test {
namespace {

using service::AuditTrail;
using service::Refusal;

class AuditTrailTest : public AuditLogTest {
protected:
    [[nodiscard]] Result<AuditTrail> try_open(const Head& known = {})
    {
        return AuditTrail::open(directory.path(), known, [this](bool alarm, const std::string& text) {
            (alarm ? alarms : said).push_back(text);
        });
    }
    [[nodiscard]] AuditTrail open(const Head& known = {}) { return value_of(try_open(known)); }
    [[nodiscard]] store::Store open_store() const
    {
        return value_of(store::Store::open(directory.path() + "/meetfence.db"));
    }
    [[nodiscard]] std::vector<std::string> whats() const
    {
        std::vector<std::string> result;
        for (std::size_t line = 1; line <= lines().size(); ++line) {
            result.push_back(entry(line).what);
        }
        return result;
    }
    static audit::Draft change(const std::string& what)
    {
        return {{1000, "alice"}, what, {{"meeting", "A"}}};
    }
    static Refusal stranger()
    {
        return {.actor = {2000, "mallory"}, .request = "POST /v1/rules", .status = 403, .stranger = true};
    }
    using Whats = std::vector<std::string>;

    std::vector<std::string> alarms, said;
    MovedClock clock;
};

TEST_F(AuditTrailTest, IsToldAChangeBeforeItTakesEffect)
{
    auto trail = open();
    const auto head = value_of(trail.append({change("meeting_added"), change("rule_added")}));
    EXPECT_EQ(head.sequence, 2U);
    EXPECT_EQ(head, trail.log().head());
    EXPECT_EQ(verified().error, "");
    EXPECT_EQ(entry(1).actor, (Actor{1000, "alice"}));
    const WithDisk broken({.fails_to_sync = true});
    EXPECT_FALSE(trail.append({change("rule_added")}));
    EXPECT_EQ(trail.log().head(), head);
}

TEST_F(AuditTrailTest, KeepsWhatHasHappenedAnywayUntilItCanBeWritten)
{
    auto trail = open();
    auto store = open_store();
    trail.note("daemon_started", {{"version", "1"}});
    {
        const WithDisk broken({.fails_to_sync = true});
        for (int i = 0; i < 5; ++i) {
            trail.note("rule_ended", {{"rule", "r" + std::to_string(i)}});
            trail.catch_up(store);
        }
        EXPECT_EQ(alarms.size(), 1U) << "once, and not each second";
        EXPECT_EQ(whats(), Whats{"daemon_started"});
        EXPECT_EQ(trail.log().head().sequence, 1U);
    }
    trail.catch_up(store);
    EXPECT_EQ(whats(), (Whats{"daemon_started", "rule_ended", "rule_ended", "rule_ended", "rule_ended",
                              "rule_ended"}));
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(entry(i + 2).body.at("rule"), "r" + std::to_string(i)) << "in their order, none twice";
        EXPECT_EQ(entry(i + 2).actor, AuditTrail::self());
    }
    EXPECT_EQ(verified().error, "");
    trail.catch_up(store);
    EXPECT_EQ(whats().size(), 6U);
    const WithDisk broken({.fails_to_sync = true});
    trail.note("daemon_stopped", Json::object());
    EXPECT_EQ(alarms.size(), 2U) << "said again, since it went on between";
}

TEST_F(AuditTrailTest, RemembersInTheStateDatabaseHowFarItIs)
{
    auto trail = open();
    auto store = open_store();
    trail.catch_up(store);
    EXPECT_EQ(value_of(store.load()).audit_head, Head{});
    trail.note("daemon_started", {{"version", "1"}});
    trail.catch_up(store);
    EXPECT_EQ(value_of(store.load()).audit_head, trail.log().head());
    (void)value_of(trail.append({change("rule_added")}));
    trail.catch_up(store);
    EXPECT_EQ(value_of(store.load()).audit_head.sequence, 2U);
}

TEST_F(AuditTrailTest, WritesEachRefusalWithWhoWasRefused)
{
    auto trail = open();
    trail.record({.actor = {1000, "alice"},
                  .request = "POST /v1/orders/O-1/approve",
                  .status = 422,
                  .code = "own_approval",
                  .detail = "somebody else approves it"});
    trail.record({.actor = {1001, ""}, .request = "PUT /v1/meetings/{}", .status = 400});
    EXPECT_EQ(whats(), (Whats{"request_refused", "request_refused"}));
    EXPECT_EQ(entry(1).actor, (Actor{1000, "alice"}));
    EXPECT_EQ(entry(1).body, (Json{{"code", "own_approval"},
                                   {"detail", "somebody else approves it"},
                                   {"request", "POST /v1/orders/O-1/approve"},
                                   {"status", 422}}));
    EXPECT_TRUE(entry(2).body.at("code").is_null());
    EXPECT_TRUE(entry(2).body.at("detail").is_null());
}

TEST_F(AuditTrailTest, DoesNotLetStrangersFillTheDisk)
{
    const WithDisk quick({.does_not_wait = true});
    auto trail = open();
    auto store = open_store();
    for (int i = 0; i < 100; ++i) {
        trail.record(stranger());
    }
    EXPECT_EQ(whats().size(), 60U);
    auto mine = stranger();
    mine.stranger = false;
    trail.record(mine);
    EXPECT_EQ(whats().size(), 61U) << "an operator's are always told";
    clock.by(std::chrono::seconds(30));
    trail.record(stranger());
    trail.catch_up(store);
    EXPECT_EQ(whats().size(), 61U);
    clock.by(std::chrono::seconds(31));
    trail.catch_up(store);
    EXPECT_EQ(whats().size(), 62U);
    EXPECT_EQ(entry(62).what, "refusals_omitted");
    EXPECT_EQ(entry(62).body, (Json{{"count", 41}}));
    trail.record(stranger()); // from the beginning
    EXPECT_EQ(whats().size(), 63U);
    clock.by(std::chrono::minutes(2));
    trail.catch_up(store);
    EXPECT_EQ(whats().size(), 63U) << "none was left out";
    EXPECT_EQ(verified().error, "");
}

TEST_F(AuditTrailTest, CountsStrangersOnWhereTheWallClockIsSetBack)
{
    const WithDisk quick({.does_not_wait = true});
    auto trail = open();
    for (int i = 0; i < 61; ++i) {
        trail.record(stranger());
    }
    clock.by(-std::chrono::hours(1));
    trail.record(stranger());
    EXPECT_EQ(std::ranges::count(whats(), "refusals_omitted"), 1);
    EXPECT_EQ(whats().size(), 62U);
}

TEST_F(AuditTrailTest, TellsOfChangesThatACrashLeftUndone)
{
    Head known;
    {
        auto trail = open();
        known = value_of(trail.append({change("meeting_added")}));
        trail.note("request_refused", Json::object());
        (void)value_of(trail.append({change("rule_added"), change("order_recorded")}));
        trail.note("rule_ended", Json::object());
    }
    {
        auto trail = open(known);
        EXPECT_EQ(whats().back(), "changes_undone");
        EXPECT_EQ(entry(lines().size()).body, (Json{{"first", 3}, {"last", 4}}));
        EXPECT_EQ(lines().size(), 6U);
        known = trail.log().head();
    }
    (void)open(known);
    EXPECT_EQ(lines().size(), 6U) << "told once";
    EXPECT_EQ(verified().error, "");
}

TEST_F(AuditTrailTest, TellsOfNothingUndoneWhereNothingWasChanged)
{
    Head known;
    {
        auto trail = open();
        known = value_of(trail.append({change("meeting_added")}));
        for (const auto* what :
             {"daemon_stopped", "rule_ended", "request_refused", "order_expired", "review_due", "geo_loaded",
              "addresses_shown", "refusals_omitted", "changes_undone"}) {
            trail.note(what, Json::object());
        }
    }
    const auto before = lines();
    (void)open(known);
    EXPECT_EQ(lines(), before);
}

TEST_F(AuditTrailTest, TellsOfEveryKindOfChangeThatWasUndone)
{
    for (const auto* what :
         {"meeting_added", "meeting_changed", "meeting_removed", "rule_added", "rule_changed",
          "rule_withdrawn", "rule_suspended", "order_recorded", "order_approved", "order_rejected",
          "order_withdrawn", "order_suspended", "order_extension_asked", "order_extended"}) {
        std::filesystem::remove_all(root);
        {
            auto trail = open();
            (void)value_of(trail.append({change(what)}));
        }
        (void)open();
        EXPECT_EQ(whats(), (Whats{what, "changes_undone"})) << what;
    }
}

TEST_F(AuditTrailTest, HidesNamesByAKeyThatIsMadeOnce)
{
    std::string key;
    std::string hidden;
    {
        const auto trail = open();
        key = trail.key();
        hidden = trail.hidden("board-meeting");
        EXPECT_EQ(key.size(), 32U);
        EXPECT_EQ(hidden.size(), 2U + 16U);
        EXPECT_TRUE(hidden.starts_with("h:"));
        EXPECT_NE(trail.hidden("board-meetinh"), hidden);
    }
    EXPECT_EQ(open().key(), key);
    EXPECT_EQ(open().hidden("board-meeting"), hidden);
    struct stat info {};
    ASSERT_EQ(stat(directory.path("report.key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);

    std::filesystem::remove(directory.path("report.key"));
    EXPECT_NE(open().key(), key);
    write_file(directory.path("report.key"), key.substr(1));
    const auto damaged = try_open();
    ASSERT_FALSE(damaged);
    EXPECT_MENTIONS(error_of(damaged), "report.key");
    EXPECT_EQ(read_file(directory.path("report.key")), key.substr(1)) << "left as it is";
}

TEST_F(AuditTrailTest, SaysItsLastHashToTheJournalWhereItHasANewOne)
{
    auto trail = open();
    trail.witness();
    EXPECT_TRUE(said.empty());
    trail.note("daemon_started", {{"version", "1"}});
    trail.witness();
    trail.witness();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_MENTIONS(said[0], trail.log().head().hash);
    EXPECT_MENTIONS(said[0], "entry 1 ");
    EXPECT_TRUE(alarms.empty());
}

} // namespace
} // namespace meetfence::test
