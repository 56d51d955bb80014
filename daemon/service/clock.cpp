// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/clock.h"

#include <ctime>

namespace meetfence::service {
namespace {

std::int64_t read_ns(clockid_t clock)
{
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

} // namespace

Time wall_now()
{
    return Time(std::chrono::seconds(read_ns(CLOCK_REALTIME) / 1'000'000'000));
}

std::uint64_t boot_now_ns()
{
    return static_cast<std::uint64_t>(read_ns(CLOCK_BOOTTIME));
}

std::int64_t wall_offset_ns()
{
    return read_ns(CLOCK_REALTIME) - read_ns(CLOCK_BOOTTIME);
}

} // namespace meetfence::service
