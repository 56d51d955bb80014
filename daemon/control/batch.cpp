// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/batch.h"

#include <array>
#include <fmt/format.h>
#include <memory>

namespace meetfence::control {
namespace {

constexpr std::size_t kLinesAtOnce = 64; // a millisecond's work

Result<Request> read_line(std::string_view line, const Peer& peer)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"method", "path", "body"});
    const auto json = TRY(parse_json(line, "the line"));
    const auto reader = TRY(ObjectReader::open(json, "", kKeys));
    const auto method = TRY(reader.text("method"));
    const auto path = TRY(reader.text("path"));
    if (!method || !path) {
        return fail(ErrorCode::invalid, "a line needs 'method' and 'path'");
    }
    Request request{.method = *method, .peer = peer};
    TRY(parse_target(*path, request));
    request.in_batch = true;
    if (const auto* body = reader.find("body")) {
        request.json = *body;
    }
    return request;
}

class Batch : public std::enable_shared_from_this<Batch> {
public:
    Batch(service::Service& service, const Request& request, Witness witness, LaterReply reply)
        : service_(service),
          lines_(request.body),
          peer_(request.peer),
          witness_(std::move(witness)),
          reply_(std::move(reply))
    {
    }

    void go_on()
    {
        for (std::size_t i = 0; i < kLinesAtOnce; ++i) {
            if (at_ >= lines_.size()) {
                finish();
                return;
            }
            const auto end = std::min(lines_.find('\n', at_), lines_.size());
            const auto line = std::string_view(lines_).substr(at_, end - at_);
            at_ = end + 1;
            if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
                do_line(line);
            }
        }
        service_.later([self = shared_from_this()] { self->go_on(); });
    }

private:
    void do_line(std::string_view line)
    {
        const auto request = read_line(line, peer_);
        if (!request) {
            add(problem(request.error()));
            return;
        }
        answer(service_, *request, witness_, [this](const Response& response) { add(response); });
    }

    void add(const Response& response)
    {
        ++count_;
        if (response.status < 300) {
            answers_ += fmt::format("{{\"status\": {}}}\n", response.status);
        } else {
            ++refused_;
            answers_ += response.body;
        }
    }

    void finish()
    {
        Response response{.status = 200, .body = std::move(answers_), .content_type = "application/x-ndjson"};
        response.summary = fmt::format("{} lines, {} of them refused", count_, refused_);
        reply_(std::move(response));
    }

    service::Service& service_;
    std::string lines_;
    Peer peer_;
    Witness witness_;
    LaterReply reply_;
    std::string answers_;
    std::size_t at_ = 0, count_ = 0, refused_ = 0;
};

} // namespace

void run_batch(service::Service& service, const Request& request, const Witness& witness, LaterReply reply)
{
    std::make_shared<Batch>(service, request, witness, std::move(reply))->go_on();
}

} // namespace meetfence::control
