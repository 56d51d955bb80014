// SPDX-License-Identifier: Apache-2.0
// Values in the data section of a MaxMind DB file (version 2.0). Read here and not by libmaxminddb, which up
// to 1.12 skips nested values by recursion and ends with the stack. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/result.h"

namespace meetfence::geo {

/// Types are numbered as in the specification; those without a name here are only ever passed by.
enum class MmdbType : std::uint8_t { pointer = 1, text = 2, map = 7, array = 11, boolean = 14 };

struct MmdbValue {
    MmdbType type;
    std::uint32_t size; // bytes; of maps and arrays elements; of pointers where they lead
    std::size_t begin;  // of what follows type and size
    std::size_t end;    // of maps, arrays and pointers: where the next value begins, or the first element
};

class MmdbData {
public:
    explicit MmdbData(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    /// The value at an offset; a pointer is followed, once, as the format has it.
    [[nodiscard]] Result<MmdbValue> value(std::size_t offset) const;
    [[nodiscard]] std::string_view text(const MmdbValue& value) const;

    /// The value under `key` in a map; none where there is none, or no map. Adds to `steps` how many
    /// values were passed: records may overlap, so that a small file can ask for much work.
    [[nodiscard]] Result<std::optional<MmdbValue>> find(const MmdbValue& map, std::string_view key,
                                                        std::uint64_t& steps) const;

    /// Whether the value at an offset is whole, nested a few levels deep at most, and free of pointers to
    /// maps and arrays: they can make few bytes a structure that is endless to walk.
    [[nodiscard]] Result<> check_simple(std::size_t offset) const;

    /// Whether the value at an offset nests a few levels deep at most, pointers not followed: whoever walks
    /// it by recursion comes back.
    [[nodiscard]] Result<> check_depth(std::size_t offset) const;

private:
    [[nodiscard]] Result<MmdbValue> raw_value(std::size_t offset) const;
    [[nodiscard]] Result<std::size_t> skip(std::size_t offset, std::uint64_t& steps) const;
    [[nodiscard]] Result<std::size_t> check(std::size_t offset, unsigned depth) const;
    [[nodiscard]] std::uint32_t number(std::size_t offset, unsigned bytes) const;
    [[nodiscard]] bool has(std::size_t offset, std::size_t bytes) const;

    std::span<const std::uint8_t> bytes_;
};

} // namespace meetfence::geo
