// SPDX-License-Identifier: Apache-2.0
#include "model/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <fmt/format.h>
#include <string>

#include "model/ip.h"

namespace meetfence {
namespace {

// As it reads: full-width forms are digits, dots and colons to people, too, and what is not shown parts
// nothing.
std::string as_read(std::string_view text)
{
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const auto character = next_code_point(text, at).value;
        const bool is_full_width = character >= 0xff01 && character <= 0xff5e;
        const bool is_hidden =
            character == 0xad || (character >= 0x200b && character <= 0x200d) || character == 0x2060;
        if (!is_hidden) {
            const auto shown = is_full_width ? character - 0xfee0 : character;
            result += shown < 0x80 ? static_cast<char>(shown) : ' ';
        }
    }
    return result;
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_v4_character(char c)
{
    return is_digit(c) || c == '.';
}

bool is_v6_character(char c)
{
    return is_v4_character(c) || c == ':' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view without_dots_around(std::string_view word)
{
    const auto first = std::min(word.find_first_not_of('.'), word.size());
    return word.substr(first, word.find_last_not_of('.') + 1 - first);
}

// Parts as people write them, 010 for 10 as well.
bool is_v4(std::string_view word)
{
    word = without_dots_around(word);
    std::size_t parts = 0;
    for (std::size_t begin = 0; begin <= word.size(); ++parts) {
        const auto end = std::min(word.find('.', begin), word.size());
        const auto part = word.substr(begin, end - begin);
        unsigned value = 0;
        const auto [rest, error] = std::from_chars(part.begin(), part.end(), value);
        if (part.size() > 3 || error != std::errc{} || rest != part.end() || value > 255) {
            return false;
        }
        begin = end + 1;
    }
    return parts == 4;
}

bool is_v6(std::string_view part, bool is_whole)
{
    part = without_dots_around(part);
    // add::face may be a name in a program; an address without a digit is none that anybody has.
    return std::ranges::count(part, ':') >= 2 && part != "::" &&
           (is_whole || std::ranges::any_of(part, is_digit)) && IpAddress::parse(part).has_value();
}

// Or what stands between its colons: IP:2001:db8::1, 2001:db8::1:51000, 2001:db8::1 and a colon of the
// sentence.
bool holds_v6(std::string_view word)
{
    constexpr std::size_t kLongest = INET6_ADDRSTRLEN;
    for (std::size_t begin = 0; begin < word.size();) {
        for (auto end = begin; end < word.size() && end - begin <= kLongest;) {
            end = std::min(word.find(':', end + 1), word.size());
            if (is_v6(word.substr(begin, end - begin), begin == 0 && end == word.size())) {
                return true;
            }
        }
        const auto colon = word.find(':', begin);
        begin = colon == std::string_view::npos ? word.size() : colon + 1;
    }
    return false;
}

template <class Is, class Holds> bool any_word(std::string_view text, Is is_part, Holds holds)
{
    for (const auto* begin = text.begin(); begin != text.end();) {
        begin = std::find_if(begin, text.end(), is_part);
        const auto* const end = std::find_if_not(begin, text.end(), is_part);
        if (holds(std::string_view(begin, static_cast<std::size_t>(end - begin)))) {
            return true;
        }
        begin = end;
    }
    return false;
}

bool has_address(std::string_view text)
{
    const auto read = as_read(text);
    return any_word(read, is_v4_character, is_v4) || any_word(read, is_v6_character, holds_v6);
}

} // namespace

CodePoint next_code_point(std::string_view text, std::size_t& at)
{
    const auto first = static_cast<unsigned char>(text[at++]);
    if (first < 0x80) {
        return {first, true};
    }
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) {
        return {};
    }
    auto value = static_cast<char32_t>(first & (0x3f >> more));
    for (int i = 0; i < more; ++i) {
        if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) {
            return {};
        }
        value = value << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
    }
    // Neither longer than needed, nor half of a UTF-16 pair, nor beyond Unicode (RFC 3629 section 3).
    const bool overlong = (more == 2 && value < 0x800) || (more == 3 && value < 0x10000);
    return {value, !overlong && (value < 0xd800 || value > 0xdfff) && value <= 0x10ffff};
}

bool is_steering(char32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x61c ||
           character == 0x200e || character == 0x200f || (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}

Result<> check_text(std::string_view what, std::string_view text, std::size_t most)
{
    std::size_t characters = 0;
    for (std::size_t at = 0; at < text.size(); ++characters) {
        const auto [value, valid] = next_code_point(text, at);
        if (!valid) {
            return fail(ErrorCode::invalid, fmt::format("'{}' is not UTF-8 text", what), "text_unprintable");
        }
        if (is_steering(value)) {
            return fail(ErrorCode::invalid,
                        fmt::format("'{}' holds the character U+{:04X}, which does not print: leave it out",
                                    what, static_cast<std::uint32_t>(value)),
                        "text_unprintable");
        }
    }
    if (characters == 0 || characters > most) {
        return fail(ErrorCode::invalid,
                    fmt::format("'{}' has 1 to {} characters, this one has {}", what, most, characters),
                    "text_length");
    }
    if (has_address(text)) {
        return fail(
            ErrorCode::invalid,
            fmt::format("'{}' holds an IP address: it would be kept and published; say it without", what),
            "text_has_address");
    }
    return {};
}

} // namespace meetfence
