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

TEST(JsonText, IsRefusedWithTooManyKeys)
{
    const auto object = [](unsigned keys, const std::string& value) {
        std::string text = "{";
        for (unsigned i = 0; i < keys; ++i) {
            text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + value;
        }
        return text + "}";
    };
    EXPECT_TRUE(parse_json(object(1000, "0"), "document"));
    for (const auto* value : {"0", "{}", R"({"a":[{"b":0}]})"}) {
        EXPECT_MENTIONS(error_of(parse_json(object(1001, value), "document")), "more than 1000 keys");
        // Looking each up among all before it would take an hour.
        EXPECT_MENTIONS(error_of(parse_json(object(1'000'000, value), "document")), "more than 1000 keys");
        EXPECT_MENTIONS(error_of(parse_json("[" + object(1001, value) + "]", "document")), "more than 1000");
    }
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

} // namespace
} // namespace meetfence::test
