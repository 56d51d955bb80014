// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over a Unix stream socket. Knows connections, not what is asked over them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <string>

#include "daemon/control/event_hub.h"
#include "daemon/control/message.h"
#include "model/result.h"

namespace meetfence::control {

using Reply = std::function<void(Response)>;
/// Replies at once or later, on the same thread.
using Handler = std::function<void(const Request&, const Reply&)>;

struct ServerSettings {
    std::string socket;
    Groups groups;
};

class HttpServer {
public:
    /// `handler` and `events` outlive the server. A socket that a dead daemon left is replaced; one
    /// that somebody answers on is refused.
    [[nodiscard]] static Result<HttpServer>
    listen(boost::asio::io_context& io, const ServerSettings& settings, Handler handler, EventHub& events);
    HttpServer(HttpServer&&) = default;
    HttpServer& operator=(HttpServer&&) = delete;
    ~HttpServer(); // takes the socket away

    /// Of who connects from now on.
    void use_groups(const Groups& groups);

private:
    struct State;
    explicit HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

} // namespace meetfence::control
