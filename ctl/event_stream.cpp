// SPDX-License-Identifier: Apache-2.0
// The half of Client that reads an endless answer. It waits for two things at once, the daemon's
// next bytes and the person's Ctrl-C, so unlike the other half it is asynchronous.
#include <array>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "ctl/client.h"
#include "ctl/connection.h"

namespace meetfence::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

class LineReader {
public:
    LineReader(Socket& socket, boost::beast::flat_buffer& unread,
               const std::function<void(std::string_view)>& take_line)
        : socket_(socket), unread_(unread), take_line_(take_line)
    {
        parser_.body_limit(kNoBodyLimit);
    }

    // `at_end` is called once, after the last line.
    void start(std::function<void()> at_end)
    {
        at_end_ = std::move(at_end);
        http::async_read_header(socket_, unread_, parser_, [this](error_code error, std::size_t) {
            error ? finish(error) : read_more();
        });
    }

    [[nodiscard]] const error_code& error() const { return error_; }
    [[nodiscard]] unsigned status() const { return parser_.get().result_int(); }
    [[nodiscard]] const std::string& refused_body() const { return partial_; }

private:
    void read_more()
    {
        if (parser_.is_done()) {
            return finish({});
        }
        parser_.get().body().data = chunk_.data();
        parser_.get().body().size = chunk_.size();
        http::async_read_some(socket_, unread_, parser_, [this](error_code error, std::size_t) {
            take(std::string_view(chunk_.data(), chunk_.size() - parser_.get().body().size));
            if (error && error != http::error::need_buffer) {
                return finish(error);
            }
            read_more();
        });
    }

    void take(std::string_view bytes)
    {
        partial_ += bytes;
        if (status() >= 400) {
            return;
        }
        std::size_t begin = 0;
        for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n', begin)) {
            take_line_(std::string_view(partial_).substr(begin, end - begin));
            begin = end + 1;
        }
        partial_.erase(0, begin);
    }

    void finish(const error_code& error)
    {
        error_ = error;
        at_end_();
    }

    Socket& socket_;
    boost::beast::flat_buffer& unread_;
    const std::function<void(std::string_view)>& take_line_;
    std::function<void()> at_end_;
    http::response_parser<http::buffer_body> parser_;
    std::array<char, 16384> chunk_{};
    std::string partial_; // of a line, or of a refusal
    error_code error_;
};

// Whether SIGINT or SIGTERM ended it.
bool read_until_end_or_signal(asio::io_context& io, Socket& socket, LineReader& reader)
{
    bool interrupted = false;
    asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code& cancelled, int) {
        if (!cancelled) {
            interrupted = true;
            socket.cancel();
        }
    });
    reader.start([&] { signals.cancel(); });
    io.run();
    return interrupted;
}

} // namespace

Result<StreamEnd> Client::stream_lines(std::string_view target,
                                       const std::function<void(std::string_view)>& take_line)
{
    TRY(connect());
    // Whatever is left of an endless answer is nothing that a later request could use.
    const auto connection = std::move(connection_);
    error_code error;
    http::write(connection->socket, make_request(http::verb::get, target, {}), error);
    if (error) {
        return fail(lost(error.message()));
    }
    LineReader reader(connection->socket, connection->unread, take_line);
    if (read_until_end_or_signal(connection->io, connection->socket, reader)) {
        return StreamEnd::interrupted;
    }
    if (reader.status() >= 400) {
        return fail(refusal({reader.status(), reader.refused_body()}));
    }
    if (reader.error()) {
        return fail(lost(reader.error().message()));
    }
    return StreamEnd::closed;
}

} // namespace meetfence::ctl
