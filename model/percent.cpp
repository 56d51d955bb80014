// SPDX-License-Identifier: Apache-2.0
#include "model/percent.h"

#include <charconv>
#include <fmt/format.h>

namespace meetfence {

std::string percent_encode(std::string_view text)
{
    constexpr std::string_view kUnreserved = "-._~";
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           kUnreserved.find(c) != std::string_view::npos;
        encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

Result<std::string> percent_decode(std::string_view text)
{
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result += text[i];
            continue;
        }
        unsigned value = 0;
        const auto digits = text.substr(i + 1, 2);
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value, 16);
        if (digits.size() != 2 || error != std::errc{} || end != digits.end()) {
            return fail(ErrorCode::invalid, "the request's address has a broken escape");
        }
        result += static_cast<char>(value);
        i += 2;
    }
    return result;
}

} // namespace meetfence
