// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/control/event_hub.h"
#include "daemon/control/http_server.h"
#include "daemon/control/router.h"
#include "daemon/log.h"
#include "daemon/service/clock.h"
#include "daemon/service/service.h"
#include "pins/paths.h"
#include "pins/unique_fd.h"

namespace meetfence {
namespace {

namespace asio = boost::asio;
using ErrorCodeOf = boost::system::error_code;
using service::Severity;

// One daemon for one state directory, and none while `--detach` works.
Result<UniqueFd> lock_state(const Config& config)
{
    std::error_code error;
    std::filesystem::create_directories(config.state_dir, error);
    const auto path = config.state_dir + "/lock";
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) {
        return fail(ErrorCode::internal, "state_dir: " + path + ": " + std::strerror(errno));
    }
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        return fail(ErrorCode::conflict,
                    "another meetfenced works in " + config.state_dir + ": stop it first");
    }
    return fd;
}

void leave_pointer(const Config& config)
{
    const auto pointer = pins::pointer(config.socket);
    std::error_code error;
    std::filesystem::remove(pointer, error);
    std::filesystem::create_symlink(config.bpf_dir, pointer, error);
    if (error) {
        log(Severity::warning,
            "leaving " + pointer.string() + " for `meetfencectl status`: " + error.message());
    }
}

// What the loop waits for beside requests: kernel events, deadlines, the wall clock, signals.
class Watch {
public:
    Watch(asio::io_context& io, service::Service& service)
        : io_(io),
          service_(service),
          kernel_events_(io, dup(service.event_fd())),
          timer_(io),
          tidy_timer_(io),
          signals_(io, SIGTERM, SIGINT, SIGHUP)
    {
    }

    Result<> start()
    {
        timer_fd_ = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (timer_fd_ < 0) {
            return fail(ErrorCode::internal, std::string("timerfd_create: ") + std::strerror(errno));
        }
        timer_.assign(timer_fd_);
        wait_for_events();
        wait_for_deadline();
        wait_for_signal();
        return {};
    }

    /// After every change of rules: when is something due next?
    void rearm()
    {
        // CANCEL_ON_SET: the timer also ends when somebody sets the wall clock.
        itimerspec when{};
        const auto next = service_.next_deadline();
        constexpr std::time_t kFarFuture = 1LL << 40;
        when.it_value.tv_sec = next ? next->time_since_epoch().count() : kFarFuture;
        timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr);
        tidy_timer_.expires_after(std::chrono::seconds(1));
        tidy_timer_.async_wait([this](ErrorCodeOf error) {
            if (!error) {
                service_.tidy();
            }
        });
    }

private:
    void wait_for_events()
    {
        kernel_events_.async_wait(asio::posix::stream_descriptor::wait_read, [this](ErrorCodeOf error) {
            if (!error) {
                service_.on_kernel_events();
                wait_for_events();
            }
        });
    }

    void wait_for_deadline()
    {
        rearm();
        timer_.async_wait(asio::posix::stream_descriptor::wait_read, [this](ErrorCodeOf error) {
            if (error) {
                return;
            }
            std::uint64_t expirations = 0;
            if (read(timer_fd_, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED) {
                service_.on_wall_clock_set();
            }
            service_.on_deadline();
            wait_for_deadline();
        });
    }

    void wait_for_signal()
    {
        signals_.async_wait([this](ErrorCodeOf error, int signal) {
            if (error) {
                return;
            }
            if (signal != SIGHUP) {
                io_.stop();
                return;
            }
            if (auto done = service_.reload_geo(); !done) {
                log(Severity::error, done.error().message);
            }
            wait_for_signal();
        });
    }

    asio::io_context& io_;
    service::Service& service_;
    asio::posix::stream_descriptor kernel_events_;
    asio::posix::stream_descriptor timer_;
    asio::steady_timer tidy_timer_;
    asio::signal_set signals_;
    int timer_fd_ = -1;
};

} // namespace

Result<> run_daemon(const Config& config)
{
    const auto lock = TRY(lock_state(config));
    control::EventHub events; // outlives the connections, which live as long as the loop
    asio::io_context io;
    const service::Listener listener{
        .log = log, .event = [&](const Json& event) { events.publish(event, service::wall_now()); }};
    const auto service = TRY(service::Service::start(config, listener));

    Watch watch(io, *service);
    TRY(watch.start());
    const auto handler = [&](const control::Request& request) {
        auto response = control::answer(*service, request, log);
        if (request.method != "GET") {
            watch.rearm();
        }
        return response;
    };
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(config.socket).parent_path(), ignored);
    const auto server = TRY(control::HttpServer::listen(
        io, {.socket = config.socket, .groups = {config.operators, config.viewers}}, handler, events));
    leave_pointer(config);
    log(Severity::notice, "meetfenced " MEETFENCE_VERSION " is filtering; control socket " + config.socket);
    sd_notify(0, "READY=1\nSTATUS=Filtering");
    io.run();
    sd_notify(0, "STOPPING=1");
    log(Severity::notice, "stopped; the filter stays in force (meetfenced --detach takes it out)");
    return {};
}

Result<> detach(const Config& config)
{
    const auto lock = TRY(lock_state(config));
    TRY(dataplane::remove_from_kernel(config.bpf_dir));
    std::error_code ignored;
    std::filesystem::remove(pins::pointer(config.socket), ignored);
    return {};
}

} // namespace meetfence
