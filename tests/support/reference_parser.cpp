// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reference_parser.h"

#include <algorithm>

#include "tests/support/packet.h"

namespace meetfence::test {
namespace {

using View = std::span<const std::uint8_t>;

unsigned be16(View bytes, std::size_t at)
{
    return static_cast<unsigned>(bytes[at] << 8 | bytes[at + 1]);
}

IpAddress ipv6_address(View bytes)
{
    IpAddress::Bytes value{};
    std::ranges::copy(bytes.first(16), value.begin());
    return IpAddress(value);
}

IpAddress ipv4_address(View bytes)
{
    return IpAddress::v4(be16(bytes, 0) << 16 | be16(bytes, 2));
}

// RFC 768. A first fragment's length is that of the whole datagram, which is not here. Length 0 is
// for IPv6 jumbograms (RFC 2675 section 4) and no length at all in IPv4.
mf_reason read_udp(View packet, bool is_ipv4, Reading& reading)
{
    if (packet.size() < 8) {
        return MF_TRUNCATED_L4;
    }
    reading.remote_port = static_cast<std::uint16_t>(be16(packet, 0));
    reading.local_port = static_cast<std::uint16_t>(be16(packet, 2));
    const auto length = be16(packet, 4);
    if (length == 0) {
        return is_ipv4 ? MF_BAD_L4 : MF_UNDECIDED;
    }
    const bool beyond = reading.fragment == FragmentKind::whole && length > packet.size();
    return length < 8 || beyond ? MF_BAD_L4 : MF_UNDECIDED;
}

// RFC 9293 section 3.1. Of a first fragment only the first 8 bytes are certain to be there (RFC 791).
mf_reason read_tcp(View packet, Reading& reading)
{
    const bool whole = reading.fragment == FragmentKind::whole;
    if (packet.size() < (whole ? 20U : 8U)) {
        return MF_TRUNCATED_L4;
    }
    reading.remote_port = static_cast<std::uint16_t>(be16(packet, 0));
    reading.local_port = static_cast<std::uint16_t>(be16(packet, 2));
    if (!whole) {
        return MF_UNDECIDED;
    }
    const std::size_t header = (packet[12] >> 4) * 4U;
    return header < 20 || header > packet.size() ? MF_BAD_L4 : MF_UNDECIDED;
}

mf_reason read_transport(View packet, bool is_ipv4, Reading& reading)
{
    switch (reading.protocol) {
    case kUdp:
        return read_udp(packet, is_ipv4, reading);
    case kTcp:
        return read_tcp(packet, reading);
    default:
        return MF_OTHER_PROTOCOL;
    }
}

// RFC 791 section 3.1.
mf_reason read_ipv4(View frame, Reading& reading)
{
    if (frame.size() < 20) {
        return MF_TRUNCATED_IPV4;
    }
    const std::size_t header = (frame[0] & 0x0fU) * 4U;
    const std::size_t total = be16(frame, 2);
    if (frame[0] >> 4 != 4 || header < 20 || total < header) {
        return MF_BAD_IPV4;
    }
    if (frame.size() < header) {
        return MF_TRUNCATED_IPV4;
    }
    if (frame.size() < total) {
        return MF_BAD_IPV4;
    }
    reading.protocol = frame[9];
    reading.remote = ipv4_address(frame.subspan(12));
    reading.local = ipv4_address(frame.subspan(16));
    const auto fragment = be16(frame, 6);
    if ((fragment & 0x1fffU) != 0) {
        reading.fragment = FragmentKind::later;
        return MF_UNDECIDED;
    }
    reading.fragment = (fragment & 0x2000U) != 0 ? FragmentKind::first : FragmentKind::whole;
    return read_transport(frame.first(total).subspan(header), true, reading);
}

bool is_extension(std::uint8_t number)
{
    return number == kHopByHop || number == kRouting || number == kFragment || number == kAuthentication ||
           number == kDestinationOptions || number == kMobility;
}

// RFC 8200 section 4; AH by RFC 4302 section 2.2, mobility by RFC 6275 section 6.1.1.
mf_reason read_extensions(View packet, Reading& reading)
{
    for (unsigned count = 0; is_extension(reading.protocol); ++count) {
        if (count == MF_MAX_EXTENSIONS) {
            return MF_TOO_MANY_EXTENSIONS;
        }
        if (packet.size() < 8) {
            return MF_TRUNCATED_EXTENSION;
        }
        std::size_t length = (packet[1] + 1U) * 8U;
        if (reading.protocol == kAuthentication) {
            length = (packet[1] + 2U) * 4U;
        } else if (reading.protocol == kFragment) {
            length = 8;
            const auto offset_and_flags = be16(packet, 2);
            if ((offset_and_flags & 0xfff8U) != 0) {
                reading.fragment = FragmentKind::later;
                return MF_UNDECIDED;
            }
            // Atomic (RFC 6946): neither offset nor more to come; the packet is whole, or stays what
            // a fragment header further out has made it.
            if ((offset_and_flags & 1U) != 0) {
                reading.fragment = FragmentKind::first;
            }
        }
        if (packet.size() < length) {
            return MF_TRUNCATED_EXTENSION;
        }
        reading.protocol = packet[0];
        packet = packet.subspan(length);
    }
    return read_transport(packet, false, reading);
}

// RFC 8200 section 3. A payload length of 0 before a hop-by-hop header is a jumbogram's (RFC 2675).
mf_reason read_ipv6(View frame, Reading& reading)
{
    if (frame.size() < 40) {
        return MF_TRUNCATED_IPV6;
    }
    if (frame[0] >> 4 != 6) {
        return MF_BAD_IPV6;
    }
    const std::size_t payload = be16(frame, 4);
    if (frame.size() < 40 + payload) {
        return MF_BAD_IPV6;
    }
    reading.protocol = frame[6];
    reading.remote = ipv6_address(frame.subspan(8));
    reading.local = ipv6_address(frame.subspan(24));
    const bool jumbo = payload == 0 && reading.protocol == kHopByHop;
    return read_extensions(jumbo ? frame.subspan(40) : frame.subspan(40, payload), reading);
}

mf_reason read_ethernet(View frame, Reading& reading)
{
    if (frame.size() < 14) {
        return MF_TRUNCATED_ETHERNET;
    }
    auto type = be16(frame, 12);
    auto rest = frame.subspan(14);
    for (unsigned tags = 0; type == kDot1Q || type == kDot1Ad; ++tags) {
        if (tags == MF_MAX_VLAN_TAGS) {
            return MF_VLAN_TOO_DEEP;
        }
        if (rest.size() < 4) {
            return MF_TRUNCATED_VLAN;
        }
        type = be16(rest, 2);
        rest = rest.subspan(4);
    }
    switch (type) {
    case 0x0800:
        return read_ipv4(rest, reading);
    case 0x86DD:
        return read_ipv6(rest, reading);
    default:
        return MF_NOT_IP;
    }
}

} // namespace

Reading read_frame(std::span<const std::uint8_t> frame)
{
    Reading reading;
    reading.reason = read_ethernet(frame, reading);
    return reading;
}

} // namespace meetfence::test
