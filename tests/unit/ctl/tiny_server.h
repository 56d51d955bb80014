// SPDX-License-Identifier: Apache-2.0
// A daemon of a few lines: answers HTTP requests on a Unix socket with what a test tells it to, on several
// connections at once, and remembers what it was asked. And a way to run the control tool against it.
#pragma once

#include <atomic>
#include <charconv>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "ctl/program.h"
#include "pins/unique_fd.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/temp_dir.h"

namespace meetfence::test {

struct Asked {
    std::string method, target, type, body;
};

struct Reply {
    unsigned status = 200;
    std::string body = "{}";
    bool close = false;     // after it
    bool no_length = false; // the body ends with the connection
    bool break_off = false; // in the middle of the body
};

class TinyServer {
public:
    using Handler = std::function<Reply(const Asked&)>;

    /// A longer body than `most_body` is not read: it is answered, and the connection closed.
    explicit TinyServer(Handler handler, std::size_t most_body = SIZE_MAX)
        : handler_(std::move(handler)),
          most_body_(most_body),
          listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
        if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
            listen(listener_.get(), 16) != 0) {
            throw std::runtime_error("tiny server");
        }
        thread_ = std::thread([this] { serve(); });
    }
    TinyServer(const TinyServer&) = delete;
    TinyServer& operator=(const TinyServer&) = delete;
    ~TinyServer()
    {
        stop_ = true;
        shutdown(listener_.get(), SHUT_RDWR); // ends accept
        thread_.join();
        served_.clear();
    }

    [[nodiscard]] std::string path() const { return directory_.path("control.sock"); }
    [[nodiscard]] std::vector<Asked> asked() const
    {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    [[nodiscard]] int connections() const { return connections_; }

private:
    void serve()
    {
        while (!stop_) {
            UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!connection) {
                return;
            }
            ++connections_;
            served_.emplace_back([this, connection = std::move(connection)] {
                std::string received;
                while (!stop_ && serve_one(connection, received)) {
                }
            });
        }
    }

    bool serve_one(const UniqueFd& connection, std::string& received)
    {
        std::size_t end = 0;
        while ((end = received.find("\r\n\r\n")) == std::string::npos) {
            if (!receive(connection, received)) {
                return false;
            }
        }
        const auto head = received.substr(0, end);
        std::size_t length = 0;
        if (const auto at = head.find("Content-Length: "); at != std::string::npos) {
            std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
        }
        const bool too_long = length > most_body_;
        while (!too_long && received.size() < end + 4 + length) {
            if (!receive(connection, received)) {
                return false;
            }
        }
        Asked asked;
        std::istringstream(head) >> asked.method >> asked.target;
        if (const auto at = head.find("Content-Type: "); at != std::string::npos) {
            asked.type = head.substr(at + 14, head.find("\r\n", at) - at - 14);
        }
        asked.body = received.substr(end + 4, length);
        received.erase(0, end + 4 + length);
        {
            const std::lock_guard lock(mutex_);
            asked_.push_back(asked);
        }
        return send_reply(connection, handler_(asked)) && !too_long;
    }

    // Gives up when the test ends, whatever the other side does.
    bool receive(const UniqueFd& connection, std::string& received)
    {
        pollfd waiting{connection.get(), POLLIN, 0};
        while (poll(&waiting, 1, 20) == 0) {
            if (stop_) {
                return false;
            }
        }
        char buffer[65536];
        const auto got = read(connection.get(), buffer, sizeof(buffer));
        received.append(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
        return got > 0;
    }

    static bool send_reply(const UniqueFd& connection, const Reply& reply)
    {
        auto text = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\n";
        if (!reply.no_length) {
            text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
        }
        if (reply.close) {
            text += "Connection: close\r\n";
        }
        text += "\r\n" + (reply.break_off ? reply.body.substr(0, reply.body.size() / 2) : reply.body);
        const auto sent = send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
        return sent == static_cast<ssize_t>(text.size()) && !reply.close && !reply.no_length &&
               !reply.break_off;
    }

    Handler handler_;
    std::size_t most_body_;
    TempDir directory_;
    UniqueFd listener_;
    std::atomic<bool> stop_ = false;
    std::atomic<int> connections_ = 0;
    mutable std::mutex mutex_;
    std::vector<Asked> asked_;
    std::list<std::jthread> served_;
    std::thread thread_;
};

struct Ran {
    int status = 0;
    std::string out, err;
};

struct Seat {
    std::string input;
    bool out_is_terminal = false;
    bool can_ask = false;
    std::size_t err_columns = 0; // 0 = no terminal
};

inline Ran run_tool(const std::vector<std::string>& arguments, const Seat& seat = {})
{
    std::istringstream in(seat.input);
    std::ostringstream out;
    std::ostringstream err;
    ctl::Console console{in, out, err, seat.out_is_terminal, seat.can_ask};
    if (seat.err_columns != 0) {
        console.err_columns = [&seat] { return seat.err_columns; };
    }
    const int status = ctl::run_program(arguments, console);
    return {status, out.str(), err.str()};
}

inline Ran run_tool(const TinyServer& server, std::vector<std::string> arguments, const Seat& seat = {})
{
    arguments.push_back("--socket=" + server.path());
    return run_tool(arguments, seat);
}

} // namespace meetfence::test
