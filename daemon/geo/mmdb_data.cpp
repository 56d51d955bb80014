// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/mmdb_data.h"

#include <array>

namespace meetfence::geo {
namespace {

constexpr unsigned kDeepest = 16; // real metadata: 2

auto damaged(const char* cause)
{
    return fail(ErrorCode::invalid, cause);
}

} // namespace

bool MmdbData::has(std::size_t offset, std::size_t bytes) const
{
    return offset <= bytes_.size() && bytes <= bytes_.size() - offset;
}

std::uint32_t MmdbData::number(std::size_t offset, unsigned bytes) const
{
    std::uint32_t number = 0;
    for (unsigned i = 0; i < bytes; ++i) {
        number = number << 8 | bytes_[offset + i];
    }
    return number;
}

Result<MmdbValue> MmdbData::raw_value(std::size_t offset) const
{
    constexpr const char* kBeyond = "a value reaches beyond the data";
    if (!has(offset, 1)) {
        return damaged(kBeyond);
    }
    const std::uint8_t control = bytes_[offset++];
    auto type = static_cast<std::uint8_t>(control >> 5);
    if (type == static_cast<std::uint8_t>(MmdbType::pointer)) {
        const unsigned more = 1U + (control >> 3 & 3U);
        if (!has(offset, more)) {
            return damaged(kBeyond);
        }
        constexpr std::array<std::uint32_t, 4> kBase{0, 2048, 526336, 0};
        const std::uint32_t high = more == 4 ? 0 : std::uint32_t{control & 7U} << 8 * more;
        const auto end = offset + more;
        return MmdbValue{MmdbType::pointer, (high | number(offset, more)) + kBase.at(more - 1), end, end};
    }
    if (type == 0) {
        if (!has(offset, 1)) {
            return damaged(kBeyond);
        }
        type = static_cast<std::uint8_t>(bytes_[offset++] + 7);
        if (type < 8 || type > 15) {
            return damaged("a value is of no known type");
        }
    }
    std::uint32_t size = control & 31U;
    if (size >= 29) {
        const unsigned more = size - 28;
        if (!has(offset, more)) {
            return damaged(kBeyond);
        }
        constexpr std::array<std::uint32_t, 3> kBase{29, 285, 65821};
        size = kBase.at(more - 1) + number(offset, more);
        offset += more;
    }
    const auto kind = static_cast<MmdbType>(type);
    const bool bytes_follow = kind != MmdbType::map && kind != MmdbType::array && kind != MmdbType::boolean;
    if (bytes_follow && !has(offset, size)) {
        return damaged(kBeyond);
    }
    return MmdbValue{kind, size, offset, bytes_follow ? offset + size : offset};
}

Result<MmdbValue> MmdbData::value(std::size_t offset) const
{
    auto found = TRY(raw_value(offset));
    if (found.type != MmdbType::pointer) {
        return found;
    }
    found = TRY(raw_value(found.size));
    if (found.type == MmdbType::pointer) {
        return damaged("a pointer leads to a pointer");
    }
    return found;
}

std::string_view MmdbData::text(const MmdbValue& value) const
{
    const auto bytes = bytes_.subspan(value.begin, value.type == MmdbType::text ? value.size : 0);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Counts instead of recursing: however deep a value is nested, this is a walk along its bytes.
Result<std::size_t> MmdbData::skip(std::size_t offset, std::uint64_t& steps) const
{
    for (std::uint64_t left = 1; left > 0; --left) {
        const auto passed = TRY(raw_value(offset));
        left += passed.type == MmdbType::map ? std::uint64_t{2} * passed.size : 0;
        left += passed.type == MmdbType::array ? passed.size : 0;
        offset = passed.end;
        ++steps;
    }
    return offset;
}

Result<std::optional<MmdbValue>> MmdbData::find(const MmdbValue& map, std::string_view key,
                                                std::uint64_t& steps) const
{
    if (map.type != MmdbType::map) {
        return std::nullopt;
    }
    auto offset = map.end;
    for (std::uint32_t i = 0; i < map.size; ++i) {
        const auto name = TRY(value(offset));
        if (name.type != MmdbType::text) {
            return damaged("a key of a map is no text");
        }
        offset = TRY(skip(offset, steps));
        if (text(name) == key) {
            return TRY(value(offset));
        }
        offset = TRY(skip(offset, steps));
    }
    return std::nullopt;
}

Result<> MmdbData::check_depth(std::size_t offset) const
{
    std::array<std::uint64_t, kDeepest> left{}; // values to come, by level
    auto here = TRY(value(offset));
    for (std::size_t level = 0;;) {
        const std::uint64_t elements = here.type == MmdbType::map     ? std::uint64_t{2} * here.size
                                       : here.type == MmdbType::array ? here.size
                                                                      : 0;
        if (elements > 0 && level == left.size()) {
            return damaged("its values are nested too deep");
        }
        if (elements > 0) {
            left.at(level++) = elements;
        }
        while (level > 0 && left.at(level - 1) == 0) {
            --level;
        }
        if (level == 0) {
            return {};
        }
        --left.at(level - 1);
        here = TRY(raw_value(here.end));
    }
}

Result<> MmdbData::check_simple(std::size_t offset) const
{
    TRY(check(offset, 0));
    return {};
}

Result<std::size_t> MmdbData::check(std::size_t offset, unsigned depth) const
{
    const auto here = TRY(raw_value(offset));
    const auto what = TRY(value(offset));
    const bool nested = what.type == MmdbType::map || what.type == MmdbType::array;
    if (!nested) {
        return here.end;
    }
    if (here.type == MmdbType::pointer || depth == kDeepest) {
        return damaged("its values are nested too deep");
    }
    auto next = here.end;
    const auto elements = std::uint64_t{what.size} * (what.type == MmdbType::map ? 2 : 1);
    for (std::uint64_t i = 0; i < elements; ++i) {
        next = TRY(check(next, depth + 1));
    }
    return next;
}

} // namespace meetfence::geo
