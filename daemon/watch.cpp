// SPDX-License-Identifier: Apache-2.0
#include "daemon/watch.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/supervisor.h"

namespace meetfence {
namespace {

namespace asio = boost::asio;
using ErrorCodeOf = boost::system::error_code;
using service::Severity;

// Publishers replace several files one after the other.
constexpr std::chrono::seconds kSettle(1);
constexpr unsigned kStatusSeconds = 10, kMinute = 60;

} // namespace

Watch::Watch(asio::io_context& io, service::Service& service, std::function<void()> on_hangup)
    : io_(io),
      service_(service),
      on_hangup_(std::move(on_hangup)),
      kernel_events_(io, dup(service.event_fd())),
      samples_(io, dup(service.samples_fd())),
      links_(io),
      deadline_(io),
      file_events_(io),
      tidy_timer_(io),
      second_timer_(io),
      settle_timer_(io),
      watchdog_timer_(io),
      signals_(io, SIGTERM, SIGINT, SIGHUP)
{
}

Result<> Watch::start()
{
    follow_files();
    deadline_fd_ = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (deadline_fd_ < 0) {
        return fail(ErrorCode::internal, std::string("timerfd_create: ") + std::strerror(errno));
    }
    deadline_.assign(deadline_fd_);
    link_watch_.emplace(TRY(dataplane::LinkWatch::open()));
    links_.assign(dup(link_watch_->fd()));
    on_readable(links_, [this] {
        link_watch_->drain();
        service_.follow_interfaces();
    });
    service_.follow_interfaces(); // of before it was listened
    on_readable(kernel_events_, [this] { service_.on_kernel_events(); });
    on_readable(samples_, [this] { service_.on_samples(); });
    wait_for_deadline();
    wait_for_signal();
    each_second();
    if (const auto interval = supervisor::watchdog_interval()) {
        feed_watchdog(*interval / 2);
    }
    return {};
}

void Watch::rearm()
{
    // CANCEL_ON_SET: the timer also ends when somebody sets the wall clock.
    itimerspec when{};
    const auto next = service_.next_deadline();
    constexpr std::time_t kFarFuture = 1LL << 40;
    when.it_value.tv_sec = next ? next->time_since_epoch().count() : kFarFuture;
    timerfd_settime(deadline_fd_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr);
    tidy_timer_.expires_after(std::chrono::seconds(1));
    tidy_timer_.async_wait([this](ErrorCodeOf error) {
        if (!error) {
            service_.tidy();
        }
    });
}

void Watch::follow_files()
{
    auto files = geo::DirectoryWatch::watch(service_.config().databases);
    if (!files) {
        log(Severity::warning, files.error().message + "; new country databases are loaded on request only");
        files = geo::DirectoryWatch::watch({});
    }
    ErrorCodeOf ignored;
    file_events_.close(ignored);
    if (!files) {
        return;
    }
    files_ = std::move(*files);
    file_events_.assign(dup(files_.fd()));
    wait_for_files();
}

void Watch::on_readable(Descriptor& descriptor, const std::function<void()>& then)
{
    descriptor.async_wait(Descriptor::wait_read, [this, &descriptor, then](ErrorCodeOf error) {
        if (!error) {
            then();
            on_readable(descriptor, then);
        }
    });
}

void Watch::wait_for_deadline()
{
    rearm();
    deadline_.async_wait(Descriptor::wait_read, [this](ErrorCodeOf error) {
        if (error) {
            return;
        }
        std::uint64_t expirations = 0;
        if (read(deadline_fd_, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED) {
            service_.on_wall_clock_set();
        }
        service_.on_deadline();
        wait_for_deadline();
    });
}

void Watch::wait_for_files()
{
    on_readable(file_events_, [this] {
        if (!files_.read()) {
            return;
        }
        settle_timer_.expires_after(kSettle);
        settle_timer_.async_wait([this](ErrorCodeOf disturbed) {
            if (!disturbed && !files_.being_written()) {
                service_.geo_files_changed();
            }
        });
    });
}

void Watch::each_second()
{
    second_timer_.expires_after(std::chrono::seconds(1));
    second_timer_.async_wait([this](ErrorCodeOf error) {
        if (error) {
            return;
        }
        service_.each_second();
        ++seconds_;
        if (seconds_ % kMinute == 0) {
            service_.each_minute();
        }
        if (seconds_ % kStatusSeconds == 0) {
            tell_status();
        }
        each_second();
    });
}

void Watch::tell_status()
{
    auto status = service_.summary();
    if (status != status_) {
        supervisor::status(status);
        status_ = std::move(status);
    }
}

void Watch::wait_for_signal()
{
    signals_.async_wait([this](ErrorCodeOf error, int signal) {
        if (error) {
            return;
        }
        if (signal != SIGHUP) {
            io_.stop();
            return;
        }
        on_hangup_();
        wait_for_signal();
    });
}

// By this loop and no other thread: a loop that hangs is what the watchdog is for.
void Watch::feed_watchdog(std::chrono::microseconds interval)
{
    supervisor::alive();
    watchdog_timer_.expires_after(interval);
    watchdog_timer_.async_wait([this, interval](ErrorCodeOf error) {
        if (!error) {
            feed_watchdog(interval);
        }
    });
}

} // namespace meetfence
