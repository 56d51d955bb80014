// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.h"

#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <sstream>

#include "ctl/connection.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

ErrorCode code_of(unsigned status)
{
    switch (status) {
    case 403:
        return ErrorCode::forbidden;
    case 404:
        return ErrorCode::not_found;
    case 409:
        return ErrorCode::conflict;
    case 422:
        return ErrorCode::refused;
    case 507:
        return ErrorCode::exhausted;
    default:
        return status < 500 ? ErrorCode::invalid : ErrorCode::internal;
    }
}

Error connect_error(const std::string& path, const error_code& cause)
{
    if (cause == boost::system::errc::permission_denied) {
        return {ErrorCode::unreachable, "permission denied on " + path +
                                            ": it is for root and the groups of operators and viewers "
                                            "(control.operators, control.viewers in the configuration)"};
    }
    return {ErrorCode::unreachable, fmt::format("meetfenced does not answer on {}: {}; to start it: "
                                                "systemctl start meetfenced",
                                                path, cause.message())};
}

Result<Answer> read_answer(const Response& response)
{
    if (response.status >= 400) {
        return fail(refusal(response));
    }
    if (response.body.empty()) {
        return Answer{response.status, Json()};
    }
    auto answer = TRY(parse_json(response.body, "the daemon's answer"));
    return Answer{response.status, std::move(answer)};
}

} // namespace

http::verb verb_of(Method method)
{
    switch (method) {
    case Method::get:
        return http::verb::get;
    case Method::put:
        return http::verb::put;
    case Method::post:
        return http::verb::post;
    case Method::patch:
        return http::verb::patch;
    case Method::remove:
        return http::verb::delete_;
    }
    return http::verb::get;
}

Client::Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}
Client::~Client() = default;

Result<> Client::connect()
{
    if (connection_) {
        return {};
    }
    nobody_listens_ = false;
    auto connection = std::make_unique<Connection>();
    error_code error;
    try {
        connection->socket.connect(asio::local::stream_protocol::endpoint(socket_path_), error);
    } catch (const boost::system::system_error& too_long) {
        error = too_long.code();
    }
    if (error) {
        using namespace boost::system::errc;
        nobody_listens_ = error == no_such_file_or_directory || error == connection_refused;
        return fail(connect_error(socket_path_, error));
    }
    connection_ = std::move(connection);
    return {};
}

void Client::disconnect()
{
    connection_.reset();
}

Error Client::lost(std::string_view cause) const
{
    return {ErrorCode::unreachable, fmt::format("the connection to meetfenced on {} broke: {}; its state: "
                                                "systemctl status meetfenced",
                                                socket_path_, cause)};
}

Result<Response> Client::request(Method method, std::string_view target, std::string_view body)
{
    TRY(connect());
    error_code error;
    http::write(connection_->socket, make_request(verb_of(method), target, {body}), error);
    std::vector<Response> responses;
    if (!error) {
        TRY(append_responses(1, responses));
    }
    if (responses.empty()) {
        disconnect();
        return fail(lost(error ? error.message() : "it ended before an answer came"));
    }
    return std::move(responses.front());
}

// Reads up to `wanted` responses; fewer where the daemon closes in between, which HTTP allows.
Result<> Client::append_responses(std::size_t wanted, std::vector<Response>& responses)
{
    for (; wanted > 0; --wanted) {
        http::response_parser<http::string_body> parser;
        parser.body_limit(kNoBodyLimit);
        error_code error;
        http::read(connection_->socket, connection_->unread, parser, error);
        if (error) {
            disconnect();
            if (error == http::error::end_of_stream || error == boost::asio::error::connection_reset) {
                return {};
            }
            return fail(lost(error.message()));
        }
        const bool keep = parser.get().keep_alive();
        responses.push_back({parser.get().result_int(), std::move(parser.get().body())});
        if (!keep) {
            disconnect();
            return {};
        }
    }
    return {};
}

Result<std::vector<Response>> Client::get_batch(std::span<const std::string> targets)
{
    const auto read = [this](std::size_t wanted, std::vector<Response>& responses) -> Result<bool> {
        TRY(append_responses(wanted, responses));
        return true;
    };
    return std::move(*TRY(get_batch_by(targets, read)));
}

Result<std::optional<std::vector<Response>>> Client::get_batch_by(std::span<const std::string> targets,
                                                                  const ReadResponses& read)
{
    std::vector<Response> responses;
    while (responses.size() < targets.size()) {
        const bool reused = connection_ != nullptr;
        TRY(connect());
        const auto before = responses.size();
        const auto unanswered = targets.subspan(before, std::min(targets.size() - before, kMostInFlight));
        std::ostringstream text;
        for (const auto& target : unanswered) {
            text << make_request(http::verb::get, target, {});
        }
        error_code error;
        asio::write(connection_->socket, asio::buffer(text.str()), error);
        // A daemon that closes early may still have answered some; those are worth reading.
        if (!TRY(read(unanswered.size(), responses))) {
            disconnect(); // the rest of the answers is for nobody
            return std::nullopt;
        }
        const bool progress = responses.size() > before;
        if (!progress && reused) {
            disconnect(); // the daemon had closed it before this batch: that is no failure
        } else if (!progress) {
            return fail(lost(error ? error.message() : "it ended before an answer came"));
        }
    }
    return responses;
}

Result<Answer> Client::call(Method method, std::string_view target, const Json* body)
{
    return read_answer(TRY(request(method, target, body == nullptr ? std::string{} : to_line(*body))));
}

Result<Answer> Client::call_watched(Method method, std::string_view target, Content content,
                                    const Watch& watch)
{
    return read_answer(TRY(request_watched(method, target, content, watch)));
}

Error refusal(const Response& response)
{
    const auto problem = parse_json(response.body, "problem");
    std::string message;
    if (problem && problem->is_object()) {
        message = text_of(*problem, "detail");
        message = message.empty() ? text_of(*problem, "title") : message;
    }
    if (message.empty()) {
        message = fmt::format("meetfenced answered with HTTP status {} and no reason", response.status);
    }
    return {code_of(response.status), message, problem ? text_of(*problem, "code") : ""};
}

} // namespace meetfence::ctl
