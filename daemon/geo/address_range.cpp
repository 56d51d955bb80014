// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/address_range.h"

#include <bit>
#include <bitset>

namespace meetfence::geo {
namespace {

std::uint64_t ones(AddressNumber number)
{
    return std::bitset<64>(static_cast<std::uint64_t>(number)).count() +
           std::bitset<64>(static_cast<std::uint64_t>(number >> 64)).count();
}

int bit_width(AddressNumber number)
{
    const auto high = static_cast<std::uint64_t>(number >> 64);
    return static_cast<int>(high != 0 ? 64 + std::bit_width(high)
                                      : std::bit_width(static_cast<std::uint64_t>(number)));
}

} // namespace

Family family_of(const IpPrefix& prefix)
{
    return prefix.is_v4() ? Family::v4 : Family::v6;
}

AddressNumber to_number(const IpAddress& address)
{
    if (address.is_v4()) {
        return address.v4_host_order();
    }
    AddressNumber number = 0;
    for (const auto byte : address.bytes()) {
        number = number << 8 | byte;
    }
    return number;
}

IpAddress to_address(AddressNumber number, Family family)
{
    if (family == Family::v4) {
        return IpAddress::v4(static_cast<std::uint32_t>(number));
    }
    IpAddress::Bytes bytes{};
    for (std::size_t i = bytes.size(); i-- > 0; number >>= 8) {
        bytes.at(i) = static_cast<std::uint8_t>(number);
    }
    return IpAddress(bytes);
}

PlacedRange to_range(const PlacedPrefix& placed)
{
    const unsigned host_bits = address_bits(family_of(placed.prefix)) - placed.prefix.bits;
    const auto first = to_number(placed.prefix.address);
    const AddressNumber hosts = host_bits == 128 ? ~AddressNumber{0} : (AddressNumber{1} << host_bits) - 1;
    return {first, first | hosts, placed.country};
}

// Blocks grow up to the highest boundary within
// and shrink behind it: one for each bit set in the distance to either end.
std::uint64_t count_prefixes(AddressNumber first, AddressNumber last)
{
    const AddressNumber end = last + 1; // 0: the end of IPv6
    if (end == 0) {
        return first == 0 ? 1 : ones(-first);
    }
    const int top = bit_width(first ^ end) - 1;
    const AddressNumber middle = end >> top << top;
    return ones(middle - first) + ones(end - middle);
}

} // namespace meetfence::geo
