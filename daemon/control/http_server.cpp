// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/http_server.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pins/unique_fd.h"

namespace meetfence::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::local::stream_protocol;
using ErrorCodeOf = boost::system::error_code;

constexpr std::uint64_t kLargestBody = 64ULL << 20;          // a declaration of some 100,000 meetings
constexpr std::uint64_t kLargestStrangersBody = 64ULL << 10; // whose answer is 403 whatever they send
// Connections at once, by role: whoever may do less must not keep out who may do more.
constexpr std::array<std::size_t, 3> kMostConnections = {16, 128, 512};
constexpr std::size_t kMostWaitingEvents = 1000; // of a follower that does not read

http::response<http::string_body> to_http(const Response& response, unsigned version, bool keep_alive)
{
    http::response<http::string_body> message(static_cast<http::status>(response.status), version);
    message.set(http::field::server, "meetfenced");
    message.keep_alive(keep_alive);
    if (!response.allow.empty()) {
        message.set(http::field::allow, response.allow);
    }
    if (response.status != 204) {
        message.set(http::field::content_type, response.content_type);
        message.body() = response.body;
        message.prepare_payload();
    }
    return message;
}

} // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
    State(asio::io_context& io, ServerSettings given, Handler answer_with, EventHub& hub)
        : acceptor(io), settings(std::move(given)), handler(std::move(answer_with)), events(&hub)
    {
    }
    void accept();

    stream_protocol::acceptor acceptor;
    ServerSettings settings;
    Handler handler;
    EventHub* events;
    std::array<std::size_t, kMostConnections.size()> connections{}; // by role
};

namespace {

// One connection: reads a request, answers it, reads the next. Its callbacks keep it alive.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(stream_protocol::socket socket, Peer peer, const Handler& handler, EventHub& events,
            std::function<void()> on_end)
        : socket_(std::move(socket)),
          peer_(std::move(peer)),
          handler_(handler),
          events_(events),
          on_end_(std::move(on_end))
    {
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session()
    {
        if (subscription_) {
            events_.unsubscribe(*subscription_);
        }
        on_end_();
    }

    void read()
    {
        parser_.emplace();
        parser_->body_limit(peer_.role == Role::none ? kLargestStrangersBody : kLargestBody);
        http::async_read(
            socket_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCodeOf error, std::size_t) { self->on_read(error); });
    }

private:
    void on_read(ErrorCodeOf error)
    {
        if (error == http::error::body_limit) {
            respond(problem(413, "the request's body is too large"), false);
        } else if (error && (error == http::error::end_of_stream || error == http::error::partial_message ||
                             error.category() == boost::system::system_category())) {
            return; // the other side is gone
        } else if (error) {
            respond(problem(400, "this is not HTTP/1.1: " + error.message()), false);
        } else {
            const auto& message = parser_->get();
            Request request{.method = std::string(message.method_string()),
                            .accept = std::string(message[http::field::accept]),
                            .body = message.body(),
                            .peer = peer_};
            const auto target = message.target();
            auto parsed = parse_target({target.data(), target.size()}, request);
            if (!parsed) {
                respond(problem(parsed.error()), message.keep_alive());
                return;
            }
            handler_(request, [self = shared_from_this(), keep_alive = message.keep_alive()](
                                  Response response) { self->on_reply(std::move(response), keep_alive); });
        }
    }

    void on_reply(Response response, bool keep_alive)
    {
        if (response.stream_events && response.status == 200) {
            follow_events();
            return;
        }
        if (response.recent_events) {
            response.body = events_.recent();
        }
        respond(response, keep_alive);
    }

    void respond(const Response& response, bool keep_alive)
    {
        response_ = to_http(response, 11, keep_alive);
        http::async_write(socket_, response_,
                          [self = shared_from_this(), keep_alive](ErrorCodeOf error, std::size_t) {
                              if (!error && keep_alive) {
                                  self->read();
                              }
                          });
    }

    void follow_events()
    {
        waiting_.emplace_back(
            "HTTP/1.1 200 OK\r\nServer: meetfenced\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
        if (const auto recent = events_.recent(); !recent.empty()) {
            waiting_.push_back(chunk(recent));
        }
        const std::weak_ptr<Session> weak = shared_from_this();
        subscription_ = events_.subscribe([weak](const std::string& line) {
            if (const auto self = weak.lock()) {
                self->send(chunk(line));
            }
        });
        // Whatever the follower sends, or its going away, ends the stream.
        socket_.async_wait(stream_protocol::socket::wait_read,
                           [self = shared_from_this()](ErrorCodeOf) { self->close(); });
        write_next();
    }

    static std::string chunk(const std::string& data)
    {
        std::array<char, 20> size{};
        snprintf(size.data(), size.size(), "%zx\r\n", data.size());
        return size.data() + data + "\r\n";
    }

    void send(std::string data)
    {
        if (waiting_.size() > kMostWaitingEvents) {
            close();
            return;
        }
        waiting_.push_back(std::move(data));
        if (waiting_.size() == 1) {
            write_next();
        }
    }

    void write_next()
    {
        asio::async_write(socket_, asio::buffer(waiting_.front()),
                          [self = shared_from_this()](ErrorCodeOf error, std::size_t) {
                              self->waiting_.pop_front();
                              if (error) {
                                  self->close();
                              } else if (!self->waiting_.empty()) {
                                  self->write_next();
                              }
                          });
    }

    void close()
    {
        if (subscription_) {
            events_.unsubscribe(*subscription_);
            subscription_.reset();
        }
        ErrorCodeOf ignored;
        socket_.close(ignored);
    }

    stream_protocol::socket socket_;
    Peer peer_;
    const Handler& handler_;
    EventHub& events_;
    std::function<void()> on_end_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    std::deque<std::string> waiting_;
    std::optional<std::uint64_t> subscription_;
};

bool somebody_answers(const std::string& path)
{
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

} // namespace

void HttpServer::State::accept()
{
    acceptor.async_accept([weak = weak_from_this()](ErrorCodeOf error, stream_protocol::socket socket) {
        const auto self = weak.lock();
        if (!self || error == asio::error::operation_aborted) {
            return;
        }
        if (auto peer = identify(error ? -1 : socket.native_handle(), self->settings.groups)) {
            const auto role = static_cast<std::size_t>(peer->role);
            if (self->connections.at(role) < kMostConnections.at(role)) {
                ++self->connections.at(role);
                const auto on_end = [weak, role] {
                    if (const auto state = weak.lock()) {
                        --state->connections.at(role);
                    }
                };
                std::make_shared<Session>(std::move(socket), std::move(*peer), self->handler, *self->events,
                                          on_end)
                    ->read();
            }
        }
        self->accept();
    });
}

Result<HttpServer> HttpServer::listen(asio::io_context& io, const ServerSettings& settings, Handler handler,
                                      EventHub& events)
{
    const auto& path = settings.socket;
    if (somebody_answers(path)) {
        return fail(ErrorCode::conflict,
                    "another daemon answers on " + path + " already: stop it, or set another control.socket");
    }
    if (struct stat info{}; lstat(path.c_str(), &info) == 0) {
        if (!S_ISSOCK(info.st_mode)) {
            return fail(ErrorCode::conflict,
                        "control socket " + path +
                            ": something else has this name: remove it, or set another one");
        }
        unlink(path.c_str());
    }
    auto state = std::make_shared<State>(io, settings, std::move(handler), events);
    ErrorCodeOf error;
    state->acceptor.open(stream_protocol(), error);
    if (!error) {
        state->acceptor.bind(stream_protocol::endpoint(path), error);
    }
    if (!error) {
        state->acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
        return fail(ErrorCode::internal, "control socket " + path + ": " + error.message());
    }
    // Anyone may connect: who may do what is decided by the peer's credentials, which no mode of the
    // file could express for two groups.
    chmod(path.c_str(), 0666);
    state->accept();
    return HttpServer(std::move(state));
}

void HttpServer::use_groups(const Groups& groups)
{
    state_->settings.groups = groups;
}

HttpServer::~HttpServer()
{
    if (state_) {
        ErrorCodeOf ignored;
        state_->acceptor.close(ignored);
        unlink(state_->settings.socket.c_str());
    }
}

} // namespace meetfence::control
