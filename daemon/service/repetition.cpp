// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/repetition.h"

namespace meetfence::service {

std::optional<std::uint64_t> Repetition::tell(const std::string& key, Clock::time_point now)
{
    if (told_.size() >= kMostKeys && !told_.contains(key)) {
        std::erase_if(told_, [now](const auto& entry) { return now - entry.second.when >= kSilence; });
    }
    const bool room = told_.size() < kMostKeys || told_.contains(key);
    const auto [it, is_new] = told_.try_emplace(room ? key : std::string(), Told{now});
    auto& told = it->second;
    if (!is_new && now - told.when < kSilence) {
        ++told.omitted;
        return std::nullopt;
    }
    const auto omitted = told.omitted;
    told = {now};
    return omitted;
}

} // namespace meetfence::service
