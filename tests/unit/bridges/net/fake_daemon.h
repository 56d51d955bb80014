// SPDX-License-Identifier: Apache-2.0
// A daemon on a Unix socket, on a thread of its own: meetings and participants, answers as meetfenced gives
// them, and an event stream that it can end.
#pragma once

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <poll.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "model/json.h"

namespace meetfence::bridges::test {

class FakeDaemon {
public:
    explicit FakeDaemon(std::string path) : path_(std::move(path)), listener_(socket(AF_UNIX, SOCK_STREAM, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
        unlink(path_.c_str());
        if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
            listen(listener_, 16) != 0) {
            throw std::runtime_error("listening on " + path_);
        }
        thread_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
    }
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    ~FakeDaemon()
    {
        thread_.request_stop();
        shutdown(listener_, SHUT_RDWR);
        {
            const std::scoped_lock lock(mutex_);
            for (const int fd : open_) {
                shutdown(fd, SHUT_RDWR);
            }
        }
        thread_.join();
        sessions_.clear();
        close(listener_);
        unlink(path_.c_str());
    }

    using Meetings = std::map<std::string, std::map<std::string, Json>>;
    Meetings meetings()
    {
        const std::scoped_lock lock(mutex_);
        return meetings_;
    }
    void change(const std::function<void(Meetings&)>& how)
    {
        const std::scoped_lock lock(mutex_);
        how(meetings_);
    }
    std::vector<std::string> requests()
    {
        const std::scoped_lock lock(mutex_);
        return requests_;
    }
    void tell(const std::string& event)
    {
        const std::scoped_lock lock(mutex_);
        char size[32];
        snprintf(size, sizeof(size), "%zx\r\n", event.size() + 1);
        for (const int fd : followers_) {
            send_all(fd, size + event + "\n\r\n");
        }
    }
    /// What somebody else has written.
    void document(const std::string& meeting, Json body)
    {
        const std::scoped_lock lock(mutex_);
        documents_[meeting] = std::move(body);
    }
    /// Who asks may look, and change nothing.
    void forbid(bool forbidden)
    {
        const std::scoped_lock lock(mutex_);
        forbidden_ = forbidden;
    }
    /// Answers none of the next requests to this path.
    void refuse(const std::string& meeting)
    {
        const std::scoped_lock lock(mutex_);
        refused_.insert(meeting);
    }

private:
    static void send_all(int fd, const std::string& text)
    {
        [[maybe_unused]] const auto sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    }

    void accept_all(const std::stop_token& stop)
    {
        while (!stop.stop_requested()) {
            const int fd = accept(listener_, nullptr, nullptr);
            if (fd < 0) {
                continue;
            }
            const std::scoped_lock lock(mutex_);
            open_.insert(fd);
            sessions_.emplace_back([this, fd] { serve(fd); });
        }
    }

    void serve(int fd)
    {
        std::string buffer;
        char chunk[65536];
        for (;;) {
            const auto end = buffer.find("\r\n\r\n");
            std::size_t length = 0;
            if (const auto at = buffer.find("Content-Length: "); at != std::string::npos && at < end) {
                length = std::stoul(buffer.substr(at + 16));
            }
            if (end == std::string::npos || buffer.size() < end + 4 + length) {
                const auto got = recv(fd, chunk, sizeof(chunk), 0);
                if (got <= 0) {
                    break;
                }
                buffer.append(chunk, static_cast<std::size_t>(got));
                continue;
            }
            const auto line = buffer.substr(0, buffer.find(" HTTP/1.1"));
            const auto body = buffer.substr(end + 4, length);
            buffer.erase(0, end + 4 + length);
            answer(fd, line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1), body);
        }
        const std::scoped_lock lock(mutex_);
        followers_.erase(fd);
        open_.erase(fd);
        close(fd);
    }

    void answer(int fd, const std::string& method, const std::string& path, const std::string& body)
    {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(method + " " + path);
        if (path == "/v1/events") {
            send_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            followers_.insert(fd);
            return;
        }
        std::string text;
        unsigned status = 200;
        if (path == "/v1/batch" && forbidden_) {
            status = 403;
            text = R"({"status": 403, "detail": "only operators may"})";
        } else if (path == "/v1/batch") {
            std::istringstream lines(body);
            for (std::string line; std::getline(lines, line);) {
                const auto request = Json::parse(line);
                Json reply{{"status", apply(request.at("method"), request.at("path"),
                                            request.value("body", Json::object()), nullptr)}};
                text += reply.dump() + "\n";
            }
        } else {
            status = apply(method, path, body.empty() ? Json::object() : Json::parse(body), &text);
        }
        send_all(fd, "HTTP/1.1 " + std::to_string(status) +
                         " x\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
    }

    unsigned apply(const std::string& method, const std::string& path, const Json& body, std::string* text)
    {
        constexpr std::string_view kAll = "/v1/meetings";
        const auto rest = path.substr(kAll.size());
        if (rest.empty()) {
            auto list = Json::array();
            for (const auto& [id, participants] : meetings_) {
                list.push_back({{"id", id}});
            }
            *text = list.dump();
            return 200;
        }
        const auto slash = std::min(rest.find('/', 1), rest.size());
        const auto meeting = rest.substr(1, std::min(slash, rest.find('?')) - 1);
        if (refused_.contains(meeting)) {
            return 409;
        }
        if (slash == rest.size()) {
            if (method == "PUT") {
                documents_[meeting] = body;
            } else if (method == "GET" && text != nullptr) {
                *text = documents_[meeting].dump();
            }
            return of_meeting(method, meeting, rest.find("?unused=true") != std::string::npos);
        }
        if (!meetings_.contains(meeting)) {
            return 404;
        }
        auto& participants = meetings_[meeting];
        const auto who = rest.substr(std::min(rest.find('/', slash + 1), rest.size()));
        if (method == "GET") {
            auto list = Json::array();
            for (const auto& [id, has] : participants) {
                list.push_back({{"id", id}, {"ufrags", has.value("ufrags", Json::array())}});
            }
            *text = list.dump();
            return 200;
        }
        if (method == "DELETE") {
            return participants.erase(who.substr(1)) > 0 ? 204 : 404;
        }
        participants[who.substr(1)] = body;
        return 201;
    }

    unsigned of_meeting(const std::string& method, const std::string& meeting, bool unused)
    {
        const auto known = meetings_.find(meeting);
        if (method == "PUT") {
            meetings_[meeting];
            return 201;
        }
        if (method == "DELETE" && known != meetings_.end() && unused && known->second.empty()) {
            meetings_.erase(known);
            return 204;
        }
        return known == meetings_.end() ? 404 : method == "DELETE" ? 409 : 200;
    }

    std::string path_;
    int listener_;
    std::mutex mutex_;
    Meetings meetings_;
    std::map<std::string, Json> documents_;
    std::set<std::string> refused_;
    std::vector<std::string> requests_;
    std::set<int> followers_, open_;
    bool forbidden_ = false;
    std::vector<std::jthread> sessions_;
    std::jthread thread_;
};

} // namespace meetfence::bridges::test
