// SPDX-License-Identifier: Apache-2.0
#include "bridges/program.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <optional>
#include <systemd/sd-daemon.h>

#include "bridges/status.h"
#include "model/fields.h"

namespace meetfence::bridges {
namespace {

namespace asio = boost::asio;

Moment now()
{
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

// Ledger, daemon and source, tied together.
class Bridge {
public:
    Bridge(const Kind& kind, const Settings& settings)
        : kind_(kind),
          link_(io_.get_executor(), settings.daemon, ledger_,
                {.now = now,
                 .on_event = [this](const Json& event) { on_event(event); },
                 .on_found = [this](const Participant& found) { source_->take_over(found); }}),
          context_{.io = io_,
                   .ledger = ledger_,
                   .prefix = settings.daemon.prefix,
                   .changed = [this] { link_.wake(); },
                   .now = now,
                   .notice =
                       [this](const Blocked& blocked) {
                           return link_.notice(blocked.person.meeting, blocked.person.id, blocked.country);
                       }},
          source_(settings.make_source(context_))
    {
    }

    Result<> run(const SocketAddress& listen)
    {
        Surface surface{.request = [this](const Request& request) { return answer(request); }};
        if (source_->takes_messages()) {
            surface.message = [this](std::string_view text) { source_->take_message(text); };
            surface.admits = [this](const Request& request) { return source_->admits(request); };
        }
        const auto listener = TRY(Listener::open(io_, listen, std::move(surface)));
        asio::signal_set signals(io_, SIGINT, SIGTERM);
        signals.async_wait([this](const boost::system::error_code&, int) { io_.stop(); });
        spawn(source_->run());
        spawn(link_.run());
        spawn(tell_service_manager());
        log(Severity::info,
            "meetfence-bridge " + std::string(kind_.name) + ": listening on " + listen.text());
        sd_notify(0, "READY=1");
        io_.run();
        sd_notify(0, "STOPPING=1");
        return {};
    }

private:
    // None of these ends by itself; what one throws ends the bridge, and the service manager starts it anew.
    void spawn(Task<> task)
    {
        asio::co_spawn(io_, std::move(task), [](const std::exception_ptr& thrown) {
            if (thrown) {
                std::rethrow_exception(thrown);
            }
        });
    }

    Task<> tell_service_manager()
    {
        for (;;) {
            const auto now = status();
            const auto text = std::to_string(now.participants) + " participants of " +
                              std::to_string(now.meetings) + " meetings, " + std::to_string(now.bindings) +
                              " bindings" +
                              (now.server.connected ? "" : "; the media server does not answer") +
                              (now.daemon.connected ? "" : "; meetfenced does not answer");
            sd_notify(0, ("WATCHDOG=1\nSTATUS=" + text).c_str());
            co_await pause(io_.get_executor(), std::chrono::seconds(5));
        }
    }

    Reply answer(const Request& request)
    {
        const auto is = [&](const char* name) { return request.path.size() == 1 && request.path[0] == name; };
        if (request.method == "GET" && is("status")) {
            return {.body = to_line(to_json(status())) + "\n"};
        }
        if (request.method == "GET" && is("metrics")) {
            const auto format = format_for(request.accept);
            return {.body = to_metrics(status(), format), .type = content_type(format)};
        }
        return source_->take(request);
    }

    [[nodiscard]] Status status() const
    {
        return status_of(kind_.name, source_->figures(), link_.figures(), ledger_);
    }

    void on_event(const Json& event)
    {
        auto participant = text_of(event, "participant");
        if (text_of(event, "event") == "participant_blocked" && participant.starts_with(context_.prefix)) {
            source_->on_blocked(
                {{text_of(event, "meeting"), std::move(participant)}, text_of(event, "country")});
        }
    }

    asio::io_context io_{1};
    const Kind& kind_;
    Ledger ledger_;
    DaemonLink link_;
    Context context_;
    std::unique_ptr<Source> source_;
};

} // namespace

Result<> run_bridge(const Kind& kind, const Settings& settings)
{
    return Bridge(kind, settings).run(settings.listen);
}

int show_status(const Settings& settings, bool as_json)
{
    asio::io_context io;
    HttpConnection bridge(io.get_executor(), settings.listen, "the bridge on " + settings.listen.text());
    std::optional<Result<HttpAnswer>> answer;
    asio::co_spawn(io, bridge.request({.target = "/status"}),
                   [&](const std::exception_ptr&, Result<HttpAnswer> got) { answer = std::move(got); });
    io.run();
    if (!answer || !*answer) {
        std::cerr << "meetfence-bridge: " << (answer ? answer->error().message : "no answer")
                  << "; does it run? `systemctl status 'meetfence-bridge@*'`\n";
        return kUnreachable;
    }
    const auto status = parse_json((*answer)->body, "the bridge's answer");
    if (!status || (*answer)->status != 200 || !status->contains("bridge")) {
        std::cerr << "meetfence-bridge: what listens on " << settings.listen.text() << " is no bridge\n";
        return kFailed;
    }
    std::cout << (as_json ? to_line(*status) + "\n" : to_lines(*status));
    return is_well(*status) ? 0 : kUnwell;
}

} // namespace meetfence::bridges
