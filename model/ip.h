// SPDX-License-Identifier: Apache-2.0
// IP addresses and prefixes as values. Bytes are in network order; IPv4 is held as
// ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), the form the kernel's tables use.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"

namespace meetfence {

class IpAddress {
public:
    using Bytes = std::array<std::uint8_t, 16>;

    IpAddress() = default; // ::
    explicit constexpr IpAddress(const Bytes& bytes) : bytes_(bytes) {}
    [[nodiscard]] static IpAddress v4(std::uint32_t host_order);

    [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] std::uint32_t v4_host_order() const; // of an IPv4 address
    [[nodiscard]] std::string text() const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

private:
    Bytes bytes_{};
};

/// A prefix whose host bits are zero. `bits` counts within the family: 0–32 or 0–128.
struct IpPrefix {
    IpAddress address;
    std::uint8_t bits = 0;

    /// "203.0.113.0/24"; a bare address is a prefix of full length. Set host bits are refused.
    [[nodiscard]] static Result<IpPrefix> parse(std::string_view text);
    /// The prefix of this length around an address; its host bits are cleared.
    [[nodiscard]] static IpPrefix around(const IpAddress& address, std::uint8_t bits);

    [[nodiscard]] bool is_v4() const { return address.is_v4(); }
    /// Length counted in the 128 bits of `address`.
    [[nodiscard]] unsigned mapped_bits() const { return is_v4() ? bits + 96U : bits; }
    [[nodiscard]] bool contains(const IpAddress& other) const;
    [[nodiscard]] std::string text() const;

    friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
    friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

} // namespace meetfence
