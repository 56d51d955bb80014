// SPDX-License-Identifier: Apache-2.0
// Metrics over TCP, for a monitoring system that cannot ask the control socket. It has GET and HEAD of
// /metrics and nothing else, and asks nobody who they are: it is meant for a loopback address, and whoever
// sets another one lets everybody read it who reaches that. Askers are trusted with nothing: they are few at
// a time, must be quick, share what was written for one of them within a second, and so cannot keep the
// daemon from its work.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/control/message.h"
#include "model/endpoint.h"

namespace meetfence::control {

class MetricsServer {
public:
    /// Answers GET /metrics.
    using Scrape = std::function<Response(const Request&)>;
    /// `problem`: that it does not listen, and why; else that it does so now.
    using Say = std::function<void(bool problem, const std::string& text)>;

    /// Filtering does not wait for monitoring: where the address cannot be had it says so, once, and tries
    /// again each minute. No address: it does nothing. What it is given outlives it.
    [[nodiscard]] static MetricsServer listen(boost::asio::io_context& io,
                                              const std::optional<SocketAddress>& address, Scrape scrape,
                                              Say say,
                                              std::chrono::milliseconds retry = std::chrono::minutes(1));
    MetricsServer(MetricsServer&&) = default;
    MetricsServer& operator=(MetricsServer&&) = delete;
    ~MetricsServer(); // the address is free at once

private:
    struct State;
    explicit MetricsServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

} // namespace meetfence::control
