// SPDX-License-Identifier: Apache-2.0
// `participant`, `impact`, and what else speaks of people and of packets in both directions.
#include <gtest/gtest.h>

#include "ctl/command.h"
#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

Json parsed(const std::string& text)
{
    return value_of(parse_json(text, "text"));
}

std::string rule(const std::string& whom, const std::string& more = R"("state": "active", "mode": "enforce")")
{
    return R"({"id": "r1", "meeting": "A", )" + whom + R"(, "until": "2036-11-22T18:00:00Z",
        "from": "2036-11-22T12:00:00Z", )" +
           more + "}";
}

constexpr const char* kAllowOnly = R"("countries": [], "allow_only": ["US"], "participant": null)";
constexpr const char* kParticipant = R"("countries": [], "allow_only": [], "participant": "p7")";
constexpr const char* kCountries = R"("countries": ["CN"], "allow_only": [], "participant": null)";

TEST(ParticipantCommand, PutsAParticipantUnderItsEncodedIdentifier)
{
    const TinyServer server([](const Asked&) { return Reply{201, "{}"}; });
    const auto ran = run_tool(server, {"participant", "add", "room/7", "p?1", "--ufrag",
                                       "udp:198.18.0.1:10000=ab+/", "udp:[2001:DB8:0::1]:10000=ab+/",
                                       "--flow", "udp:[2001:db8::1]:10000,[2001:DB8::9]:51000"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.out, "participant p?1 of meeting room/7 added\n");
    const auto asked = server.asked().at(0);
    EXPECT_EQ(asked.method, "PUT");
    EXPECT_EQ(asked.target, "/v1/meetings/room%2F7/participants/p%3F1");
    EXPECT_EQ(parsed(asked.body), parsed(R"({
        "ufrags": [{"endpoint": "udp:198.18.0.1:10000", "ufrag": "ab+/"},
                   {"endpoint": "udp:[2001:db8::1]:10000", "ufrag": "ab+/"}],
        "flows": [{"local": "udp:[2001:db8::1]:10000", "remote": "[2001:db8::9]:51000"}]})"));
}

TEST(ParticipantCommand, TellsWhetherItWasThereBefore)
{
    const TinyServer server([](const Asked&) { return Reply{200, R"({"id": "p1"})"}; });
    const std::vector<std::string> command{"participant", "add", "A", "p1", "--ufrag=udp:*:10000=abcd"};
    EXPECT_EQ(run_tool(server, command).out, "participant p1 of meeting A was there; it is now as asked\n");
    EXPECT_EQ(parsed(server.asked().at(0).body).at("ufrags").at(0).at("ufrag"), "abcd");
    auto json = command;
    json.emplace_back("--json");
    EXPECT_EQ(parsed(run_tool(server, json).out), parsed(R"({"id": "p1"})"));
}

TEST(ParticipantCommand, ListsCountsAndCountriesAndNoAddress)
{
    const std::string list = R"([
        {"id": "p1", "meeting": "A", "ufrags": [{"endpoint": "udp:*:10000", "ufrag": "abcd"}],
         "flows": [{"local": "udp:198.18.0.1:10000", "remote": "203.0.113.10:51000"}],
         "confirmed_flows": 2, "countries": ["CN", "US"]},
        {"id": "p2", "meeting": "A", "ufrags": [], "flows": [], "confirmed_flows": 0, "countries": []}])";
    const TinyServer server([&](const Asked&) { return Reply{200, list}; });
    EXPECT_EQ(run_tool(server, {"participant", "list", "A"}).out,
              "PARTICIPANT  UFRAGS  CONFIRMED FLOWS  COUNTRIES\n"
              "p1                1                2  CN (China), US (United States)\n"
              "p2                0                0\n");
    EXPECT_EQ(server.asked().at(0).method, "GET");
    EXPECT_EQ(server.asked().at(0).target, "/v1/meetings/A/participants");
    EXPECT_EQ(parsed(run_tool(server, {"participant", "list", "A", "--json"}).out), parsed(list));
}

TEST(ParticipantCommand, ShowsAddressesToWhoSaysWhatFor)
{
    const std::string list = R"([
        {"id": "p1", "ufrags": [], "confirmed_flows": 2, "countries": ["CN"],
         "addresses": ["203.0.113.10:51000", "[2001:db8::9]:51000"]},
        {"id": "p2", "ufrags": [], "confirmed_flows": 0, "countries": [], "addresses": []}])";
    const TinyServer server([&](const Asked&) { return Reply{200, list}; });
    const std::vector<std::string> command{"participant",      "list",      "A&B",
                                           "--show-addresses", "--purpose", "complaint 7/26 & answer"};
    EXPECT_EQ(run_tool(server, command).out,
              "PARTICIPANT  UFRAGS  CONFIRMED FLOWS  COUNTRIES   ADDRESSES\n"
              "p1                0                2  CN (China)  203.0.113.10:51000, [2001:db8::9]:51000\n"
              "p2                0                0\n");
    EXPECT_EQ(server.asked().at(0).target, "/v1/meetings/A%26B/participants?addresses=true&purpose="
                                           "complaint%207%2F26%20%26%20answer");
    EXPECT_FALSE(mentions(run_tool(server, {"participant", "list", "A"}).out, "203.0.113.10"))
        << "even of a daemon that tells them unasked";
}

TEST(ParticipantCommand, SaysThatThereAreNone)
{
    const TinyServer server([](const Asked&) { return Reply{200, "[]"}; });
    const auto ran = run_tool(server, {"participant", "list", "A"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "meetfencectl: no participants\n");
}

TEST(ParticipantCommand, RemovesOne)
{
    const TinyServer server([](const Asked&) { return Reply{204, ""}; });
    EXPECT_EQ(run_tool(server, {"participant", "remove", "A", "p/1"}).out,
              "participant p/1 of meeting A removed\n");
    EXPECT_EQ(server.asked().at(0).method, "DELETE");
    EXPECT_EQ(server.asked().at(0).target, "/v1/meetings/A/participants/p%2F1");
    EXPECT_EQ(parsed(run_tool(server, {"participant", "remove", "A", "p1", "--json"}).out),
              parsed(R"({"id": "p1", "meeting": "A", "removed": true})"));
}

TEST(ImpactCommand, ShowsWhoIsThereAndWhoWouldBeAffected)
{
    const std::string impact = R"({"meeting": "A", "countries_asked": ["CN", "HK"], "participants": 5,
        "connected": 4, "by_country": {"CN": 2, "US": 1}, "unplaced": 1, "affected": 2})";
    const TinyServer server([&](const Asked&) { return Reply{200, impact}; });
    const auto ran = run_tool(server, {"impact", "A&B", "--country", "CN", "HK"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.out, "meeting       A\n"
                       "participants  5 handed over, 4 connected\n"
                       "\n"
                       "COUNTRY             PARTICIPANTS\n"
                       "CN (China)                     2\n"
                       "US (United States)             1\n"
                       "not placed                     1\n"
                       "\n"
                       "a rule against CN and HK would keep out 2 of 4 connected participants\n");
    EXPECT_EQ(server.asked().at(0).target, "/v1/meetings/A%26B/impact?country=CN,HK");
    EXPECT_EQ(parsed(run_tool(server, {"impact", "A", "--country=CN", "--json"}).out), parsed(impact));
    EXPECT_EQ(server.asked().at(1).target, "/v1/meetings/A/impact?country=CN");
}

TEST(ImpactCommand, SaysInASentenceWhatItComesTo)
{
    const struct {
        const char *asked, *affected, *connected, *says;
    } cases[] = {
        {R"(["CN"])", "0", "4", "nobody from CN is there now: the meeting stays undisturbed\n"},
        {R"(["CN", "HK"])", "0", "4", "nobody from CN or HK is there now: the meeting stays undisturbed\n"},
        {R"(["CN"])", "1", "1", "a rule against CN would keep out 1 of 1 connected participant\n"},
        {"null", "0", "4", "the rules in force keep out nobody who is there now\n"},
        {"null", "3", "1000", "the rules in force keep out 3 of 1,000 connected participants\n"},
    };
    for (const auto& [asked, affected, connected, says] : cases) {
        const auto body =
            std::string(R"({"meeting": "A", "by_country": {}, "unplaced": 0, "participants": 9,)") +
            R"("countries_asked": )" + asked + R"(, "affected": )" + affected + R"(, "connected": )" +
            connected + "}";
        const TinyServer server([&](const Asked&) { return Reply{200, body}; });
        const auto ran = run_tool(server, {"impact", "A"});
        EXPECT_MENTIONS(ran.out, says);
        EXPECT_FALSE(mentions(ran.out, "COUNTRY")) << "there is no row to show";
        EXPECT_EQ(server.asked().at(0).target, "/v1/meetings/A/impact");
    }
}

TEST(BlockCommand, KeepsOutAllButSomeCountries)
{
    const TinyServer server([](const Asked&) { return Reply{201, rule(kAllowOnly)}; });
    const auto ran = run_tool(server, {"block", "A", "--allow-only", "US,CA"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_MENTIONS(ran.out, "r1 keeps everyone but US (United States) out of meeting A until 2036");
    EXPECT_MENTIONS(ran.out, "); who cannot be placed is let in\n");
    const auto body = parsed(server.asked().at(0).body);
    EXPECT_EQ(body.at("allow_only"), Json({"CA", "US"}));
    EXPECT_FALSE(body.contains("countries"));
    EXPECT_FALSE(body.contains("participant"));
}

TEST(BlockCommand, KeepsOutOneParticipant)
{
    const TinyServer server([](const Asked&) { return Reply{201, rule(kParticipant)}; });
    const auto ran =
        run_tool(server, {"block", "A", "--participant", "p7", "--except", "203.0.113.0/28", "--for", "2h"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_MENTIONS(ran.out, "r1 keeps participant p7 out of meeting A until 2036");
    EXPECT_FALSE(mentions(ran.out, "placed"));
    const auto body = parsed(server.asked().at(0).body);
    EXPECT_EQ(body.at("participant"), "p7");
    EXPECT_EQ(body.at("except"), Json::array({"203.0.113.0/28"}));
    EXPECT_FALSE(body.contains("countries"));
    EXPECT_FALSE(body.contains("allow_only"));
}

TEST(BlockCommand, SaysBeforehandWhatWouldHappen)
{
    const std::pair<const char*, const char*> cases[] = {
        {kCountries, "\nkeeps CN (China) out of meeting A\nmeeting    A\ncountries  CN (China)\n"},
        {kAllowOnly,
         "\nkeeps everyone but US (United States) out of meeting A; who cannot be placed is let in\n"},
        {kParticipant, "\nkeeps participant p7 out of meeting A\nmeeting      A\nparticipant  p7\n"},
    };
    for (const auto& [whom, says] : cases) {
        const TinyServer server([whom = whom](const Asked&) { return Reply{200, rule(whom)}; });
        EXPECT_MENTIONS(run_tool(server, {"block", "A", "--country", "CN", "--dry-run"}).out, says);
    }
}

TEST(RuleSentence, GoesWithTheState)
{
    const struct {
        const char *whom, *more, *says;
    } cases[] = {
        {kCountries, R"("state": "scheduled", "mode": "enforce")",
         "r1 will keep CN (China) out of meeting A from 2036-11-22T12:00:00Z"},
        {kParticipant, R"("state": "withdrawn", "mode": "enforce")",
         "withdrawn: r1 kept participant p7 out of meeting A; it dropped 0 packets"},
        {kAllowOnly, R"("state": "active", "mode": "monitor")",
         "r1 watches everyone but US (United States) in meeting A until"},
        {kParticipant, R"("state": "expired", "mode": "monitor")", "r1 watched participant p7 in meeting A;"},
    };
    for (const auto& [whom, more, says] : cases) {
        const TinyServer server([whom = whom, more = more](const Asked&) {
            return Reply{200, rule(whom, more)};
        });
        EXPECT_MENTIONS(run_tool(server, {"unblock", "r1"}).out, says);
    }
}

TEST(RuleCommand, ShowsWhomEachRuleKeepsOut)
{
    const TinyServer server([](const Asked& asked) {
        return Reply{200, asked.target == "/v1/rules" ? "[" + rule(kCountries) + "," + rule(kAllowOnly) +
                                                            "," + rule(kParticipant) + "]"
                                                      : rule(kAllowOnly)};
    });
    const auto table = run_tool(server, {"rule", "list"}).out;
    for (const auto* cell :
         {"RULE  MEETING  KEEPS OUT       MODE", "r1    A        CN              enforce",
          "r1    A        all but US      enforce", "r1    A        participant p7  enforce"}) {
        EXPECT_MENTIONS(table, cell);
    }
    const auto shown = run_tool(server, {"rule", "show", "r1"}).out;
    EXPECT_MENTIONS(shown, "allow only  US (United States); who cannot be placed is let in\n");
    EXPECT_FALSE(mentions(shown, "countries "));
    EXPECT_FALSE(mentions(shown, "DIRECTION")) << "a daemon that does not tell directions apart";
}

TEST(RuleCommand, ShowsCountsByDirectionAndByCountry)
{
    const auto counted = rule(kCountries, R"("state": "active", "mode": "enforce", "packets_dropped": 10,
        "bytes_dropped": 1000, "ingress": {"packets_dropped": 7, "bytes_dropped": 700},
        "egress": {"packets_dropped": 3, "bytes_dropped": 300, "packets_would_drop": 0},
        "by_country": {"CN": {"packets_dropped": 10, "bytes_dropped": 1000}})");
    const TinyServer server([&](const Asked&) { return Reply{200, counted}; });
    const auto out = run_tool(server, {"rule", "show", "r1"}).out;
    EXPECT_MENTIONS(out, "dropped     10 packets, 1000 B\n");
    EXPECT_MENTIONS(out, "\nDIRECTION  DROPPED  BYTES  WOULD DROP  BYTES  PASSED  BYTES\n"
                         "ingress          7  700 B           0    0 B       0    0 B\n"
                         "egress           3  300 B           0    0 B       0    0 B\n"
                         "\nCOUNTRY ");
    EXPECT_MENTIONS(out, "\nCN (China)       10  1000 B");
}

TEST(ExplainCommand, AsksAboutACheckThatNamesAUfrag)
{
    const TinyServer server([](const Asked&) { return Reply{200, R"({"verdict": "drop"})"}; });
    const std::vector<std::string> command{"explain", "--from", "203.0.113.10:51000", "--to",
                                           "udp:198.18.0.1:10000"};
    EXPECT_EQ(run_tool(server, command).status, ctl::kDone);
    EXPECT_FALSE(parsed(server.asked().back().body).contains("ufrag"));
    auto with_ufrag = command;
    with_ufrag.insert(with_ufrag.end(), {"--ufrag", "ab+/"});
    EXPECT_EQ(run_tool(server, with_ufrag).status, ctl::kDone);
    EXPECT_EQ(parsed(server.asked().back().body),
              parsed(R"({"from": "203.0.113.10:51000", "to": "udp:198.18.0.1:10000", "ufrag": "ab+/"})"));
}

TEST(StatusCommand, ShowsBothDirectionsAndFlowsWhereTheDaemonTells)
{
    const std::string body = R"({"daemon": "running", "version": "0.1.0", "participants": 12,
        "interfaces": [{"name": "eth0", "ingress": "native", "egress": true}],
        "flows": {"confirmed": 1234, "contested": 1, "room": 1048576},
        "packets": {"seen": 110, "passed": 100, "dropped": 10, "dropped_outside_scope": 0,
                    "ingress": {"seen": 60, "passed": 53, "dropped": 7},
                    "egress": {"seen": 50, "passed": 47, "dropped": 3}}})";
    const TinyServer server([&](const Asked&) { return Reply{200, body}; });
    const auto out = run_tool(server, {"status"}).out;
    EXPECT_MENTIONS(out, "participants  12\n");
    EXPECT_MENTIONS(out, "flows         1,234 confirmed, room for 1,048,576; 1 contested since the start\n");
    EXPECT_MENTIONS(out, "  ingress     60 seen, 53 passed, 7 dropped\n");
    EXPECT_MENTIONS(out, "  egress      50 seen, 47 passed, 3 dropped\n");
    const TinyServer older([](const Asked&) { return Reply{200, R"({"daemon": "running"})"}; });
    for (const auto* word : {"participants", "flows", "  ingress", "  egress"}) {
        EXPECT_FALSE(mentions(run_tool(older, {"status"}).out, word)) << word;
    }
}

} // namespace
} // namespace meetfence::test
