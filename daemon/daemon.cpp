// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>

#include "daemon/control/event_hub.h"
#include "daemon/control/http_server.h"
#include "daemon/control/metrics.h"
#include "daemon/control/metrics_server.h"
#include "daemon/control/router.h"
#include "daemon/log.h"
#include "daemon/service/clock.h"
#include "daemon/service/service.h"
#include "daemon/supervisor.h"
#include "daemon/watch.h"
#include "pins/paths.h"
#include "pins/unique_fd.h"

namespace meetfence {
namespace {

namespace asio = boost::asio;
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

// Long work that is under way ends before what it works on does.
struct FinishWork {
    asio::thread_pool& pool;
    ~FinishWork()
    {
        pool.stop();
        pool.join();
    }
};

control::Groups groups_of(const Config& config)
{
    return {config.operators, config.viewers};
}

control::MetricsServer listen_for_scrapes(asio::io_context& io, service::Service& service)
{
    return control::MetricsServer::listen(
        io, service.config().metrics_listen,
        [&service](const control::Request& request) { return control::scrape(service, request); },
        [](bool problem, const std::string& text) {
            log(problem ? Severity::warning : Severity::notice, text);
        });
}

// Whoever may not ask must not be able to fill the journal by asking.
class ChangeLog {
public:
    void write(service::LogLine line)
    {
        if (line.once.empty()) {
            log(line);
        } else if (const auto omitted = told_.tell(line.once, service::Repetition::Clock::now())) {
            line.text +=
                *omitted == 0 ? "" : " (and " + std::to_string(*omitted) + " more since that was told)";
            log(line);
        }
    }

private:
    service::Repetition told_;
};

void take_up_configuration(service::Service& service, const std::string& path, unsigned& under_way,
                           const std::function<void()>& then)
{
    const auto end = [&service, &under_way, path, then](const Result<>& done) {
        if (done) {
            then();
            log(Severity::notice, "configuration " + path + " is in force",
                {.message_id = service::message_id::kReloaded});
        } else {
            log(Severity::error, done.error().message, {.message_id = service::message_id::kReloadRefused});
        }
        if (--under_way == 0) {
            supervisor::ready(service.summary());
        }
    };
    ++under_way;
    supervisor::reloading();
    auto config = read_config(path);
    if (config) {
        service.reload(std::move(*config), end);
    } else {
        service.note_refused_configuration("the file cannot be read, or is no configuration");
        end(fail(std::move(config).error()));
    }
}

} // namespace

Result<> run_daemon(const Config& config, const std::string& config_path)
{
    const auto lock = TRY(lock_state(config));
    control::EventHub events; // outlives the connections, which live as long as the loop
    asio::io_context io;
    asio::thread_pool long_work(1);
    const service::Listener listener{
        .write = [](const service::LogLine& line) { log(line); },
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

    std::function<void()> reload;
    unsigned reloads = 0; // under way
    Watch watch(io, *service, [&] { reload(); });
    TRY(watch.start());
    ChangeLog change_log;
    const control::Witness witness{[&](const service::LogLine& line) { change_log.write(line); },
                                   [&](const service::Refusal& refusal) { service->record(refusal); },
                                   [&] { return groups_of(service->config()); },
                                   [&](const service::Answered& answered) { service->record(answered); }};
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
    auto server = TRY(control::HttpServer::listen(io, {.socket = config.socket, .groups = groups_of(config)},
                                                  handler, events));
    std::optional<control::MetricsServer> metrics = listen_for_scrapes(io, *service);
    reload = [&, listen = config.metrics_listen]() mutable {
        take_up_configuration(*service, config_path, reloads, [&] {
            watch.follow_files();
            server.use_groups(groups_of(service->config()));
            if (listen != service->config().metrics_listen) {
                listen = service->config().metrics_listen;
                metrics.reset(); // one address may be part of the other
                metrics.emplace(listen_for_scrapes(io, *service));
            }
        });
    };
    leave_pointer(config);
    log(Severity::notice, "meetfenced " MEETFENCE_VERSION " is filtering; control socket " + config.socket,
        {.message_id = service::message_id::kFiltering});
    supervisor::ready(service->summary());
    io.run();
    supervisor::stopping();
    service->stop();
    log(Severity::notice, "stopped; the filter stays in force (meetfenced --detach takes it out)",
        {.message_id = service::message_id::kStopped});
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
