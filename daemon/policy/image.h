// SPDX-License-Identifier: Apache-2.0
// What the kernel's tables must hold for one meeting: plain values, no kernel, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel-headers/abi.h"
#include "model/ip.h"
#include "model/meeting.h"
#include "model/rule.h"

namespace meetfence::policy {

/// One port on one local address.
struct EndpointImage {
    std::uint32_t port_slot = 0; // index into the map `ports`
    IpAddress::Bytes local{};    // all zero = any local address

    friend bool operator==(const EndpointImage&, const EndpointImage&) = default;
    friend auto operator<=>(const EndpointImage&, const EndpointImage&) = default;
};

struct RuleImage {
    std::uint64_t number = 0;
    std::array<std::uint64_t, MF_COUNTRY_WORDS> countries{};
    std::uint64_t from_ns = 0;  // CLOCK_BOOTTIME
    std::uint64_t until_ns = 0; // CLOCK_BOOTTIME
    std::uint8_t mode = MF_ENFORCE;
    std::vector<IpPrefix> except;

    friend bool operator==(const RuleImage&, const RuleImage&) = default;
};

struct MeetingImage {
    std::uint64_t number = 0;
    std::vector<EndpointImage> endpoints; // ascending, none twice
    std::vector<RuleImage> rules;         // by number

    friend bool operator==(const MeetingImage&, const MeetingImage&) = default;
};

[[nodiscard]] std::uint32_t country_count(const std::array<std::uint64_t, MF_COUNTRY_WORDS>& countries);
[[nodiscard]] std::vector<Country> countries_of(const std::array<std::uint64_t, MF_COUNTRY_WORDS>& countries);

/// `wall_offset_ns` is CLOCK_REALTIME - CLOCK_BOOTTIME. A rule ends with its meeting at the latest.
[[nodiscard]] MeetingImage compile(std::uint64_t number, const Meeting& meeting,
                                   const std::vector<const Rule*>& rules, std::int64_t wall_offset_ns);

/// Every (port, address) an endpoint stands for.
void expand(const Endpoint& endpoint, std::vector<EndpointImage>& images);

} // namespace meetfence::policy
