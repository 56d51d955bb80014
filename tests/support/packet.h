// SPDX-License-Identifier: Apache-2.0
// Builds frames byte by byte. Lengths are right unless a test overrides them; what libtins refuses
// to write (bad lengths, tags over tags, half headers) is the reason for a builder of our own.
// tests/bpf/packet_test.cpp has libtins read the good ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/endpoint.h"

namespace meetfence::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint16_t kDot1Q = 0x8100;
inline constexpr std::uint16_t kDot1Ad = 0x88A8;

// Next header numbers, by IANA's registry.
inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kFragment = 44;
inline constexpr std::uint8_t kEsp = 50;
inline constexpr std::uint8_t kAuthentication = 51;
inline constexpr std::uint8_t kIcmpV6 = 58;
inline constexpr std::uint8_t kNoNextHeader = 59;
inline constexpr std::uint8_t kDestinationOptions = 60;
inline constexpr std::uint8_t kMobility = 135;
inline constexpr std::uint8_t kExperiment = 253;

class Packet {
public:
    /// An Ethernet frame with 32 bytes of payload; the family is the addresses'.
    Packet(Transport transport, SocketAddress from, SocketAddress to);

    Packet& vlan(std::uint16_t type, std::uint16_t id = 10); // outermost first
    Packet& options(std::size_t bytes);                      // IPv4, a multiple of 4 up to 40
    /// The next header of the IPv6 chain; `bytes` a multiple of 8 (AH: of 4, from 12).
    Packet& extension(std::uint8_t type, std::size_t bytes = 8);
    /// IPv4: the header's fields. IPv6: the next header of the chain. A later fragment
    /// (`offset_bytes` > 0) carries payload only.
    Packet& fragment(std::uint32_t id, std::size_t offset_bytes, bool more, std::uint8_t reserved = 0);
    Packet& payload(std::size_t bytes);
    Packet& payload(Bytes bytes);
    Packet& trailer(std::size_t bytes); // behind the IP packet, as Ethernet's padding is

    // Overrides.
    Packet& ethertype(std::uint16_t value);
    Packet& version(std::uint8_t value);
    Packet& header_words(std::uint8_t value); // IPv4
    Packet& ip_length(std::uint16_t value);   // IPv4: total length; IPv6: payload length
    Packet& protocol(std::uint8_t value);     // what the last IP header says comes next
    Packet& udp_length(std::uint16_t value);
    Packet& data_offset(std::uint8_t words); // TCP

    [[nodiscard]] Bytes bytes() const;
    operator Bytes() const { return bytes(); } // NOLINT(google-explicit-constructor): a packet is its bytes

private:
    struct Extension {
        std::uint8_t type;
        Bytes bytes; // the first one, the next header's number, is still 0
    };
    [[nodiscard]] bool is_ipv4() const { return from_.address.is_v4(); }
    [[nodiscard]] std::uint8_t transport_number() const;
    void append_ipv4(Bytes& frame, std::size_t behind) const;
    void append_ipv6(Bytes& frame, std::size_t behind) const;
    [[nodiscard]] Bytes transport_and_payload() const;

    Transport transport_;
    SocketAddress from_, to_;
    std::vector<std::pair<std::uint16_t, std::uint16_t>> tags_;
    std::size_t option_bytes_ = 0;
    std::vector<Extension> extensions_;
    std::uint16_t ipv4_id_ = 0, ipv4_fragment_ = 0;
    bool later_fragment_ = false;
    Bytes payload_;
    std::size_t trailer_bytes_ = 0;
    std::optional<std::uint16_t> ethertype_, ip_length_, udp_length_;
    std::optional<std::uint8_t> version_, header_words_, protocol_, data_offset_;
};

/// Writes the right IPv4 header checksum into a frame, where there is an IPv4 header.
void fix_ipv4_checksum(Bytes& frame);

} // namespace meetfence::test
