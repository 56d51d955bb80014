// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <cstdint>
#include <ctime>
#include <systemd/sd-daemon.h>

namespace meetfence::supervisor {

void ready(const std::string& status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str());
}

// MONOTONIC_USEC: Type=notify-reload, of systemd 253 and later, tells by it which reload is meant.
void reloading()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto usec =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
    sd_notifyf(0,
               "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reading the configuration again; filtering goes on",
               static_cast<unsigned long long>(usec));
}

void stopping()
{
    sd_notify(0, "STOPPING=1\nSTATUS=Stopping; the filter stays in force");
}

void status(const std::string& status)
{
    sd_notifyf(0, "STATUS=%s", status.c_str());
}

std::optional<std::chrono::microseconds> watchdog_interval()
{
    std::uint64_t usec = 0;
    if (sd_watchdog_enabled(0, &usec) <= 0) {
        return std::nullopt;
    }
    return std::chrono::microseconds(usec);
}

void alive()
{
    sd_notify(0, "WATCHDOG=1");
}

} // namespace meetfence::supervisor
