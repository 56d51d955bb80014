// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/debug_state.h"

#include <gtest/gtest.h>

#include "answers.h"

namespace meetfence::bridges::jvb {
namespace {

using Ufrags = std::vector<std::string>;

std::string state(const std::string& conferences)
{
    return R"({"time": 1, "conferences": )" + conferences + "}";
}

std::string conference(const std::string& members)
{
    return state(R"({"c1": {)" + members + "}}");
}

std::string endpoint(const std::string& members)
{
    return conference(R"("meeting_id": "M", "endpoints": {"e1": {)" + members + "}}");
}

DebugConference only(const std::string& text)
{
    const auto read = parse_debug_state(text);
    EXPECT_TRUE(read && read->size() == 1) << text;
    return read && read->size() == 1 ? read->front() : DebugConference{};
}

TEST(DebugState, conferences_and_their_endpoints)
{
    const auto read = parse_debug_state(answer("debug"));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 2U);
    const auto& standup = read->at(0);
    EXPECT_EQ(standup.id, "5ef2c1b07a8d9e34");
    EXPECT_EQ(standup.meeting_id, kStandup);
    EXPECT_EQ(standup.name, "standup@conference.meet.example");
    EXPECT_FALSE(standup.expired || standup.uncertain);
    ASSERT_EQ(standup.endpoints.size(), 2U); // the relay's are none
    EXPECT_EQ(standup.endpoints[0].id, "79f0273d");
    EXPECT_EQ(standup.endpoints[0].ufrags, Ufrags{"26ant1ioqu7qnr"});
    EXPECT_EQ(standup.endpoints[1].ufrags, Ufrags{"7v2ll1ioqu8abc"});
    EXPECT_EQ(read->at(1).meeting_id, kReview);
    EXPECT_EQ(read->at(1).endpoints.at(0).ufrags, Ufrags{"3kk9s1ioqu9def"});
}

TEST(DebugState, both_ufrags_of_a_restart)
{
    const auto read = parse_debug_state(answer("debug_restart"));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->at(0).endpoints.at(0).ufrags, (Ufrags{"26ant1ioqu7qnr", "8ppp01ior0aaaa"}));
}

TEST(DebugState, before_ufrags_were_shown)
{
    const auto read = parse_debug_state(answer("debug_without_ufrags"));
    ASSERT_TRUE(read);
    ASSERT_EQ(read->at(0).endpoints.size(), 2U);
    EXPECT_TRUE(read->at(0).endpoints[0].ufrags.empty());
    const auto old = only(endpoint(R"("iceTransport": {"localUfrag": "abcd"})"));
    EXPECT_EQ(old.endpoints.at(0).ufrags, Ufrags{"abcd"});
    // Not in full: the endpoints with their names for statistics.
    EXPECT_EQ(only(conference(R"("endpoints": {"e1": "Garett-w1o", "e2": null})")).endpoints.size(), 2U);
}

TEST(DebugState, who_is_gone)
{
    EXPECT_TRUE(only(conference(R"("expired": true)")).expired);
    EXPECT_FALSE(only(conference(R"("expired": false)")).expired);
    EXPECT_TRUE(only(endpoint(R"("expired": true)")).endpoints.at(0).gone);
    EXPECT_TRUE(only(endpoint(R"("ice_transport": {"closed": true})")).endpoints.at(0).gone);
    EXPECT_FALSE(only(endpoint(R"("expired": 1, "dtls_transport": {"closed": true})")).endpoints.at(0).gone);
}

TEST(DebugState, what_is_nobodys_list_is_not_an_empty_one)
{
    for (const auto* text :
         {"", "{", "[]", "{}", "null", R"({"conferences": []})", R"({"conferences": null})",
          R"({"conferences": "x"})", R"([{"conferences": {}}])", R"({"x": {"conferences": {}}})",
          R"({"conferences": {}} trailing)"}) {
        EXPECT_FALSE(parse_debug_state(text)) << text;
    }
    const auto empty = parse_debug_state(state("{}"));
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->empty());
}

TEST(DebugState, nobody_leaves_by_another_type)
{
    for (const auto* members :
         {R"("endpoints": [])", R"("endpoints": null)", R"("endpoints": "e1")", R"("endpoints": 5)",
          R"("endpoints": true)", R"("endpoints": 1.5)", R"("endpoints": [{"e1": {}}])"}) {
        EXPECT_FALSE(parse_debug_state(conference(members))) << members;
    }
}

TEST(DebugState, the_same_twice)
{
    EXPECT_FALSE(parse_debug_state(state(R"({"c": {}, "c": {}})")));
    EXPECT_FALSE(parse_debug_state(conference(R"("meeting_id": "A", "meeting_id": "B")")));
    EXPECT_FALSE(parse_debug_state(conference(R"("endpoints": {"e": {}, "e": {}})")));
    EXPECT_FALSE(parse_debug_state(endpoint(R"("ice_transport": {"localUfrag": "a", "localUfrag": "b"})")));
    EXPECT_TRUE(only(conference(R"("meeting_id": "A", "meeting-id": "B")")).uncertain);
}

TEST(DebugState, a_meeting_of_another_type_is_uncertain)
{
    for (const auto* value : {"5", "-5", "1.5", "true", "false", "[]", "{}", R"(["M"])", R"({"a": "M"})"}) {
        EXPECT_TRUE(only(conference(std::string(R"("meeting_id": )") + value)).uncertain) << value;
        EXPECT_TRUE(only(conference(std::string(R"("name": )") + value)).uncertain) << value;
    }
    const auto none = only(conference(R"("meeting_id": null)"));
    EXPECT_FALSE(none.uncertain || none.meeting_id);
}

TEST(DebugState, ufrags_of_another_type_are_none)
{
    for (const auto* value : {"5", "null", "true", "[]", R"(["abcd"])", R"({"localUfrag": "abcd"})"}) {
        const auto read = only(endpoint(std::string(R"("ice_transport": {"localUfrag": )") + value + "}"));
        EXPECT_TRUE(read.endpoints.at(0).ufrags.empty()) << value;
    }
    for (const auto* transport :
         {R"("abcd")", "[]", R"([{"localUfrag": "abcd"}])", R"({"deeper": {"localUfrag": "abcd"}})"}) {
        const auto read = only(endpoint(std::string(R"("ice_transport": )") + transport));
        EXPECT_TRUE(read.endpoints.at(0).ufrags.empty()) << transport;
    }
}

TEST(DebugState, keys_elsewhere_are_nobodys)
{
    const auto read = only(conference(
        R"("meeting_id": "M", "x": {"meeting_id": "N", "endpoints": {"f": {}}},
           "relays": {"r": {"ice_transport": {"localUfrag": "abcd"}}},
           "list": [{"meeting_id": "N", "conferences": {"d": {}}}],
           "endpoints": {"conferences": {"endpoints": {"ice_transport": {"localUfrag": "abcd"}}}})"));
    EXPECT_EQ(read.meeting_id, "M");
    ASSERT_EQ(read.endpoints.size(), 1U);
    EXPECT_EQ(read.endpoints[0].id, "conferences");
    EXPECT_TRUE(read.endpoints[0].ufrags.empty());
}

TEST(DebugState, hostile_names_stay_what_they_are)
{
    const auto read = only(state(R"({"..\/\u0000\"\n": {"name": "\u202e'; DROP", "endpoints": {"%2e%2e": {},
                                     "": {}, "[]": {"ice_transport": {"localUfrag": "a\u0000b"}}}}})"));
    EXPECT_EQ(read.id, std::string("../\0\"\n", 6));
    EXPECT_EQ(read.name, "\u202e'; DROP");
    ASSERT_EQ(read.endpoints.size(), 3U);
    EXPECT_EQ(read.endpoints[2].ufrags, Ufrags{std::string("a\0b", 3)});
}

TEST(DebugState, large_and_deep)
{
    constexpr std::size_t kMany = 1U << 20;
    const auto deep = repeated("[", kMany) + repeated("]", kMany);
    EXPECT_TRUE(only(conference(R"("meeting_id": "M", "x": )" + deep)).endpoints.empty());
    const auto objects = repeated(R"({"a":)", kMany / 4) + "1" + repeated("}", kMany / 4);
    EXPECT_EQ(only(conference(R"("meeting_id": "M", "x": )" + objects)).meeting_id, "M");
    EXPECT_FALSE(parse_debug_state(repeated("[", kMany)));
    EXPECT_FALSE(parse_debug_state(repeated(R"({"conferences":)", kMany / 8)));
    const auto long_name = std::string(kMany, 'x');
    EXPECT_EQ(only(conference(R"("meeting_id": ")" + long_name + '"')).meeting_id, long_name);
}

TEST(DebugState, every_beginning_of_an_answer_is_refused)
{
    const auto whole = answer("debug_restart");
    const auto end = whole.rfind('}');
    for (std::size_t size = 0; size <= end; size += 7) {
        EXPECT_FALSE(parse_debug_state(whole.substr(0, size))) << size;
    }
}

} // namespace
} // namespace meetfence::bridges::jvb
