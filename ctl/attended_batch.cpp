// SPDX-License-Identifier: Apache-2.0
// The part of Client for a tool that somebody sits in front of: keys and signals are looked after however
// long the daemon takes.
#include <array>
#include <cerrno>
#include <poll.h>

#include "ctl/client.h"
#include "ctl/connection.h"

namespace meetfence::ctl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// Until the socket can be read; false where it was given up.
bool await(int socket, const Meanwhile& meanwhile)
{
    for (;;) {
        std::array<pollfd, 2> waiting{{{socket, POLLIN, 0}, {meanwhile.descriptor, POLLIN, 0}}};
        const int ready =
            poll(waiting.data(), waiting.size(), static_cast<int>(Client::kAttendInterval.count()));
        if (ready < 0 && errno != EINTR) {
            return true; // the read will say what is wrong
        }
        if ((ready <= 0 || waiting[1].revents != 0) && !meanwhile.attend()) {
            return false;
        }
        if (ready > 0 && waiting[0].revents != 0) {
            return true;
        }
    }
}

} // namespace

// False where it was given up. Fewer than `wanted` where the daemon closes in between.
Result<bool> Client::append_attended(std::size_t wanted, const Meanwhile& meanwhile,
                                     std::vector<Response>& responses)
{
    constexpr std::size_t kChunk = 65536;
    for (; wanted > 0; --wanted) {
        http::response_parser<http::string_body> parser;
        parser.body_limit(kNoBodyLimit);
        parser.eager(true);
        error_code error;
        while (!parser.is_done()) {
            auto& unread = connection_->unread;
            if (unread.size() > 0) {
                unread.consume(parser.put(unread.data(), error));
                if (parser.is_done() || (error && error != http::error::need_more)) {
                    break;
                }
            }
            if (!await(connection_->socket.native_handle(), meanwhile)) {
                return false;
            }
            unread.commit(connection_->socket.read_some(unread.prepare(kChunk), error));
            if (error) {
                break;
            }
        }
        if (!parser.is_done()) {
            const bool unanswered = !parser.got_some();
            disconnect();
            if (unanswered && (error == asio::error::eof || error == asio::error::connection_reset)) {
                return true;
            }
            return fail(lost(error.message()));
        }
        const bool keep = parser.get().keep_alive();
        responses.push_back({parser.get().result_int(), std::move(parser.get().body())});
        if (!keep) {
            disconnect();
            return true;
        }
    }
    return true;
}

Result<std::optional<std::vector<Response>>> Client::get_batch_attended(std::span<const std::string> targets,
                                                                        const Meanwhile& meanwhile)
{
    return get_batch_by(targets, [&](std::size_t wanted, std::vector<Response>& responses) {
        return append_attended(wanted, meanwhile, responses);
    });
}

} // namespace meetfence::ctl
