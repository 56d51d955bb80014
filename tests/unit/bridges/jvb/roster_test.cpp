// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/roster.h"

#include <array>
#include <gtest/gtest.h>

#include "answers.h"

namespace meetfence::bridges::jvb {
namespace {

using namespace std::chrono_literals;

const auto kAnyPort = Endpoint::parse("udp:*:10000").value();

class Bridge {
public:
    explicit Bridge(Naming naming = Naming::meeting_id, LocalAddresses addresses = {.instead = {kAnyPort}})
        : roster(ledger, "jvb-", naming, std::move(addresses))
    {
    }

    Moment pass(std::chrono::seconds time) { return now += time; }
    void poll(std::vector<DebugConference> conferences) { roster.take(conferences, now, now); }
    void poll_answer(const std::string& name) { poll(parse_debug_state(answer(name)).value()); }
    std::string forward(const ColibriExchange& exchange) { return std::string(roster.take(exchange, now)); }
    std::string forward_answer(const std::string& name)
    {
        return forward(parse_exchange(answer(name), "").value());
    }

    /// "MEETING/PARTICIPANT UFRAG@ENDPOINT…" of all that the daemon would have.
    std::set<std::string> bound()
    {
        for (const auto& step : ledger.take(1000)) {
            const auto& who = step.participant;
            auto line = who.meeting + "/" + who.id;
            daemon.erase(line);
            for (const auto& [endpoint, ufrag] : who.ufrags) {
                daemon[line].insert(ufrag + "@" + endpoint.text());
            }
            ledger.done(step);
        }
        std::set<std::string> lines;
        for (const auto& [who, ufrags] : daemon) {
            auto line = who;
            for (const auto& ufrag : ufrags) {
                line += " " + ufrag;
            }
            lines.insert(line);
        }
        return lines;
    }

    Ledger ledger;
    Roster roster;
    Moment now{std::chrono::hours(1)};
    std::map<std::string, std::set<std::string>> daemon;
};

using Lines = std::set<std::string>;

DebugConference conference(std::vector<DebugEndpoint> endpoints, std::optional<std::string> meeting = "M")
{
    return {.id = "c1", .meeting_id = std::move(meeting), .endpoints = std::move(endpoints)};
}

ColibriExchange answered(const std::string& ufrag, std::vector<Endpoint> candidates = {})
{
    return {.meeting_id = "M", .answered = {{"e", ufrag, std::move(candidates)}}};
}

ColibriExchange expired(const std::string& meeting, std::vector<std::string> endpoints)
{
    return {.meeting_id = meeting, .expires = endpoints.empty(), .expired = std::move(endpoints)};
}

TEST(Roster, a_poll_binds_and_a_later_one_removes)
{
    Bridge bridge;
    bridge.poll_answer("debug");
    const std::string standup = kStandup, review = kReview;
    EXPECT_EQ(bridge.bound(), (Lines{standup + "/jvb-79f0273d 26ant1ioqu7qnr@udp:*:10000",
                                     standup + "/jvb-c3d4e5f6 7v2ll1ioqu8abc@udp:*:10000",
                                     review + "/jvb-79f0273d 3kk9s1ioqu9def@udp:*:10000"}));
    EXPECT_TRUE(bridge.roster.unbound().empty());
    bridge.pass(2s);
    bridge.poll({});
    EXPECT_TRUE(bridge.bound().empty());
}

TEST(Roster, a_restart_has_both_ufrags_and_the_old_one_for_a_while)
{
    Bridge bridge;
    bridge.poll({conference({{"e", {"aaaa"}}})});
    bridge.pass(2s);
    bridge.poll({conference({{"e", {"aaaa", "bbbb"}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e aaaa@udp:*:10000 bbbb@udp:*:10000"});
    bridge.pass(4s);
    bridge.poll({conference({{"e", {"bbbb"}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e aaaa@udp:*:10000 bbbb@udp:*:10000"});
    bridge.pass(2s);
    bridge.poll({conference({{"e", {"bbbb"}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e bbbb@udp:*:10000"});
}

TEST(Roster, what_was_forwarded_stands_beside_what_is_polled)
{
    Bridge bridge;
    EXPECT_EQ(bridge.forward_answer("colibri_create"), "");
    EXPECT_EQ(bridge.bound().size(), 1U);
    // A poll that was under way meanwhile knows nothing of it yet.
    bridge.roster.take({}, bridge.now - 1s, bridge.now);
    EXPECT_EQ(bridge.bound().size(), 1U);
    bridge.pass(2s);
    bridge.poll_answer("debug");
    EXPECT_EQ(bridge.bound().size(), 3U);
    EXPECT_EQ(bridge.forward_answer("colibri_expire"), "");
    EXPECT_EQ(bridge.bound().size(), 2U);
}

TEST(Roster, where_polls_show_no_ufrags_the_answers_do)
{
    Bridge bridge;
    bridge.poll_answer("debug_without_ufrags");
    EXPECT_TRUE(bridge.bound().empty());
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"no_ufrag", 3}}));
    EXPECT_EQ(bridge.forward_answer("colibri_create"), "");
    const Lines wanted{std::string(kStandup) + "/jvb-79f0273d 26ant1ioqu7qnr@udp:*:10000"};
    for (int i = 0; i < 5; ++i) {
        bridge.pass(10s);
        bridge.poll_answer("debug_without_ufrags");
        EXPECT_EQ(bridge.bound(), wanted);
    }
    EXPECT_EQ(bridge.forward_answer("colibri_restart"), "");
    EXPECT_EQ(bridge.bound(),
              Lines{*wanted.begin() + " 8ppp01ior0aaaa@udp:*:10000"}); // the old one is answered for a while
    bridge.pass(10s);
    bridge.poll({});
    EXPECT_TRUE(bridge.bound().empty());
}

TEST(Roster, a_third_ufrag_takes_the_place_of_the_first)
{
    Bridge bridge;
    for (const auto* ufrag : {"cccc", "bbbb", "aaaa"}) {
        EXPECT_EQ(bridge.forward(answered(ufrag)), "");
        bridge.pass(1s);
    }
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e aaaa@udp:*:10000 bbbb@udp:*:10000"});
}

TEST(Roster, conferences_expire_whole)
{
    Bridge bridge;
    EXPECT_EQ(bridge.forward(answered("aaaa")), "");
    EXPECT_EQ(bridge.forward(expired("N", {})), "");
    EXPECT_EQ(bridge.forward(expired("M", {"another"})), "");
    EXPECT_EQ(bridge.bound().size(), 1U);
    EXPECT_EQ(bridge.forward(expired("M", {})), "");
    EXPECT_TRUE(bridge.bound().empty());
    auto both = answered("aaaa");
    both.expired = {"e"};
    EXPECT_EQ(bridge.forward(both), "");
    EXPECT_TRUE(bridge.bound().empty());
}

TEST(Roster, who_is_gone_is_not_bound)
{
    Bridge bridge;
    bridge.poll({conference({{"e", {"aaaa"}}, {"f", {"bbbb"}}})});
    EXPECT_EQ(bridge.bound().size(), 2U);
    bridge.pass(2s);
    bridge.poll({conference({{"e", {"aaaa"}, true}, {"f", {"bbbb"}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-f bbbb@udp:*:10000"});
    bridge.pass(2s);
    auto over = conference({{"f", {"bbbb"}}});
    over.expired = true;
    bridge.poll({over});
    EXPECT_TRUE(bridge.bound().empty());
}

TEST(Roster, the_part_before_the_first_colon_is_compared)
{
    Bridge bridge;
    bridge.poll({conference({{"e", {"jvb-123+:26ant1ioqu7qnr"}}})});
    EXPECT_EQ(bridge.bound(), Lines{}); // '-' is none of a ufrag's characters
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"bad_ufrag", 1}}));
    bridge.pass(10s);
    bridge.poll({conference({{"e", {"jvb123:26ant1ioqu7qnr:x"}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e jvb123@udp:*:10000"});
    // The same for everybody: it tells nobody apart, and nobody is bound by it.
    bridge.pass(2s);
    bridge.poll({conference({{"e", {"jvb123:26ant1ioqu7qnr"}}, {"f", {"jvb123:7v2ll1ioqu8abc"}}})});
    EXPECT_TRUE(bridge.bound().empty());
    EXPECT_EQ(bridge.ledger.contested(), 1U);
}

TEST(Roster, ufrags_that_are_none)
{
    Bridge bridge;
    const std::string longest(32, 'a');
    bridge.poll({conference({{"ok", {longest}},
                             {"long", {longest + "a"}},
                             {"short", {"abc"}},
                             {"empty", {""}},
                             {"colon", {":abcdef"}},
                             {"space", {"ab cd"}},
                             {"none", {}},
                             {"large", {std::string(1U << 20, 'a')}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-ok " + longest + "@udp:*:10000"});
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"bad_ufrag", 4}, {"long_ufrag", 2}, {"no_ufrag", 1}}));
    EXPECT_EQ(bridge.forward(answered(longest + "b")), "");
    EXPECT_EQ(bridge.roster.unbound().at("long_ufrag"), 3U);
}

TEST(Roster, meetings_that_are_not_certain)
{
    Bridge bridge;
    auto uncertain = conference({{"e", {"aaaa"}}});
    uncertain.uncertain = true;
    bridge.poll({uncertain});
    EXPECT_TRUE(bridge.bound().empty());
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"no_meeting", 1}}));
    bridge.pass(2s);
    // Without Jicofo's identifier it is the videobridge's own, never a name that somebody chose.
    auto unnamed = conference({{"e", {"aaaa"}}}, std::nullopt);
    unnamed.name = kStandup;
    bridge.poll({unnamed});
    EXPECT_EQ(bridge.bound(), Lines{"c1/jvb-e aaaa@udp:*:10000"});
    bridge.pass(2s);
    bridge.poll({conference({{"e", {"aaaa"}}}, "")});
    EXPECT_TRUE(bridge.bound().empty());
}

TEST(Roster, by_the_names_of_rooms)
{
    Bridge bridge(Naming::name);
    EXPECT_EQ(bridge.forward(answered("aaaa")), "no_meeting"); // of which room is not known
    EXPECT_EQ(bridge.forward_answer("colibri_create"), "");
    EXPECT_EQ(bridge.forward_answer("colibri_restart"), ""); // which does not name it again
    EXPECT_EQ(bridge.bound(), Lines{"standup@conference.meet.example/jvb-79f0273d "
                                    "26ant1ioqu7qnr@udp:*:10000 8ppp01ior0aaaa@udp:*:10000"});
    EXPECT_EQ(bridge.forward(expired(kStandup, {})), "");
    EXPECT_TRUE(bridge.bound().empty());
    auto polled = conference({{"e", {"aaaa"}}});
    bridge.pass(2s);
    bridge.poll({polled});
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"no_meeting", 1}}));
    polled.name = "retro@conference.meet.example";
    bridge.pass(2s);
    bridge.poll({polled});
    EXPECT_EQ(bridge.forward(answered("aaaa")), "");
    EXPECT_EQ(bridge.bound(), Lines{"retro@conference.meet.example/jvb-e aaaa@udp:*:10000"});
}

TEST(Roster, hostile_names)
{
    Bridge bridge;
    const std::vector<std::string> bad{"a b", "\n", "é", std::string("a\0b", 3), std::string(129, 'x'),
                                       "\x7f"};
    std::vector<DebugConference> conferences;
    for (const auto& name : bad) {
        conferences.push_back(conference({{"e", {"aaaa"}}}, name));
        conferences.push_back(conference({{name, {"bbbb"}}}));
    }
    bridge.poll(conferences);
    EXPECT_TRUE(bridge.bound().empty());
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"bad_name", 2 * bad.size()}}));
    bridge.pass(2s);
    bridge.poll({conference({{"../../M2/participants/x", {"aaaa"}}}, "../x?unused=true#")});
    EXPECT_EQ(bridge.bound(), Lines{"../x?unused=true#/jvb-../../M2/participants/x aaaa@udp:*:10000"});
}

TEST(Roster, announced_candidates_in_the_place_of_the_port)
{
    Bridge bridge(Naming::meeting_id, {});
    const auto own = Endpoint::parse("udp:198.18.0.1:10001").value();
    bridge.poll({conference({{"e", {"aaaa"}}})});
    EXPECT_EQ(bridge.roster.unbound(), (Reasons{{"no_candidates", 1}}));
    EXPECT_EQ(bridge.forward(answered("aaaa", {own})), "");
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e aaaa@udp:198.18.0.1:10001"});
    bridge.pass(2s);
    bridge.poll({conference({{"e", {"aaaa"}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e aaaa@udp:198.18.0.1:10001"});
    Bridge nat(Naming::meeting_id, {.any = true});
    EXPECT_EQ(nat.forward(answered("aaaa", {own})), "");
    EXPECT_EQ(nat.bound(), Lines{"M/jvb-e aaaa@udp:*:10001"});
}

TEST(Roster, what_a_bridge_before_has_told)
{
    Bridge bridge;
    bridge.poll({conference({{"e", {}}})});
    bridge.roster.take_over({"M", "jvb-e", {{kAnyPort, "aaaa"}}, {}}, bridge.now);
    bridge.roster.take_over({"M", "jvb-f", {{kAnyPort, "ffff"}}, {}}, bridge.now);
    bridge.pass(2s);
    bridge.poll({conference({{"e", {}}})});
    EXPECT_EQ(bridge.bound(), Lines{"M/jvb-e aaaa@udp:*:10000"});
}

TEST(Roster, what_nobody_says_again_is_forgotten)
{
    Bridge bridge;
    EXPECT_EQ(bridge.forward(answered("aaaa")), "");
    bridge.roster.forget(bridge.now);
    EXPECT_EQ(bridge.bound().size(), 1U);
    bridge.roster.forget(bridge.now + 1s);
    EXPECT_TRUE(bridge.bound().empty());
}

} // namespace
} // namespace meetfence::bridges::jvb
