// SPDX-License-Identifier: Apache-2.0
#include "bridges/net/http_connection.h"

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "bridges/net/tcp_endpoint.h"

namespace meetfence::bridges {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Request = http::request<http::span_body<const char>>;

constexpr std::uint64_t kLargestAnswer = 256ULL << 20; // a list of all meetings of a full daemon
constexpr std::size_t kLongestLine = 1U << 20;
constexpr std::string_view kTimeout = "timeout"; // reason of an error

Result<Protocol::endpoint> endpoint_of(const ServerAddress& address)
{
    if (const auto* path = std::get_if<std::string>(&address)) {
        try {
            return Protocol::endpoint(asio::local::stream_protocol::endpoint(*path));
        } catch (const boost::system::system_error& too_long) {
            return fail(ErrorCode::invalid, *path + ": " + too_long.code().message());
        }
    }
    return Protocol::endpoint(tcp_endpoint(std::get<SocketAddress>(address)));
}

Request to_http(const HttpRequest& request)
{
    const auto view = [](std::string_view text) { return beast::string_view(text.data(), text.size()); };
    Request message;
    message.version(11);
    message.method_string(view(request.method));
    message.target(view(request.target));
    message.set(http::field::host, "localhost");
    message.set(http::field::user_agent, "meetfence-bridge");
    if (!request.body.empty()) {
        message.set(http::field::content_type, view(request.type));
    }
    message.body() = {request.body.data(), request.body.size()};
    message.prepare_payload();
    return message;
}

} // namespace

Result<Url> Url::parse(std::string_view text)
{
    constexpr std::string_view kScheme = "http://", kLocalhost = "localhost";
    const auto wrong = [&] {
        return fail(ErrorCode::invalid, "'" + std::string(text) +
                                            "' is no address like http://127.0.0.1:7088/admin: http, and the "
                                            "host's address in figures");
    };
    if (!text.starts_with(kScheme)) {
        return wrong();
    }
    const auto rest = text.substr(kScheme.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    auto authority = std::string(rest.substr(0, slash));
    if (authority.starts_with(kLocalhost)) {
        authority.replace(0, kLocalhost.size(), "127.0.0.1");
    }
    auto address = SocketAddress::parse(authority);
    if (!address) {
        address = SocketAddress::parse(authority + ":80");
    }
    if (!address) {
        return wrong();
    }
    auto path = std::string(rest.substr(slash));
    while (path.ends_with('/')) {
        path.pop_back();
    }
    return Url{*address, std::move(path)};
}

struct HttpConnection::State {
    State(asio::any_io_executor on, ServerAddress where, std::string called)
        : executor(std::move(on)), address(std::move(where)), name(std::move(called))
    {
    }

    Error lost(std::string_view doing, const error_code& error)
    {
        stream.reset();
        return {ErrorCode::unreachable, name + ": " + std::string(doing) + ": " + error.message(),
                error == beast::error::timeout ? std::string(kTimeout) : ""};
    }

    asio::any_io_executor executor;
    ServerAddress address;
    std::string name;
    std::optional<beast::basic_stream<Protocol>> stream;
    beast::flat_buffer unread;
    std::optional<http::response_parser<http::buffer_body>> lines;
    std::string partial; // of a line
    std::array<char, 16384> chunk{};
};

HttpConnection::HttpConnection(asio::any_io_executor executor, ServerAddress address, std::string name)
    : state_(std::make_shared<State>(std::move(executor), std::move(address), std::move(name)))
{
}

HttpConnection::~HttpConnection()
{
    close();
}

void HttpConnection::close()
{
    if (state_->stream) {
        state_->stream->close();
    }
}

namespace {

// The parts below take the state by shared_ptr: what they wait for may outlive the connection's owner.
template <class State> Task<Result<>> open(std::shared_ptr<State> state)
{
    const auto endpoint = endpoint_of(state->address);
    if (!endpoint) {
        co_return fail(endpoint.error());
    }
    state->stream.emplace(state->executor);
    state->unread.clear();
    state->lines.reset();
    state->partial.clear();
    state->stream->expires_after(HttpConnection::kPatience);
    error_code error;
    co_await state->stream->async_connect(*endpoint, into(error));
    if (error) {
        co_return fail(state->lost("connecting", error));
    }
    co_return Result<>{};
}

template <class State> Task<Result<HttpAnswer>> exchange(std::shared_ptr<State> state, const Request& message)
{
    error_code error;
    state->stream->expires_after(HttpConnection::kPatience);
    co_await http::async_write(*state->stream, message, into(error));
    if (error) {
        co_return fail(state->lost("sending a request", error));
    }
    http::response_parser<http::string_body> parser;
    parser.body_limit(kLargestAnswer);
    co_await http::async_read(*state->stream, state->unread, parser, into(error));
    if (error) {
        co_return fail(state->lost("waiting for an answer", error));
    }
    HttpAnswer answer{parser.get().result_int(), std::move(parser.get().body())};
    if (!parser.get().keep_alive()) {
        state->stream.reset();
    }
    co_return answer;
}

} // namespace

Task<Result<HttpAnswer>> HttpConnection::request(HttpRequest request)
{
    const auto state = state_;
    const auto message = to_http(request);
    if (state->stream) {
        auto answer = co_await exchange(state, message);
        if (answer || answer.error().reason == kTimeout) {
            co_return answer;
        }
    }
    const auto opened = co_await open(state);
    if (!opened) {
        co_return fail(opened.error());
    }
    co_return co_await exchange(state, message);
}

Task<Result<>> HttpConnection::open_lines(std::string_view target)
{
    const auto state = state_;
    const auto message = to_http({.target = target});
    const auto opened = co_await open(state);
    if (!opened) {
        co_return fail(opened.error());
    }
    error_code error;
    co_await http::async_write(*state->stream, message, into(error));
    if (!error) {
        state->lines.emplace();
        state->lines->body_limit(std::numeric_limits<std::uint64_t>::max());
        co_await http::async_read_header(*state->stream, state->unread, *state->lines, into(error));
    }
    if (error) {
        co_return fail(state->lost("asking for " + std::string(target), error));
    }
    if (const auto status = state->lines->get().result_int(); status != 200) {
        state->stream.reset();
        co_return fail(status == 403 ? ErrorCode::forbidden : ErrorCode::internal,
                       state->name + " answered " + std::string(target) + " with status " +
                           std::to_string(status));
    }
    state->stream->expires_never();
    co_return Result<>{};
}

Task<Result<std::string>> HttpConnection::next_line()
{
    const auto state = state_;
    auto& chunk = state->chunk;
    for (;;) {
        if (const auto end = state->partial.find('\n'); end != std::string::npos) {
            auto line = state->partial.substr(0, end);
            state->partial.erase(0, end + 1);
            co_return line;
        }
        if (!state->stream || state->lines->is_done() || state->partial.size() > kLongestLine) {
            co_return fail(ErrorCode::unreachable, state->name + " ended its answer");
        }
        auto& body = state->lines->get().body();
        body.data = chunk.data();
        body.size = chunk.size();
        error_code error;
        co_await http::async_read_some(*state->stream, state->unread, *state->lines, into(error));
        state->partial.append(chunk.data(), chunk.size() - body.size);
        if (error && error != http::error::need_buffer) {
            co_return fail(state->lost("reading on", error));
        }
    }
}

} // namespace meetfence::bridges
