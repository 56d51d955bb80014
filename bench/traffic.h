// SPDX-License-Identifier: Apache-2.0
// Who sends whereto. A case's packets have numbers from 0 on; from the number follows all but the remote
// address.
#pragma once

#include <array>
#include <cstdint>

#include "bench/bpf/packets.h"
#include "kernel-headers/abi.h"
#include "model/ip.h"

namespace meetfence::bench {

inline constexpr std::uint16_t kFirstPort = 10000;
inline constexpr std::uint16_t kSharedPort = 7882;
inline constexpr std::uint16_t kUnregisteredPort = 9;
inline constexpr std::uint8_t kSharedAddress = 1; // number of a local address

[[nodiscard]] IpAddress local_address(bool is_v4, std::uint8_t number);
/// Where a meeting of this index has its own endpoint.
[[nodiscard]] std::uint8_t address_number(std::uint32_t meeting);
[[nodiscard]] std::uint16_t port_of(std::uint32_t meeting);
/// Index of the meeting of a packet or participant.
[[nodiscard]] std::uint32_t meeting_of(std::uint32_t number, std::uint32_t meetings);
/// A participant's element is one behind its number: there is none at 0.
[[nodiscard]] std::uint64_t owner_of(std::uint32_t number);
/// Behind BENCH_UFRAG; of numbers below 2^18, one each.
[[nodiscard]] std::array<std::uint8_t, 3> ufrag_of(std::uint32_t number);

[[nodiscard]] bench_packet packet_to_meeting(const IpAddress& remote, std::uint32_t number,
                                             std::uint32_t meetings);
[[nodiscard]] bench_packet packet_to_shared(const IpAddress& remote, std::uint32_t number);
[[nodiscard]] bench_packet packet_to_nobody(const IpAddress& remote, std::uint32_t number);
[[nodiscard]] mf_flow_key key_of(const bench_packet& packet);

} // namespace meetfence::bench
