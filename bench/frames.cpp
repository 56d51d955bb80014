// SPDX-License-Identifier: Apache-2.0
#include "bench/frames.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/bpf/packets.h"
#include "daemon/dataplane/explain.h"

namespace meetfence::bench {
namespace {

constexpr std::size_t kMediaBytes = 22; // a frame of 64 bytes over IPv4
constexpr std::uint16_t kPort = 9;

void put16(Frame& bytes, std::size_t at, std::size_t value)
{
    bytes[at] = static_cast<std::uint8_t>(value >> 8U);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void attribute(Frame& message, std::uint16_t type, std::string_view value)
{
    const auto at = message.size();
    message.resize(at + 4);
    put16(message, at, type);
    put16(message, at + 2, value.size());
    message.insert(message.end(), value.begin(), value.end());
    message.resize((message.size() + 3) / 4 * 4);
}

Frame carry(const Frame& payload, const IpAddress& remote, const IpAddress& local)
{
    auto frame = dataplane::build_frame({remote, kPort}, Transport::udp, {local, kPort});
    const std::size_t udp = frame.size() - 8;
    frame.insert(frame.end(), payload.begin(), payload.end());
    put16(frame, udp + 4, 8 + payload.size());
    if (local.is_v4()) {
        put16(frame, 14 + 2, 20 + 8 + payload.size()); // with its header
    } else {
        put16(frame, 14 + 4, 8 + payload.size());
    }
    return frame;
}

} // namespace

Frame media_frame(const IpAddress& remote, const IpAddress& local)
{
    Frame payload(kMediaBytes);
    payload[0] = 0x80;
    return carry(payload, remote, local);
}

Frame stun_frame(const IpAddress& remote, const IpAddress& local)
{
    Frame message{0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xA4, 0x42};
    message.resize(20);
    attribute(message, 0x0006, std::string{BENCH_UFRAG} + "aaa:fZ3k"); // USERNAME
    attribute(message, 0xC057, std::string(4, '\0'));                  // GOOG-NETWORK-INFO
    attribute(message, 0x802A, std::string(8, '\0'));                  // ICE-CONTROLLING
    attribute(message, 0x0025, "");                                    // USE-CANDIDATE
    attribute(message, 0x0024, std::string(4, '\0'));                  // PRIORITY
    attribute(message, 0x0008, std::string(20, '\0'));                 // MESSAGE-INTEGRITY
    attribute(message, 0x8028, std::string(4, '\0'));                  // FINGERPRINT
    put16(message, 2, message.size() - 20);
    return carry(message, remote, local);
}

} // namespace meetfence::bench
