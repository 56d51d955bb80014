// SPDX-License-Identifier: Apache-2.0
// A program's own function goes before that of the C library, for the libraries it links as well.
#include "tests/unit/daemon/service/moved_clock.h"

#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

namespace meetfence::test {

std::chrono::seconds& clock_moved_by()
{
    static std::chrono::seconds moved{0};
    return moved;
}

} // namespace meetfence::test

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept
{
    const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
    if (result == 0 && clock == CLOCK_REALTIME) {
        time->tv_sec += meetfence::test::clock_moved_by().count();
    }
    return result;
}
