// SPDX-License-Identifier: Apache-2.0
// What stands behind Client, for its parts client.cpp, event_stream.cpp and watched_call.cpp only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <limits>

#include "ctl/client.h"

namespace meetfence::ctl {

struct Client::Connection {
    boost::asio::io_context io;
    boost::asio::local::stream_protocol::socket socket{io};
    boost::beast::flat_buffer unread; // received, but belongs to the next response
};

/// Answers may be long: an export, a day of events. boost::none would say so as well, but Beast of
/// Boost 1.74 compares lengths with it and then refuses bodies at random.
inline constexpr std::uint64_t kNoBodyLimit = std::numeric_limits<std::uint64_t>::max();

/// Refers to its body, which may be a database of many megabytes.
using Request = boost::beast::http::request<boost::beast::http::span_body<const char>>;

[[nodiscard]] boost::beast::http::verb verb_of(Method method);

/// A request ready to be sent. HTTP/1.1 wants a Host; a Unix socket has none to name.
[[nodiscard]] inline Request make_request(boost::beast::http::verb verb, std::string_view target,
                                          Content content)
{
    namespace http = boost::beast::http;
    Request request(verb, boost::beast::string_view(target.data(), target.size()), 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::user_agent, "meetfencectl");
    if (!content.bytes.empty()) {
        request.set(http::field::content_type,
                    boost::beast::string_view(content.type.data(), content.type.size()));
    }
    request.body() = {content.bytes.data(), content.bytes.size()};
    request.prepare_payload();
    return request;
}

} // namespace meetfence::ctl
