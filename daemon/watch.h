// SPDX-License-Identifier: Apache-2.0
// What the loop waits for beside requests: kernel events, network devices, deadlines, the wall clock, files,
// signals, and the service manager's watchdog.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>

#include "daemon/dataplane/link_watch.h"
#include "daemon/geo/directory_watch.h"
#include "daemon/service/service.h"

namespace meetfence {

class Watch {
public:
    /// `on_hangup`: what SIGHUP asks for.
    Watch(boost::asio::io_context& io, service::Service& service, std::function<void()> on_hangup);

    [[nodiscard]] Result<> start();
    /// After every change of rules: when is something due next?
    void rearm();
    /// The directories of the databases that are configured now.
    void follow_files();

private:
    using Descriptor = boost::asio::posix::stream_descriptor;
    using Timer = boost::asio::steady_timer;

    void on_readable(Descriptor& descriptor, const std::function<void()>& then);
    void wait_for_deadline();
    void wait_for_files();
    void wait_for_signal();
    void each_second();
    void tell_status();
    void feed_watchdog(std::chrono::microseconds interval);

    boost::asio::io_context& io_;
    service::Service& service_;
    std::function<void()> on_hangup_;
    Descriptor kernel_events_, samples_, links_, deadline_, file_events_;
    Timer tidy_timer_, second_timer_, settle_timer_, watchdog_timer_;
    boost::asio::signal_set signals_;
    std::optional<dataplane::LinkWatch> link_watch_;
    geo::DirectoryWatch files_;
    int deadline_fd_ = -1;
    unsigned seconds_ = 0;
    std::string status_; // as it was told
};

} // namespace meetfence
