// SPDX-License-Identifier: Apache-2.0
// The commands against a daemon that answers what the test wants: what they ask for, what they show, and
// with which status they end.
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

constexpr const char* kStatus = R"({"version": "0.1.0", "daemon": "running",
    "interfaces": [{"name": "eth0", "ingress": "native", "egress": true},
                   {"name": "eth1", "ingress": "%", "egress": true}],
    "geo": {"prefixes_v4": 10, "prefixes_v6": 20, "build": "2026-01-01T00:00:00Z", "generation": 3},
    "meetings": 2, "rules_active": 1,
    "packets": {"seen": 100, "passed": 93, "dropped": 7, "dropped_outside_scope": 0},
    "reasons": {"drop_country": {"packets": 7, "bytes": 2048}}})";

std::string status_with(const std::string& ingress)
{
    std::string text = kStatus;
    return text.replace(text.find('%'), 1, ingress);
}

constexpr const char* kRule = R"({"id": "r1", "meeting": "A", "countries": ["CN", "HK"], "basis": "host",
    "order": null, "mode": "enforce", "state": "active", "from": "2026-11-22T12:00:00Z",
    "until": "2036-11-22T18:00:00Z", "except": ["203.0.113.0/28"],
    "packets_dropped": 7, "bytes_dropped": 2048, "by_country": {"CN": {"packets_dropped": 7}}})";

TEST(StatusCommand, EndsWith0WhereEveryInterfaceIsFilteredAnd10WhereOneIsNot)
{
    const struct {
        std::string body;
        int status;
        const char* says;
    } cases[] = {
        {status_with("native"), ctl::kDone, ""},
        {status_with("generic"), ctl::kDone, ""},
        {status_with("none"), ctl::kUnfiltered, "not filtered: eth1 (what comes in)"},
        {R"({"interfaces": [{"name": "eth0", "ingress": "native", "egress": false}]})", ctl::kUnfiltered,
         "not filtered: eth0 (what goes out)"},
        {R"({"interfaces": []})", ctl::kUnfiltered, "no interface is filtered"},
    };
    for (const auto& [body, status, says] : cases) {
        const TinyServer server([&body = body](const Asked&) { return Reply{200, body}; });
        for (const bool json : {false, true}) {
            const auto ran = run_tool(server, json ? std::vector<std::string>{"status", "--json"}
                                                   : std::vector<std::string>{"status"});
            EXPECT_EQ(ran.status, status);
            EXPECT_MENTIONS(ran.err, says);
            if (json) {
                EXPECT_EQ(parsed(ran.out), parsed(body));
            }
        }
        EXPECT_EQ(server.asked().at(0).target, "/v1/status");
    }
}

TEST(StatusCommand, ShowsWhatPeopleWantToKnow)
{
    const TinyServer server([](const Asked&) { return Reply{200, status_with("generic")}; });
    const auto out = run_tool(server, {}).out; // without a command: status
    for (const auto* word :
         {"running, version 0.1.0", "eth0", "native", "generic", "100 seen", "93 passed", "7 dropped",
          "0 dropped outside scope", "drop_country", "2.0 KiB", "10 IPv4 and 20 IPv6 prefixes"}) {
        EXPECT_MENTIONS(out, word);
    }
}

TEST(StatusCommand, DoesNotTakeARefusalForADeadDaemon)
{
    const TinyServer server([](const Asked&) { return Reply{403, R"({"detail": "not for you"})"}; });
    const auto ran = run_tool(server, {"status"});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.err, "meetfencectl: not for you\n");
}

TEST(EveryCommand, EndsWith1AndTheReasonWhereTheDaemonRefuses)
{
    const std::vector<std::vector<std::string>> commands{
        {"meeting", "add", "A"},
        {"meeting", "list"},
        {"meeting", "show", "A"},
        {"meeting", "remove", "A"},
        {"participant", "add", "A", "p7", "--ufrag", "udp:*:10000=abcd"},
        {"participant", "list", "A"},
        {"participant", "remove", "A", "p7"},
        {"block", "A", "--country", "CN"},
        {"block", "A", "--country", "CN", "--dry-run"},
        {"block", "A", "--participant", "p7"},
        {"block", "A", "--allow-only", "US"},
        {"block", "A", "--country", "CN", "--order", "O"},
        {"order", "add", "O", "--authority", "A", "--jurisdiction", "CN", "--legal-basis", "L", "--received",
         "2026-11-22T18:00:00Z"},
        {"order", "approve", "O"},
        {"order", "reject", "O", "--why", "overbroad"},
        {"order", "withdraw", "O", "--why", "w"},
        {"order", "extend", "O", "--for", "2d", "--why", "w"},
        {"order", "list"},
        {"order", "show", "O"},
        {"report"},
        {"audit", "show"},
        {"audit", "show", "--last", "5"},
        {"audit", "verify"},
        {"participant", "list", "A", "--show-addresses", "--purpose", "a complaint"},
        {"unblock", "r1"},
        {"rule", "list"},
        {"rule", "show", "r1"},
        {"rule", "enforce", "r1"},
        {"rule", "monitor", "r1"},
        {"impact", "A"},
        {"explain", "--packet", "00"},
        {"geo", "lookup", "203.0.113.10"},
        {"geo", "status"},
        {"geo", "reload"},
        {"geo", "rollback"},
        {"geo", "diff", MEETFENCE_SOURCE_DIR "/README.md"},
        {"events"},
        {"events", "--follow"},
        {"export"},
    };
    const TinyServer server([](const Asked&) { return Reply{409, R"({"detail": "it is so"})"}; });
    for (auto command : commands) {
        SCOPED_TRACE(command.front());
        const auto ran = run_tool(server, command);
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_EQ(ran.out, "");
        EXPECT_EQ(ran.err, "meetfencectl: it is so\n");
    }
}

TEST(MeetingCommand, PutsAMeetingUnderItsEncodedIdentifier)
{
    const TinyServer server([](const Asked&) { return Reply{201, "{}"}; });
    const auto ran = run_tool(server, {"meeting", "add", "room/7?x", "--endpoint", "udp:198.18.0.1:40000",
                                       "tcp:[2001:DB8:0::1]:443", "--until", "2026-11-22T18:00:00+01:00"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.out, "meeting room/7?x added\n");
    const auto asked = server.asked().at(0);
    EXPECT_EQ(asked.method, "PUT");
    EXPECT_EQ(asked.target, "/v1/meetings/room%2F7%3Fx");
    const auto body = parsed(asked.body);
    EXPECT_EQ(body.at("endpoints"), Json({"udp:198.18.0.1:40000", "tcp:[2001:db8::1]:443"}));
    EXPECT_EQ(body.at("until"), "2026-11-22T17:00:00Z");
    EXPECT_FALSE(body.contains("shared_endpoints"));
}

TEST(MeetingCommand, KnowsEndpointsOfEveryKind)
{
    constexpr const char* kMeeting = R"({"id": "A", "endpoints": ["udp:198.18.0.1:40000"],
        "shared_endpoints": ["udp:198.18.0.1:10000"], "turn_endpoints": ["udp:198.18.0.1:3478"],
        "until": null, "rules": []})";
    const TinyServer server([](const Asked& asked) {
        return Reply{200, asked.target == "/v1/meetings"          ? "[" + std::string(kMeeting) + "]"
                          : asked.target.starts_with("/v1/rules") ? "[]"
                                                                  : kMeeting};
    });
    const auto ran = run_tool(server, {"meeting", "add", "A", "--shared-endpoint", "udp:198.18.0.1:10000",
                                       "--turn-endpoint", "udp:198.18.0.1:3478", "tcp:198.18.0.1:3478"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    const auto body = parsed(server.asked().at(0).body);
    EXPECT_EQ(body.at("endpoints"), Json::array());
    EXPECT_EQ(body.at("shared_endpoints"), Json::array({"udp:198.18.0.1:10000"}));
    EXPECT_EQ(body.at("turn_endpoints"), Json({"udp:198.18.0.1:3478", "tcp:198.18.0.1:3478"}));
    for (const auto& out :
         {run_tool(server, {"meeting", "show", "A"}).out, run_tool(server, {"meeting", "list"}).out}) {
        EXPECT_MENTIONS(out,
                        "udp:198.18.0.1:40000, udp:198.18.0.1:10000 (shared), udp:198.18.0.1:3478 (TURN)");
    }
}

TEST(MeetingCommand, SaysThatThereAreNone)
{
    const TinyServer server([](const Asked&) { return Reply{200, "[]"}; });
    const auto ran = run_tool(server, {"meeting", "list"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "meetfencectl: no meetings\n");
    EXPECT_EQ(run_tool(server, {"meeting", "list", "--json"}).out, "[]\n");
}

TEST(BlockCommand, AsksForARuleAndSaysWhatCameOfIt)
{
    const TinyServer server([](const Asked&) { return Reply{201, kRule}; });
    const auto ran = run_tool(server, {"block", "A", "--country", "CN,HK", "--until", "2036-11-22T18:00:00Z",
                                       "--except", "203.0.113.0/28", "--monitor"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_MENTIONS(ran.out,
                    "r1 keeps CN (China), HK (Hong Kong) out of meeting A until 2036-11-22T18:00:00Z (in ");
    const auto asked = server.asked();
    ASSERT_EQ(asked.size(), 1U) << "nobody sits there who could be asked";
    EXPECT_EQ(asked[0].method, "POST");
    EXPECT_EQ(asked[0].target, "/v1/rules");
    const auto body = parsed(asked[0].body);
    EXPECT_EQ(body.at("meeting"), "A");
    EXPECT_EQ(body.at("countries"), Json({"CN", "HK"}));
    EXPECT_EQ(body.at("mode"), "monitor");
    EXPECT_EQ(body.at("until"), "2036-11-22T18:00:00Z");
    EXPECT_TRUE(body.at("from").is_null());
    EXPECT_EQ(body.at("except"), Json::array({"203.0.113.0/28"}));
    EXPECT_FALSE(body.contains("allow_only"));
    EXPECT_FALSE(body.contains("participant"));
}

TEST(BlockCommand, CountsADurationFromTheBegin)
{
    const TinyServer server([](const Asked&) { return Reply{201, kRule}; });
    run_tool(server, {"block", "A", "--country", "CN", "--from", "2036-11-22T18:00:00Z", "--for", "2h"});
    EXPECT_EQ(parsed(server.asked().at(0).body).at("until"), "2036-11-22T20:00:00Z");
}

TEST(BlockCommand, OnlyShowsInADryRun)
{
    const TinyServer server([](const Asked&) { return Reply{200, kRule}; });
    const auto ran = run_tool(server, {"block", "A", "--country", "CN", "--dry-run"}, {.can_ask = true});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_MENTIONS(ran.out, "nothing is changed");
    ASSERT_EQ(server.asked().size(), 1U);
    EXPECT_EQ(server.asked()[0].target, "/v1/rules?dry_run=true");
}

TEST(BlockCommand, AsksWhoeverSitsThere)
{
    const struct {
        const char* input;
        int status;
        std::size_t requests;
    } cases[] = {{"y\n", ctl::kDone, 2},  {"yes\n", ctl::kDone, 2}, {"n\n", ctl::kFailed, 1},
                 {"\n", ctl::kFailed, 1}, {"", ctl::kFailed, 1},    {"yo\n", ctl::kFailed, 1}};
    for (const auto& [input, status, requests] : cases) {
        const TinyServer server([](const Asked&) { return Reply{201, kRule}; });
        const auto ran =
            run_tool(server, {"block", "A", "--country", "CN"}, {.input = input, .can_ask = true});
        EXPECT_EQ(ran.status, status) << input;
        EXPECT_EQ(server.asked().size(), requests) << input;
        EXPECT_MENTIONS(ran.err, "Block? [y/N]");
    }
    const TinyServer server([](const Asked&) { return Reply{201, kRule}; });
    EXPECT_EQ(run_tool(server, {"block", "A", "--country", "CN", "--yes"}, {.can_ask = true}).status,
              ctl::kDone);
    EXPECT_EQ(server.asked().size(), 1U);
}

TEST(RuleCommand, ShowsRulesToPeopleAndToPrograms)
{
    const TinyServer server([](const Asked& asked) {
        return Reply{200, asked.target.starts_with("/v1/rules/") ? kRule : "[" + std::string(kRule) + "]"};
    });
    const auto table = run_tool(server, {"rule", "list", "A B"});
    EXPECT_EQ(table.status, ctl::kFailed) << "that is no meeting";
    EXPECT_MENTIONS(run_tool(server, {"rule", "list", "A&B"}).out, "r1    A        CN,HK");
    EXPECT_EQ(server.asked().back().target, "/v1/rules?meeting=A%26B");
    const auto shown = run_tool(server, {"rule", "show", "r1"});
    EXPECT_MENTIONS(shown.out, "CN (China), HK (Hong Kong)");
    EXPECT_MENTIONS(shown.out, "7 packets, 2.0 KiB");
    EXPECT_EQ(parsed(run_tool(server, {"--json", "rule", "show", "r1"}).out), parsed(kRule));
    EXPECT_EQ(run_tool(server, {"rule", "monitor", "r1"}).status, ctl::kDone);
    EXPECT_EQ(server.asked().back().method, "PATCH");
    EXPECT_EQ(server.asked().back().body, R"({"mode":"monitor"})");
    EXPECT_EQ(run_tool(server, {"unblock", "r1", "--why", "asked & answered"}).status, ctl::kDone);
    EXPECT_EQ(server.asked().back().target, "/v1/rules/r1?why=asked%20%26%20answered");
}

// The daemon's part in look-ups: 203.0.113.0/24 is in CN, nothing else is anywhere.
Reply look_up(const Asked& asked)
{
    const auto address = asked.target.substr(asked.target.rfind('/') + 1);
    return {200, address.starts_with("203.0.113.")
                     ? R"({"address": ")" + address + R"(", "country": "CN", "prefix": "203.0.113.0/24"})"
                     : R"({"address": ")" + address + R"(", "country": null, "prefix": null})"};
}

TEST(GeoLookup, AnswersEachAddressAsItWasWrittenInOrder)
{
    const TinyServer server(look_up);
    const auto ran =
        run_tool(server, {"geo", "lookup", "203.0.113.10", "2001:0DB8::1", "::ffff:203.0.113.11"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.out, "203.0.113.10 CN 203.0.113.0/24\n"
                       "2001:0DB8::1 -- --\n"
                       "::ffff:203.0.113.11 CN 203.0.113.0/24\n");
    EXPECT_EQ(server.asked().at(1).target, "/v1/geo/2001:db8::1");
}

TEST(GeoLookup, ReadsThousandsFromStdinOverOneConnection)
{
    const TinyServer server(look_up);
    std::string input;
    std::string wanted;
    for (int i = 0; i < 3000; ++i) {
        const auto address = "203.0.113." + std::to_string(i % 256);
        input += (i % 3 == 0 ? "  " : "") + address + (i % 5 == 0 ? "\r\n" : "\n") + (i % 7 == 0 ? "\n" : "");
        wanted += address + " CN 203.0.113.0/24\n";
    }
    const auto ran = run_tool(server, {"geo", "lookup", "-"}, {.input = input});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.out, wanted);
    EXPECT_EQ(server.asked().size(), 3000U);
    EXPECT_EQ(server.connections(), 1);
}

TEST(GeoLookup, SaysWhichLineIsNoAddressAndGoesOn)
{
    const TinyServer server(look_up);
    const auto ran =
        run_tool(server, {"geo", "lookup", "-"}, {.input = "203.0.113.1\nnonsense\n203.0.113.2"});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.out, "203.0.113.1 CN 203.0.113.0/24\n203.0.113.2 CN 203.0.113.0/24\n");
    EXPECT_MENTIONS(ran.err, "line 2: ");
    EXPECT_MENTIONS(ran.err, "nonsense");
}

TEST(EventsCommand, ShowsWhatHappenedAndLosesNoLine)
{
    const TinyServer server([](const Asked&) {
        return Reply{200, "{\"time\": \"2026-11-22T12:00:00Z\", \"event\": \"drop\", \"meeting\": \"A\", "
                          "\"country\": \"CN\"}\nnot json\n"};
    });
    const auto ran = run_tool(server, {"events"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.out, "2026-11-22T12:00:00Z  drop                 meeting A  country CN\nnot json\n");
    EXPECT_EQ(server.asked().at(0).target, "/v1/events?follow=false");
    EXPECT_MENTIONS(run_tool(server, {"events", "--json"}).out, "\"event\": \"drop\"");
}

TEST(EventsCommand, ShowsWhoWasKeptOutAndWhatIsContested)
{
    const TinyServer server([](const Asked&) {
        const std::string at = R"({"time": "2026-11-22T12:00:0)";
        const std::string blocked = R"(Z", "event": "participant_blocked", "meeting": "A", "participant": )";
        return Reply{200, at + "0" + blocked + R"("p7", "country": "CN", "rule": "r1"})" + "\n" + at + "1" +
                              blocked + R"("p8", "country": null, "rule": "r2"})" + "\n" + at + "2" +
                              R"(Z", "event": "flow_contested", "meeting": "A"})" + "\n"};
    });
    EXPECT_EQ(run_tool(server, {"events"}).out,
              "2026-11-22T12:00:00Z  participant_blocked  meeting A  participant p7  rule r1  country CN\n"
              "2026-11-22T12:00:01Z  participant_blocked  meeting A  participant p8  rule r2\n"
              "2026-11-22T12:00:02Z  flow_contested       meeting A  another meeting claims a flow of it; "
              "the flow passes\n");
}

TEST(EventsCommand, ShowsWhatBecameOfAnOrderAndWhyARuleIsSuspended)
{
    const TinyServer server([](const Asked&) {
        return Reply{
            200, R"({"time": "t", "event": "order_approved", "order": "O1", "state": "approved"})"
                 "\n"
                 R"({"time": "t", "event": "rule_suspended", "rule": "r1", "meeting": "A", "why": "w\u202e"})"
                 "\n"};
    });
    EXPECT_EQ(run_tool(server, {"events"}).out, "t  order_approved       order O1  state approved\n"
                                                "t  rule_suspended       meeting A  rule r1  w\ufffd\n");
}

TEST(EventsCommand, EndsWith3WhereTheDaemonEndsTheStream)
{
    const TinyServer server(
        [](const Asked&) { return Reply{.body = "{\"event\": \"x\"}\n", .no_length = true}; });
    const auto ran = run_tool(server, {"events", "--follow", "--json"});
    EXPECT_EQ(ran.status, ctl::kUnreachable);
    EXPECT_EQ(ran.out, "{\"event\": \"x\"}\n");
}

TEST(DeclarationCommands, TellTheDifferencesAndEndWith1WhereThereAreSome)
{
    const auto changes =
        R"({"changes": [{"action": "add", "kind": "meeting", "name": "B", "detail": "udp:*:1"},
                                         {"action": "remove", "kind": "rule", "name": "r1", "detail": ""}]})";
    const TinyServer server([&](const Asked& asked) {
        return Reply{200, mentions(asked.body, "same") ? R"({"changes": []})" : changes};
    });
    const auto diff = run_tool(server, {"diff", "-"}, {.input = R"({"meetings": []})"});
    EXPECT_EQ(diff.status, ctl::kFailed);
    EXPECT_EQ(diff.out, "+ meeting B udp:*:1\n- rule r1\n");
    EXPECT_EQ(server.asked().back().target, "/v1/declaration?dry_run=true");
    EXPECT_EQ(run_tool(server, {"diff", "-"}, {.input = R"({"x": "same"})"}).status, ctl::kDone);

    const auto applied = run_tool(server, {"apply", "-"}, {.input = R"({"meetings": []})"});
    EXPECT_EQ(applied.status, ctl::kDone);
    EXPECT_EQ(server.asked().back().target, "/v1/declaration");
    EXPECT_EQ(server.asked().back().method, "PUT");

    EXPECT_EQ(run_tool(server, {"apply", "-"}, {.input = "[]"}).status, ctl::kFailed);
    EXPECT_EQ(run_tool(server, {"apply", "-"}, {.input = "{"}).status, ctl::kFailed);
}

} // namespace
} // namespace meetfence::test
