// SPDX-License-Identifier: Apache-2.0
// What a table writer has put into the kernel, by meeting.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/policy/image.h"

namespace meetfence::dataplane {

struct LinkedRule {
    policy::RuleImage image;
    std::uint32_t index = 0;
    std::uint32_t cells = 0;
    std::uint32_t except_set = 0;
};

/// A meeting as it stands in the kernel.
struct LinkedMeeting {
    std::uint32_t slot = 0;        // where its dedicated endpoints lead
    std::uint32_t shared_slot = 0; // where its participants lead
    std::uint32_t policy = 0;
    std::vector<policy::EndpointImage> endpoints; // ascending
    std::vector<LinkedRule> rules;                // by number

    /// The rule with this number, or null.
    [[nodiscard]] const LinkedRule* find_rule(std::uint64_t number) const;
    /// Whether one of its rules counts in these cells.
    [[nodiscard]] bool uses_cells(const LinkedRule& rule) const;
    [[nodiscard]] bool has_rules_of(const policy::MeetingImage& image) const;
};

/// One element of a port's chain.
struct LinkedEndpoint {
    IpAddress::Bytes local{};
    std::uint64_t meeting = 0; // number
    std::uint32_t flags = 0;   // MF_ENDPOINT_…
    bool shared = false;       // by several meetings: `meeting` is 0
    std::uint32_t index = 0;
};

} // namespace meetfence::dataplane
