// SPDX-License-Identifier: Apache-2.0
#include "tests/support/packet.h"

#include <algorithm>
#include <utility>

namespace meetfence::test {
namespace {

constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kTcpBytes = 20;

void put8(Bytes& bytes, std::size_t value)
{
    bytes.push_back(static_cast<std::uint8_t>(value));
}

void put16(Bytes& bytes, std::size_t value)
{
    put8(bytes, value >> 8);
    put8(bytes, value);
}

void put32(Bytes& bytes, std::size_t value)
{
    put16(bytes, value >> 16);
    put16(bytes, value);
}

template <class Range> void append(Bytes& bytes, const Range& more)
{
    bytes.insert(bytes.end(), more.begin(), more.end());
}

std::uint16_t checksum(const std::uint8_t* bytes, std::size_t length)
{
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < length; i += 2) {
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

// Options every receiver skips: type 0x1e is set aside for experiments (RFC 4727). Linux refuses
// long runs of padding, so padding will not do.
void put_options(Bytes& bytes, std::size_t length)
{
    while (length >= 2) {
        const auto data = std::min<std::size_t>(length - 2, 255);
        put8(bytes, 0x1e);
        put8(bytes, data);
        bytes.resize(bytes.size() + data);
        length -= 2 + data;
    }
    bytes.resize(bytes.size() + length);
}

} // namespace

Packet::Packet(Transport transport, SocketAddress from, SocketAddress to)
    : transport_(transport), from_(std::move(from)), to_(std::move(to))
{
    payload(32);
}

Packet& Packet::vlan(std::uint16_t type, std::uint16_t id)
{
    tags_.emplace_back(type, id);
    return *this;
}

Packet& Packet::options(std::size_t bytes)
{
    option_bytes_ = bytes;
    return *this;
}

Packet& Packet::extension(std::uint8_t type, std::size_t bytes)
{
    Extension extension{type, {0}};
    put8(extension.bytes, type == kAuthentication ? bytes / 4 - 2 : bytes / 8 - 1);
    if (type == kHopByHop || type == kDestinationOptions) {
        put_options(extension.bytes, bytes - 2);
    } else if (type == kRouting) {
        put8(extension.bytes, kExperiment); // an unknown type without segments left is to be skipped
    }
    extension.bytes.resize(bytes);
    extensions_.push_back(std::move(extension));
    return *this;
}

Packet& Packet::fragment(std::uint32_t id, std::size_t offset_bytes, bool more, std::uint8_t reserved)
{
    later_fragment_ = offset_bytes > 0;
    if (is_ipv4()) {
        ipv4_id_ = static_cast<std::uint16_t>(id);
        ipv4_fragment_ = static_cast<std::uint16_t>(offset_bytes / 8 | (more ? 0x2000U : 0U));
        return *this;
    }
    Extension extension{kFragment, {0, reserved}};
    put16(extension.bytes, (offset_bytes & 0xfff8U) | (more ? 1U : 0U));
    put32(extension.bytes, id);
    extensions_.push_back(std::move(extension));
    return *this;
}

Packet& Packet::payload(std::size_t bytes)
{
    payload_.clear();
    for (std::size_t i = 0; i < bytes; ++i) {
        put8(payload_, i);
    }
    return *this;
}

Packet& Packet::payload(Bytes bytes)
{
    payload_ = std::move(bytes);
    return *this;
}

Packet& Packet::trailer(std::size_t bytes)
{
    trailer_bytes_ = bytes;
    return *this;
}

Packet& Packet::ethertype(std::uint16_t value)
{
    ethertype_ = value;
    return *this;
}

Packet& Packet::version(std::uint8_t value)
{
    version_ = value;
    return *this;
}

Packet& Packet::header_words(std::uint8_t value)
{
    header_words_ = value;
    return *this;
}

Packet& Packet::ip_length(std::uint16_t value)
{
    ip_length_ = value;
    return *this;
}

Packet& Packet::protocol(std::uint8_t value)
{
    protocol_ = value;
    return *this;
}

Packet& Packet::udp_length(std::uint16_t value)
{
    udp_length_ = value;
    return *this;
}

Packet& Packet::data_offset(std::uint8_t words)
{
    data_offset_ = words;
    return *this;
}

std::uint8_t Packet::transport_number() const
{
    return protocol_.value_or(transport_ == Transport::udp ? kUdp : kTcp);
}

Bytes Packet::transport_and_payload() const
{
    Bytes bytes;
    if (!later_fragment_) {
        put16(bytes, from_.port);
        put16(bytes, to_.port);
        if (transport_ == Transport::udp) {
            put16(bytes, udp_length_.value_or(static_cast<std::uint16_t>(kUdpBytes + payload_.size())));
            put16(bytes, 0);
        } else {
            put32(bytes, 1); // sequence number
            put32(bytes, 0);
            put16(bytes, static_cast<std::size_t>(data_offset_.value_or(kTcpBytes / 4)) << 12 | 0x02U); // SYN
            put16(bytes, 65535);
            put32(bytes, 0);
        }
    }
    append(bytes, payload_);
    return bytes;
}

void Packet::append_ipv4(Bytes& frame, std::size_t behind) const
{
    const std::size_t header = 20 + option_bytes_;
    put8(frame, static_cast<std::size_t>(version_.value_or(4)) << 4 |
                    header_words_.value_or(static_cast<std::uint8_t>(header / 4)));
    put8(frame, 0);
    put16(frame, ip_length_.value_or(static_cast<std::uint16_t>(header + behind)));
    put16(frame, ipv4_id_);
    put16(frame, ipv4_fragment_);
    put8(frame, 64);
    put8(frame, transport_number());
    put16(frame, 0);
    put32(frame, from_.address.v4_host_order());
    put32(frame, to_.address.v4_host_order());
    frame.resize(frame.size() + option_bytes_, 1); // "no operation"
}

void Packet::append_ipv6(Bytes& frame, std::size_t behind) const
{
    std::size_t chain = 0;
    for (const auto& extension : extensions_) {
        chain += extension.bytes.size();
    }
    put32(frame, static_cast<std::size_t>(version_.value_or(6)) << 28);
    put16(frame, ip_length_.value_or(static_cast<std::uint16_t>(chain + behind)));
    put8(frame, extensions_.empty() ? transport_number() : extensions_.front().type);
    put8(frame, 64);
    append(frame, from_.address.bytes());
    append(frame, to_.address.bytes());
    for (std::size_t i = 0; i < extensions_.size(); ++i) {
        auto bytes = extensions_[i].bytes;
        bytes[0] = i + 1 < extensions_.size() ? extensions_[i + 1].type : transport_number();
        append(frame, bytes);
    }
}

Bytes Packet::bytes() const
{
    Bytes frame = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2}; // locally administered: to, from
    for (const auto& [type, id] : tags_) {
        put16(frame, type);
        put16(frame, id);
    }
    put16(frame, ethertype_.value_or(is_ipv4() ? 0x0800 : 0x86DD));
    const auto inner = transport_and_payload();
    is_ipv4() ? append_ipv4(frame, inner.size()) : append_ipv6(frame, inner.size());
    append(frame, inner);
    frame.resize(frame.size() + trailer_bytes_);
    fix_ipv4_checksum(frame);
    return frame;
}

void fix_ipv4_checksum(Bytes& frame)
{
    std::size_t at = kEthernetBytes;
    const auto type = [&] { return frame[at - 2] << 8 | frame[at - 1]; };
    while (frame.size() >= at + 4 && (type() == kDot1Q || type() == kDot1Ad)) {
        at += 4;
    }
    if (frame.size() < at + 20 || type() != 0x0800) {
        return;
    }
    const auto length = std::min<std::size_t>((frame[at] & 0x0fU) * 4U, frame.size() - at);
    if (length < 20) {
        return;
    }
    frame[at + 10] = frame[at + 11] = 0;
    const auto sum = checksum(&frame[at], length);
    frame[at + 10] = static_cast<std::uint8_t>(sum >> 8);
    frame[at + 11] = static_cast<std::uint8_t>(sum);
}

} // namespace meetfence::test
