// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/metrics_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <list>

#include "model/exposition.h"

namespace meetfence::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t kMostConnections = 16;
constexpr std::uint32_t kLargestHeader = 8U << 10;
constexpr auto kPatience =
    std::chrono::seconds(10);                    // with a request that comes, and with an answer that is read
constexpr auto kIdle = std::chrono::seconds(75); // between two of them; scrapes are a minute apart at most
constexpr auto kFresh = std::chrono::seconds(1); // an answer within it is good for the next who asks
constexpr std::size_t kMostUnread = 32ULL << 20; // bytes of answers that are on their way

using Message = http::response<http::span_body<const char>>;

tcp::endpoint to_endpoint(const SocketAddress& address)
{
    if (address.address.is_v4()) {
        return {asio::ip::address_v4(address.address.v4_host_order()), address.port};
    }
    return {asio::ip::address_v6(address.address.bytes()), address.port};
}

std::string next_step(const ErrorCodeOf& error)
{
    if (error == asio::error::address_in_use) {
        return "free the port (`ss -ltnp` shows who has it), or set another metrics.listen";
    }
    if (error == asio::error::access_denied) {
        return "set a port from 1024 on";
    }
    return "give this host the address, or set another metrics.listen";
}

} // namespace

struct MetricsServer::State : std::enable_shared_from_this<State> {
    State(asio::io_context& io, const SocketAddress& at, Scrape scrape_with, Say say_with,
          std::chrono::milliseconds retry_after)
        : acceptor(io),
          timer(io),
          forget_timer(io),
          address(at),
          scrape(std::move(scrape_with)),
          say(std::move(say_with)),
          retry(retry_after)
    {
    }
    class Session;
    // An answer that several may be reading, and what it takes of kMostUnread.
    struct Written {
        Response response;
        std::shared_ptr<std::size_t> unread;

        Written(Response answer, std::shared_ptr<std::size_t> counted)
            : response(std::move(answer)), unread(std::move(counted))
        {
            *unread += response.body.size();
        }
        Written(const Written&) = delete;
        Written& operator=(const Written&) = delete;
        ~Written() { *unread -= response.body.size(); }
    };
    using Answer = std::shared_ptr<const Written>;

    void open();
    void accept();
    void admit(tcp::socket socket);
    [[nodiscard]] Answer answer(Response response) const
    {
        return std::make_shared<const Written>(std::move(response), unread);
    }
    [[nodiscard]] Answer metrics(const std::string& accept);

    tcp::acceptor acceptor;
    asio::steady_timer timer;
    asio::steady_timer forget_timer; // what nobody asks for again takes no memory
    SocketAddress address;
    Scrape scrape;
    Say say;
    std::chrono::milliseconds retry;
    ErrorCodeOf told;                           // why it does not listen, as it was said last
    std::list<std::weak_ptr<Session>> sessions; // oldest first
    struct Latest {
        Answer answer;
        steady_clock::time_point at;
    };
    std::array<Latest, 2> latest; // by Format
    std::shared_ptr<std::size_t> unread = std::make_shared<std::size_t>(0);
};

// One connection; its callbacks keep it alive.
class MetricsServer::State::Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, std::shared_ptr<State> state)
        : stream_(std::move(socket)), state_(std::move(state))
    {
    }

    void read(std::chrono::seconds patience)
    {
        parser_.emplace();
        parser_->header_limit(kLargestHeader);
        stream_.expires_after(patience);
        http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCodeOf error, std::size_t) { self->on_read(error); });
    }

    [[nodiscard]] bool answering() const { return answer_ != nullptr; }
    void close() { stream_.close(); }

private:
    void on_read(ErrorCodeOf error)
    {
        if (error == http::error::header_limit) {
            respond(state_->answer(problem(431, "the request is too long")), false);
        } else if (error == http::error::unexpected_body) {
            respond(state_->answer(problem(413, "a request here has no body")), false);
        } else if (error && error.category() == http::make_error_code(http::error::bad_method).category() &&
                   error != http::error::end_of_stream && error != http::error::partial_message) {
            respond(state_->answer(problem(400, "this is not HTTP/1.1: " + error.message())), false);
        } else if (!error) {
            const auto& message = parser_->get();
            respond(answer_to(message), message.keep_alive());
        }
    }

    Answer answer_to(const http::request<http::empty_body>& message)
    {
        Request request;
        const auto target = message.target();
        if (const auto parsed = parse_target({target.data(), target.size()}, request); !parsed) {
            return state_->answer(problem(parsed.error()));
        }
        if (request.path != std::vector<std::string>{"metrics"}) {
            return state_->answer(
                problem(404, "here is /metrics only; everything else is on the control socket"));
        }
        if (message.method() != http::verb::get && message.method() != http::verb::head) {
            auto refusal = problem(405, std::string(message.method_string()) +
                                            " is not for this resource: GET, HEAD are");
            refusal.allow = "GET, HEAD";
            return state_->answer(std::move(refusal));
        }
        return state_->metrics(std::string(message[http::field::accept]));
    }

    void respond(Answer answer, bool keep_alive)
    {
        answer_ = std::move(answer);
        const auto& response = answer_->response;
        message_ = Message(static_cast<http::status>(response.status), 11);
        message_.set(http::field::server, "meetfenced");
        message_.set(http::field::content_type, response.content_type);
        if (!response.allow.empty()) {
            message_.set(http::field::allow, response.allow);
        }
        message_.keep_alive(keep_alive);
        message_.content_length(response.body.size());
        const bool whole = parser_->get().method() != http::verb::head;
        message_.body() = {response.body.data(), whole ? response.body.size() : 0};
        serializer_.emplace(message_);
        stream_.expires_after(kPatience);
        const auto done = [self = shared_from_this(), keep_alive](ErrorCodeOf error, std::size_t) {
            self->answer_.reset();
            if (!error && keep_alive) {
                self->read(kIdle);
            } else if (!error) {
                self->part();
            }
        };
        if (whole) {
            http::async_write(stream_, *serializer_, done);
        } else {
            http::async_write_header(stream_, *serializer_, done);
        }
    }

    // Closed with something unread, TCP would take back what was answered.
    void part()
    {
        ErrorCodeOf ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(kPatience);
        discard();
    }

    void discard()
    {
        stream_.async_read_some(asio::buffer(discarded_),
                                [self = shared_from_this()](ErrorCodeOf error, std::size_t) {
                                    if (!error) {
                                        self->discard();
                                    }
                                });
    }

    beast::tcp_stream stream_;
    std::shared_ptr<State> state_;
    beast::flat_buffer buffer_{2 * kLargestHeader};
    std::array<char, 1024> discarded_{};
    std::optional<http::request_parser<http::empty_body>> parser_;
    Message message_;
    std::optional<http::serializer<false, http::span_body<const char>>> serializer_;
    Answer answer_; // while it is being read
};

// In its order of formats, an answer for all who ask within a second: scrapes are work.
MetricsServer::State::Answer MetricsServer::State::metrics(const std::string& accept)
{
    auto& [answered, at] = latest.at(static_cast<std::size_t>(format_for(accept)));
    const auto now = steady_clock::now();
    if (answered != nullptr && now - at < kFresh) {
        return answered;
    }
    answered.reset();
    if (*unread > kMostUnread) {
        return answer(problem(503, "others are still reading their answers: try again in a few seconds"));
    }
    auto fresh = answer(scrape({.method = "GET", .path = {"metrics"}, .accept = accept}));
    if (fresh->response.status == 200) {
        answered = fresh;
        at = now;
        forget_timer.expires_after(kFresh);
        forget_timer.async_wait([weak = weak_from_this()](ErrorCodeOf canceled) {
            if (const auto self = weak.lock(); self && !canceled) {
                self->latest = {};
            }
        });
    }
    return fresh;
}

void MetricsServer::State::open()
{
    const auto endpoint = to_endpoint(address);
    ErrorCodeOf error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) {
        acceptor.set_option(asio::socket_base::reuse_address(true), error);
    }
    if (!error) {
        acceptor.bind(endpoint, error);
    }
    if (!error) {
        acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
        if (told) {
            say(false, "metrics.listen: metrics are served on " + address.text() + " now");
        }
        if (!endpoint.address().is_loopback()) {
            say(false, "metrics.listen: whoever reaches " + address.text() + " can read the metrics");
        }
        accept();
        return;
    }
    if (told != error) {
        say(true, "metrics.listen: no metrics on " + address.text() + ": " + error.message() + "; " +
                      next_step(error) +
                      ". Filtering goes on, the control socket has /metrics too, and this is tried again "
                      "each minute");
        told = error;
    }
    ErrorCodeOf ignored;
    acceptor.close(ignored);
    timer.expires_after(retry);
    timer.async_wait([weak = weak_from_this()](ErrorCodeOf canceled) {
        if (const auto self = weak.lock(); self && !canceled) {
            self->open();
        }
    });
}

void MetricsServer::State::accept()
{
    acceptor.async_accept([weak = weak_from_this()](ErrorCodeOf error, tcp::socket socket) {
        const auto self = weak.lock();
        if (!self || error == asio::error::operation_aborted) {
            return;
        }
        if (!error) {
            self->admit(std::move(socket));
            self->accept();
            return;
        }
        // Out of file descriptors, say: the connection that waits would be tried again at once.
        self->timer.expires_after(std::chrono::seconds(1));
        self->timer.async_wait([weak](ErrorCodeOf canceled) {
            if (const auto later = weak.lock(); later && !canceled) {
                later->accept();
            }
        });
    });
}

// The oldest that waits for nothing gives way: nobody keeps others out by keeping connections open.
void MetricsServer::State::admit(tcp::socket socket)
{
    sessions.remove_if([](const auto& session) { return session.expired(); });
    if (sessions.size() >= kMostConnections) {
        const auto silent = std::ranges::find_if(sessions, [](const auto& weak) {
            const auto session = weak.lock();
            return session && !session->answering();
        });
        if (silent == sessions.end()) {
            return;
        }
        silent->lock()->close();
        sessions.erase(silent);
    }
    const auto session = std::make_shared<Session>(std::move(socket), shared_from_this());
    sessions.push_back(session);
    session->read(kPatience);
}

MetricsServer MetricsServer::listen(asio::io_context& io, const std::optional<SocketAddress>& address,
                                    Scrape scrape, Say say, std::chrono::milliseconds retry)
{
    if (!address) {
        return MetricsServer(nullptr);
    }
    auto state = std::make_shared<State>(io, *address, std::move(scrape), std::move(say), retry);
    state->open();
    return MetricsServer(std::move(state));
}

MetricsServer::~MetricsServer()
{
    if (!state_) {
        return;
    }
    ErrorCodeOf ignored;
    state_->acceptor.close(ignored);
    state_->timer.cancel();
    state_->forget_timer.cancel();
    for (const auto& weak : state_->sessions) {
        if (const auto session = weak.lock()) {
            session->close();
        }
    }
}

} // namespace meetfence::control
