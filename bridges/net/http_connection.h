// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.1 connection to a server on this host, opened where it is needed and kept open: over a Unix
// socket or TCP, without TLS.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "bridges/net/task.h"
#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence::bridges {

/// "http://127.0.0.1:7088/admin": an address in figures or "localhost", the port 80 where there is none.
struct Url {
    SocketAddress address;
    std::string path; // "/admin", or ""

    [[nodiscard]] static Result<Url> parse(std::string_view text);
};

/// Where a server listens: the path of a Unix socket, or an address.
using ServerAddress = std::variant<std::string, SocketAddress>;

struct HttpRequest {
    std::string_view method = "GET";
    std::string_view target = "/";
    std::string_view body = {};
    std::string_view type = "application/json";
};

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

class HttpConnection {
public:
    /// `name` is how errors call the server.
    HttpConnection(boost::asio::any_io_executor executor, ServerAddress address, std::string name);
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    ~HttpConnection();

    /// ErrorCode::unreachable where no whole answer came in time. A connection that the server had closed
    /// while it was idle is opened again. One request at a time.
    [[nodiscard]] Task<Result<HttpAnswer>> request(HttpRequest request);
    static constexpr std::chrono::seconds kPatience{10};

    /// Begins an endless answer, of which `next_line` reads; of the connection, nothing else can be had then.
    [[nodiscard]] Task<Result<>> open_lines(std::string_view target);
    /// Without a limit of time: whoever waits no longer closes the connection.
    [[nodiscard]] Task<Result<std::string>> next_line();
    void close();

private:
    struct State;
    std::shared_ptr<State> state_; // shared with what is under way
};

} // namespace meetfence::bridges
