// SPDX-License-Identifier: Apache-2.0
// MaxMind DB files byte by byte, for what no honest writer writes. Format: MaxMind DB 2.0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meetfence::test::mmdb {

enum Type : std::uint8_t { text_type = 2, u16 = 5, u32 = 6, map_type = 7, u64 = 9, array_type = 11 };

inline std::string big_endian(std::uint64_t number, unsigned bytes)
{
    std::string result;
    for (unsigned i = bytes; i-- > 0;) {
        result += static_cast<char>(number >> 8 * i);
    }
    return result;
}

/// Type and size, whatever follows.
inline std::string head(unsigned type, std::uint32_t size)
{
    const unsigned code = size < 29 ? size : (size < 285 ? 29 : (size < 65821 ? 30 : 31));
    std::string result = big_endian((type < 8 ? type << 5 : 0) | code, 1);
    result += type < 8 ? "" : big_endian(type - 7, 1);
    const std::uint32_t base[] = {29, 285, 65821};
    return code < 29 ? result : result + big_endian(size - base[code - 29], code - 28);
}

inline std::string text(std::string_view value)
{
    return head(text_type, static_cast<std::uint32_t>(value.size())) + std::string(value);
}

inline std::string number(Type type, std::uint64_t value)
{
    unsigned bytes = 0;
    while (bytes < 8 && value >> 8 * bytes != 0) {
        ++bytes;
    }
    return head(type, bytes) + big_endian(value, bytes);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Keys as they are, values already written.
inline std::string map(const Fields& fields)
{
    std::string result = head(map_type, static_cast<std::uint32_t>(fields.size()));
    for (const auto& [key, value] : fields) {
        result += text(key) + value;
    }
    return result;
}

inline std::string array(const std::vector<std::string>& values)
{
    std::string result = head(array_type, static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) {
        result += value;
    }
    return result;
}

/// In the form with four bytes of its own, so that its length does not depend on where it leads.
inline std::string pointer(std::uint32_t offset)
{
    return "\x38" + big_endian(offset, 4);
}

/// So many arrays of one element around a text.
inline std::string nested(std::size_t depth)
{
    std::string result;
    for (std::size_t i = 0; i < depth; ++i) {
        result += head(array_type, 1);
    }
    return result + text("x");
}

inline std::string iso_record(std::string_view code)
{
    return map({{"country", map({{"iso_code", text(code)}})}});
}

/// A node is two records; a record leads to a node, to `kNothing`, or into the data, from `kData` on.
constexpr std::uint64_t kNothing = 1ULL << 40;
constexpr std::uint64_t kData = 1ULL << 41;

struct File {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> nodes;
    std::string data;
    unsigned record_bits = 24;
    unsigned version = 4;
    Fields changed; // metadata that differs or is added; "" leaves a field out

    [[nodiscard]] std::string record(std::uint64_t value) const
    {
        value = value >= kData      ? nodes.size() + 16 + (value - kData)
                : value >= kNothing ? nodes.size() + (value - kNothing)
                                    : value;
        return big_endian(value, 4);
    }
    [[nodiscard]] std::string node(std::uint64_t left, std::uint64_t right) const
    {
        const auto l = record(left);
        const auto r = record(right);
        if (record_bits == 24) {
            return l.substr(1) + r.substr(1);
        }
        const auto middle = static_cast<char>((l[0] & 15) << 4 | (r[0] & 15));
        return record_bits == 28 ? l.substr(1) + middle + r.substr(1) : l + r;
    }
    [[nodiscard]] std::string metadata() const
    {
        Fields fields{{"binary_format_major_version", number(u16, 2)},
                      {"binary_format_minor_version", number(u16, 0)},
                      {"build_epoch", number(u64, 1700000000)},
                      {"database_type", text("Test")},
                      {"description", map({{"en", text("For tests")}})},
                      {"ip_version", number(u16, version)},
                      {"languages", array({text("en")})},
                      {"node_count", number(u32, nodes.size())},
                      {"record_size", number(u16, record_bits)}};
        for (const auto& [key, value] : changed) {
            std::erase_if(fields, [&key = key](const auto& field) { return field.first == key; });
            if (!value.empty()) {
                fields.emplace_back(key, value);
            }
        }
        return map(fields);
    }
    [[nodiscard]] std::string bytes() const
    {
        std::string result;
        for (const auto& [left, right] : nodes) {
            result += node(left, right);
        }
        return result + std::string(16, '\0') + data + "\xab\xcd\xefMaxMind.com" + metadata();
    }
};

/// Half of IPv4 in one country.
inline File half(const std::string& data)
{
    return {.nodes = {{kNothing, kData}}, .data = data};
}

} // namespace meetfence::test::mmdb
