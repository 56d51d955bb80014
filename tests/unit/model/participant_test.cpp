// SPDX-License-Identifier: Apache-2.0
#include "model/participant.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

Result<Participant> participant(std::string_view text, std::string meeting = "A", std::string id = "p7")
{
    const auto parsed = parse_json(text, "document");
    EXPECT_TRUE(parsed) << error_of(parsed);
    return participant_from_json(parsed.value_or(Json()), std::move(meeting), std::move(id));
}

TEST(ParticipantId, Is128BytesOfPrintableAsciiAtMost)
{
    EXPECT_TRUE(check_participant_id("p/7?x%"));
    EXPECT_TRUE(check_participant_id(std::string(128, 'p')));
    EXPECT_EQ(error_of(check_participant_id("")),
              "a participant's identifier has 1 to 128 bytes, this one has 0");
    EXPECT_MENTIONS(error_of(check_participant_id(std::string(129, 'p'))), "this one has 129");
    for (const auto* id : {"a b", "a\n", "\x7f", "caf\xc3\xa9"}) {
        EXPECT_MENTIONS(error_of(check_participant_id(id)),
                        "a participant's identifier is printable ASCII without spaces");
    }
}

TEST(Ufrag, Is4To32IceCharacters)
{
    for (const auto* ufrag : {"abcd", "AZaz09+/", "++++", "abcdefghijklmnopqrstuvwxyz012345"}) {
        EXPECT_TRUE(check_ufrag(ufrag)) << ufrag;
    }
    EXPECT_EQ(error_of(check_ufrag("abc")), "ufrag 'abc' has 3 characters, not 4 to 32");
    EXPECT_MENTIONS(error_of(check_ufrag("")), "has 0 characters");
    EXPECT_MENTIONS(error_of(check_ufrag(std::string(33, 'a'))), "has 33 characters");
    for (const auto* ufrag : {"ab d", "abc=", "abc-", "abc_", "abcd\n", "caf\xc3\xa9s"}) {
        EXPECT_MENTIONS(error_of(check_ufrag(ufrag)), "other than letters, digits, + and /") << ufrag;
    }
    EXPECT_FALSE(check_ufrag(std::string_view("abc\0d", 5)));
    // Somebody who gives the whole USERNAME learns what to give.
    EXPECT_MENTIONS(error_of(check_ufrag("abcd:efgh")), "before the colon of USERNAME");
}

TEST(Flow, IsMadeOfBothItsEnds)
{
    const auto v4 = make_flow("udp:198.18.0.1:10000", "203.0.113.10:51000");
    ASSERT_TRUE(v4) << error_of(v4);
    EXPECT_EQ(v4->transport, Transport::udp);
    EXPECT_EQ(v4->local_text(), "udp:198.18.0.1:10000");
    EXPECT_EQ(v4->remote.text(), "203.0.113.10:51000");
    const auto v6 = make_flow("tcp:[2001:db8::1]:443", "[2001:db8:1:0::9]:51000");
    ASSERT_TRUE(v6) << error_of(v6);
    EXPECT_EQ(v6->transport, Transport::tcp);
    EXPECT_EQ(v6->local_text(), "tcp:[2001:db8::1]:443");
    EXPECT_EQ(v6->remote.text(), "[2001:db8:1::9]:51000");
}

TEST(Flow, IsRefusedWithItsCause)
{
    const struct {
        const char *local, *remote, *says;
    } cases[] = {
        {"udp:*:10000", "203.0.113.10:51000", "one local address and one port"},
        {"udp:198.18.0.1:10000-10001", "203.0.113.10:51000", "one local address and one port"},
        {"198.18.0.1:10000", "203.0.113.10:51000", "neither udp: nor tcp:"},
        {"udp:198.18.0.1:10000", "203.0.113.10", "no port"},
        {"udp:198.18.0.1:10000", "203.0.113.10:0", "1 to 65535"},
        {"udp:198.18.0.1:10000", "[2001:db8::9]:51000", "one is IPv4, the other IPv6"},
        {"udp:[2001:db8::1]:10000", "203.0.113.10:51000", "one is IPv4, the other IPv6"},
    };
    for (const auto& [local, remote, says] : cases) {
        EXPECT_MENTIONS(error_of(make_flow(local, remote)), says);
    }
}

TEST(ParticipantJson, IsReadSortedAndNoneTwice)
{
    const auto read = participant(R"({
        "ufrags": [{"endpoint": "udp:*:10000-10003", "ufrag": "wxyz"}, {"endpoint": "udp:*:10000-10003", "ufrag": "abcd"},
                   {"endpoint": "udp:198.18.0.1:10000", "ufrag": "abcd"}, {"ufrag": "wxyz", "endpoint": "udp:*:10000-10003"}],
        "flows": [{"local": "udp:198.18.0.1:10000", "remote": "203.0.113.11:51000"},
                  {"local": "udp:198.18.0.1:10000", "remote": "203.0.113.10:51000"},
                  {"local": "udp:198.18.0.1:10000", "remote": "203.0.113.10:51000"}]})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->meeting, "A");
    EXPECT_EQ(read->id, "p7");
    ASSERT_EQ(read->ufrags.size(), 3U);
    EXPECT_EQ(read->ufrags[0].ufrag, "abcd");
    EXPECT_EQ(read->ufrags[0].endpoint.text(), "udp:*:10000-10003");
    EXPECT_EQ(read->ufrags[1].ufrag, "wxyz");
    EXPECT_EQ(read->ufrags[2].endpoint.text(), "udp:198.18.0.1:10000");
    ASSERT_EQ(read->flows.size(), 2U);
    EXPECT_EQ(read->flows[0].remote.text(), "203.0.113.10:51000");
}

TEST(ParticipantJson, MayKnowAParticipantByNameOnly)
{
    for (const auto* text : {"{}", R"({"ufrags": [], "flows": null})"}) {
        const auto read = participant(text);
        ASSERT_TRUE(read) << error_of(read);
        EXPECT_TRUE(read->ufrags.empty());
        EXPECT_TRUE(read->flows.empty());
    }
}

TEST(ParticipantJson, SurvivesARoundTrip)
{
    const auto read = participant(R"({"ufrags": [{"endpoint": "udp:*:10000", "ufrag": "ab+/"}],
        "flows": [{"local": "tcp:[2001:db8::1]:443", "remote": "[2001:db8::9]:51000"}]})");
    ASSERT_TRUE(read) << error_of(read);
    auto written = to_json(*read);
    EXPECT_EQ(written["id"], "p7");
    EXPECT_EQ(written["meeting"], "A");
    written.erase("id");
    written.erase("meeting");
    EXPECT_EQ(participant_from_json(written, "A", "p7"), *read);
    EXPECT_EQ(to_json(*participant("{}"))["flows"], Json::array());
}

TEST(ParticipantJson, IsRefusedWithThePlaceOfTheFault)
{
    const std::pair<const char*, const char*> cases[] = {
        {R"([])", "must be a JSON object"},
        {R"({"ufrag": []})", "unknown key 'ufrag' (did you mean ufrags?)"},
        {R"({"flow": []})", "unknown key 'flow' (did you mean flows?)"},
        {R"({"ufrags": {}})", "'ufrags' must be a list of objects"},
        {R"({"flows": "x"})", "'flows' must be a list of objects"},
        {R"({"ufrags": ["abcd"]})", "'ufrags[0]' must be a JSON object"},
        {R"({"ufrags": [{"endpoint": "udp:*:1", "ufrags": "abcd"}]})",
         "unknown key 'ufrags[0].ufrags' (did you mean ufrag?)"},
        {R"({"ufrags": [{"ufrag": "abcd"}]})", "'ufrags[0].endpoint' is missing"},
        {R"({"ufrags": [{"endpoint": "udp:*:1"}]})", "'ufrags[0].ufrag' is missing"},
        {R"({"ufrags": [{"endpoint": "udp:*:0", "ufrag": "abcd"}]})",
         "'ufrags[0].endpoint': endpoint 'udp:*:0'"},
        {R"({"ufrags": [{"endpoint": "udp:*:1", "ufrag": "abcd"}, {"endpoint": "udp:*:1", "ufrag": "abcd"},
                        {"endpoint": "udp:*:1", "ufrag": "abc"}]})",
         "'ufrags[2].ufrag': ufrag 'abc'"},
        {R"({"ufrags": [{"endpoint": "udp:*:1", "ufrag": 7}]})", "'ufrags[0].ufrag' must be a string"},
        {R"({"flows": [{"local": "udp:*:1", "remote": "203.0.113.10:5"}]})",
         "'flows[0].local': endpoint 'udp:*:1': a flow has one local address"},
        {R"({"flows": [{"local": "udp:198.18.0.1:1"}]})", "'flows[0].remote' is missing"},
        {R"({"flows": [{"local": "udp:198.18.0.1:1", "remote": "203.0.113.10"}]})",
         "'flows[0].remote': '203.0.113.10': it has no port"},
        {R"({"flows": [{"local": "udp:198.18.0.1:1", "remote": "[2001:db8::9]:5"}]})",
         "'flows[0]': a flow from 198.18.0.1:1 to [2001:db8::9]:5"},
        {R"({"flows": [{"local": "udp:198.18.0.1:1", "remot": "203.0.113.10:5"}]})", "did you mean remote?"},
    };
    for (const auto& [text, says] : cases) {
        EXPECT_MENTIONS(error_of(participant(text)), says);
    }
    EXPECT_MENTIONS(error_of(participant("{}", "A", "p 7")), "a participant's identifier");
    EXPECT_MENTIONS(error_of(participant("{}", "", "p7")), "a meeting's identifier");
}

} // namespace
} // namespace meetfence::test
