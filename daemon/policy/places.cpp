// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/places.h"

namespace meetfence::policy {
namespace {

NamedEndpoint named(const EndpointImage& at, std::int64_t uses, std::int64_t turn)
{
    return {at, uses == 0 ? 0 : MF_ENDPOINT_LEARNS | (turn > 0 ? MF_ENDPOINT_TURN : 0U)};
}

} // namespace

void Places::apply(std::span<const PlaceChange> changes)
{
    for (const auto& change : changes) {
        auto& uses = uses_[change.at];
        uses.total += change.by;
        uses.turn += change.turn ? change.by : 0;
        if ((uses.by_meeting[change.meeting] += change.by) == 0) {
            uses.by_meeting.erase(change.meeting);
        }
        if (uses.by_meeting.empty()) {
            uses_.erase(change.at);
        }
    }
}

std::vector<NamedEndpoint> Places::after(std::span<const PlaceChange> changes) const
{
    struct Sum {
        std::int64_t uses = 0;
        std::int64_t turn = 0;
    };
    std::map<EndpointImage, Sum> sums;
    for (const auto& change : changes) {
        auto [it, is_new] = sums.try_emplace(change.at);
        if (const auto known = uses_.find(change.at); is_new && known != uses_.end()) {
            it->second = {known->second.total, known->second.turn};
        }
        it->second.uses += change.by;
        it->second.turn += change.turn ? change.by : 0;
    }
    std::vector<NamedEndpoint> result;
    for (const auto& [at, sum] : sums) {
        result.push_back(named(at, sum.uses, sum.turn));
    }
    return result;
}

std::vector<NamedEndpoint> Places::all() const
{
    std::vector<NamedEndpoint> result;
    for (const auto& [at, uses] : uses_) {
        result.push_back(named(at, uses.total, uses.turn));
    }
    return result;
}

std::optional<std::uint64_t> Places::other_than(std::uint64_t meeting, const EndpointImage& at) const
{
    const IpAddress::Bytes any{};
    for (auto it = uses_.lower_bound({at.port_slot, any});
         it != uses_.end() && it->first.port_slot == at.port_slot; ++it) {
        if (it->first.local != at.local && it->first.local != any && at.local != any) {
            continue;
        }
        for (const auto& [user, count] : it->second.by_meeting) {
            if (user != meeting) {
                return user;
            }
        }
    }
    return std::nullopt;
}

} // namespace meetfence::policy
