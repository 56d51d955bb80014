// SPDX-License-Identifier: Apache-2.0
// A long answer, and what is asked on the side while it is awaited.
#include <gtest/gtest.h>

#include "ctl/client.h"
#include "tests/unit/ctl/tally.h"
#include "tests/unit/ctl/tiny_server.h"

namespace meetfence::test {
namespace {

using ctl::Client;
using ctl::Method;

TEST(WatchedCall, SendsABodyOfAnyTypeAndReadsTheAnswer)
{
    const TinyServer server([](const Asked&) { return Reply{200, R"({"ok": true})"}; });
    Client client(server.path());
    const std::string bytes("\0\xff\r\n\r\n{", 7);
    for (int i = 0; i < 2; ++i) {
        const auto answer =
            client.call_watched(Method::post, "/v1/geo/diff?name=a", {bytes, "application/octet-stream"}, {});
        ASSERT_TRUE(answer) << error_of(answer);
        EXPECT_EQ(answer->body.at("ok"), true);
    }
    ASSERT_TRUE(client.get("/")) << "ordinary requests go on over the same connection";
    EXPECT_EQ(server.connections(), 1);
    const auto asked = server.asked().at(1);
    EXPECT_EQ(asked.method, "POST");
    EXPECT_EQ(asked.target, "/v1/geo/diff?name=a");
    EXPECT_EQ(asked.type, "application/octet-stream");
    EXPECT_EQ(asked.body, bytes);
    EXPECT_EQ(server.asked().at(2).type, "") << "nothing is sent, so it has no type";
}

TEST(WatchedCall, SendsManyMegabytes)
{
    const TinyServer server([](const Asked& asked) { return Reply{200, std::to_string(asked.body.size())}; });
    const std::string bytes(64UL << 20, 'x');
    const auto answer = Client(server.path()).call_watched(Method::post, "/", {bytes}, {});
    ASSERT_TRUE(answer) << error_of(answer);
    EXPECT_EQ(answer->body.get<std::size_t>(), bytes.size());
}

TEST(WatchedCall, ReadsARefusalThatComesBeforeTheBodyIsSent)
{
    const TinyServer server([](const Asked&) { return Reply{403, R"({"detail": "not for you"})"}; }, 1024);
    Client client(server.path());
    const std::string bytes(64UL << 20, 'x');
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.call_watched(Method::post, "/", {bytes}, {});
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::forbidden);
        EXPECT_EQ(answer.error().message, "not for you");
    }
    EXPECT_EQ(server.connections(), 3) << "a request that was sent in half leaves nothing to go on with";
}

TEST(WatchedCall, SaysThatTheConnectionBroke)
{
    for (const auto& reply :
         {Reply{.body = "0123456789", .break_off = true}, Reply{.body = "", .close = true}}) {
        const TinyServer server([&](const Asked&) { return reply; });
        Client client(server.path());
        const auto answer = client.call_watched(Method::post, "/", {}, {});
        EXPECT_EQ(answer.has_value(), !reply.break_off) << "an announced close is no break";
        EXPECT_EQ(error_of(answer).find("broke") != std::string::npos, reply.break_off) << error_of(answer);
    }
    Client nobody("/nonexistent/control.sock");
    const auto unanswered = nobody.call_watched(Method::post, "/", {}, {});
    ASSERT_FALSE(unanswered);
    EXPECT_EQ(unanswered.error().code, ErrorCode::unreachable);
    EXPECT_TRUE(nobody.nobody_listens());
}

TEST(WatchedCall, AsksAgainAndAgainOverOneOtherConnection)
{
    Tally watched;
    const TinyServer server([&](const Asked& asked) {
        if (asked.target == "/watched") {
            return Reply{200, std::to_string(watched.add())};
        }
        return Reply{watched.reaches(4) ? 200U : 500U, "{}"};
    });
    Client client(server.path());
    int last = 0;
    const auto answer =
        client.call_watched(Method::post, "/long", {}, {"/watched", [&](const Json& number) {
                                                            EXPECT_EQ(number.get<int>(), last + 1);
                                                            last = number.get<int>();
                                                        }});
    ASSERT_TRUE(answer) << error_of(answer);
    EXPECT_GE(last, 3);
    EXPECT_EQ(server.connections(), 2);
}

TEST(WatchedCall, TriesAgainWhereTheWatchIsRefusedOrBreaks)
{
    Tally watched;
    const TinyServer server([&](const Asked& asked) {
        if (asked.target != "/watched") {
            return Reply{watched.reaches(7) ? 200U : 500U, "{}"};
        }
        switch (watched.add()) {
        case 1:
            return Reply{403, R"({"detail": "not for you"})"};
        case 2:
            return Reply{200, "this is no JSON"};
        case 3:
            return Reply{.body = "0123456789", .break_off = true};
        case 4:
            return Reply{.body = "1", .close = true};
        case 5:
            return Reply{.body = "2", .no_length = true};
        default:
            return Reply{200, "3"};
        }
    });
    Client client(server.path());
    std::vector<int> taken;
    const auto answer =
        client.call_watched(Method::post, "/long", {},
                            {"/watched", [&](const Json& number) { taken.push_back(number.get<int>()); }});
    ASSERT_TRUE(answer) << error_of(answer);
    taken.resize(3); // a fourth may have come or not
    EXPECT_EQ(taken, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(server.connections(), 5);
}

TEST(WatchedCall, DoesNotWaitForAWatchThatIsNotAnswered)
{
    Tally asked_for;
    Tally over;
    const TinyServer server([&](const Asked& asked) {
        if (asked.target == "/watched") {
            asked_for.add();
            over.reaches(1);
            return Reply{};
        }
        return Reply{asked_for.reaches(1) ? 200U : 500U, "{}"};
    });
    Client client(server.path());
    const auto answer =
        client.call_watched(Method::post, "/long", {}, {"/watched", [](const Json&) { FAIL(); }});
    over.add();
    EXPECT_TRUE(answer) << error_of(answer);
}

} // namespace
} // namespace meetfence::test
