// SPDX-License-Identifier: Apache-2.0
// The server over a socket in a directory of the test's own, with a handler that needs no kernel.
#include "daemon/control/http_server.h"

#include <boost/asio/io_context.hpp>
#include <cstring>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pins/unique_fd.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/temp_dir.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using control::HttpServer;

class HttpServerTest : public testing::Test {
protected:
    [[nodiscard]] Result<HttpServer> listen()
    {
        return HttpServer::listen(
            io, {.socket = path, .groups = {}},
            [this](const control::Request& request, const control::Reply& reply) {
                requests.push_back(request);
                if (request.path.back() == "events") {
                    reply(control::Response{.content_type = "application/x-ndjson",
                                            .stream_events = request.flag("follow")});
                    return;
                }
                auto response = control::json_response({{"path", request.path}, {"body", request.body}});
                if (request.path.back() == "later") {
                    replies.push_back([reply, response] { reply(response); });
                    return;
                }
                reply(std::move(response));
            },
            events);
    }

    [[nodiscard]] UniqueFd connect() const
    {
        UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            throw std::runtime_error("connect: " + std::string(std::strerror(errno)));
        }
        return fd;
    }

    /// Lets the server work until the text has come, or it closes.
    std::string read_until(const UniqueFd& fd, std::string_view end)
    {
        std::string text;
        for (int i = 0; i < 2000 && (end.empty() || text.find(end) == std::string::npos); ++i) {
            io.restart();
            io.run_for(std::chrono::milliseconds(2));
            std::array<char, 65536> buffer{};
            const auto got = read(fd.get(), buffer.data(), buffer.size());
            if (got == 0) {
                return text + "<closed>";
            }
            text.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        }
        return text;
    }

    static void write_all(const UniqueFd& fd, std::string_view sent)
    {
        EXPECT_EQ(write(fd.get(), sent.data(), sent.size()), static_cast<ssize_t>(sent.size()));
    }

    std::string exchange(std::string_view sent, std::string_view end = "\r\n\r\n")
    {
        const auto fd = connect();
        write_all(fd, sent);
        return read_until(fd, end);
    }

    TempDir directory;
    const std::string path = directory.path("control.sock");
    boost::asio::io_context io;
    control::EventHub events;
    std::vector<control::Request> requests;
    std::vector<std::function<void()>> replies; // that are waited for
};

TEST_F(HttpServerTest, AnswersARequestWithWhoAsked)
{
    auto server = listen();
    ASSERT_TRUE(server) << error_of(server);
    const auto answer =
        exchange("PUT /v1/meetings/A%2FB?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "}\n");
    EXPECT_MENTIONS(answer, "HTTP/1.1 200 OK");
    EXPECT_MENTIONS(answer, R"({"path":["v1","meetings","A/B"],"body":"{}"})");
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, "PUT");
    EXPECT_EQ(requests[0].query.at("x"), "1");
    EXPECT_EQ(requests[0].peer.uid, getuid());
}

TEST_F(HttpServerTest, AnswersRequestsOfOneConnectionInTheirOrder)
{
    auto server = listen();
    std::string sent;
    for (int i = 0; i < 100; ++i) {
        sent += "GET /v1/" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }
    const auto answers = exchange(sent, R"("99"])");
    std::size_t position = 0;
    for (int i = 0; i < 100; ++i) {
        position = answers.find(R"(["v1",")" + std::to_string(i) + "\"]", position);
        ASSERT_NE(position, std::string::npos) << i;
    }
}

TEST_F(HttpServerTest, ClosesWhereTheAskerWantsIt)
{
    auto server = listen();
    EXPECT_MENTIONS(exchange("GET /v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ""), "<closed>");
}

TEST_F(HttpServerTest, SaysWhatIsWrongWithWhatIsNoRequest)
{
    auto server = listen();
    for (const auto* sent : {"hello\r\n\r\n", "GET /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
                             "GET /v1 HTTP/1.1\r\nContent-Length: many\r\n\r\n"}) {
        const auto answer = exchange(sent, "}\n");
        EXPECT_MENTIONS(answer, "HTTP/1.1 400 Bad Request") << sent;
        EXPECT_MENTIONS(answer, "application/problem+json") << sent;
    }
    EXPECT_TRUE(requests.empty());
    // And others are served on.
    EXPECT_MENTIONS(exchange("GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK");
}

TEST_F(HttpServerTest, RefusesABodyThatIsTooLargeBeforeItComes)
{
    auto server = listen();
    const auto answer = exchange("PUT /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "}\n");
    EXPECT_MENTIONS(answer, "HTTP/1.1 413");
    EXPECT_TRUE(requests.empty());
}

TEST_F(HttpServerTest, ServesOthersWhileOneIsSlowOrGone)
{
    auto server = listen();
    const auto slow = connect();
    EXPECT_EQ(write(slow.get(), "GET /v1", 7), 7);
    {
        const auto gone = connect();
        EXPECT_EQ(write(gone.get(), "GET /v1 HTTP/1.1\r\n\r\n", 20), 20);
    }
    EXPECT_MENTIONS(exchange("GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK");
    EXPECT_EQ(write(slow.get(), " HTTP/1.1\r\nHost: x\r\n\r\n", 22), 22);
    EXPECT_MENTIONS(read_until(slow, "\r\n\r\n"), "200 OK");
}

TEST_F(HttpServerTest, SendsRecentEventsOnceOrFollowsThem)
{
    auto server = listen();
    events.publish({{"event", "early"}}, at("2026-11-22T12:00:00Z"));
    const auto once = exchange("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", "early");
    EXPECT_MENTIONS(once, "Content-Length");

    auto follower = connect();
    const std::string_view ask = "GET /v1/events?follow HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(write(follower.get(), ask.data(), ask.size()), static_cast<ssize_t>(ask.size()));
    const auto head = read_until(follower, "early");
    EXPECT_MENTIONS(head, "Transfer-Encoding: chunked");
    EXPECT_MENTIONS(head, "early");
    events.publish({{"event", "late"}}, at("2026-11-22T12:00:01Z"));
    EXPECT_MENTIONS(read_until(follower, "late"), "\"event\":\"late\"}\n\r\n");
    follower = UniqueFd(); // goes away while events come
    for (int i = 0; i < 100; ++i) {
        events.publish({{"event", "later"}}, at("2026-11-22T12:00:02Z"));
        io.restart();
        io.run_for(std::chrono::milliseconds(1));
    }
    EXPECT_MENTIONS(exchange("GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK");
}

TEST_F(HttpServerTest, LetsAFollowerGoThatDoesNotRead)
{
    auto server = listen();
    const auto follower = connect();
    const std::string_view ask = "GET /v1/events?follow HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(write(follower.get(), ask.data(), ask.size()), static_cast<ssize_t>(ask.size()));
    io.run_for(std::chrono::milliseconds(50));
    for (int i = 0; i < 4000; ++i) { // more than the socket and its queue hold
        events.publish({{"event", std::string(1000, 'x')}}, at("2026-11-22T12:00:00Z"));
        io.restart();
        io.poll();
    }
    EXPECT_TRUE(read_until(follower, "").ends_with("<closed>"));
}

TEST_F(HttpServerTest, ReplacesTheSocketThatADeadDaemonLeft)
{
    {
        const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
        ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    }
    auto server = listen();
    ASSERT_TRUE(server) << error_of(server);
    EXPECT_MENTIONS(exchange("GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK");
}

TEST_F(HttpServerTest, RefusesASocketThatSomebodyAnswersOn)
{
    auto server = listen();
    const auto second = listen();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
    EXPECT_MENTIONS(second.error().message, path);
    EXPECT_MENTIONS(exchange("GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK");
}

TEST_F(HttpServerTest, DoesNotDeleteAFileThatIsNoSocket)
{
    write_file(path, "somebody's file");
    EXPECT_FALSE(listen());
    EXPECT_EQ(read_file(path), "somebody's file");
}

TEST_F(HttpServerTest, TellsWhereItCannotListen)
{
    const auto server = HttpServer::listen(
        io, {.socket = directory.path("missing/control.sock"), .groups = {}},
        [](const control::Request&, const control::Reply& reply) { reply({}); }, events);
    ASSERT_FALSE(server);
    EXPECT_MENTIONS(server.error().message, "missing/control.sock");
}

TEST_F(HttpServerTest, AnswersOthersWhileLongWorkIsUnderWay)
{
    auto server = listen();
    const auto slow = connect();
    const auto quick = connect();
    write_all(slow, "POST /v1/later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    write_all(quick, "GET /v1/now HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_MENTIONS(read_until(quick, "now"), "200 OK");
    ASSERT_EQ(replies.size(), 1U);
    replies.front()();
    EXPECT_MENTIONS(read_until(slow, "later"), "200 OK");
}

TEST_F(HttpServerTest, OutlivesAnAskerWhoDoesNotWait)
{
    auto server = listen();
    {
        const auto slow = connect();
        write_all(slow, "POST /v1/later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        for (int i = 0; i < 2000 && replies.empty(); ++i) {
            io.restart();
            io.run_for(std::chrono::milliseconds(1));
        }
    }
    ASSERT_EQ(replies.size(), 1U);
    replies.front()();
    const auto next = connect();
    write_all(next, "GET /v1/now HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_MENTIONS(read_until(next, "now"), "200 OK");
}

TEST_F(HttpServerTest, TakesItsSocketAwayWhenItGoes)
{
    {
        auto server = listen();
        ASSERT_TRUE(server);
        struct stat info {};
        ASSERT_EQ(stat(path.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777U, 0666U); // who may do what is decided by the peer's credentials
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

} // namespace
} // namespace meetfence::test
