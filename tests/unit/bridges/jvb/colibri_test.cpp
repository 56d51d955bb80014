// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/colibri.h"

#include <gtest/gtest.h>

#include "answers.h"

namespace meetfence::bridges::jvb {
namespace {

ColibriExchange good(const std::string& text, const std::string& path = "")
{
    const auto read = parse_exchange(text, path);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read.value_or(ColibriExchange{});
}

std::string reason(const std::string& text, const std::string& path = "")
{
    const auto read = parse_exchange(text, path);
    return read ? "good" : read.error().reason;
}

std::string response(const std::string& endpoints)
{
    return R"({"request": {"meeting-id": "M"}, "response": {"endpoints": )" + endpoints + "}}";
}

std::string candidate(const std::string& members)
{
    return response(R"([{"id": "e", "transport": {"transport": {"ufrag": "abcd", "candidates": [{)" +
                    members + "}]}}}]");
}

std::vector<std::string> endpoints_of(const std::string& text)
{
    std::vector<std::string> result;
    const auto read = good(text);
    for (const auto& endpoint : read.answered.at(0).candidates) {
        result.push_back(endpoint.text());
    }
    return result;
}

TEST(Colibri, a_conference_is_made)
{
    const auto read = good(answer("colibri_create"));
    EXPECT_EQ(read.meeting_id, kStandup);
    EXPECT_EQ(read.name, "standup@conference.meet.example");
    EXPECT_FALSE(read.expires);
    ASSERT_EQ(read.answered.size(), 1U);
    EXPECT_EQ(read.answered[0].id, "79f0273d");
    EXPECT_EQ(read.answered[0].ufrag, "26ant1ioqu7qnr");
    ASSERT_EQ(read.answered[0].candidates.size(), 2U); // and the mapped one stands for what it maps
    EXPECT_EQ(read.answered[0].candidates[1].text(), "udp:198.18.0.1:10000");
}

TEST(Colibri, ice_restart_and_expiry)
{
    EXPECT_EQ(good(answer("colibri_restart")).answered.at(0).ufrag, "8ppp01ior0aaaa");
    const auto expired = good(answer("colibri_expire"));
    EXPECT_EQ(expired.expired, std::vector<std::string>{"79f0273d"});
    EXPECT_TRUE(expired.answered.empty());
    EXPECT_TRUE(good(R"({"request": {"expire": true}, "response": {}})", "M").expires);
    EXPECT_FALSE(good(R"({"request": {"expire": "true"}, "response": {}})", "M").expires);
}

TEST(Colibri, the_meeting_is_certain_or_nothing_is_read)
{
    EXPECT_EQ(good(R"({"request": {}, "response": {}})", "M").meeting_id, "M");
    EXPECT_EQ(good(R"({"request": {"meeting-id": "M"}, "response": {}})", "M").meeting_id, "M");
    EXPECT_EQ(reason(R"({"request": {}, "response": {}})"), "no_meeting");
    EXPECT_EQ(reason(R"({"request": {"meeting-id": "N"}, "response": {}})", "M"), "no_meeting");
    for (const auto* value : {"5", "null", "true", R"("")", "[]", R"(["M"])", "{}"}) {
        const auto text = std::string(R"({"request": {"meeting-id": )") + value + R"(}, "response": {}})";
        EXPECT_EQ(reason(text), "no_meeting") << value;
        EXPECT_EQ(reason(text, "M"), "no_meeting") << value;
    }
    EXPECT_EQ(reason(R"({"request": {"meeting-id": "M", "meeting-id": "N"}, "response": {}})"), "malformed");
}

TEST(Colibri, other_types)
{
    for (const auto* text :
         {"", "[]", "5", "null", R"("x")", "{}", R"({"request": {}})", R"({"response": {}})",
          R"({"request": [], "response": {}})", R"({"request": "{}", "response": "{}"})"}) {
        EXPECT_EQ(reason(text, "M"), "malformed") << text;
    }
    // An answer that is an error tells of nobody.
    for (const auto* value :
         {"null", "[]", R"("Failed")", R"({"endpoints": {}})", R"({"endpoints": [5, null]})",
          R"({"endpoints": [{}, {"id": 5}, {"id": "e"}, {"id": ""}]})"}) {
        const auto text = std::string(R"({"request": {}, "response": )") + value + "}";
        EXPECT_TRUE(good(text, "M").answered.empty()) << value;
    }
    for (const auto* transport : {"5", "[]", "{}", R"({"transport": []})", R"({"transport": {"ufrag": 5}})",
                                  R"({"ufrag": "abcd"})", R"({"transport": {"ufrag": ""}})"}) {
        const auto text = response(std::string(R"([{"id": "e", "transport": )") + transport + "}]");
        EXPECT_TRUE(good(text).answered.empty()) << transport;
    }
}

TEST(Colibri, candidates)
{
    const std::string host = R"("type": "host", "protocol": "udp", "ip": "198.18.0.1", "port": )";
    EXPECT_EQ(endpoints_of(candidate(host + R"("10001")")), std::vector<std::string>{"udp:198.18.0.1:10001"});
    EXPECT_EQ(endpoints_of(candidate(host + "10001")), std::vector<std::string>{"udp:198.18.0.1:10001"});
    EXPECT_EQ(
        endpoints_of(candidate(R"("type": "host", "protocol": "tcp", "ip": "2001:db8::1", "port": 4443)")),
        std::vector<std::string>{"tcp:[2001:db8::1]:4443"});
    for (const auto* port : {"0", "-1", "65536", "1.5", "null", "[]", R"("")", R"("10001x")", R"("70000")"}) {
        EXPECT_TRUE(endpoints_of(candidate(host + port)).empty()) << port;
    }
    for (const auto* members :
         {R"("type": "relay", "protocol": "udp", "ip": "198.18.0.1", "port": 1)",
          R"("type": "host", "protocol": "ssltcp", "ip": "198.18.0.1", "port": 1)",
          R"("type": "host", "protocol": "udp", "ip": "x.local", "port": 1)",
          R"("type": "srflx", "protocol": "udp", "ip": "198.18.0.1", "port": 1)", R"("type": 5)"}) {
        EXPECT_TRUE(endpoints_of(candidate(members)).empty()) << members;
    }
}

TEST(Colibri, large_and_deep)
{
    constexpr std::size_t kMany = 1U << 20;
    EXPECT_EQ(reason(repeated("[", kMany)), "malformed");
    EXPECT_EQ(reason(R"({"request": {}, "response": )" + repeated(R"({"a":)", 1000) + "1" +
                         repeated("}", 1000) + "}",
                     "M"),
              "malformed");
    std::string many = R"({"id": "e", "transport": {"transport": {"ufrag": "abcd", "candidates": []}}})";
    many = response("[" + repeated(many + ",", kMany / many.size()) + many + "]");
    EXPECT_GT(good(many).answered.size(), 10000U);
    const auto candidates = repeated("{\"type\": \"host\", \"protocol\": \"udp\", \"ip\": \"198.18.0.1\", "
                                     "\"port\": 1},",
                                     1000);
    EXPECT_EQ(
        endpoints_of(response(R"([{"id": "e", "transport": {"transport": {"ufrag": "abcd", "candidates": [)" +
                              candidates + "{}]}}}]"))
            .size(),
        64U);
}

} // namespace
} // namespace meetfence::bridges::jvb
