// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
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
#include "daemon/geo/directory_watch.h"
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
          samples_(io, dup(service.samples_fd())),
          timer_(io),
          tidy_timer_(io),
          sweep_timer_(io),
          file_events_(io),
          settle_timer_(io),
          signals_(io, SIGTERM, SIGINT, SIGHUP)
    {
    }

    Result<> start()
    {
        auto files = geo::DirectoryWatch::watch(service_.config().databases);
        if (!files) {
            log(Severity::warning,
                files.error().message + "; new country databases are loaded on request only");
            files = geo::DirectoryWatch::watch({});
        }
        files_ = TRY(std::move(files));
        file_events_.assign(dup(files_.fd()));
        wait_for_files();
        timer_fd_ = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (timer_fd_ < 0) {
            return fail(ErrorCode::internal, std::string("timerfd_create: ") + std::strerror(errno));
        }
        timer_.assign(timer_fd_);
        wait_for_events();
        wait_for_samples();
        wait_for_deadline();
        wait_for_signal();
        sweep();
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

    void wait_for_samples()
    {
        samples_.async_wait(asio::posix::stream_descriptor::wait_read, [this](ErrorCodeOf error) {
            if (!error) {
                service_.on_samples();
                wait_for_samples();
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

    void sweep()
    {
        sweep_timer_.expires_after(std::chrono::seconds(1));
        sweep_timer_.async_wait([this](ErrorCodeOf error) {
            if (!error) {
                service_.each_second();
                if (++seconds_ % 60 == 0) {
                    service_.witness();
                }
                sweep();
            }
        });
    }

    void wait_for_files()
    {
        file_events_.async_wait(asio::posix::stream_descriptor::wait_read, [this](ErrorCodeOf error) {
            if (error) {
                return;
            }
            if (files_.read()) {
                settle_timer_.expires_after(kSettle);
                settle_timer_.async_wait([this](ErrorCodeOf disturbed) {
                    if (!disturbed && !files_.being_written()) {
                        service_.geo_files_changed();
                    }
                });
            }
            wait_for_files();
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
            service_.reload_geo(false, service::AuditTrail::self(), [](const Result<>& done) {
                if (!done) {
                    log(Severity::error, done.error().message);
                }
            });
            wait_for_signal();
        });
    }

    asio::io_context& io_;
    service::Service& service_;
    asio::posix::stream_descriptor kernel_events_;
    asio::posix::stream_descriptor samples_;
    asio::posix::stream_descriptor timer_;
    asio::steady_timer tidy_timer_;
    asio::steady_timer sweep_timer_;
    // Publishers replace several files one after the other.
    static constexpr auto kSettle = std::chrono::seconds(1);
    geo::DirectoryWatch files_;
    asio::posix::stream_descriptor file_events_;
    asio::steady_timer settle_timer_;
    asio::signal_set signals_;
    int timer_fd_ = -1;
    unsigned seconds_ = 0;
};

// Long work that is under way ends before what it works on does.
struct FinishWork {
    asio::thread_pool& pool;
    ~FinishWork()
    {
        pool.stop();
        pool.join();
    }
};

} // namespace

Result<> run_daemon(const Config& config)
{
    const auto lock = TRY(lock_state(config));
    control::EventHub events; // outlives the connections, which live as long as the loop
    asio::io_context io;
    asio::thread_pool long_work(1);
    const service::Listener listener{
        .log = log,
        .event = [&](const Json& event) { events.publish(event, service::wall_now()); },
        // By way of the loop: nothing begins before the service has started.
        .background =
            [&](std::function<std::function<void()>()> work) {
                asio::post(io, [&, work = std::move(work)] {
                    asio::post(long_work, [&, work] { asio::post(io, work()); });
                });
            },
        .later = [&](std::function<void()> work) { asio::post(io, std::move(work)); }};
    const auto service = TRY(service::Service::start(config, listener));
    const FinishWork finish{long_work};

    Watch watch(io, *service);
    TRY(watch.start());
    const control::Witness witness{log, [&](const service::Refusal& refusal) { service->record(refusal); }};
    const auto handler = [&](const control::Request& request, const control::Reply& reply) {
        control::answer(*service, request, witness,
                        [&, reply, changes = request.method != "GET"](auto response) {
                            if (changes) {
                                watch.rearm();
                            }
                            reply(std::move(response));
                        });
    };
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(config.socket).parent_path(), ignored);
    const auto server = TRY(control::HttpServer::listen(
        io, {.socket = config.socket, .groups = {config.operators, config.viewers}}, handler, events));
    leave_pointer(config);
    log(Severity::notice, "meetfenced " MEETFENCE_VERSION " is filtering; control socket " + config.socket);
    sd_notify(0, "READY=1\nSTATUS=Filtering");
    io.run();
    service->stop();
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
