// SPDX-License-Identifier: Apache-2.0
#include "audit/report_body.h"

#include <algorithm>

#include "model/country.h"
#include "model/text.h"

namespace meetfence::audit {
namespace {

constexpr std::size_t kMostCharacters = 500;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// XML has no name for them, and no reader has a use.
bool is_noncharacter(char32_t character)
{
    return (character & 0xFFFE) == 0xFFFE || (character >= 0xFDD0 && character <= 0xFDEF);
}

} // namespace

std::string harmless(std::string_view text)
{
    std::string result;
    std::size_t characters = 0;
    for (std::size_t at = 0; at < text.size(); ++characters) {
        if (characters == kMostCharacters) {
            return result.append(kEllipsis);
        }
        const auto begin = at;
        const auto point = next_code_point(text, at);
        at = std::max(at, begin + 1);
        result += point.valid && !is_steering(point.value) && !is_noncharacter(point.value)
                      ? text.substr(begin, at - begin)
                      : kReplacement;
    }
    return result;
}

const Json& member_of(const Json& body, std::string_view key)
{
    static const Json kNone;
    if (!body.is_object()) {
        return kNone;
    }
    const auto it = body.find(std::string(key));
    return it == body.end() ? kNone : *it;
}

std::string text_of(const Json& body, std::string_view key)
{
    const auto& value = member_of(body, key);
    return value.is_string() ? harmless(value.get_ref<const std::string&>()) : std::string();
}

std::uint64_t number_of(const Json& body, std::string_view key)
{
    const auto& value = member_of(body, key);
    if (value.is_number_unsigned()) {
        return value.get<std::uint64_t>();
    }
    const auto number = value.is_number_integer() ? value.get<std::int64_t>() : 0; // built by programs
    return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

bool flag_of(const Json& body, std::string_view key)
{
    const auto& value = member_of(body, key);
    return value.is_boolean() && value.get<bool>();
}

std::optional<Time> time_of(const Json& body, std::string_view key)
{
    const auto& value = member_of(body, key);
    if (!value.is_string()) {
        return std::nullopt;
    }
    const auto time = parse_time(value.get_ref<const std::string&>());
    return time ? std::optional(*time) : std::nullopt;
}

std::vector<std::string> texts_of(const Json& body, std::string_view key)
{
    std::vector<std::string> texts;
    const auto& value = member_of(body, key);
    if (value.is_array()) {
        for (const auto& item : value) {
            if (item.is_string()) {
                texts.push_back(harmless(item.get_ref<const std::string&>()));
            }
        }
    }
    return texts;
}

std::string country_of(const Json& body, std::string_view key)
{
    const auto country = Country::from_database(text_of(body, key));
    return std::string(country.none() ? kUnknownCountry : country.code());
}

std::string word_of(const Json& body, std::string_view key, std::span<const std::string_view> words)
{
    const auto word = text_of(body, key);
    return std::string(std::ranges::find(words, word) == words.end() ? words.back() : word);
}

} // namespace meetfence::audit
