// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/index_pool.h"

#include <algorithm>

namespace meetfence::dataplane {

IndexPool::IndexPool(std::uint32_t size)
{
    // Taken from the back: low indices first.
    for (std::uint32_t index = size; index > 1; --index) {
        free_.push_back(index - 1);
    }
}

std::optional<std::uint32_t> IndexPool::take()
{
    while (!free_.empty()) {
        const auto index = free_.back();
        free_.pop_back();
        if (adopted_.erase(index) == 0) {
            return index;
        }
    }
    return std::nullopt;
}

void IndexPool::recycle()
{
    free_.insert(free_.end(), limbo_.begin(), limbo_.end());
    limbo_.clear();
}

std::optional<std::uint32_t> RunPool::take(std::uint32_t count)
{
    const auto it = std::ranges::find_if(free_, [&](const auto& run) { return run.second >= count; });
    if (it == free_.end()) {
        return std::nullopt;
    }
    const auto first = it->first;
    return take_exactly(first, count) ? std::optional(first) : std::nullopt;
}

bool RunPool::take_exactly(std::uint32_t first, std::uint32_t count)
{
    auto it = free_.upper_bound(first);
    if (it == free_.begin()) {
        return false;
    }
    --it;
    const auto [run_first, run_count] = *it;
    const auto end = first + count;
    if (run_first + run_count < end) {
        return false;
    }
    free_.erase(it);
    if (run_first < first) {
        free_[run_first] = first - run_first;
    }
    if (end < run_first + run_count) {
        free_[end] = run_first + run_count - end;
    }
    return true;
}

void RunPool::give_back(std::uint32_t first, std::uint32_t count)
{
    auto next = free_.lower_bound(first);
    if (next != free_.end() && next->first == first + count) {
        count += next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        const auto previous = std::prev(next);
        if (previous->first + previous->second == first) {
            previous->second += count;
            return;
        }
    }
    free_[first] = count;
}

std::size_t RunPool::available() const
{
    std::size_t count = 0;
    for (const auto& run : free_) {
        count += run.second;
    }
    return count;
}

} // namespace meetfence::dataplane
