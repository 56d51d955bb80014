// SPDX-License-Identifier: Apache-2.0
// The daemon's HTTP API over its Unix socket: one connection, kept open between requests. Knows
// HTTP and JSON, and nothing of meetings or rules.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/json.h"
#include "model/percent.h"
#include "model/result.h"

namespace meetfence::ctl {

enum class Method { get, put, post, patch, remove };

struct Response {
    unsigned status = 0;
    std::string body;
};

/// What a request carries.
struct Content {
    std::string_view bytes = {};
    std::string_view type = "application/json";
};

struct Answer {
    unsigned status = 0;
    Json body; // null where there is none
};

/// What is asked again and again, over a connection of its own, while a long answer is awaited.
struct Watch {
    std::string target;
    std::function<void(const Json&)> take; // what was answered; empty where nobody watches
};

/// What else is looked after while answers are awaited: `attend` is called where `descriptor` can be read,
/// and every kAttendInterval; it says whether to go on.
struct Meanwhile {
    int descriptor = -1;
    std::function<bool()> attend;
};

/// How a stream of lines ended: by the daemon, or by SIGINT or SIGTERM.
enum class StreamEnd { closed, interrupted };

class Client {
public:
    explicit Client(std::string socket_path);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    /// ErrorCode::unreachable where the daemon gives no answer at all.
    [[nodiscard]] Result<Response> request(Method method, std::string_view target,
                                           std::string_view body = {});
    /// The same in JSON; a refusal (status 400 and above) is an error with the daemon's own words.
    [[nodiscard]] Result<Answer> call(Method method, std::string_view target, const Json* body = nullptr);
    [[nodiscard]] Result<Answer> get(std::string_view target) { return call(Method::get, target); }

    /// Like `call`, for an answer that takes long. That the watch is refused, broken off or not
    /// answered at all does not concern it.
    [[nodiscard]] Result<Answer> call_watched(Method method, std::string_view target, Content content,
                                              const Watch& watch);
    static constexpr std::chrono::milliseconds kWatchInterval{100};

    /// Sends all requests before it reads the first response; responses are in the requests' order.
    /// At most kMostInFlight, so that both fit into the socket's buffers.
    static constexpr std::size_t kMostInFlight = 128;
    [[nodiscard]] Result<std::vector<Response>> get_batch(std::span<const std::string> targets);

    /// The same, but not deaf meanwhile. Nothing where it was given up.
    [[nodiscard]] Result<std::optional<std::vector<Response>>>
    get_batch_attended(std::span<const std::string> targets, const Meanwhile& meanwhile);
    static constexpr std::chrono::milliseconds kAttendInterval{1000};

    /// Hands over the lines of an endless answer as they come. SIGINT and SIGTERM end it.
    [[nodiscard]] Result<StreamEnd> stream_lines(std::string_view target,
                                                 const std::function<void(std::string_view)>& take_line);

    /// The next request connects anew: a daemon closes connections that were idle for long.
    void disconnect();
    /// Whether the last attempt to connect found nobody listening (and not: no permission).
    [[nodiscard]] bool nobody_listens() const { return nobody_listens_; }
    [[nodiscard]] const std::string& socket_path() const { return socket_path_; }

private:
    struct Connection;
    [[nodiscard]] Result<> connect();
    [[nodiscard]] Error lost(std::string_view cause) const;
    [[nodiscard]] Result<Response> request_watched(Method method, std::string_view target, Content content,
                                                   const Watch& watch);
    [[nodiscard]] Result<> append_responses(std::size_t wanted, std::vector<Response>& responses);
    /// Appends what is answered; false where it was given up.
    using ReadResponses = std::function<Result<bool>(std::size_t wanted, std::vector<Response>&)>;
    [[nodiscard]] Result<std::optional<std::vector<Response>>>
    get_batch_by(std::span<const std::string> targets, const ReadResponses& read);
    [[nodiscard]] Result<bool> append_attended(std::size_t wanted, const Meanwhile& meanwhile,
                                               std::vector<Response>& responses);

    std::string socket_path_;
    std::unique_ptr<Connection> connection_;
    bool nobody_listens_ = false;
};

/// The daemon's refusal as an error: its `detail` is the message, its `code` the reason.
[[nodiscard]] Error refusal(const Response& response);

} // namespace meetfence::ctl
