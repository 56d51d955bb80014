// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <random>

#include "bridges/ledger/ledger.h"

namespace meetfence::bridges {
namespace {

const Moment kNow{std::chrono::seconds(1'800'000'000)};

UfragBinding ufrag(unsigned port, const std::string& name)
{
    return {Endpoint::parse("udp:198.18.0.1:" + std::to_string(port)).value(), name};
}

MediaTransport transport(const std::string& meeting, const std::string& id, std::vector<UfragBinding> ufrags)
{
    return {{meeting, id}, std::move(ufrags), {}};
}

// A daemon that refuses what another participant has, as the real one does.
class FakeDaemon {
public:
    bool apply(const Step& step)
    {
        const auto& told = step.participant;
        for (const auto& [who, has] : participants) {
            const bool other = who != std::pair(told.meeting, told.id);
            for (const auto& ufrag : told.ufrags) {
                if (other && std::ranges::find(has.ufrags, ufrag) != has.ufrags.end()) {
                    return false;
                }
            }
        }
        if (step.removes()) {
            participants.erase({told.meeting, told.id});
        } else {
            participants[{told.meeting, told.id}] = told;
        }
        return true;
    }

    std::map<std::pair<std::string, std::string>, Participant> participants;
};

// How many were refused.
unsigned tell(Ledger& ledger, FakeDaemon& daemon, std::size_t at_once = 1000)
{
    unsigned refused = 0;
    while (ledger.has_changes()) {
        for (const auto& step : ledger.take(at_once)) {
            const bool taken = daemon.apply(step);
            taken ? ledger.done(step) : ledger.refused(step);
            refused += taken ? 0 : 1;
        }
    }
    return refused;
}

// The daemon works on a batch in parts: a meeting may go between two lines, and its event comes before the
// answers.
TEST(Ledger, TellsAgainWhatWasUnderWayWhenTheMeetingWent)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("a", transport("M", "p", {ufrag(1, "aaaa")}), kNow);
    ledger.put("b", transport("M2", "q", {ufrag(2, "bbbb")}), kNow);
    const auto steps = ledger.take(10);
    for (const auto& step : steps) {
        daemon.apply(step);
    }
    daemon.participants.erase({"M", "p"});
    ledger.meeting_gone("M", kNow);
    for (const auto& step : steps) {
        ledger.done(step);
    }
    EXPECT_EQ(ledger.bindings(), 1U);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_TRUE((daemon.participants.contains({"M", "p"})));
    EXPECT_EQ(ledger.bindings(), 2U);
    EXPECT_TRUE(ledger.take(10).empty());
}

TEST(Ledger, AddsUpAParticipantsTransports)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("a", transport("M", "p", {ufrag(2, "bbbb"), ufrag(1, "aaaa"), ufrag(1, "aaaa")}), kNow);
    ledger.put("b", transport("M", "p", {ufrag(3, "cccc")}), kNow);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    ASSERT_EQ(daemon.participants.size(), 1U);
    EXPECT_EQ((daemon.participants[{"M", "p"}].ufrags),
              (std::vector{ufrag(1, "aaaa"), ufrag(2, "bbbb"), ufrag(3, "cccc")}));
    EXPECT_EQ(ledger.bindings(), 3U);

    ledger.remove("a", kNow);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_EQ((daemon.participants[{"M", "p"}].ufrags), (std::vector{ufrag(3, "cccc")}));
    ledger.remove("b", kNow);
    ledger.remove("b", kNow);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_TRUE(daemon.participants.empty());
    EXPECT_EQ(ledger.bindings(), 0U);
    EXPECT_FALSE(ledger.has_person_in("M"));
}

TEST(Ledger, SaysNothingTwice)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("a", transport("M", "p", {ufrag(1, "aaaa")}), kNow);
    EXPECT_EQ(ledger.take(10).size(), 1U);
    EXPECT_FALSE(ledger.has_changes()) << "it is on its way";
    ledger.done({{"M", "p", {ufrag(1, "aaaa")}, {}}, kNow});
    ledger.put("a", transport("M", "p", {ufrag(1, "aaaa")}), kNow);
    EXPECT_TRUE(ledger.take(10).empty());
}

// The port and the ufrag of a connection that is over, at another participant: whatever the order of their
// names.
TEST(Ledger, GivesUpBeforeAnotherTakes)
{
    for (const auto& [from, to] : {std::pair("a", "z"), std::pair("z", "a")}) {
        Ledger ledger;
        FakeDaemon daemon;
        ledger.put("1", transport("M", from, {ufrag(1, "aaaa"), ufrag(2, "kept")}), kNow);
        ledger.put("2", transport("M", from, {ufrag(3, "also")}), kNow);
        tell(ledger, daemon);
        ledger.put("1", transport("N", to, {ufrag(1, "aaaa")}), kNow);
        EXPECT_EQ(tell(ledger, daemon), 0U) << from;
        EXPECT_EQ((daemon.participants[{"N", to}].ufrags), (std::vector{ufrag(1, "aaaa")}));
    }
}

TEST(Ledger, SwapsWithoutARefusal)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("1", transport("M", "a", {ufrag(1, "aaaa")}), kNow);
    ledger.put("2", transport("M", "b", {ufrag(2, "bbbb")}), kNow);
    tell(ledger, daemon);
    ledger.put("1", transport("M", "b", {ufrag(1, "aaaa")}), kNow);
    ledger.put("2", transport("M", "a", {ufrag(2, "bbbb")}), kNow);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_EQ((daemon.participants[{"M", "b"}].ufrags), (std::vector{ufrag(1, "aaaa")}));
    EXPECT_EQ((daemon.participants[{"M", "a"}].ufrags), (std::vector{ufrag(2, "bbbb")}));
}

TEST(Ledger, BindsToNeitherWhatTwoClaim)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("1", transport("M", "a", {ufrag(1, "same"), ufrag(2, "mine")}), kNow);
    tell(ledger, daemon);
    ledger.put("2", transport("N", "b", {ufrag(1, "same")}), kNow);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_EQ(ledger.contested(), 1U);
    EXPECT_EQ(daemon.participants.size(), 1U);
    EXPECT_EQ((daemon.participants[{"M", "a"}].ufrags), (std::vector{ufrag(2, "mine")}));

    ledger.remove("1", kNow);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_EQ(ledger.contested(), 0U);
    EXPECT_EQ(daemon.participants.size(), 1U);
    EXPECT_EQ((daemon.participants[{"N", "b"}].ufrags), (std::vector{ufrag(1, "same")}));
}

TEST(Ledger, TriesAgainWhatWasRefused)
{
    Ledger ledger;
    ledger.put("1", transport("M", "a", {ufrag(1, "aaaa")}), kNow);
    const auto steps = ledger.take(10);
    ledger.refused(steps.at(0));
    EXPECT_FALSE(ledger.has_changes());
    EXPECT_EQ(ledger.waiting(), 1U);
    ledger.retry();
    ASSERT_EQ(ledger.take(10).size(), 1U);
    EXPECT_EQ(ledger.waiting(), 0U);
}

TEST(Ledger, StartsOverAndRemovesWhomItDoesNotKnow)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("1", transport("M", "a", {ufrag(1, "aaaa")}), kNow);
    tell(ledger, daemon);
    daemon.participants.clear(); // it lost everything, but for somebody of an earlier bridge's
    daemon.participants[{"M", "old"}] = {"M", "old", {ufrag(9, "oold")}, {}};
    ledger.start_over(std::vector<Person>{{"M", "old"}}, kNow);
    EXPECT_EQ(ledger.bindings(), 0U);
    EXPECT_EQ(tell(ledger, daemon), 0U);
    EXPECT_EQ(daemon.participants.size(), 1U);
    EXPECT_EQ((daemon.participants[{"M", "a"}].ufrags), (std::vector{ufrag(1, "aaaa")}));
}

TEST(Ledger, TellsAMeetingAgainThatWasGone)
{
    Ledger ledger;
    FakeDaemon daemon;
    ledger.put("1", transport("M", "a", {ufrag(1, "aaaa")}), kNow);
    ledger.put("2", transport("N", "a", {ufrag(2, "bbbb")}), kNow);
    tell(ledger, daemon);
    daemon.participants.erase({"M", "a"});
    ledger.meeting_gone("M", kNow);
    EXPECT_EQ(ledger.bindings(), 1U);
    tell(ledger, daemon);
    EXPECT_EQ(daemon.participants.size(), 2U);
    EXPECT_EQ(ledger.bindings(), 2U);
}

TEST(Ledger, KeepsTheMomentOfTheFirstChange)
{
    Ledger ledger;
    ledger.put("1", transport("M", "a", {ufrag(1, "aaaa")}), kNow);
    ledger.put("1", transport("M", "a", {ufrag(2, "bbbb")}), kNow + std::chrono::seconds(1));
    EXPECT_EQ(ledger.take(10).at(0).since, kNow);
}

// Whatever is put, moved and removed, in steps of any size: the daemon ends up with what is uncontested.
TEST(Ledger, ConvergesFromAnywhere)
{
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const auto any = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
        Ledger ledger;
        FakeDaemon daemon;
        std::map<std::string, MediaTransport> truth;
        for (unsigned i = 0; i < 60; ++i) {
            const auto key = std::to_string(any(8));
            if (any(4) == 0) {
                ledger.remove(key, kNow);
                truth.erase(key);
            } else {
                const auto put =
                    transport(any(2) == 0 ? "M" : "N", std::string(1, static_cast<char>('a' + any(3))),
                              {ufrag(1 + any(10), "aaaa"), ufrag(1 + any(10), "aaaa")});
                ledger.put(key, put, kNow);
                truth[key] = put;
            }
            if (any(3) == 0) {
                tell(ledger, daemon, 1 + any(3));
            }
            if (any(20) == 0) {
                std::vector<Person> found;
                for (const auto& [who, has] : daemon.participants) {
                    found.push_back({who.first, who.second});
                }
                ledger.start_over(found, kNow);
            }
        }
        for (int i = 0; i < 4; ++i) {
            ledger.retry();
            tell(ledger, daemon, 1 + any(3));
        }
        std::map<UfragBinding, std::set<Person>> claims;
        for (const auto& [key, put] : truth) {
            for (const auto& ufrag : put.ufrags) {
                claims[ufrag].insert(put.person);
            }
        }
        std::map<UfragBinding, std::set<Person>> bound, wanted;
        for (const auto& [who, has] : daemon.participants) {
            for (const auto& ufrag : has.ufrags) {
                bound[ufrag].insert({who.first, who.second});
            }
        }
        std::ranges::copy_if(claims, std::inserter(wanted, wanted.end()),
                             [](const auto& claim) { return claim.second.size() == 1; });
        EXPECT_EQ(bound, wanted) << "seed " << seed;
        EXPECT_EQ(ledger.bindings(), wanted.size());
    }
}

} // namespace
} // namespace meetfence::bridges
