// SPDX-License-Identifier: Apache-2.0
#include "bridges/net/listener.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <gtest/gtest.h>
#include <optional>
#include <thread>

#include "bridges/net/http_connection.h"

namespace meetfence::bridges {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

// On its own thread, so that clients may be plain.
class ListenerTest : public testing::Test {
protected:
    ListenerTest()
    {
        asio::ip::tcp::acceptor probe(io, {asio::ip::address_v4::loopback(), 0});
        port = probe.local_endpoint().port();
        probe.close();
        auto opened = Listener::open(
            io, address(),
            {.request = [](const Request& request) -> Reply {
                 std::string path;
                 for (const auto& segment : request.path) {
                     path += "|" + segment;
                 }
                 return {.body = request.method + path + " " + std::to_string(request.body.size())};
             },
             .message = [this](std::string_view text) { messages.emplace_back(text); },
             .admits = [](const Request& request) { return request.authorization != "no"; }});
        listener.emplace(std::move(opened).value());
        thread = std::jthread([this] { io.run(); });
    }
    ~ListenerTest() override { io.stop(); }

    SocketAddress address() const
    {
        return SocketAddress::parse("127.0.0.1:" + std::to_string(port)).value();
    }

    // Sends bytes, and reads until the other side closes or this text came.
    std::string talk(const std::string& bytes, const std::string& until)
    {
        asio::io_context own;
        asio::ip::tcp::socket socket(own);
        socket.connect({asio::ip::address_v4::loopback(), port});
        boost::system::error_code error;
        asio::write(socket, asio::buffer(bytes), error);
        std::string got;
        std::array<char, 4096> chunk{};
        while (!error && got.find(until) == std::string::npos) {
            got.append(chunk.data(), socket.read_some(asio::buffer(chunk), error));
        }
        return got;
    }

    asio::io_context io;
    std::uint16_t port = 0;
    std::vector<std::string> messages;
    std::optional<Listener> listener;
    std::jthread thread;
};

TEST_F(ListenerTest, AnswersRequestsOnOneConnection)
{
    asio::io_context own;
    HttpConnection connection(own.get_executor(), address(), "it");
    std::vector<std::string> answers;
    asio::co_spawn(
        own,
        [&]() -> Task<> {
            for (const auto* target : {"/a/b%20c//d?e=f", "/"}) {
                const std::string body(3, 'x');
                const auto answer =
                    co_await connection.request({.method = "PUT", .target = target, .body = body});
                answers.push_back(answer ? answer->body : answer.error().message);
            }
        },
        asio::detached);
    own.run();
    EXPECT_EQ(answers, (std::vector<std::string>{"PUT|a|b c|d 3", "PUT 3"}));
}

TEST_F(ListenerTest, RefusesWhatIsTooLarge)
{
    EXPECT_NE(talk("POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n", "detail").find(" 413 "),
              std::string::npos);
    const std::string body(1U << 20, 'a');
    const auto taken = talk("POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n" + body, "1048576");
    EXPECT_NE(taken.find("POST 1048576"), std::string::npos) << "a mebibyte is no matter";
}

TEST_F(ListenerTest, LivesOnAfterNonsense)
{
    talk("\x16\x03\x01\r\n\r\n", "never");
    talk("GET\r\n\r\n", "never");
    talk("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "never");
    EXPECT_NE(talk("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", "never").find("GET|x 0"),
              std::string::npos);
}

TEST_F(ListenerTest, TakesMessagesByWebSocket)
{
    asio::io_context own;
    beast::websocket::stream<beast::tcp_stream> socket(own);
    socket.next_layer().connect({asio::ip::address_v4::loopback(), port});
    socket.set_option(beast::websocket::stream_base::decorator([](beast::websocket::request_type& request) {
        request.set(beast::http::field::sec_websocket_protocol, "janus-event-handlers");
    }));
    beast::websocket::response_type response;
    socket.handshake(response, "localhost", "/events");
    EXPECT_EQ(response[beast::http::field::sec_websocket_protocol], "janus-event-handlers");
    socket.write(asio::buffer(std::string("one")));
    socket.write(asio::buffer(std::string(1U << 20, 'a')));
    socket.close(beast::websocket::close_code::normal); // is answered after what came before
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0], "one");
    EXPECT_EQ(messages[1].size(), 1U << 20);
}

TEST_F(ListenerTest, AdmitsByAuthorization)
{
    const auto answer =
        talk("GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: no\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
             "GET 0");
    EXPECT_NE(answer.find(" 200 "), std::string::npos) << "as any request, not as a WebSocket";
}

TEST_F(ListenerTest, NamesThePortThatIsTaken)
{
    const auto second = Listener::open(io, address(), {});
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find(address().text()), std::string::npos);
    EXPECT_NE(second.error().message.find("ss -ltnp"), std::string::npos);
}

TEST(Url, NamesAHostInFigures)
{
    EXPECT_EQ(Url::parse("http://127.0.0.1:7088/admin")->address.text(), "127.0.0.1:7088");
    EXPECT_EQ(Url::parse("http://127.0.0.1:7088/admin/")->path, "/admin");
    EXPECT_EQ(Url::parse("http://localhost")->address.text(), "127.0.0.1:80");
    EXPECT_EQ(Url::parse("http://[2001:db8::1]:8080/x")->address.text(), "[2001:db8::1]:8080");
    for (const auto* text :
         {"", "https://127.0.0.1/", "127.0.0.1:80", "http://host.example/", "http://127.0.0.1:0/"}) {
        EXPECT_FALSE(Url::parse(text)) << text;
    }
}

} // namespace
} // namespace meetfence::bridges
