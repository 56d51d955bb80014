// SPDX-License-Identifier: Apache-2.0
// The hosts of the tests, by family: documentation and benchmarking addresses only (RFC 5737,
// RFC 2544, RFC 3849).
#pragma once

#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <string_view>

#include "model/endpoint.h"
#include "model/ip.h"

namespace meetfence::test {

enum class Family : std::uint8_t { ipv4, ipv6 };

inline std::string_view name(Family family)
{
    return family == Family::ipv4 ? "IPv4" : "IPv6";
}

inline std::string_view name(Transport transport)
{
    return transport == Transport::udp ? "UDP" : "TCP";
}

/// Throws where a test mistypes an address.
inline IpAddress address(std::string_view text)
{
    const auto parsed = IpAddress::parse(text);
    if (!parsed) {
        throw std::invalid_argument(parsed.error().message);
    }
    return *parsed;
}

struct Hosts {
    IpAddress server;                       // an edge host's address with a meeting
    IpAddress other_server;                 // another address of the same edge host
    IpAddress chinese, hong_kong, american; // participants, placed by their prefixes
    IpAddress unplaced;                     // a participant no database knows
    std::string_view chinese_prefix, hong_kong_prefix, american_prefix;
};

inline const Hosts& hosts(Family family)
{
    static const Hosts v4{address("198.18.0.1"),    address("198.18.0.2"), address("203.0.113.10"),
                          address("198.51.100.10"), address("192.0.2.10"), address("198.18.9.9"),
                          "203.0.113.0/24",         "198.51.100.0/24",     "192.0.2.0/24"};
    static const Hosts v6{address("2001:db8::1"),    address("2001:db8::2"),    address("2001:db8:c::10"),
                          address("2001:db8:b::10"), address("2001:db8:a::10"), address("2001:db8:f::9"),
                          "2001:db8:c::/48",         "2001:db8:b::/48",         "2001:db8:a::/48"};
    return family == Family::ipv4 ? v4 : v6;
}

inline constexpr std::uint16_t kMeetingPort = 40000;
inline constexpr std::uint16_t kClientPort = 51000;

} // namespace meetfence::test
