// SPDX-License-Identifier: Apache-2.0
// Which elements of a kernel array are free. Elements that packets may still see wait in limbo until
// `recycle` is called after an RCU grace period.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace meetfence::dataplane {

class IndexPool {
public:
    IndexPool() = default;
    /// Indices 1 to `size` - 1 are free; 0 means none everywhere.
    explicit IndexPool(std::uint32_t size);

    [[nodiscard]] std::optional<std::uint32_t> take();
    /// Of a fresh pool; false where it is taken already.
    [[nodiscard]] bool take_exactly(std::uint32_t index) { return adopted_.insert(index).second; }
    void give_back(std::uint32_t index) { free_.push_back(index); } // no packet ever saw it
    void retire(std::uint32_t index) { limbo_.push_back(index); }
    [[nodiscard]] const std::vector<std::uint32_t>& limbo() const { return limbo_; }
    [[nodiscard]] std::vector<std::uint32_t> take_limbo() { return std::exchange(limbo_, {}); }
    void recycle();
    [[nodiscard]] std::size_t available() const { return free_.size() - adopted_.size(); }

private:
    std::vector<std::uint32_t> free_;
    std::unordered_set<std::uint32_t> adopted_; // in free_ still, and not free: skipped when met
    std::vector<std::uint32_t> limbo_;
};

/// Runs of neighbouring elements, first fit.
class RunPool {
public:
    RunPool() = default;
    explicit RunPool(std::uint32_t size) { free_[0] = size; }

    [[nodiscard]] std::optional<std::uint32_t> take(std::uint32_t count);
    /// False where some of it is taken already.
    [[nodiscard]] bool take_exactly(std::uint32_t first, std::uint32_t count);
    void give_back(std::uint32_t first, std::uint32_t count);
    [[nodiscard]] std::size_t available() const;

private:
    std::map<std::uint32_t, std::uint32_t> free_; // first → count, never touching
};

} // namespace meetfence::dataplane
