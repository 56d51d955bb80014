// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "model/endpoint.h"

namespace meetfence::bridges {

[[nodiscard]] inline boost::asio::ip::tcp::endpoint tcp_endpoint(const SocketAddress& at)
{
    namespace ip = boost::asio::ip;
    const auto address = at.address.is_v4() ? ip::address(ip::address_v4(at.address.v4_host_order()))
                                            : ip::address(ip::address_v6(at.address.bytes()));
    return {address, at.port};
}

} // namespace meetfence::bridges
