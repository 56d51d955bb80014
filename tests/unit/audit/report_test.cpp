// SPDX-License-Identifier: Apache-2.0
// What a report counts, and in which period.
#include "audit/report.h"

#include <gtest/gtest.h>

#include "audit/sha256.h"
#include "tests/unit/audit/story.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;
using audit::Decision;
using audit::Ending;

constexpr auto kJuly = "2026-07-01", kAugust = "2026-08-01", kSeptember = "2026-09-01";

TEST(Report, OfAnEmptyLogIsEmpty)
{
    const auto report = Story().report(kJuly, kAugust);
    EXPECT_EQ(report.orders.received, 0U);
    EXPECT_TRUE(report.rows.empty());
    EXPECT_EQ(report.log.entries, 0U);
    EXPECT_EQ(report.by_authority_type.size(), 3U); // each is said, with 0
    EXPECT_EQ(report.rejections.size(), 7U);
    EXPECT_FALSE(report.decision_times.all.median);
}

TEST(Report, TellsAnApprovedOrder)
{
    Story story;
    story.order("2026-07-06", "O",
                {{"received", "2026-07-04T00:00:00Z"}, {"requested_until", "2026-07-16T00:00:00Z"}});
    story.approve("2026-07-06T12:00:00Z", "O");
    story.rule("2026-07-06T12:00:00Z", "r1", "A", "2026-07-09", "O");
    story.rule_ended("2026-07-09", "r1", 7, 1000);
    const auto report = story.report(kJuly, kAugust);
    const auto& row = only_row(report);
    EXPECT_EQ(row.order, "O");
    EXPECT_EQ(row.decision, Decision::narrowed); // three days of the ten that were asked for
    EXPECT_EQ(row.to_decide, 60h);
    EXPECT_EQ(row.asked, 240h);
    EXPECT_EQ(row.applied, 60h);
    EXPECT_EQ(row.ending, Ending::expired);
    EXPECT_EQ(row.state, "expired");
    EXPECT_EQ(row.meetings, std::vector{"h:" + audit::keyed_hash(kReportKey, "A")});
    EXPECT_EQ(row.participants.text(), "7");
    EXPECT_EQ(row.packets_dropped, 1000U);
    EXPECT_EQ(row.drops_checked, 100U);
    EXPECT_EQ(report.meetings, 1U);
    EXPECT_EQ(report.orders.narrowed, 1U);
    EXPECT_EQ(report.orders.expired, 1U);
    EXPECT_EQ(report.order_check.drops_checked, 100U);
    EXPECT_EQ(report.durations.applied.median, 60h);
}

TEST(Report, CountsDecisionsWhereTheyFall)
{
    Story story;
    story.order("2026-07-31T23:59:59Z", "early", {{"expires", "2026-08-09T00:00:00Z"}});
    story.order("2026-08-01", "late", {{"jurisdiction", "DE"}, {"authority_type", "agency"}});
    story.approve("2026-08-01T00:00:01Z", "early");
    story.tell("2026-08-02", "order_rejected",
               {{"order", "late"}, {"reason", "no_legal_basis"}, {"text", ""}});

    const auto july = story.report(kJuly, kAugust);
    EXPECT_EQ(july.orders.received, 1U);
    EXPECT_EQ(july.orders.approved(), 0U);
    EXPECT_EQ(july.orders.undecided_after, 1U);
    EXPECT_EQ(only_row(july).state, "recorded");

    const auto august = story.report(kAugust, kSeptember);
    EXPECT_EQ(august.orders.undecided_before, 1U);
    EXPECT_EQ(august.orders.received, 1U);
    EXPECT_EQ(august.orders.approved_as_asked, 1U);
    EXPECT_EQ(august.orders.rejected, 1U);
    EXPECT_EQ(august.rejections.at(1).first, "no_legal_basis");
    EXPECT_EQ(august.rejections.at(1).second.orders, 1U);
    EXPECT_EQ(august.rejections.at(1).second.by_jurisdiction.at("DE"), 1U);
    ASSERT_EQ(august.by_authority_type.at(1).first, "agency");
    EXPECT_EQ(august.by_authority_type.at(1).second.rejected, 1U);

    const auto september = story.report(kSeptember, "2026-10-01");
    EXPECT_TRUE(september.rows.empty());
    EXPECT_EQ(september.orders.handled(), 0U);
}

TEST(Report, EndsByTimeNeedNoDaemon)
{
    Story story;
    story.order("2026-07-30", "granted", {{"expires", "2026-08-01T00:00:00Z"}});
    story.approve("2026-07-30T01:00:00Z", "granted");
    story.rule("2026-07-30T01:00:00Z", "r1", "A", "2026-08-01", "granted");
    story.order("2026-07-10", "forgotten", {{"expires", "2026-07-12T00:00:00Z"}});
    // What ends exactly at the end of a period belongs to the next.
    const auto july = story.report(kJuly, kAugust);
    EXPECT_EQ(july.orders.expired, 0U);
    EXPECT_EQ(july.orders.running_after, 1U);
    EXPECT_EQ(july.orders.in_force_after, 1U);
    EXPECT_EQ(july.orders.lapsed, 1U);
    EXPECT_EQ(july.rows.at(0).state, "active");
    EXPECT_EQ(july.rows.at(0).rules_not_ended, 1U);
    EXPECT_EQ(july.rows.at(0).applied, 47h);
    EXPECT_EQ(july.rows.at(1).decision, Decision::lapsed);
    const auto august = story.report(kAugust, kSeptember);
    EXPECT_EQ(august.orders.running_before, 1U);
    EXPECT_EQ(august.orders.expired, 1U);
    EXPECT_EQ(august.orders.in_force_after, 0U);
    EXPECT_EQ(only_row(august).ended, when("2026-08-01"));
}

TEST(Report, FirstEndCounts)
{
    Story story;
    for (const auto* id : {"withdrawn", "suspended", "extended"}) {
        story.order("2026-07-06", id);
        story.approve("2026-07-06", id);
    }
    story.tell("2026-07-07", "order_withdrawn", {{"order", "withdrawn"}, {"why", "w"}});
    story.tell("2026-07-07", "order_suspended", {{"order", "suspended"}, {"rule", "r1"}, {"why", "w"}});
    story.tell("2026-07-08", "order_withdrawn", {{"order", "suspended"}, {"why", "w"}});
    story.tell("2026-07-08", "order_extended",
               {{"order", "extended"},
                {"expired_before", "2026-07-09T00:00:00Z"},
                {"expires", "2026-08-09T00:00:00Z"}});
    story.tell("2026-07-09", "order_expired", {{"order", "withdrawn"}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.orders.withdrawn, 1U);
    EXPECT_EQ(report.orders.suspended, 1U);
    EXPECT_EQ(report.orders.expired, 0U);
    EXPECT_EQ(report.orders.extended, 1U);
    EXPECT_EQ(report.orders.running_after, 1U);
    EXPECT_EQ(report.rows.at(1).ended, when("2026-07-07"));
    EXPECT_EQ(report.rows.at(2).state, "approved"); // no rule of it is in force
}

TEST(Report, OrderWithoutApprovalsIsDecidedWhenItIsRecorded)
{
    Story story;
    story.order("2026-07-06", "O", {{"state", "approved"}, {"received", "2026-07-05T00:00:00Z"}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.orders.approved_as_asked, 1U);
    EXPECT_EQ(only_row(report).to_decide, 24h);
}

TEST(Report, ApprovalsOfExtensionsAndFirstOfTwoDecideNothing)
{
    Story story;
    story.order("2026-07-06", "O");
    story.tell(
        "2026-07-06T01:00:00Z", "order_approved",
        {{"order", "O"}, {"approvals", 1}, {"needed", 2}, {"state", "recorded"}, {"extension", false}});
    EXPECT_EQ(story.report(kJuly, "2026-07-07").orders.approved(), 0U);
    story.approve("2026-07-06T05:00:00Z", "O");
    story.tell("2026-07-07", "order_approved",
               {{"order", "O"}, {"approvals", 1}, {"needed", 1}, {"state", "approved"}, {"extension", true}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.orders.approved(), 1U);
    EXPECT_EQ(only_row(report).to_decide, 5h);
}

TEST(Report, WhatWasUndoneNeverHappened)
{
    Story story;
    const auto first = story.order("2026-07-06", "undone");
    const auto last = story.approve("2026-07-06", "undone");
    story.order("2026-07-06", "stays");
    const auto approval = story.approve("2026-07-06", "stays");
    const auto ended = story.rule("2026-07-06", "r1", "A", "2026-07-08", "stays") + 1;
    story.rule_ended("2026-07-07", "r1", 9, 500);
    // Both say it later, the second one after the period.
    story.tell("2026-07-07", "changes_undone", {{"first", first}, {"last", last}});
    story.tell("2026-09-07", "change_failed", {{"sequence", ended}, {"why", "w"}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(only_row(report).order, "stays");
    EXPECT_EQ(report.orders.packets_dropped, 0U);
    EXPECT_EQ(only_row(report).applied, 48h);
    EXPECT_EQ(report.incidents.at(3).what, "changes_undone");
    EXPECT_EQ(report.incidents.at(3).count, 1U);
    EXPECT_EQ(report.incidents.at(2).count, 0U); // in September
    story.tell("2026-09-08", "change_failed", {{"sequence", approval}, {"why", "w"}});
    EXPECT_EQ(story.report(kJuly, kAugust).orders.approved(), 0U);
}

TEST(Report, AFailedChangeMayHaveLeftSeveralEntries)
{
    Story story;
    story.order("2026-07-06", "O");
    const auto approval = story.approve("2026-07-07", "O");
    const auto rule = story.rule("2026-07-07", "r1", "A", "2026-07-08", "O");
    story.tell("2026-07-07", "change_failed", {{"first", approval}, {"sequence", rule}, {"why", "w"}});
    const auto report = story.report(kJuly, "2026-07-08");
    EXPECT_EQ(only_row(report).decision, Decision::undecided);
    EXPECT_EQ(only_row(report).rules, 0U);
}

TEST(Report, AppliesOnlyWhatIsEnforced)
{
    Story story;
    story.order("2026-07-06", "O", {{"expires", "2026-07-20T00:00:00Z"}});
    story.rule("2026-07-06", "r1", "A", "2026-07-16", "O", {{"pending", true}});
    story.approve("2026-07-07", "O");
    const auto change = [&](std::string_view time, std::string_view mode) {
        story.tell(time, "rule_changed",
                   {{"rule", "r1"},
                    {"meeting", "A"},
                    {"basis", "order"},
                    {"order", "O"},
                    {"mode", mode},
                    {"from", "2026-07-06T00:00:00Z"},
                    {"until", "2026-07-16T00:00:00Z"},
                    {"pending", false}});
    };
    change("2026-07-07", "enforce");
    change("2026-07-08", "monitor");
    change("2026-07-10", "enforce");
    story.rule("2026-07-10T12:00:00Z", "r2", "B", "2026-07-11T12:00:00Z", "O"); // half of it beside the other
    story.tell("2026-07-11", "rule_withdrawn",
               {{"rule", "r1"}, {"meeting", "A"}, {"order", "O"}, {"why", "w"}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(only_row(report).applied, 24h + 24h + 12h);
    EXPECT_EQ(only_row(report).rules, 2U);
    EXPECT_EQ(only_row(report).rules_not_ended, 0U);
}

TEST(Report, SumsOfRulesFallWhereTheRuleEnds)
{
    Story story;
    story.order("2026-07-30", "O");
    story.approve("2026-07-30", "O");
    story.rule("2026-07-30", "r1", "A", "2026-08-02", "O");
    story.rule_ended("2026-08-02", "r1", 8, 700);
    EXPECT_EQ(story.report(kJuly, kAugust).orders.packets_dropped, 0U);
    EXPECT_EQ(story.report(kAugust, kSeptember).orders.packets_dropped, 700U);
    // Noticed a month late: the order had ended before the period, and is in it for this.
    Story late;
    late.order("2026-07-10", "O");
    late.approve("2026-07-10", "O");
    late.rule("2026-07-10", "r1", "A", "2026-07-12", "O");
    late.rule_ended("2026-08-02", "r1", 8, 700, {{"ended", "2026-07-12T00:00:00Z"}});
    const auto august = late.report(kAugust, kSeptember);
    EXPECT_EQ(august.orders.packets_dropped, 700U);
    EXPECT_EQ(august.orders.running_before, 0U);
    EXPECT_EQ(only_row(august).applied, 48h);
    EXPECT_EQ(august.meetings, 0U); // restricted in July
}

TEST(Report, HostsAreApart)
{
    Story story;
    story.rule("2026-06-30T12:00:00Z", "r1", "A", "2026-07-01T12:00:00Z");
    story.rule_ended("2026-07-01T12:00:00Z", "r1", 3, 50);
    story.rule("2026-07-02", "r2", "A", "2026-07-03", {}, {{"countries", {"CN", "RU"}}});
    story.rule_ended("2026-07-03", "r2", 3, 70);
    story.rule("2026-07-04", "r3", "B", "2026-08-04", {},
               {{"countries", Json::array()}, {"allow_only", {"DE"}}});
    story.rule("2026-07-04", "r4", "C", "2026-07-06", {}, {{"mode", "monitor"}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.hosts.rules, 3U); // the fourth only counts packets
    EXPECT_EQ(report.hosts.begun, 2U);
    EXPECT_EQ(report.hosts.meetings, 2U);
    EXPECT_EQ(report.hosts.by_country, (std::map<std::string, std::uint64_t>{{"CN", 2}, {"RU", 1}}));
    EXPECT_EQ(report.hosts.all_but, 1U);
    EXPECT_EQ(report.hosts.packets_dropped, 120U);
    EXPECT_EQ(report.hosts.durations.count, 2U);
    EXPECT_EQ(report.hosts.durations.median, 24h);
    EXPECT_EQ(report.orders.packets_dropped, 0U);
    EXPECT_TRUE(report.rows.empty());
}

TEST(Report, CountsEventsOfThePeriodOnly)
{
    Story story;
    for (const auto* time : {"2026-06-30T23:59:59Z", "2026-07-01", "2026-07-31T23:59:59Z", "2026-08-01"}) {
        story.tell(time, "addresses_shown", {{"meeting", "A"}, {"purpose", "p"}, {"participants", 1}});
        story.tell(time, "request_refused",
                   {{"request", "r"}, {"status", 409}, {"code", "own_approval"}, {"detail", "d"}});
        story.tell(time, "request_refused",
                   {{"request", "r"}, {"status", 403}, {"code", nullptr}, {"detail", "d"}});
        story.tell(time, "refusals_omitted", {{"count", 10}});
        story.tell(time, "geo_refused", {{"why", "w"}});
        story.tell(time, "log_truncated", Json::object());
    }
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.addresses_shown, 2U);
    EXPECT_EQ(report.refusals_omitted, 20U);
    ASSERT_EQ(report.refusals.size(), 2U);
    EXPECT_EQ(report.refusals.at(0).code, "");
    EXPECT_EQ(report.refusals.at(0).status, 403U);
    EXPECT_EQ(report.refusals.at(1).code, "own_approval");
    EXPECT_EQ(report.refusals.at(1).count, 2U);
    EXPECT_EQ(report.incidents.at(1).count, 2U);
    EXPECT_EQ(report.incidents.at(1).last, when("2026-07-31T23:59:59Z"));
    EXPECT_EQ(report.incidents.at(5).count, 2U);
    EXPECT_EQ(report.log.last_sequence, 18U); // of the last entry before August
}

TEST(Report, SuspensionsAreOfOrdersOrHosts)
{
    Story story;
    story.order("2026-07-06", "O");
    story.approve("2026-07-06", "O");
    story.rule("2026-07-06", "r1", "A", "2026-07-09", "O");
    story.rule("2026-07-06", "r2", "B", "2026-07-09");
    for (const auto* rule : {"r1", "r2"}) {
        story.tell("2026-07-07", "rule_suspended", {{"rule", rule}, {"meeting", "A"}, {"why", "w"}});
    }
    story.rule_ended("2026-07-07", "r1", 5, 100, {{"drops_outside_scope", 3}});
    const auto report = story.report(kJuly, kAugust);
    EXPECT_EQ(report.order_check.rules_suspended, 1U);
    EXPECT_EQ(report.order_check.drops_outside_scope, 3U);
    EXPECT_EQ(report.hosts.suspended, 1U);
    EXPECT_EQ(report.incidents.at(0).count, 2U);
    EXPECT_EQ(only_row(report).applied, 24h);
}

TEST(Report, NamesTheDatabasesInUse)
{
    Story story;
    for (const auto* time : {"2026-05-01", "2026-06-20", "2026-07-18", "2026-08-18"}) {
        story.tell(time, "geo_loaded",
                   {{"generation", 1},
                    {"agreement", "all"},
                    {"databases", {{{"type", "T"}, {"build", format_time(when(time))}}}}});
    }
    const auto report = story.report(kJuly, kAugust);
    ASSERT_EQ(report.geo.size(), 2U); // the one in use when it began, and the one of July
    EXPECT_EQ(report.geo.at(0).databases.at(0).build, when("2026-06-20"));
    EXPECT_EQ(report.geo.at(1).databases.at(0).type, "T");
    EXPECT_EQ(report.geo.at(1).agreement, "all");
}

} // namespace
} // namespace meetfence::test
