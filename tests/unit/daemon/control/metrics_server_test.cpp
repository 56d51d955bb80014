// SPDX-License-Identifier: Apache-2.0
// The listener on loopback ports of the kernel's choice, with metrics that need no kernel.
#include "daemon/control/metrics_server.h"

#include <arpa/inet.h>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pins/unique_fd.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using control::MetricsServer;

/// A listening socket, for the time being of nobody else's port.
struct Port {
    Port() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in at{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof(at);
        if (bind(fd.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd.get(), 1) != 0 ||
            getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0) {
            throw std::runtime_error(std::strerror(errno));
        }
        number = ntohs(at.sin_port);
    }
    UniqueFd fd;
    std::uint16_t number = 0;
};

class MetricsServerTest : public testing::Test {
protected:
    [[nodiscard]] MetricsServer listen(const std::string& address)
    {
        return MetricsServer::listen(
            io, value_of(SocketAddress::parse(address)),
            [this](const control::Request& request) {
                ++scrapes;
                return control::Response{
                    .status = status, .body = request.accept + body, .content_type = "text/x"};
            },
            [this](bool problem, const std::string& text) { (problem ? problems : notices).push_back(text); },
            std::chrono::milliseconds(1));
    }
    [[nodiscard]] MetricsServer listen() { return listen("127.0.0.1:" + std::to_string(port)); }

    [[nodiscard]] UniqueFd connect() const
    {
        UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in at{
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) {
            throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
        }
        return fd;
    }

    static void write_all(const UniqueFd& fd, std::string_view text)
    {
        EXPECT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }

    /// Lets the server work until the text has come, or it closes.
    std::string read_until(const UniqueFd& fd, std::string_view end)
    {
        std::string text;
        for (int i = 0; i < 2000 && (end.empty() || text.find(end) == std::string::npos); ++i) {
            io.restart();
            io.run_for(std::chrono::milliseconds(2));
            std::array<char, 65536> buffer{};
            const auto got = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got == 0) {
                return text + "<closed>";
            }
            text.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        }
        return text;
    }

    std::string exchange(std::string_view request, std::string_view end)
    {
        const auto fd = connect();
        write_all(fd, request);
        return read_until(fd, end);
    }

    boost::asio::io_context io;
    std::uint16_t port = Port().number; // free again
    int scrapes = 0;
    unsigned status = 200;
    std::string body = "metrics!";
    std::vector<std::string> problems, notices;
};

TEST_F(MetricsServerTest, AnswersGetAndHeadAgainAndAgain)
{
    const auto server = listen();
    const auto fd = connect();
    for (int i = 0; i < 3; ++i) {
        write_all(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: a/b\r\n\r\n");
        const auto answer = read_until(fd, "metrics!");
        EXPECT_MENTIONS(answer, "HTTP/1.1 200 OK");
        EXPECT_MENTIONS(answer, "Content-Type: text/x\r\n");
        EXPECT_MENTIONS(answer, "Content-Length: 11\r\n");
        EXPECT_TRUE(answer.ends_with("\r\n\r\na/bmetrics!")) << answer;
    }
    write_all(fd, "HEAD /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto answers = read_until(fd, "metrics!");
    EXPECT_EQ(answers.find("metrics!"), answers.rfind("metrics!")) << "the first one has no body";
    EXPECT_TRUE(problems.empty());
}

TEST_F(MetricsServerTest, HasNothingElse)
{
    const auto server = listen();
    for (const auto* target : {"/", "/v1/status", "/v1/meetings/A", "/metrics/", "/metrics/x", "/Metrics"}) {
        const auto answer = exchange("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n", "}\n");
        EXPECT_MENTIONS(answer, "HTTP/1.1 404 Not Found") << target;
        EXPECT_MENTIONS(answer, "application/problem+json") << target;
    }
    for (const auto* method : {"PUT", "POST", "DELETE", "OPTIONS", "PATCH"}) {
        const auto answer = exchange(std::string(method) + " /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "}\n");
        EXPECT_MENTIONS(answer, "HTTP/1.1 405 Method Not Allowed") << method;
        EXPECT_MENTIONS(answer, "Allow: GET, HEAD") << method;
        EXPECT_MENTIONS(answer, "application/problem+json") << method;
    }
    EXPECT_EQ(scrapes, 0);
}

TEST_F(MetricsServerTest, TakesNoLongRequests)
{
    const auto server = listen();
    const std::string get = "GET /metrics HTTP/1.1\r\nHost: x\r\n";
    EXPECT_MENTIONS(exchange(get + "X: " + std::string(9000, 'x') + "\r\n\r\n", "<closed>"), "HTTP/1.1 431");
    EXPECT_MENTIONS(exchange(get + "Content-Length: 5\r\n\r\nhello", "<closed>"), "HTTP/1.1 413");
    EXPECT_MENTIONS(exchange("hello\r\n\r\n", "<closed>"), "HTTP/1.1 400");
    EXPECT_MENTIONS(exchange(get + "Connection: close\r\n\r\n", "<closed>"), "HTTP/1.1 200");
    EXPECT_EQ(scrapes, 1);
}

TEST_F(MetricsServerTest, ServesOthersWhileOneDoesNotRead)
{
    body = std::string(16U << 20, 'x'); // more than sockets hold
    const auto server = listen();
    const auto slow = connect();
    write_all(slow, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    while (scrapes == 0) {
        io.run_one();
    }
    const auto quick = connect();
    write_all(quick, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_GT(read_until(quick, "<closed>").size(), body.size());
    EXPECT_EQ(scrapes, 1) << "what one was given within the second is good for the next";
}

TEST_F(MetricsServerTest, HoldsNoMoreForWhoDoesNotReadThanItCanSpare)
{
    body = std::string(33U << 20, 'x');
    const auto server = listen();
    auto slow = connect();
    write_all(slow, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    while (scrapes == 0) {
        io.run_one();
    }
    const std::string other_format =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n";
    EXPECT_MENTIONS(exchange(other_format + "\r\n", "}\n"), "HTTP/1.1 503");
    EXPECT_EQ(scrapes, 1);
}

TEST_F(MetricsServerTest, LetsNobodyKeepOthersOutByConnecting)
{
    const auto server = listen();
    std::vector<UniqueFd> silent;
    for (int i = 0; i < 40; ++i) {
        silent.push_back(connect());
        io.restart();
        io.poll();
    }
    EXPECT_MENTIONS(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "metrics!"), "200 OK");
    EXPECT_MENTIONS(read_until(silent.front(), "<closed>"), "<closed>");
}

TEST_F(MetricsServerTest, PassesOnWhatFailed)
{
    const auto server = listen();
    status = 500;
    EXPECT_MENTIONS(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "metrics!"), "HTTP/1.1 500");
    status = 200;
    EXPECT_MENTIONS(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "metrics!"), "HTTP/1.1 200")
        << "a failure is good for nobody else";
}

TEST_F(MetricsServerTest, SaysOnceWhyItDoesNotListen)
{
    const Port taken;
    const auto address = "127.0.0.1:" + std::to_string(taken.number);
    const auto server = listen(address);
    ASSERT_EQ(problems.size(), 1U);
    for (const auto* words : {"metrics.listen", address.c_str(), "in use", "ss -ltnp", "Filtering goes on"}) {
        EXPECT_MENTIONS(problems.front(), words);
    }
    const auto other = listen("192.0.2.1:9435"); // of nobody's (RFC 5737)
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_MENTIONS(problems.back(), "192.0.2.1:9435");
    io.run_for(std::chrono::milliseconds(20)); // many tries later
    EXPECT_EQ(problems.size(), 2U);
}

TEST_F(MetricsServerTest, ListensAsSoonAsItCan)
{
    auto taken = std::make_unique<Port>();
    port = taken->number;
    const auto server = listen();
    ASSERT_EQ(problems.size(), 1U);
    taken.reset();
    for (int i = 0; i < 2000 && notices.empty(); ++i) {
        io.restart();
        io.run_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_MENTIONS(notices.front(), std::to_string(port));
    EXPECT_MENTIONS(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "metrics!"), "200 OK");
}

TEST_F(MetricsServerTest, ListensAnewOnTheSameAddressAtOnce)
{
    const auto fd = [&] {
        const auto server = listen();
        auto kept = connect();
        write_all(kept, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_MENTIONS(read_until(kept, "metrics!"), "200 OK");
        return kept;
    }();
    EXPECT_MENTIONS(read_until(fd, "<closed>"), "<closed>");
    const auto server = listen();
    EXPECT_TRUE(problems.empty());
    EXPECT_MENTIONS(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "metrics!"), "200 OK");
}

TEST_F(MetricsServerTest, SaysWhereOthersThanThisHostCanRead)
{
    const auto server = listen("0.0.0.0:" + std::to_string(port));
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_MENTIONS(notices.front(), "0.0.0.0");
    EXPECT_MENTIONS(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "metrics!"), "200 OK");
}

TEST_F(MetricsServerTest, DoesNothingWithoutAnAddress)
{
    const auto server = MetricsServer::listen(io, std::nullopt, {}, {});
    EXPECT_EQ(io.run(), 0U);
}

} // namespace
} // namespace meetfence::test
