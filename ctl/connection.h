// SPDX-License-Identifier: Apache-2.0
// What stands behind Client, for its two halves client.cpp and event_stream.cpp only.
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

/// A request ready to be sent. HTTP/1.1 wants a Host; a Unix socket has none to name.
[[nodiscard]] inline boost::beast::http::request<boost::beast::http::string_body>
make_request(boost::beast::http::verb verb, std::string_view target, std::string_view body)
{
    namespace http = boost::beast::http;
    http::request<http::string_body> request(verb, boost::beast::string_view(target.data(), target.size()),
                                             11);
    request.set(http::field::host, "localhost");
    request.set(http::field::user_agent, "meetfencectl");
    if (!body.empty()) {
        request.set(http::field::content_type, "application/json");
    }
    request.body().assign(body);
    request.prepare_payload();
    return request;
}

} // namespace meetfence::ctl
