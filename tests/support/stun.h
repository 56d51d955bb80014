// SPDX-License-Identifier: Apache-2.0
// Builds STUN messages attribute by attribute, as real stacks order them and as nobody should. What
// MESSAGE-INTEGRITY and FINGERPRINT hold is of no account: the filter cannot know a password.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/support/packet.h"

namespace meetfence::test {

// Message types (RFC 8489 section 5, RFC 8656 section 17).
inline constexpr std::uint16_t kBindingRequest = 0x0001;
inline constexpr std::uint16_t kBindingIndication = 0x0011;
inline constexpr std::uint16_t kBindingSuccess = 0x0101;
inline constexpr std::uint16_t kBindingError = 0x0111;
inline constexpr std::uint16_t kAllocateRequest = 0x0003;
inline constexpr std::uint16_t kSendIndication = 0x0016;
inline constexpr std::uint16_t kDataIndication = 0x0017;

// Attributes, by IANA's registry.
inline constexpr std::uint16_t kUsername = 0x0006;
inline constexpr std::uint16_t kMessageIntegrity = 0x0008;
inline constexpr std::uint16_t kErrorCode = 0x0009;
inline constexpr std::uint16_t kXorPeerAddress = 0x0012;
inline constexpr std::uint16_t kData = 0x0013;
inline constexpr std::uint16_t kMessageIntegritySha256 = 0x001C;
inline constexpr std::uint16_t kXorMappedAddress = 0x0020;
inline constexpr std::uint16_t kPriority = 0x0024;
inline constexpr std::uint16_t kUseCandidate = 0x0025;
inline constexpr std::uint16_t kSoftware = 0x8022;
inline constexpr std::uint16_t kFingerprint = 0x8028;
inline constexpr std::uint16_t kIceControlled = 0x8029;
inline constexpr std::uint16_t kIceControlling = 0x802A;
inline constexpr std::uint16_t kGoogNetworkInfo = 0xC057;

inline constexpr std::size_t kStunHeaderBytes = 20;

class Stun {
public:
    /// Of two messages the one with the same `transaction` answers the other.
    explicit Stun(std::uint16_t type, std::uint32_t transaction = 1) : type_(type), transaction_(transaction)
    {
    }

    /// Its length is the text's, and it is padded to a multiple of 4, as it should be.
    Stun& attribute(std::uint16_t type, std::string_view value);
    Stun& attribute(std::uint16_t type, const Bytes& value);
    Stun& blank(std::uint16_t type, std::size_t bytes) { return attribute(type, Bytes(bytes)); }
    Stun& username(std::string_view text) { return attribute(kUsername, text); }
    Stun& integrity() { return blank(kMessageIntegrity, 20); }
    Stun& fingerprint() { return blank(kFingerprint, 4); }
    /// As it stands: attributes that lie.
    Stun& raw(const Bytes& bytes);
    /// An attribute's head that says this length, and the value, without padding.
    Stun& lying(std::uint16_t type, std::uint16_t length, std::string_view value);

    // Overrides.
    Stun& type(std::uint16_t value);
    Stun& length(std::uint16_t value); // what the header says
    Stun& cookie(std::uint32_t value);
    Stun& trailing(std::size_t bytes); // behind what the header says

    [[nodiscard]] Bytes bytes() const;
    operator Bytes() const { return bytes(); } // NOLINT(google-explicit-constructor): as a packet is

private:
    std::uint16_t type_;
    std::uint32_t transaction_;
    std::uint32_t cookie_ = 0x2112A442;
    Bytes attributes_;
    std::size_t trailing_ = 0;
    std::optional<std::uint16_t> length_;
};

/// Whose order of attributes (from their sources, and from captures of Chromium and Janus).
enum class Stack : std::uint8_t { chrome, firefox, pion, libnice, ice4j };
inline constexpr Stack kStacks[] = {Stack::chrome, Stack::firefox, Stack::pion, Stack::libnice, Stack::ice4j};
[[nodiscard]] std::string_view name(Stack stack);

enum class Role : std::uint8_t { controlling, controlled };

/// A Binding request as the stack sends it.
[[nodiscard]] Stun request(Stack stack, Role role, std::string_view username, std::uint32_t transaction = 1);
/// What answers it, with the address of whoever asked; Janus copies the USERNAME into it.
[[nodiscard]] Stun success(const IpAddress& remote, std::uint32_t transaction,
                           std::string_view copied_username = {});
[[nodiscard]] Stun error(std::uint32_t transaction);

/// TURN's coats (RFC 8656).
[[nodiscard]] Bytes channel_data(const Bytes& inner, std::uint16_t channel = 0x4001);
[[nodiscard]] Bytes send_indication(const Bytes& inner);
[[nodiscard]] Bytes data_indication(const Bytes& inner);

/// With its length in front, as ICE sends it on TCP (RFC 4571).
[[nodiscard]] Bytes framed(const Bytes& message);

} // namespace meetfence::test
