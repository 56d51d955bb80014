// SPDX-License-Identifier: Apache-2.0
#include "tests/support/stun.h"

namespace meetfence::test {
namespace {

void put16(Bytes& bytes, std::size_t value)
{
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
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

void pad(Bytes& bytes)
{
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
}

Stun& control(Stun& message, Role role)
{
    return message.blank(role == Role::controlling ? kIceControlling : kIceControlled, 8);
}

Stun& nominate(Stun& message, Role role)
{
    return role == Role::controlling ? message.blank(kUseCandidate, 0) : message;
}

std::size_t xor_address_bytes(const IpAddress& address)
{
    return address.is_v4() ? 8 : 20;
}

Bytes indication(std::uint16_t type, const Bytes& inner)
{
    return Stun(type, 99).blank(kXorPeerAddress, 8).attribute(kData, inner);
}

} // namespace

Stun& Stun::attribute(std::uint16_t type, std::string_view value)
{
    return attribute(type, Bytes(value.begin(), value.end()));
}

Stun& Stun::attribute(std::uint16_t type, const Bytes& value)
{
    put16(attributes_, type);
    put16(attributes_, value.size());
    append(attributes_, value);
    pad(attributes_);
    return *this;
}

Stun& Stun::raw(const Bytes& bytes)
{
    append(attributes_, bytes);
    return *this;
}

Stun& Stun::lying(std::uint16_t type, std::uint16_t length, std::string_view value)
{
    put16(attributes_, type);
    put16(attributes_, length);
    append(attributes_, value);
    return *this;
}

Stun& Stun::type(std::uint16_t value)
{
    type_ = value;
    return *this;
}

Stun& Stun::length(std::uint16_t value)
{
    length_ = value;
    return *this;
}

Stun& Stun::cookie(std::uint32_t value)
{
    cookie_ = value;
    return *this;
}

Stun& Stun::trailing(std::size_t bytes)
{
    trailing_ = bytes;
    return *this;
}

Bytes Stun::bytes() const
{
    Bytes bytes;
    put16(bytes, type_);
    put16(bytes, length_.value_or(static_cast<std::uint16_t>(attributes_.size())));
    put32(bytes, cookie_);
    put32(bytes, 0x5eed0000U ^ transaction_); // each of the three words tells transactions apart
    put32(bytes, transaction_ * 0x9E3779B1U);
    put32(bytes, transaction_);
    append(bytes, attributes_);
    bytes.resize(bytes.size() + trailing_, 0xEE);
    return bytes;
}

std::string_view name(Stack stack)
{
    switch (stack) {
    case Stack::chrome:
        return "Chrome";
    case Stack::firefox:
        return "Firefox";
    case Stack::pion:
        return "pion";
    case Stack::libnice:
        return "libnice";
    case Stack::ice4j:
        return "ice4j";
    }
    return "";
}

Stun request(Stack stack, Role role, std::string_view username, std::uint32_t transaction)
{
    Stun message(kBindingRequest, transaction);
    switch (stack) {
    case Stack::chrome:
        message.username(username).blank(kGoogNetworkInfo, 4);
        nominate(control(message, role), role).blank(kPriority, 4);
        break;
    case Stack::firefox:
        nominate(message.username(username), role).blank(kPriority, 4);
        control(message, role);
        break;
    case Stack::pion:
        control(nominate(message.username(username), role), role).blank(kPriority, 4);
        break;
    case Stack::libnice:
        control(nominate(message, role).blank(kPriority, 4), role).username(username);
        break;
    case Stack::ice4j:
        nominate(control(message.blank(kPriority, 4), role), role).username(username);
        break;
    }
    return message.integrity().fingerprint();
}

Stun success(const IpAddress& remote, std::uint32_t transaction, std::string_view copied_username)
{
    Stun message(kBindingSuccess, transaction);
    message.blank(kXorMappedAddress, xor_address_bytes(remote));
    if (!copied_username.empty()) {
        message.username(copied_username);
    }
    return message.integrity().fingerprint();
}

Stun error(std::uint32_t transaction)
{
    constexpr std::string_view kRoleConflict{"\0\0\4\x57Role Conflict", 17}; // 487
    return Stun(kBindingError, transaction).attribute(kErrorCode, kRoleConflict).integrity().fingerprint();
}

Bytes channel_data(const Bytes& inner, std::uint16_t channel)
{
    Bytes bytes;
    put16(bytes, channel);
    put16(bytes, inner.size());
    append(bytes, inner);
    return bytes;
}

Bytes send_indication(const Bytes& inner)
{
    return indication(kSendIndication, inner);
}

Bytes data_indication(const Bytes& inner)
{
    return indication(kDataIndication, inner);
}

Bytes framed(const Bytes& message)
{
    Bytes bytes;
    put16(bytes, message.size());
    append(bytes, message);
    return bytes;
}

} // namespace meetfence::test
