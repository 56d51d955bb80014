// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/address_range.h"

namespace meetfence::geo {

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

} // namespace meetfence::geo
