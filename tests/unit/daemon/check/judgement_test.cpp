// SPDX-License-Identifier: Apache-2.0
// One clause at a time: from a drop that is right in every way, each alone makes it wrong.
#include <arpa/inet.h>
#include <functional>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "daemon/check/judgement.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using check::Drop;
using check::Evidence;
using check::Judgement;
using check::Verdict;
using std::chrono::nanoseconds;
using std::chrono::seconds;

IpAddress address(std::string_view text)
{
    return value_of(IpAddress::parse(text));
}

/// Everything is as it should be: CN is kept out of meeting A on its own endpoint.
struct Case {
    Drop drop{.meeting = 7,
              .rule = 3,
              .time = at("2026-11-22T12:00:00Z"),
              .remote = {address("203.0.113.10"), 51000},
              .local = {address("198.18.0.1"), 40000},
              .dedicated = true};
    Evidence evidence{.rule = store::RuleRow{.meeting = "A",
                                             .countries = countries({"CN"}),
                                             .from = at("2026-11-22T11:00:00Z"),
                                             .until = at("2026-11-22T13:00:00Z")},
                      .meeting =
                          store::MeetingRow{.id = "A", .endpoints = {endpoint("udp:198.18.0.1:40000")}},
                      .opinion = {country("CN")}};
    std::vector<IpPrefix> exempt;

    [[nodiscard]] Judgement judge() const { return check::judge(drop, evidence, exempt); }
    store::RuleRow& rule() { return *evidence.rule; }

    void expect_inside(const char* what = "") const
    {
        EXPECT_EQ(judge().verdict, Verdict::inside) << what << ": " << judge().why;
        EXPECT_EQ(judge().why, "");
    }
    void expect_outside(std::string_view why) const { expect(Verdict::outside, why); }
    void expect_unknown(std::string_view why) const { expect(Verdict::unknown, why); }

private:
    void expect(Verdict verdict, std::string_view why) const
    {
        const auto found = judge();
        EXPECT_EQ(found.verdict, verdict) << why << " / " << found.why;
        EXPECT_NE(found.why.find(why), std::string::npos) << found.why;
        for (const auto& text : {drop.remote.address.text(), drop.local.address.text()}) {
            EXPECT_EQ(found.why.find(text), std::string::npos) << "an address is told";
        }
    }
};

Case about_participant()
{
    Case each;
    each.rule().whom = Whom::participant;
    each.rule().countries = {};
    each.rule().participant = "p-7";
    each.evidence.opinion = {country("US")};
    each.drop.dedicated = false;
    each.drop.has_participant = true;
    each.drop.person = {7, "p-7"};
    return each;
}

Case all_but()
{
    Case each;
    each.rule().whom = Whom::all_but;
    each.rule().countries = countries({"US", "FR"});
    return each;
}

TEST(Judgement, FindsARightDropInside)
{
    Case().expect_inside();
    about_participant().expect_inside();
    all_but().expect_inside();
}

TEST(Judgement, KnowsExemptAddresses)
{
    Case each;
    each.exempt = {prefix("198.51.100.0/24"), prefix("203.0.113.8/29")};
    each.expect_outside("exempt");
    each.exempt = {prefix("198.51.100.0/24"), prefix("::/0")};
    each.expect_inside();
}

TEST(Judgement, KnowsExceptions)
{
    Case each;
    each.rule().except = {prefix("203.0.113.10/32")};
    each.expect_outside("excepts");
    each.rule().except = {prefix("203.0.113.11/32")};
    each.expect_inside();
}

TEST(Judgement, WantsTheRule)
{
    Case each;
    each.evidence.rule = {};
    each.expect_outside("no such rule");
}

TEST(Judgement, WantsTheRulesOwnMeeting)
{
    Case gone;
    gone.evidence.meeting = {};
    gone.expect_outside("no such meeting");
    Case another;
    another.evidence.meeting->id = "B";
    another.expect_outside("another meeting's");
    Case moved;
    moved.drop.person = {7, "p-1"};
    moved.expect_inside("a participant of this meeting");
    moved.drop.person = {8, "p-1"};
    moved.expect_outside("in another meeting");
}

TEST(Judgement, WantsTheRuleInForce)
{
    Case pending;
    pending.rule().pending = true;
    pending.expect_outside("not approved");
    Case monitoring;
    monitoring.rule().mode = Mode::monitor;
    monitoring.expect_outside("monitors");
}

TEST(Judgement, WantsItInItsTime)
{
    Case each;
    const auto expect = [&](check::WallTime time, const char* why) {
        each.drop.time = time;
        *why == '\0' ? each.expect_inside() : each.expect_outside(why);
    };
    const auto from = each.rule().from;
    const auto until = each.rule().until;
    expect(from - seconds(1) - nanoseconds(1), "not begun");
    expect(from - seconds(1), "");
    expect(until + seconds(1) - nanoseconds(1), "");
    expect(until + seconds(1), "had ended");
    const auto withdrawn = at("2026-11-22T12:30:00Z");
    each.rule().withdrawn = withdrawn;
    expect(withdrawn + seconds(1) - nanoseconds(1), "");
    expect(withdrawn + seconds(1), "withdrawn");
    expect(from, "");
}

TEST(Judgement, WantsTheCountry)
{
    Case each;
    each.evidence.opinion = {country("HK")};
    each.expect_outside("place it in HK, and the rule is about CN");
    each.evidence.opinion = {};
    each.expect_outside("no database places it");
    each.evidence.opinion = {Country{}, true};
    each.expect_outside("disagree");
    each.evidence.opinion = {country("CN"), true}; // the first database counts
    each.expect_inside();
    each.rule().countries = countries({"CN", "HK"});
    each.evidence.opinion = {country("HK")};
    each.expect_inside();
    each.rule().countries = {};
    each.expect_outside("names no country");
}

TEST(Judgement, LetsInWhomARuleOfAllButNames)
{
    auto each = all_but();
    each.evidence.opinion = {country("FR")};
    each.expect_outside("FR, and the rule lets that in");
    each.evidence.opinion = {};
    each.expect_outside("no database places it, and the rule lets that in");
    each.evidence.opinion = {Country{}, true};
    each.expect_outside("disagree");
    each.evidence.opinion = {country("HK")};
    each.expect_inside();
}

TEST(Judgement, WantsTheParticipant)
{
    auto each = about_participant();
    each.drop.person->id = "p-8";
    each.expect_outside("another participant");
    each.drop.person = {};
    each.expect_unknown("has left");
    each.drop.has_participant = false;
    each.expect_outside("nobody knows whose");
}

TEST(Judgement, WantsTheParticipantWhereTheOrderSays)
{
    auto each = about_participant();
    each.rule().countries = countries({"CN"});
    each.rule().order = "O-1";
    each.expect_outside("place it in US, and the rule is about CN");
    each.evidence.opinion = {};
    each.expect_outside("no database places it");
    each.evidence.opinion = {country("CN")};
    each.expect_inside();
    each.drop.person = {};
    each.expect_unknown("has left");
    each.evidence.opinion = {country("US")};
    each.expect_outside("the rule is about CN"); // whoever it was
}

TEST(Judgement, WantsAnEndpointOfTheMeeting)
{
    Case each;
    const auto with = [&](const char* text) {
        each.evidence.meeting->endpoints = {endpoint("tcp:198.18.0.1:1"), endpoint(text)};
    };
    for (const auto* text : {"udp:198.18.0.2:40000", "tcp:198.18.0.1:40000", "udp:198.18.0.1:40001",
                             "udp:198.18.0.1:39990-39999", "udp:[2001:db8::1]:40000"}) {
        with(text);
        each.expect_outside("no endpoint of the meeting");
    }
    for (const auto* text : {"udp:*:40000", "udp:198.18.0.1:40000-40009", "udp:198.18.0.1:39999-40000"}) {
        with(text);
        each.expect_inside(text);
    }
    each.evidence.meeting->endpoints = {};
    each.expect_outside("no endpoint of the meeting");
    each.drop.dedicated = false; // its flow said which meeting it was
    each.expect_inside();
}

TEST(Judgement, AsksNoMoreOfALaterFragmentThanItSays)
{
    Case each;
    each.drop.fragment = true;
    each.drop.dedicated = true;
    each.drop.remote.port = each.drop.local.port = 0;
    each.expect_inside();
    each.evidence.opinion = {country("HK")};
    each.expect_outside("place it in HK");
    auto of_participant = about_participant();
    of_participant.drop.fragment = true;
    of_participant.drop.has_participant = false;
    of_participant.drop.person = {};
    of_participant.expect_unknown("does not say whose");
    of_participant.rule().mode = Mode::monitor;
    of_participant.expect_outside("monitors");
}

TEST(Judgement, ReadsASample)
{
    mf_sample sample{.meeting = 7,
                     .rule = 3,
                     .participant = 99,
                     .remote_port = htons(51000),
                     .local_port = htons(40000),
                     .protocol = IPPROTO_TCP,
                     .reason = MF_DROP_COUNTRY,
                     .dedicated = 1};
    std::ranges::copy(address("203.0.113.10").bytes(), sample.remote);
    std::ranges::copy(address("2001:db8::1").bytes(), sample.local);
    const auto time = check::WallTime(at("2026-11-22T12:00:00Z")) + nanoseconds(5);
    auto drop = check::to_drop(sample, time);
    EXPECT_EQ(drop.meeting, 7U);
    EXPECT_EQ(drop.rule, 3U);
    EXPECT_EQ(drop.time, time);
    EXPECT_EQ(drop.remote, (SocketAddress{address("203.0.113.10"), 51000}));
    EXPECT_EQ(drop.local, (SocketAddress{address("2001:db8::1"), 40000}));
    EXPECT_EQ(drop.transport, Transport::tcp);
    EXPECT_TRUE(drop.dedicated);
    EXPECT_TRUE(drop.has_participant);
    EXPECT_FALSE(drop.fragment);
    EXPECT_FALSE(drop.person);
    sample.reason = MF_DROP_FRAGMENT;
    sample.protocol = IPPROTO_UDP;
    sample.dedicated = 0;
    sample.participant = 0;
    drop = check::to_drop(sample, time);
    EXPECT_EQ(drop.transport, Transport::udp);
    EXPECT_TRUE(drop.fragment);
    EXPECT_FALSE(drop.dedicated);
    EXPECT_FALSE(drop.has_participant);
}

} // namespace
} // namespace meetfence::test
