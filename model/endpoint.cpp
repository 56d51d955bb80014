// SPDX-License-Identifier: Apache-2.0
#include "model/endpoint.h"

#include <charconv>

namespace meetfence {
namespace {

struct HostAndPorts {
    std::string_view host; // without brackets
    std::string_view ports;
};

// Splits at the last colon; an IPv6 address must stand in brackets.
Result<HostAndPorts> split(std::string_view text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return fail(ErrorCode::invalid, "it has no port");
    }
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        if (!host.empty() && host.find(':') == std::string_view::npos) {
            return fail(ErrorCode::invalid, "brackets are for IPv6 addresses only");
        }
    } else if (host.find(':') != std::string_view::npos) {
        return fail(ErrorCode::invalid, "an IPv6 address stands in brackets: [2001:db8::1]:443");
    }
    return HostAndPorts{host, text.substr(colon + 1)};
}

Result<std::uint16_t> parse_port(std::string_view text)
{
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
    if (error != std::errc{} || end != text.end() || port < 1 || port > 65535) {
        return fail(ErrorCode::invalid, "port '" + std::string(text) + "' is not a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(port);
}

std::string bracketed(const IpAddress& address)
{
    return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

Result<Endpoint> parse_endpoint(std::string_view text)
{
    Endpoint endpoint;
    if (text.starts_with("tcp:")) {
        endpoint.transport = Transport::tcp;
    } else if (!text.starts_with("udp:")) {
        return fail(ErrorCode::invalid, "it starts with neither udp: nor tcp:, as in udp:198.18.0.1:40000");
    }
    const auto parts = TRY(split(text.substr(4)));
    if (parts.host != "*") {
        endpoint.address = TRY(IpAddress::parse(parts.host));
        if (endpoint.address->bytes() == IpAddress().bytes() || endpoint.address->text() == "0.0.0.0") {
            return fail(ErrorCode::invalid, "any local address is written *, as in udp:*:10000");
        }
    }
    const auto dash = parts.ports.find('-');
    endpoint.first_port = TRY(parse_port(parts.ports.substr(0, dash)));
    endpoint.last_port =
        dash == std::string_view::npos ? endpoint.first_port : TRY(parse_port(parts.ports.substr(dash + 1)));
    if (endpoint.last_port < endpoint.first_port) {
        return fail(ErrorCode::invalid, "its port range ends before it begins");
    }
    const unsigned ports = endpoint.last_port - endpoint.first_port + 1U;
    if (ports > kMaxPortRange) {
        return fail(ErrorCode::invalid, "its range of " + std::to_string(ports) + " ports is larger than " +
                                            std::to_string(kMaxPortRange));
    }
    return endpoint;
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view text)
{
    return parse_endpoint(text).map_error(
        [&](Error error) { return std::move(error).context("endpoint '" + std::string(text) + "'"); });
}

std::string Endpoint::text() const
{
    std::string result = transport == Transport::udp ? "udp:" : "tcp:";
    result += address ? bracketed(*address) : "*";
    result += ":" + std::to_string(first_port);
    if (last_port != first_port) {
        result += "-" + std::to_string(last_port);
    }
    return result;
}

bool Endpoint::overlaps(const Endpoint& other) const
{
    return transport == other.transport && first_port <= other.last_port && other.first_port <= last_port &&
           (!address || !other.address || *address == *other.address);
}

Result<SocketAddress> SocketAddress::parse(std::string_view text)
{
    const auto what = [&](Error error) { return std::move(error).context("'" + std::string(text) + "'"); };
    const auto parts = TRY(split(text).map_error(what));
    const auto address = TRY(IpAddress::parse(parts.host).map_error(what));
    return SocketAddress{address, TRY(parse_port(parts.ports).map_error(what))};
}

std::string SocketAddress::text() const
{
    return bracketed(address) + ":" + std::to_string(port);
}

} // namespace meetfence
