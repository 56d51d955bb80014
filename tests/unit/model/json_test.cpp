// SPDX-License-Identifier: Apache-2.0
#include "model/json.h"

#include <array>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;

Json json(std::string_view text)
{
    const auto parsed = parse_json(text, "document");
    EXPECT_TRUE(parsed) << error_of(parsed);
    return parsed.value_or(Json());
}

Result<Meeting> meeting(std::string_view text, std::string id = "all-hands")
{
    return meeting_from_json(json(text), std::move(id));
}

Result<RuleRequest> rule(std::string_view text)
{
    return rule_request_from_json(json(text));
}

TEST(JsonText, IsReadStrictly)
{
    for (const auto* text : {"",         " ",        "{",
                             "}",        "[1,]",     "{\"a\":1,}",
                             "{a: 1}",   "{'a': 1}", "// comment\n1",
                             "1 2",      "{} {}",    "nul",
                             "NaN",      "Infinity", "01",
                             "+1",       ".5",       "\"\\x\"",
                             "\"\xff\"", "\"a\nb\"", "{\"a\" 1}",
                             "{\"a\":}", "\xef\xbb"}) {
        const auto parsed = parse_json(text, "request body");
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
        EXPECT_MENTIONS(parsed.error().message, "request body is not valid JSON: ");
    }
}

TEST(JsonText, RefusesAKeyThatStandsTwice)
{
    for (const auto* text : {R"({"a": 1, "a": 1})", R"({"a": 1, "b": {}, "a": 2})",
                             R"([{"x": {"a": 1, "a": 2}}])", R"({"x": [{}, {"a": 1, "\u0061": 2}]})"}) {
        EXPECT_MENTIONS(error_of(parse_json(text, "request body")), "request body: key 'a' stands twice");
    }
    // The same key in different objects is nothing special.
    EXPECT_TRUE(parse_json(R"({"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]})", "document"));
}

TEST(JsonText, IsRefusedWhenNestedTooDeeply)
{
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parse_json(nested(10), "document"));
    EXPECT_MENTIONS(error_of(parse_json(nested(20), "document")), "document is nested too deeply");
    EXPECT_MENTIONS(error_of(parse_json(nested(200'000), "document")),
                    "nested too deeply"); // and does not crash
    std::string objects;
    for (unsigned i = 0; i < 20; ++i) {
        objects += "{\"a\":";
    }
    EXPECT_MENTIONS(error_of(parse_json(objects + "1" + std::string(20, '}'), "document")),
                    "nested too deeply");
}

TEST(ObjectReader, RefusesUnknownKeysAndNamesTheNearestKnownOne)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"interface", "limits", "geo"});
    EXPECT_EQ(error_of(ObjectReader::open(json(R"({"interfaces": 1})"), "", kKeys)),
              "unknown key 'interfaces' (did you mean interface?)");
    EXPECT_EQ(error_of(ObjectReader::open(json(R"({"limit": 1})"), "daemon", kKeys)),
              "unknown key 'daemon.limit' (did you mean limits?)");
    EXPECT_EQ(error_of(ObjectReader::open(json(R"({"xyzzyplugh": 1})"), "", kKeys)),
              "unknown key 'xyzzyplugh'");
    for (const auto* text : {"[]", "1", "null", "\"geo\""}) {
        EXPECT_MENTIONS(error_of(ObjectReader::open(json(text), "", kKeys)), "must be a JSON object");
        EXPECT_MENTIONS(error_of(ObjectReader::open(json(text), "geo", kKeys)),
                        "'geo' must be a JSON object");
    }
}

TEST(ObjectReader, ReadsEachTypeAndRefusesTheOthers)
{
    constexpr auto kKeys =
        std::to_array<std::string_view>({"text", "number", "time", "list", "none", "absent"});
    const auto value = json(R"({"text": "a", "number": 18446744073709551615, "time": "1970-01-01T00:01:00Z",
                                "list": ["x", "y"], "none": null})");
    const auto reader = ObjectReader::open(value, "", kKeys);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->text("text").value(), "a");
    EXPECT_EQ(reader->number("number").value(), ~0ULL);
    EXPECT_EQ(reader->time("time").value(), Time(60s));
    EXPECT_EQ(reader->texts("list").value(), (std::vector<std::string>{"x", "y"}));
    for (const auto* key : {"none", "absent"}) {
        EXPECT_EQ(reader->find(key), nullptr);
        EXPECT_EQ(reader->text(key).value(), std::nullopt);
        EXPECT_EQ(reader->number(key).value(), std::nullopt);
        EXPECT_EQ(reader->time(key).value(), std::nullopt);
        EXPECT_TRUE(reader->texts(key)->empty());
    }
    EXPECT_EQ(error_of(reader->text("number")), "'number' must be a string");
    EXPECT_EQ(error_of(reader->number("text")), "'text' must be a whole number, 0 or more");
    EXPECT_EQ(error_of(reader->texts("text")), "'text' must be a list of strings");
    EXPECT_MENTIONS(error_of(reader->time("text")), "'text': 'a' is not a time");
    EXPECT_EQ(error_of(reader->time("list")), "'list' must be a string");
}

TEST(ObjectReader, TakesNoNumberThatIsNotWhole)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"n"});
    for (const auto* text :
         {R"({"n": -1})", R"({"n": 1.0})", R"({"n": 1e3})", R"({"n": 18446744073709551616})", R"({"n": "1"})",
          R"({"n": true})", R"({"n": [1]})"}) {
        const auto value = json(text);
        EXPECT_FALSE(ObjectReader::open(value, "", kKeys)->number("n")) << text;
    }
}

TEST(ObjectReader, TakesNoListWithOtherThings)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"n"});
    for (const auto* text : {R"({"n": ["a", 1]})", R"({"n": [null]})", R"({"n": [["a"]]})", R"({"n": {}})"}) {
        const auto value = json(text);
        EXPECT_EQ(error_of(ObjectReader::open(value, "geo", kKeys)->texts("n")),
                  "'geo.n' must be a list of strings");
    }
}

TEST(MeetingJson, IsRead)
{
    const auto read = meeting(R"({
        "endpoints": ["udp:198.18.0.1:40000", "tcp:[2001:db8::1]:443", "udp:198.18.0.1:40000"],
        "until": "2020-06-04T12:34:56Z", "shared_endpoints": [], "turn_endpoints": null})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->id, "all-hands");
    ASSERT_EQ(read->endpoints.size(), 2U); // none twice
    EXPECT_EQ(read->endpoints[0].text(), "udp:198.18.0.1:40000");
    EXPECT_EQ(read->endpoints[1].text(), "tcp:[2001:db8::1]:443");
    EXPECT_EQ(read->until, Time(1591274096s));
}

TEST(MeetingJson, SurvivesARoundTrip)
{
    for (const auto* text : {R"({})", R"({"endpoints": ["udp:*:1-1024", "tcp:198.18.0.1:5"]})",
                             R"({"endpoints": ["udp:[2001:db8::1]:9"], "until": "2030-01-01T00:00:00Z"})",
                             R"({"shared_endpoints": ["udp:*:10000", "tcp:198.18.0.1:443"],
                                 "turn_endpoints": ["udp:198.18.0.1:3478"]})"}) {
        const auto read = meeting(text);
        ASSERT_TRUE(read) << error_of(read);
        EXPECT_EQ(meeting_from_json(to_json(*read), read->id), *read);
        EXPECT_EQ(meeting_from_json(to_json(*read), ""), *read); // the identifier is in it
    }
}

TEST(MeetingJson, IsRefusedWithItsCause)
{
    EXPECT_MENTIONS(error_of(meeting(R"({"endpoint": []})")),
                    "unknown key 'endpoint' (did you mean endpoints?)");
    EXPECT_MENTIONS(error_of(meeting(R"({"endpoints": "udp:*:1"})")),
                    "'endpoints' must be a list of strings");
    EXPECT_MENTIONS(error_of(meeting(R"({"endpoints": ["udp:*:0"]})")), "1 to 65535");
    EXPECT_MENTIONS(error_of(meeting(R"({"until": "soon"})")), "'until': 'soon' is not a time");
    EXPECT_MENTIONS(error_of(meeting(R"({"until": 5})")), "'until' must be a string");
    EXPECT_MENTIONS(error_of(meeting(R"({"shared_endpoints": "udp:*:1"})")),
                    "'shared_endpoints' must be a list of strings");
    EXPECT_MENTIONS(error_of(meeting(R"({"turn_endpoints": ["udp:*:0"]})")), "1 to 65535");
    EXPECT_MENTIONS(error_of(meeting(R"([])")), "must be a JSON object");
    EXPECT_MENTIONS(error_of(meeting(R"({"id": "other"})")), "'id' says other, the path says all-hands");
    EXPECT_TRUE(meeting(R"({"id": "all-hands"})"));
}

TEST(MeetingJson, HasEndpointsOfThreeKinds)
{
    const auto read = meeting(R"({"endpoints": ["udp:198.18.0.1:40000"],
        "shared_endpoints": ["udp:198.18.0.1:10001", "udp:198.18.0.1:10000", "udp:198.18.0.1:10001"],
        "turn_endpoints": ["udp:198.18.0.1:3478"]})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->endpoints.size(), 1U);
    const auto written = to_json(*read);
    EXPECT_EQ(written["shared_endpoints"], json(R"(["udp:198.18.0.1:10000", "udp:198.18.0.1:10001"])"));
    EXPECT_EQ(written["turn_endpoints"], json(R"(["udp:198.18.0.1:3478"])"));
    const auto none = to_json(*meeting("{}"));
    EXPECT_EQ(none["shared_endpoints"], Json::array());
    EXPECT_EQ(none["turn_endpoints"], Json::array());
}

TEST(MeetingJson, HasNoEndpointOfTwoKinds)
{
    const std::pair<const char*, const char*> cases[] = {
        {R"({"endpoints": ["udp:*:1"], "shared_endpoints": ["udp:*:1"]})",
         "'shared_endpoints': udp:*:1 overlaps udp:*:1 of 'endpoints'"},
        {R"({"endpoints": ["udp:*:1"], "turn_endpoints": ["udp:*:2", "udp:198.18.0.1:1"]})",
         "'turn_endpoints': udp:198.18.0.1:1 overlaps udp:*:1"},
        {R"({"endpoints": ["udp:198.18.0.1:5-9"], "shared_endpoints": ["udp:198.18.0.1:9-20"]})",
         "overlaps udp:198.18.0.1:5-9"},
        {R"({"shared_endpoints": ["udp:*:1", "udp:*:2"], "turn_endpoints": ["udp:*:2"]})",
         "'turn_endpoints': udp:*:2 stands in 'shared_endpoints' as well"},
    };
    for (const auto& [text, says] : cases) {
        EXPECT_MENTIONS(error_of(meeting(text)), says);
    }
    // The same port of another transport, or of another address, is another endpoint.
    EXPECT_TRUE(meeting(R"({"endpoints": ["udp:*:1"], "shared_endpoints": ["tcp:*:1"]})"));
    EXPECT_TRUE(meeting(R"({"endpoints": ["udp:198.18.0.1:1"], "turn_endpoints": ["udp:198.18.0.2:1"]})"));
    // TURN on one address of a port that is shared on all of them.
    EXPECT_TRUE(meeting(R"({"shared_endpoints": ["udp:*:1"], "turn_endpoints": ["udp:198.18.0.1:1"]})"));
}

TEST(MeetingId, Is128BytesOfPrintableAsciiAtMost)
{
    EXPECT_TRUE(check_meeting_id("a"));
    EXPECT_TRUE(check_meeting_id(std::string(128, 'x')));
    EXPECT_TRUE(check_meeting_id("!/~:%?#[]@\\\"'"));
    EXPECT_MENTIONS(error_of(check_meeting_id("")), "1 to 128 bytes");
    EXPECT_MENTIONS(error_of(check_meeting_id(std::string(129, 'x'))), "this one has 129");
    for (const auto* id : {" ", "a b", "a\tb", "a\n", "\x7f", "caf\xc3\xa9", "\x01"}) {
        EXPECT_MENTIONS(error_of(check_meeting_id(id)), "printable ASCII without spaces");
    }
    EXPECT_FALSE(check_meeting_id(std::string_view("a\0b", 3)));
    EXPECT_MENTIONS(error_of(meeting("{}", "a b")), "printable ASCII");
    EXPECT_MENTIONS(error_of(meeting("{}", "")), "1 to 128 bytes");
}

TEST(RuleJson, IsRead)
{
    const auto read =
        rule(R"({"meeting": "all-hands", "countries": ["HK", "CN"], "mode": "monitor", "order": null,
                               "from": "2020-06-04T12:34:56Z", "until": "2020-06-05T12:34:56Z",
                               "except": ["203.0.113.0/24", "2001:db8::/32", "203.0.113.0/24"]})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->meeting, "all-hands");
    EXPECT_EQ(read->countries.text(), "CN HK");
    EXPECT_EQ(read->mode, Mode::monitor);
    EXPECT_EQ(*read->until - *read->from, 24h);
    ASSERT_EQ(read->except.size(), 2U);
    EXPECT_EQ(read->except[0].text(), "203.0.113.0/24");
}

TEST(RuleJson, HasDefaults)
{
    const auto read = rule(R"({"meeting": "m", "countries": ["CN"]})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->mode, Mode::enforce);
    EXPECT_FALSE(read->from);
    EXPECT_FALSE(read->until);
    EXPECT_TRUE(read->except.empty());
}

TEST(RuleJson, SaysWhomItKeepsOutInOneOfThreeWays)
{
    const auto allow_only = rule(R"({"meeting": "m", "allow_only": ["US", "CA"], "countries": []})");
    ASSERT_TRUE(allow_only) << error_of(allow_only);
    EXPECT_EQ(allow_only->whom, Whom::all_but);
    EXPECT_EQ(allow_only->countries.size(), 2U);
    EXPECT_EQ(allow_only->participant, "");
    const auto one = rule(R"({"meeting": "m", "participant": "p-7", "except": ["203.0.113.0/24"],
                              "countries": [], "allow_only": null})");
    ASSERT_TRUE(one) << error_of(one);
    EXPECT_EQ(one->whom, Whom::participant);
    EXPECT_TRUE(one->countries.empty());
    EXPECT_EQ(one->participant, "p-7");
    EXPECT_EQ(one->except.size(), 1U);
    EXPECT_EQ(rule(R"({"meeting": "m", "countries": ["CN"], "allow_only": [], "participant": null})")->whom,
              Whom::countries);
}

TEST(RuleJson, IsRefusedWhereItSaysWhomNotAtAllOrTwice)
{
    for (const auto* text : {R"({"meeting": "m"})", R"({"meeting": "m", "allow_only": []})",
                             R"({"meeting": "m", "participant": null, "countries": []})"}) {
        for (const auto* key : {"'countries'", "'allow_only'", "'participant'"}) {
            EXPECT_MENTIONS(error_of(rule(text)), key);
        }
    }
    const std::pair<const char*, const char*> cases[] = {
        {R"({"meeting": "m", "countries": ["CN"], "allow_only": ["US"]})",
         "'countries' and 'allow_only' exclude"},
        {R"({"meeting": "m", "countries": ["CN"], "participant": "p"})",
         "'countries' and 'participant' exclude"},
        {R"({"meeting": "m", "allow_only": ["CN"], "participant": ""})",
         "'allow_only' and 'participant' exclude"},
        {R"({"meeting": "m", "participant": ""})", "a participant's identifier has 1 to 128 bytes"},
        {R"({"meeting": "m", "participant": "p 7"})", "a participant's identifier is printable ASCII"},
        {R"({"meeting": "m", "participant": ["p"]})", "'participant' must be a string"},
        {R"({"meeting": "m", "allow_only": "US"})", "'allow_only' must be a list of strings"},
        {R"({"meeting": "m", "allow_only": ["USA"]})", "USA"},
        {R"({"meeting": "m", "participants": "p"})", "did you mean participant?"},
        {R"({"meeting": "m", "allowonly": ["US"]})", "did you mean allow_only?"},
    };
    for (const auto& [text, says] : cases) {
        EXPECT_MENTIONS(error_of(rule(text)), says);
    }
}

TEST(RuleJson, IsRefusedWithItsCause)
{
    EXPECT_MENTIONS(error_of(rule(R"({"countries": ["CN"]})")), "1 to 128 bytes");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m"})")), "at least one");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": []})")), "at least one");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["China"]})")), "did you mean CN");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": "CN"})")), "must be a list of strings");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "country": ["CN"]})")), "did you mean countries?");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "mode": "off"})")),
                    "neither enforce");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "until": "soon"})")),
                    "'until': 'soon'");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "except": ["203.0.113.7/24"]})")),
                    "did you mean 203.0.113.0/24?");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "order": "o1"})")), "no orders");
    EXPECT_MENTIONS(error_of(rule_request_from_json(json(R"({"modes": 1})"), "rules[3]")),
                    "unknown key 'rules[3].modes'");
}

TEST(RuleJson, IsWrittenWithItsStateAndCounts)
{
    Rule granted;
    granted.number = 17;
    granted.meeting = "all-hands";
    granted.countries.add(*Country::parse("CN"));
    granted.from = Time(0s);
    granted.until = Time(60s);
    granted.except = {*IpPrefix::parse("203.0.113.0/24")};
    const std::vector<CountryCounts> split = {{*Country::parse("CN"),
                                               {.dropped_packets = 3, .dropped_bytes = 300},
                                               {.dropped_packets = 4, .dropped_bytes = 400}}};
    const auto written = to_json(granted, Time(59s), split);
    EXPECT_EQ(written["id"], "r17");
    EXPECT_EQ(written["state"], "active");
    EXPECT_EQ(written["mode"], "enforce");
    EXPECT_EQ(written["countries"], json(R"(["CN"])"));
    EXPECT_EQ(written["until"], "1970-01-01T00:01:00Z");
    EXPECT_EQ(written["except"], json(R"(["203.0.113.0/24"])"));
    EXPECT_EQ(written["allow_only"], Json::array());
    EXPECT_TRUE(written.at("participant").is_null());
    EXPECT_EQ(written["packets_dropped"], 7);
    EXPECT_EQ(written["by_country"]["CN"]["bytes_dropped"], 700);
    EXPECT_FALSE(written.contains("withdrawn"));

    granted.withdrawn = Time(30s);
    granted.why = "owner asked";
    const auto withdrawn = to_json(granted, Time(59s), {});
    EXPECT_EQ(withdrawn["state"], "withdrawn");
    EXPECT_EQ(withdrawn["why"], "owner asked");
    EXPECT_EQ(withdrawn["by_country"], Json::object());
    EXPECT_EQ(withdrawn["packets_dropped"], 0);
    EXPECT_EQ(withdrawn["egress"]["packets_dropped"], 0);
}

TEST(RuleJson, HasCountsByDirectionAndByCountry)
{
    const std::vector<CountryCounts> split = {
        {*Country::parse("CN"), {1, 2, 3, 4, 5, 6}, {10, 20, 30, 40, 50, 60}},
        {*Country::parse("HK"), {100, 0, 0, 0, 0, 0}, {}}};
    const auto written = to_json(Rule{}, Time(0s), split);
    EXPECT_EQ(written["packets_dropped"], 111);
    EXPECT_EQ(written["ingress"],
              json(R"({"packets_dropped": 101, "bytes_dropped": 2, "packets_would_drop": 3,
        "bytes_would_drop": 4, "packets_passed": 5, "bytes_passed": 6})"));
    EXPECT_EQ(written["egress"]["packets_dropped"], 10);
    EXPECT_EQ(written["egress"]["bytes_passed"], 60);
    const auto& china = written["by_country"]["CN"];
    EXPECT_EQ(china["bytes_passed"], 66);
    EXPECT_EQ(china["ingress"]["bytes_passed"], 6);
    EXPECT_EQ(china["egress"]["bytes_passed"], 60);
    EXPECT_EQ(written["by_country"]["HK"]["egress"]["packets_dropped"], 0);
}

TEST(RuleJson, SaysWhomItKeepsOut)
{
    Rule rule;
    rule.whom = Whom::all_but;
    rule.countries.add(*Country::parse("US"));
    const std::vector<CountryCounts> cell = {{Country(), {1, 2, 3, 4, 5, 6}, {1, 1, 1, 1, 1, 1}}};
    auto written = to_json(rule, Time(0s), cell);
    EXPECT_EQ(written["countries"], Json::array());
    EXPECT_EQ(written["allow_only"], json(R"(["US"])"));
    EXPECT_TRUE(written.at("participant").is_null());
    EXPECT_EQ(written["packets_dropped"], 2) << "it counts";
    EXPECT_EQ(written["by_country"], Json::object()) << "but stands at no country";

    rule.whom = Whom::participant;
    rule.countries = {};
    rule.participant = "p-7";
    written = to_json(rule, Time(0s), cell);
    EXPECT_EQ(written["countries"], Json::array());
    EXPECT_EQ(written["allow_only"], Json::array());
    EXPECT_EQ(written["participant"], "p-7");
}

} // namespace
} // namespace meetfence::test
