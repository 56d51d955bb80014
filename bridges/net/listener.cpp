// SPDX-License-Identifier: Apache-2.0
#include "bridges/net/listener.h"

#include "bridges/net/task.h"
#include "bridges/net/tcp_endpoint.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <optional>

#include "model/json.h"
#include "model/percent.h"

namespace meetfence::bridges {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Message = http::request<http::string_body>;

constexpr std::size_t kMostConnections = 64;
constexpr auto kPatience = std::chrono::seconds(10); // with a request that has begun, and an answer
constexpr auto kIdle = std::chrono::seconds(75);     // between two requests
constexpr auto kSecondThought = std::chrono::milliseconds(100);

std::string_view std_view(beast::string_view text)
{
    return {text.data(), text.size()};
}

Request to_request(const Message& message)
{
    Request request{.method = std::string(std_view(message.method_string())),
                    .accept = std::string(std_view(message[http::field::accept])),
                    .authorization = std::string(std_view(message[http::field::authorization])),
                    .body = message.body()};
    auto target = std_view(message.target());
    target = target.substr(0, target.find('?'));
    while (!target.empty()) {
        const auto end = std::min(target.find('/', 1), target.size());
        if (const auto segment = target.substr(1, end - 1); !segment.empty()) {
            request.path.push_back(percent_decode(segment).value_or(std::string(segment)));
        }
        target.remove_prefix(end);
    }
    return request;
}

http::response<http::string_body> to_http(Reply reply, bool keep_alive)
{
    http::response<http::string_body> message(static_cast<http::status>(reply.status), 11);
    message.set(http::field::server, "meetfence-bridge");
    message.keep_alive(keep_alive);
    if (!reply.body.empty()) {
        message.set(http::field::content_type, reply.type);
    }
    message.body() = std::move(reply.body);
    message.prepare_payload();
    return message;
}

} // namespace

struct Listener::State {
    State(asio::io_context& io, Surface given) : acceptor(io), surface(std::move(given)) {}

    tcp::acceptor acceptor;
    Surface surface;
    std::size_t connections = 0;
};

namespace {

template <class State> Task<> follow(std::shared_ptr<State> state, beast::tcp_stream stream, Message upgrade)
{
    websocket::stream<beast::tcp_stream> socket(std::move(stream));
    socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket.read_message_max(kLargestMessage);
    // The one protocol a server asks for is the one it speaks, whatever it calls it.
    socket.set_option(websocket::stream_base::decorator([&](websocket::response_type& response) {
        if (const auto wanted = upgrade[http::field::sec_websocket_protocol]; !wanted.empty()) {
            response.set(http::field::sec_websocket_protocol, wanted.substr(0, wanted.find(',')));
        }
    }));
    error_code error;
    co_await socket.async_accept(upgrade, into(error));
    beast::flat_buffer buffer;
    while (!error) {
        co_await socket.async_read(buffer, into(error));
        if (!error) {
            state->surface.message({static_cast<const char*>(buffer.cdata().data()), buffer.size()});
            buffer.clear();
        }
    }
}

template <class State> Reply answer_to(State& state, const Message& message, const error_code& error)
{
    if (error == http::error::body_limit) {
        return problem(413, "a message has at most 4 MiB");
    }
    if (error) {
        return problem(400, "this is not HTTP/1.1: " + error.message());
    }
    return state.surface.request(to_request(message));
}

template <class State> bool may_follow(State& state, const Message& message)
{
    return state.surface.message && (!state.surface.admits || state.surface.admits(to_request(message)));
}

template <class State> Task<> serve(std::shared_ptr<State> state, tcp::socket socket)
{
    beast::tcp_stream stream(std::move(socket));
    beast::flat_buffer buffer;
    for (bool keep_alive = true; keep_alive;) {
        error_code error;
        stream.expires_after(kIdle);
        if (buffer.size() == 0) {
            buffer.commit(co_await stream.async_read_some(buffer.prepare(4096), into(error)));
        }
        if (error) {
            co_return;
        }
        http::request_parser<http::string_body> parser;
        parser.body_limit(kLargestMessage);
        stream.expires_after(kPatience);
        co_await http::async_read(stream, buffer, parser, into(error));
        if (error && error.category() != make_error_code(http::error::body_limit).category()) {
            co_return; // the other side is gone, or too slow
        }
        if (!error && websocket::is_upgrade(parser.get()) && may_follow(*state, parser.get())) {
            stream.expires_never();
            co_return co_await follow(state, std::move(stream), parser.release());
        }
        keep_alive = !error && parser.get().keep_alive();
        const auto answer = to_http(answer_to(*state, parser.get(), error), keep_alive);
        stream.expires_after(kPatience);
        co_await http::async_write(stream, answer, into(error));
        keep_alive = keep_alive && !error;
    }
}

template <class State> Task<> accept(std::shared_ptr<State> state)
{
    while (state->acceptor.is_open()) {
        error_code error;
        auto socket = co_await state->acceptor.async_accept(into(error));
        if (error) { // of descriptors there are none left, say
            co_await pause(state->acceptor.get_executor(), kSecondThought);
            continue;
        }
        if (state->connections >= kMostConnections) {
            continue; // the socket closes
        }
        ++state->connections;
        asio::co_spawn(state->acceptor.get_executor(), serve(state, std::move(socket)),
                       [state](const std::exception_ptr&) { --state->connections; });
    }
}

std::string next_step(const error_code& error)
{
    return error == asio::error::address_in_use
               ? "free the port (`ss -ltnp` shows who has it), or set another 'listen'"
               : "set an address of this host and a port from 1024 on as 'listen'";
}

} // namespace

Reply problem(unsigned status, std::string_view detail)
{
    return {status, to_line(Json{{"type", "about:blank"}, {"status", status}, {"detail", detail}}),
            "application/problem+json"};
}

Result<Listener> Listener::open(asio::io_context& io, const SocketAddress& address, Surface surface)
{
    const auto endpoint = tcp_endpoint(address);
    auto state = std::make_shared<State>(io, std::move(surface));
    error_code error;
    state->acceptor.open(endpoint.protocol(), error);
    if (!error) {
        state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    }
    if (!error) {
        state->acceptor.bind(endpoint, error);
    }
    if (!error) {
        state->acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
        return fail(ErrorCode::conflict,
                    "listening on " + address.text() + ": " + error.message() + ": " + next_step(error));
    }
    asio::co_spawn(io, accept(state), asio::detached);
    return Listener(std::move(state));
}

Listener::~Listener()
{
    if (state_) {
        error_code ignored;
        state_->acceptor.close(ignored);
    }
}

} // namespace meetfence::bridges
