// SPDX-License-Identifier: Apache-2.0
// How the addresses that a server announces become the host's own ones, which packets carry.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/endpoint.h"
#include "model/json.h"

namespace meetfence::bridges {

struct LocalAddresses {
    bool any = false;                   // by port alone: behind a NAT that maps one to one
    std::vector<Endpoint> instead = {}; // of all candidates: of servers with one port for everybody
};

inline constexpr std::string_view kAnyAddressKey = "any_address", kEndpointsKey = "endpoints";

/// Of a configuration that knows the two keys above.
[[nodiscard]] inline Result<LocalAddresses> read_local_addresses(const ObjectReader& reader)
{
    LocalAddresses addresses;
    addresses.any = TRY(reader.flag(kAnyAddressKey));
    addresses.instead = TRY(parse_endpoints(TRY(reader.texts(kEndpointsKey))));
    return addresses;
}

} // namespace meetfence::bridges
