// SPDX-License-Identifier: Apache-2.0
// A local address where an edge host receives conferencing traffic:
//   udp:198.18.0.1:40000   tcp:[2001:db8::1]:443   udp:198.18.0.1:40000-40009   udp:*:10000
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ip.h"
#include "model/result.h"

namespace meetfence {

enum class Transport : std::uint8_t { udp, tcp };

/// Ports one endpoint may span; wider ranges belong to several endpoints or to a shared one.
inline constexpr unsigned kMaxPortRange = 1024;

struct Endpoint {
    Transport transport = Transport::udp;
    std::optional<IpAddress> address; // none = any local address, both families
    std::uint16_t first_port = 0;     // 1–65535
    std::uint16_t last_port = 0;      // >= first_port

    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    /// Whether some packet could be addressed to both.
    [[nodiscard]] bool overlaps(const Endpoint& other) const;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "203.0.113.10:51000" or "[2001:db8::1]:51000"; port 1–65535.
struct SocketAddress {
    IpAddress address;
    std::uint16_t port = 0;

    [[nodiscard]] static Result<SocketAddress> parse(std::string_view text);
    [[nodiscard]] std::string text() const;

    friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
    friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

} // namespace meetfence
