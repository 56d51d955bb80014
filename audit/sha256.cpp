// SPDX-License-Identifier: Apache-2.0
#include "audit/sha256.h"

#include <array>
#include <cstddef>
#include <openssl/evp.h>
#include <span>
#include <stdexcept>

namespace meetfence::audit {
namespace {

constexpr std::size_t kDigestBytes = 32;
using Digest = std::array<unsigned char, kDigestBytes>;

// Out of memory, or an installation of OpenSSL without SHA-256: nothing goes on without it.
void need(bool done)
{
    if (!done) {
        throw std::runtime_error("libcrypto computes no SHA-256");
    }
}

std::string hex(std::span<const unsigned char> bytes)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

} // namespace

std::string sha256_hex(std::string_view bytes)
{
    Digest digest{};
    need(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
    return hex(digest);
}

std::string keyed_hash(std::string_view key, std::string_view text)
{
    // An empty key, too, has to be one: for libcrypto a null pointer is none.
    const std::string key_bytes(key);
    Digest digest{};
    std::size_t length = 0;
    need(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key_bytes.data(), key_bytes.size(),
                   reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
                   digest.size(), &length) != nullptr &&
         length == digest.size());
    return hex(std::span(digest).first(8));
}

} // namespace meetfence::audit
