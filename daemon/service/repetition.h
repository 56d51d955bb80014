// SPDX-License-Identifier: Apache-2.0
// An alarm is told once. What goes on is told again after a while, with how often it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace meetfence::service {

class Repetition {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::minutes kSilence{60};
    /// Whoever can make up new alarms must not make this grow: what is beyond counts as one.
    static constexpr std::size_t kMostKeys = 4096;

    /// Nothing: not now. Else how often it was not told since the last time.
    [[nodiscard]] std::optional<std::uint64_t> tell(const std::string& key, Clock::time_point now);

private:
    struct Told {
        Clock::time_point when;
        std::uint64_t omitted = 0;
    };
    std::map<std::string, Told> told_;
};

} // namespace meetfence::service
