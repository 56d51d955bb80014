// SPDX-License-Identifier: Apache-2.0
// Where participants are known: ports on local addresses that a meeting declares as shared, or that a
// participant's ufrag or flow names. Each is counted by who names it, and goes with the last one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "daemon/policy/image.h"

namespace meetfence::policy {

/// Somebody of the meeting names the place, or does so no longer.
struct PlaceChange {
    EndpointImage at;
    std::uint64_t meeting = 0; // number
    bool turn = false;
    int by = 1; // 1 or -1
};

class Places {
public:
    void apply(std::span<const PlaceChange> changes);
    /// How the places that the changes touch are to be named after them.
    [[nodiscard]] std::vector<NamedEndpoint> after(std::span<const PlaceChange> changes) const;
    [[nodiscard]] std::vector<NamedEndpoint> all() const;
    /// A meeting other than this one that names a place overlapping with `at`, or none.
    [[nodiscard]] std::optional<std::uint64_t> other_than(std::uint64_t meeting,
                                                          const EndpointImage& at) const;

private:
    struct Uses {
        std::map<std::uint64_t, int> by_meeting; // all above 0
        std::int64_t total = 0;                  // their sum
        std::int64_t turn = 0;
    };

    std::map<EndpointImage, Uses> uses_;
};

} // namespace meetfence::policy
