// SPDX-License-Identifier: Apache-2.0
// A wall clock that a test can move. The function itself is this program's own: see moved_clock.cpp.
#pragma once

#include <chrono>

namespace meetfence::test {

/// By how much the wall clock of this process is ahead.
std::chrono::seconds& clock_moved_by();

/// As it was before, once the test ends.
class MovedClock {
public:
    MovedClock() = default;
    MovedClock(const MovedClock&) = delete;
    MovedClock& operator=(const MovedClock&) = delete;
    ~MovedClock() { clock_moved_by() = std::chrono::seconds(0); }

    void by(std::chrono::seconds more) { clock_moved_by() += more; }
};

} // namespace meetfence::test
