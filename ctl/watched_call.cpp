// SPDX-License-Identifier: Apache-2.0
// The part of Client that waits for a long answer and meanwhile asks, over a second connection, how
// far the daemon is. Neither may hold up the other, so all of it is asynchronous.
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "ctl/client.h"
#include "ctl/connection.h"

namespace meetfence::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

// One request and its answer.
class Exchange {
public:
    using AtEnd = std::function<void(const error_code&)>;

    Exchange(Socket& socket, boost::beast::flat_buffer& unread) : socket_(socket), unread_(unread) {}

    // A refusal may arrive, and the connection be closed, before all of a long request is sent. So it
    // is read for from the start, and what became of the sending does not matter.
    void start(Request request, AtEnd at_end)
    {
        request_ = std::move(request);
        at_end_ = std::move(at_end);
        sent_ = false;
        parser_.emplace();
        parser_->body_limit(kNoBodyLimit);
        http::async_write(socket_, request_, [this](error_code error, std::size_t) { sent_ = !error; });
        http::async_read(socket_, unread_, *parser_,
                         [this](error_code error, std::size_t) { at_end_(error); });
    }

    // Asks the parser, not its message: a body that ends with the connection leaves none to go on with, and
    // asio would wait for ever on a socket whose end it has told already.
    [[nodiscard]] bool may_go_on() const { return sent_ && parser_->keep_alive(); }
    [[nodiscard]] Response response()
    {
        return {parser_->get().result_int(), std::move(parser_->get().body())};
    }

private:
    Socket& socket_;
    boost::beast::flat_buffer& unread_;
    Request request_;
    AtEnd at_end_;
    bool sent_ = false;
    std::optional<http::response_parser<http::string_body>> parser_;
};

// Asks kWatchInterval after the last answer. What goes wrong is tried again on a new connection.
class Watcher {
public:
    Watcher(asio::io_context& io, const std::string& path, const Watch& watch)
        : timer_(io), socket_(io), path_(path), watch_(watch)
    {
    }

    void start()
    {
        if (watch_.take) {
            wait();
        }
    }

    void stop()
    {
        stopped_ = true;
        timer_.cancel();
        close();
    }

private:
    void wait()
    {
        timer_.expires_after(Client::kWatchInterval);
        timer_.async_wait([this](error_code) { stopped_ ? void() : ask(); });
    }

    void ask()
    {
        if (socket_.is_open()) {
            return send();
        }
        unread_.clear();
        socket_.async_connect(asio::local::stream_protocol::endpoint(path_), [this](error_code error) {
            if (!stopped_) {
                error ? try_again() : send();
            }
        });
    }

    void send()
    {
        exchange_.start(make_request(http::verb::get, watch_.target, {}), [this](const error_code& error) {
            if (!stopped_) {
                error ? try_again() : take();
            }
        });
    }

    void take()
    {
        if (!exchange_.may_go_on()) {
            close();
        }
        const auto response = exchange_.response();
        const auto answer = parse_json(response.body, "the daemon's answer");
        if (response.status < 400 && answer) {
            watch_.take(*answer);
        }
        wait();
    }

    void try_again()
    {
        close();
        wait();
    }

    void close()
    {
        error_code ignored;
        socket_.close(ignored);
    }

    asio::steady_timer timer_;
    Socket socket_;
    boost::beast::flat_buffer unread_;
    Exchange exchange_{socket_, unread_};
    const std::string& path_;
    const Watch& watch_;
    bool stopped_ = false;
};

} // namespace

Result<Response> Client::request_watched(Method method, std::string_view target, Content content,
                                         const Watch& watch)
{
    TRY(connect());
    // Put back only where it is good for another request. What is in use below dies before it.
    auto connection = std::move(connection_);
    Exchange exchange(connection->socket, connection->unread);
    Watcher watcher(connection->io, socket_path_, watch);
    error_code error;
    exchange.start(make_request(verb_of(method), target, content), [&](const error_code& result) {
        error = result;
        watcher.stop();
        error_code ignored;
        connection->socket.cancel(ignored); // the rest of a request that is answered already
    });
    watcher.start();
    connection->io.restart();
    connection->io.run();
    if (error) {
        const bool ended =
            error == http::error::end_of_stream || error == boost::system::errc::connection_reset;
        return fail(lost(ended ? "it ended before an answer came" : error.message()));
    }
    if (exchange.may_go_on()) {
        connection_ = std::move(connection);
    }
    return exchange.response();
}

} // namespace meetfence::ctl
