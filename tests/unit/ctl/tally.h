// SPDX-License-Identifier: Apache-2.0
// How often something happened, to wait for from another thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace meetfence::test {

class Tally {
public:
    /// Yields the new count.
    int add()
    {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
        return ++count_;
    }

    /// False where that took too long; a test that goes well never waits so long.
    bool reaches(int count, std::chrono::milliseconds at_most = std::chrono::seconds(20))
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, at_most, [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

} // namespace meetfence::test
