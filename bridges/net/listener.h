// SPDX-License-Identifier: Apache-2.0
// What a bridge takes in, and shows of itself: HTTP/1.1 and WebSocket on one TCP port of this host. Every
// request is answered at once, whatever comes of it, so that no server waits for the daemon.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence::bridges {

inline constexpr std::size_t kLargestMessage = 4U << 20;

struct Request {
    std::string method;
    std::vector<std::string> path; // segments, decoded: {"v1", "meetings", "M"}
    std::string accept;
    std::string authorization;
    std::string body;
};

struct Reply {
    unsigned status = 200;
    std::string body = {};
    std::string type = "application/json";
};

/// A reply that says what was wrong (RFC 9457).
[[nodiscard]] Reply problem(unsigned status, std::string_view detail);

struct Surface {
    std::function<Reply(const Request&)> request;
    /// Of a WebSocket's text frames; empty where there is no WebSocket.
    std::function<void(std::string_view)> message = {};
    /// Whether who opens one may, by its Authorization; empty where everybody may.
    std::function<bool(const Request&)> admits = {};
};

class Listener {
public:
    /// Fails where the address is not this host's or its port is taken.
    [[nodiscard]] static Result<Listener> open(boost::asio::io_context& io, const SocketAddress& address,
                                               Surface surface);
    Listener(Listener&&) = default;
    ~Listener();

private:
    struct State;
    explicit Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

} // namespace meetfence::bridges
