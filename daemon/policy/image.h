// SPDX-License-Identifier: Apache-2.0
// What the kernel's tables must hold for one meeting: plain values, no kernel, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
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

/// A port on a local address that participants are known at, by declaration or by their ufrags and flows.
struct NamedEndpoint {
    EndpointImage at;
    std::uint32_t flags = 0; // MF_ENDPOINT_…; 0 = nobody names it any more

    friend bool operator==(const NamedEndpoint&, const NamedEndpoint&) = default;
};

struct RuleImage {
    std::uint64_t number = 0;
    std::uint8_t whom = MF_WHOM_COUNTRIES;
    std::uint64_t participant = 0;                           // owner
    std::array<std::uint64_t, MF_COUNTRY_WORDS> countries{}; // kept out; bit 0 = no country
    std::uint64_t from_ns = 0;                               // CLOCK_BOOTTIME
    std::uint64_t until_ns = 0;                              // CLOCK_BOOTTIME
    std::uint8_t mode = MF_ENFORCE;
    std::vector<IpPrefix> except;

    /// Counter cells: one for each country, or one for all.
    [[nodiscard]] std::uint32_t cell_count() const;
    /// Of one cell each, in order; no country where there is one cell for all.
    [[nodiscard]] std::vector<Country> cell_countries() const;
    /// Whether counts of the one can go on as counts of the other.
    [[nodiscard]] bool counts_like(const RuleImage& other) const;

    friend bool operator==(const RuleImage&, const RuleImage&) = default;
};

struct MeetingImage {
    std::uint64_t number = 0;
    std::vector<EndpointImage> endpoints; // ascending, none twice
    std::vector<RuleImage> rules;         // by number

    friend bool operator==(const MeetingImage&, const MeetingImage&) = default;
};

/// The owner word of a meeting's participant.
using OwnerOf = std::function<std::uint64_t(std::uint64_t meeting, const std::string& participant)>;

/// `wall_offset_ns` is CLOCK_REALTIME - CLOCK_BOOTTIME. A rule ends with its meeting at the latest.
[[nodiscard]] MeetingImage compile(std::uint64_t number, const Meeting& meeting,
                                   const std::vector<const Rule*>& rules, std::int64_t wall_offset_ns,
                                   const OwnerOf& owner_of);

/// Every (port, address) an endpoint stands for.
void expand(const Endpoint& endpoint, std::vector<EndpointImage>& images);
/// And back: what one of them is.
[[nodiscard]] Endpoint to_endpoint(const EndpointImage& image);

} // namespace meetfence::policy
