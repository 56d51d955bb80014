// SPDX-License-Identifier: Apache-2.0
#include "model/ip.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace meetfence {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress::Bytes masked(IpAddress::Bytes bytes, unsigned bits)
{
    for (unsigned i = 0; i < bytes.size(); ++i) {
        const unsigned kept = bits > 8 * i ? std::min(8U, bits - 8 * i) : 0U;
        bytes.at(i) = static_cast<std::uint8_t>(bytes.at(i) & ~(0xffU >> kept));
    }
    return bytes;
}

} // namespace

IpAddress IpAddress::v4(std::uint32_t host_order)
{
    Bytes bytes{};
    std::ranges::copy(kMapped, bytes.begin());
    const std::uint32_t wire = htonl(host_order);
    std::memcpy(bytes.data() + kMapped.size(), &wire, sizeof(wire));
    return IpAddress(bytes);
}

Result<IpAddress> IpAddress::parse(std::string_view text)
{
    // inet_pton would read up to a zero byte and ignore the rest.
    const std::string terminated(text.substr(0, text.find('\0')));
    const bool whole = terminated.size() == text.size();
    in_addr v4_address{};
    if (whole && inet_pton(AF_INET, terminated.c_str(), &v4_address) == 1) {
        return v4(ntohl(v4_address.s_addr));
    }
    Bytes bytes{};
    if (whole && inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
        return IpAddress(bytes);
    }
    return fail(ErrorCode::invalid, "'" + terminated + "' is not an IPv4 or IPv6 address");
}

bool IpAddress::is_v4() const
{
    return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::uint32_t IpAddress::v4_host_order() const
{
    std::uint32_t wire = 0;
    std::memcpy(&wire, bytes_.data() + kMapped.size(), sizeof(wire));
    return ntohl(wire);
}

std::string IpAddress::text() const
{
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (is_v4()) {
        inet_ntop(AF_INET, bytes_.data() + kMapped.size(), buffer.data(), buffer.size());
    } else {
        inet_ntop(AF_INET6, bytes_.data(), buffer.data(), buffer.size());
    }
    return buffer.data();
}

Result<IpPrefix> IpPrefix::parse(std::string_view text)
{
    const auto slash = text.find('/');
    const auto address = TRY(IpAddress::parse(text.substr(0, slash)));
    const unsigned full = address.is_v4() ? 32 : 128;
    unsigned bits = full;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), bits);
        if (error != std::errc{} || end != digits.end() || bits > full) {
            return fail(ErrorCode::invalid, "'" + std::string(text) +
                                                "' is not a prefix: its length must be 0 to " +
                                                std::to_string(full));
        }
    }
    const auto prefix = around(address, static_cast<std::uint8_t>(bits));
    if (prefix.address != address) {
        return fail(ErrorCode::invalid, "'" + std::string(text) +
                                            "' has bits set beyond its length; did you mean " +
                                            prefix.text() + "?");
    }
    return prefix;
}

IpPrefix IpPrefix::around(const IpAddress& address, std::uint8_t bits)
{
    const unsigned mapped = address.is_v4() ? bits + 96U : bits;
    return {IpAddress(masked(address.bytes(), mapped)), bits};
}

bool IpPrefix::contains(const IpAddress& other) const
{
    return is_v4() == other.is_v4() && masked(other.bytes(), mapped_bits()) == address.bytes();
}

std::string IpPrefix::text() const
{
    return address.text() + "/" + std::to_string(bits);
}

} // namespace meetfence
