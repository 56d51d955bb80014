// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.h"

#include <gtest/gtest.h>

#include "tests/unit/ctl/tiny_server.h"

namespace meetfence::test {
namespace {

using ctl::Client;
using ctl::Method;
using Lines = std::vector<std::string>;

TEST(Client, SendsWhatItIsToldAndReadsTheAnswer)
{
    const TinyServer server([](const Asked&) { return Reply{201, R"({"id": "r1"})"}; });
    Client client(server.path());
    const Json body{{"mode", "monitor"}};
    const auto answer = client.call(Method::patch, "/v1/rules/r1?x=1", &body);
    ASSERT_TRUE(answer) << error_of(answer);
    EXPECT_EQ(answer->status, 201U);
    EXPECT_EQ(answer->body.at("id"), "r1");
    ASSERT_TRUE(client.call(Method::remove, "/v1/meetings/A"));
    const auto asked = server.asked();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0].method, "PATCH");
    EXPECT_EQ(asked[0].target, "/v1/rules/r1?x=1");
    EXPECT_EQ(asked[0].body, R"({"mode":"monitor"})");
    EXPECT_EQ(asked[0].type, "application/json");
    EXPECT_EQ(asked[1].method, "DELETE");
    EXPECT_EQ(asked[1].body, "");
    EXPECT_EQ(server.connections(), 1) << "one connection, kept open";
}

TEST(Client, TakesAnAnswerWithoutABody)
{
    const TinyServer server([](const Asked&) { return Reply{204, ""}; });
    const auto answer = Client(server.path()).call(Method::remove, "/");
    ASSERT_TRUE(answer) << error_of(answer);
    EXPECT_TRUE(answer->body.is_null());
}

TEST(Client, TakesALongAnswer)
{
    const TinyServer server([](const Asked&) {
        return Reply{200, '"' + std::string(20'000'000, 'x') + '"'};
    });
    const auto answer = Client(server.path()).get("/");
    ASSERT_TRUE(answer) << error_of(answer);
    EXPECT_EQ(answer->body.get<std::string>().size(), 20'000'000U);
}

TEST(Client, TurnsARefusalIntoAnErrorInTheDaemonsWords)
{
    const std::pair<unsigned, ErrorCode> cases[] = {
        {400, ErrorCode::invalid},   {403, ErrorCode::forbidden}, {404, ErrorCode::not_found},
        {405, ErrorCode::invalid},   {409, ErrorCode::conflict},  {413, ErrorCode::invalid},
        {422, ErrorCode::refused},   {500, ErrorCode::internal},  {503, ErrorCode::internal},
        {507, ErrorCode::exhausted},
    };
    for (const auto& [status, code] : cases) {
        const TinyServer server([&](const Asked&) {
            return Reply{status, R"({"title": "T", "detail": "the reason", "status": 1})"};
        });
        const auto answer = Client(server.path()).get("/");
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, code) << status;
        EXPECT_EQ(answer.error().message, "the reason");
    }
    EXPECT_EQ(ctl::refusal({404, R"({"title": "Not Found"})"}).message, "Not Found");
    EXPECT_EQ(ctl::refusal({409, R"({"detail": "the reason", "code": "own_approval"})"}).reason,
              "own_approval");
    EXPECT_EQ(ctl::refusal({409, R"({"detail": "the reason", "code": null})"}).reason, "");
    for (const auto* body : {"", "<html>", "[]", R"({"detail": null})"}) {
        EXPECT_MENTIONS(ctl::refusal({502, body}).message, "502");
    }
}

TEST(Client, SaysThatAnAnswerIsNoJson)
{
    const TinyServer server([](const Asked&) { return Reply{200, "hello"}; });
    const auto answer = Client(server.path()).get("/");
    ASSERT_FALSE(answer);
    EXPECT_MENTIONS(answer.error().message, "the daemon's answer");
}

TEST(Client, SaysThatTheConnectionBroke)
{
    const TinyServer server([](const Asked& asked) {
        return asked.target == "/half" ? Reply{.body = "0123456789", .break_off = true}
                                       : Reply{.close = true};
    });
    Client client(server.path());
    const auto half = client.get("/half");
    ASSERT_FALSE(half);
    EXPECT_EQ(half.error().code, ErrorCode::unreachable);
    EXPECT_FALSE(client.nobody_listens()) << "somebody did listen";
    EXPECT_TRUE(client.get("/"));
    EXPECT_TRUE(client.get("/")) << "an announced close is no break";
}

TEST(Client, KnowsWhetherNobodyListens)
{
    const TempDir directory;
    Client missing(directory.path("control.sock"));
    EXPECT_EQ(missing.get("/").error().code, ErrorCode::unreachable);
    EXPECT_TRUE(missing.nobody_listens());
    write_file(directory.path("file"), "");
    Client file(directory.path("file"));
    EXPECT_EQ(file.get("/").error().code, ErrorCode::unreachable);
    Client too_long("/" + std::string(200, 'x'));
    EXPECT_EQ(too_long.get("/").error().code, ErrorCode::unreachable);
}

TEST(ClientBatch, IsAnsweredInTheOrderOfItsRequests)
{
    const TinyServer server([](const Asked& asked) { return Reply{200, '"' + asked.target + '"'}; });
    Client client(server.path());
    for (const std::size_t count : {0UL, 1UL, 128UL, 1000UL}) {
        Lines targets;
        for (std::size_t i = 0; i < count; ++i) {
            targets.push_back("/" + std::to_string(i));
        }
        const auto responses = client.get_batch(targets);
        ASSERT_TRUE(responses) << error_of(responses);
        ASSERT_EQ(responses->size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(responses->at(i).body, '"' + targets[i] + '"');
        }
    }
    EXPECT_EQ(server.connections(), 1);
}

TEST(ClientBatch, GoesOnWhereTheDaemonClosesInBetween)
{
    std::atomic<int> served = 0;
    const TinyServer server([&](const Asked& asked) {
        return Reply{.body = '"' + asked.target + '"', .close = ++served % 10 == 0};
    });
    Lines targets;
    for (int i = 0; i < 95; ++i) {
        targets.push_back("/" + std::to_string(i));
    }
    const auto responses = Client(server.path()).get_batch(targets);
    ASSERT_TRUE(responses) << error_of(responses);
    ASSERT_EQ(responses->size(), targets.size());
    EXPECT_EQ(responses->back().body, "\"/94\"");
    EXPECT_EQ(served, 95) << "none was asked twice";
}

TEST(ClientBatch, FailsWhereNoAnswerComes)
{
    const TinyServer server([](const Asked&) { return Reply{.body = "0123456789", .break_off = true}; });
    const Lines targets{"/1", "/2"};
    const auto responses = Client(server.path()).get_batch(targets);
    ASSERT_FALSE(responses);
    EXPECT_EQ(responses.error().code, ErrorCode::unreachable);
}

TEST(ClientStream, HandsOverLineByLine)
{
    const TinyServer server([](const Asked&) {
        return Reply{.body = "{\"event\": 1}\n\n{\"event\": 2}\n" + std::string(100000, 'x') + "\nrest",
                     .no_length = true};
    });
    Lines lines;
    const auto end = Client(server.path()).stream_lines("/v1/events", [&](std::string_view line) {
        lines.emplace_back(line);
    });
    ASSERT_TRUE(end) << error_of(end);
    EXPECT_EQ(*end, ctl::StreamEnd::closed);
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_EQ(lines[0], "{\"event\": 1}");
    EXPECT_EQ(lines[1], "");
    EXPECT_EQ(lines[3].size(), 100000U);
}

TEST(ClientStream, IsRefusedInTheDaemonsWords)
{
    const TinyServer server([](const Asked&) { return Reply{403, R"({"detail": "not for you"})"}; });
    const auto end = Client(server.path()).stream_lines("/", [](std::string_view) { FAIL(); });
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, ErrorCode::forbidden);
    EXPECT_EQ(end.error().message, "not for you");
}

} // namespace
} // namespace meetfence::test
