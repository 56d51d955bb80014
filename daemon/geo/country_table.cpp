// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/country_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "kernel-headers/abi.h"

using mf_geo_table_t = const meetfence::geo::CountryTable;

static const mf_geo_chunk* mf_geo_chunk(mf_geo_table_t* table, std::uint32_t index)
{
    const auto at = std::size_t{index} * MF_GEO_CHUNK_WORDS;
    return at < table->words.size() ? reinterpret_cast<const struct mf_geo_chunk*>(&table->words[at])
                                    : nullptr;
}

#include "kernel-headers/country_table.h"

namespace meetfence::geo {
namespace {

using Reference = std::uint32_t;

constexpr Reference kFirstNode = 256;        // references below are countries
constexpr std::size_t kMostWords = 1U << 24; // what MF_GEO_NODE can name
constexpr unsigned kRootBits = 16;
constexpr unsigned kHalfBits = 64;
constexpr unsigned kKeyBits = 32;
constexpr std::size_t kSharedEntries = 16;

// A stretch of addresses, by the 64 bits that decide: IPv4 in the upper half, or one half of IPv6.
struct Stretch {
    std::uint64_t first = 0;
    Reference reference = 0;
};
using Stretches = std::span<const Stretch>;

// The part of the addresses that share their first `used` bits.
struct Block {
    std::uint64_t first = 0;
    unsigned used = 0;

    [[nodiscard]] std::uint64_t last() const
    {
        return used == kHalfBits ? first : first | (~std::uint64_t{0} >> used);
    }
};

bool is_country(Reference reference)
{
    return reference < kFirstNode;
}

void add(std::vector<Stretch>& list, std::uint64_t first, Reference reference)
{
    if (!list.empty() && list.back().first == first) {
        list.pop_back();
    }
    if (list.empty() || list.back().reference != reference) {
        list.push_back({first, reference});
    }
}

// Cuts a list into the sub-lists that decide within blocks, which are asked for in ascending order.
// The first element of a sub-list may begin before its block.
class Cutter {
public:
    explicit Cutter(Stretches list) : list_(list) {}

    Stretches within(const Block& block)
    {
        while (next_ + 1 < list_.size() && list_[next_ + 1].first <= block.first) {
            ++next_;
        }
        auto end = next_ + 1;
        while (end < list_.size() && list_[end].first <= block.last()) {
            ++end;
        }
        return list_.subspan(next_, end - next_);
    }

private:
    Stretches list_;
    std::size_t next_ = 0;
};

/// How wide indexed nodes are, against the number of stretches below them.
struct Shape {
    int wider;     // powers of two
    unsigned most; // largest node of bytes that is made at once, against the same number
};

class Builder {
public:
    explicit Builder(Shape shape) : shape_(shape) { words_.resize(MF_GEO_FIRST_NODE); }

    void add_root(std::uint32_t chunk, Stretches list)
    {
        Cutter cutter(list);
        for (std::uint64_t i = 0; i < (1U << kRootBits); ++i) {
            const Block block{i << (kHalfBits - kRootBits), kRootBits};
            words_[std::size_t{chunk} * MF_GEO_CHUNK_WORDS + i] = build(cutter.within(block), block);
        }
    }

    // IPv6 by its first 64 bits; a first half whose second one decides leads on to a node of that.
    std::vector<Stretch> upper_half(const Places& places)
    {
        std::vector<Stretch> upper;
        Reference current = 0;
        for (std::size_t i = 0; i < places.size();) {
            const auto high = static_cast<std::uint64_t>(places[i].first >> kHalfBits);
            std::vector<Stretch> lower;
            if (static_cast<std::uint64_t>(places[i].first) != 0) {
                lower.push_back({0, current});
            }
            for (; i < places.size() && static_cast<std::uint64_t>(places[i].first >> kHalfBits) == high;
                 ++i) {
                current = places[i].country.number();
                add(lower, static_cast<std::uint64_t>(places[i].first), current);
            }
            const auto below = build(lower, {});
            add(upper, high, is_country(below) ? below : below | MF_GEO_LOW);
            if (high != ~std::uint64_t{0}) {
                add(upper, high + 1, current);
            }
        }
        return upper;
    }

    [[nodiscard]] bool too_large() const { return words_.size() > kMostWords; }
    [[nodiscard]] std::size_t size() const { return words_.size(); }

    std::vector<std::uint32_t> finish()
    {
        const auto chunks = (words_.size() + MF_GEO_CHUNK_WORDS - 1) / MF_GEO_CHUNK_WORDS;
        words_.resize(chunks * MF_GEO_CHUNK_WORDS);
        return std::move(words_);
    }

private:
    Reference build(Stretches list, const Block& block)
    {
        if (list.size() == 1 || too_large()) {
            return list.front().reference;
        }
        // Bits that tell every two neighbours apart.
        unsigned same = kHalfBits;
        bool countries = true;
        for (std::size_t i = 0; i < list.size(); ++i) {
            same = i == 0 ? same : std::min(same, static_cast<unsigned>(std::countr_zero(list[i].first)));
            countries = countries && is_country(list[i].reference);
        }
        const unsigned wanted = kHalfBits - block.used - same;
        const bool as_bytes = countries && wanted <= 8 && (1U << wanted) <= shape_.most * list.size();
        if (wanted <= 4 || as_bytes) {
            return indexed(list, block, wanted);
        }
        if (const auto node = sorted(list, block)) {
            return *node;
        }
        const int fitting = static_cast<int>(std::bit_width(list.size())) - 1 + shape_.wider;
        return indexed(list, block, std::min(static_cast<unsigned>(std::clamp(fitting, 3, 12)), wanted));
    }

    Reference indexed(Stretches list, const Block& block, unsigned stride)
    {
        std::vector<Reference> entries(std::size_t{1} << stride);
        Cutter cutter(list);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            const unsigned used = block.used + stride;
            const Block part{block.first | (used == kHalfBits ? i : i << (kHalfBits - used)), used};
            entries[i] = build(cutter.within(part), part);
        }
        const bool small = entries.size() <= kSharedEntries && std::ranges::all_of(entries, is_country);
        const auto node = small ? share(entries) : put_entries(entries, 0);
        return node | stride << MF_GEO_STRIDE_SHIFT;
    }

    // Small nodes of countries come again and again: one of each is enough, and stays in the cache.
    Reference share(std::span<const Reference> entries)
    {
        std::array<std::uint8_t, kSharedEntries> key{};
        std::ranges::transform(entries, key.begin(),
                               [](Reference r) { return static_cast<std::uint8_t>(r); });
        const std::string_view bytes(reinterpret_cast<const char*>(key.data()), entries.size());
        const auto [it, is_new] = shared_.try_emplace(std::string(bytes));
        if (is_new) {
            it->second = put_entries(entries, 0);
        }
        return it->second;
    }

    // Stretches that begin at the same next 32 bits of the address.
    struct SameKey {
        std::uint64_t key;
        std::size_t begin, end; // in the list
        bool deeper;            // what comes behind the key decides
    };

    // None where they are too many for a sorted node. One that goes deeper makes two answers: the node
    // of what lies behind the key, and what holds after it.
    static std::optional<std::vector<SameKey>> keys_of(Stretches list, const Block& block)
    {
        const unsigned used = block.used + kKeyBits;
        std::vector<SameKey> keys;
        std::size_t answers = 1;
        for (std::size_t i = 1; i < list.size() && answers <= MF_GEO_STRETCHES; ++i) {
            const auto key = list[i].first << block.used >> (kHalfBits - kKeyBits);
            const bool beyond = used < kHalfBits && list[i].first << used != 0;
            if (keys.empty() || keys.back().key != key) {
                keys.push_back({key, beyond ? i - 1 : i, i, false});
                ++answers;
            }
            answers += beyond && !keys.back().deeper ? 1 : 0;
            keys.back().deeper = keys.back().deeper || beyond;
            keys.back().end = i + 1;
        }
        return answers <= MF_GEO_STRETCHES ? std::optional(std::move(keys)) : std::nullopt;
    }

    // Where the next 32 bits of the address have few different answers. An answer may be a node of
    // what follows: blocks with one long prefix in them need no node for each step of the way.
    std::optional<Reference> sorted(Stretches list, const Block& block)
    {
        const auto keys = keys_of(list, block);
        if (!keys) {
            return std::nullopt;
        }
        std::vector<Stretch> answers{{0, list.front().reference}};
        for (const auto& same : *keys) {
            const auto after = list[same.end - 1].reference;
            if (!same.deeper) {
                add(answers, same.key, after);
                continue;
            }
            const Block part{block.first | (same.key << (kHalfBits - kKeyBits) >> block.used),
                             block.used + kKeyBits};
            add(answers, same.key, build(list.subspan(same.begin, same.end - same.begin), part));
            if (same.key != ~std::uint32_t{0}) {
                add(answers, same.key + 1, after);
            }
        }
        return put_sorted(answers);
    }

    Reference put_sorted(Stretches answers)
    {
        std::array<Reference, MF_GEO_STRETCHES> entries{};
        std::array<std::uint32_t, MF_GEO_ENDS> ends{};
        ends.fill(~0U);
        entries.fill(answers.back().reference);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            entries.at(i) = answers[i].reference;
            if (i > 0) {
                ends.at(i - 1) = static_cast<std::uint32_t>(answers[i].first - 1);
            }
        }
        const auto node = put_entries(entries, ends.size());
        std::ranges::copy(ends, words_.begin() + (node & MF_GEO_NODE));
        return node | MF_GEO_SORTED;
    }

    // Writes the entries, after room for `before` words.
    Reference put_entries(std::span<const Reference> entries, std::size_t before)
    {
        if (std::ranges::all_of(entries, is_country)) {
            const auto node = allocate(before + (entries.size() + 3) / 4);
            std::array<std::uint8_t, 4> bytes{};
            for (std::size_t i = 0; i < entries.size(); i += bytes.size()) {
                for (std::size_t k = 0; k < bytes.size(); ++k) {
                    bytes.at(k) = i + k < entries.size() ? static_cast<std::uint8_t>(entries[i + k]) : 0;
                }
                std::memcpy(&words_[node + before + i / 4], bytes.data(), bytes.size());
            }
            return node;
        }
        const auto node = allocate(before + entries.size());
        std::ranges::copy(entries, words_.begin() + node + static_cast<std::ptrdiff_t>(before));
        return node | MF_GEO_WIDE;
    }

    std::uint32_t allocate(std::size_t words)
    {
        auto at = words_.size();
        constexpr std::size_t kCacheLine = MF_GEO_LINE_WORDS; // a node within one costs one miss
        if (words >= kCacheLine || at % kCacheLine + words > kCacheLine) {
            at = (at + kCacheLine - 1) / kCacheLine * kCacheLine;
        }
        if (at / MF_GEO_CHUNK_WORDS != (at + words - 1) / MF_GEO_CHUNK_WORDS) {
            at = (at / MF_GEO_CHUNK_WORDS + 1) * MF_GEO_CHUNK_WORDS;
        }
        words_.resize(at + words);
        return static_cast<std::uint32_t>(at);
    }

    Shape shape_;
    std::vector<std::uint32_t> words_;
    std::unordered_map<std::string, Reference> shared_;
};

std::vector<Stretch> to_stretches(const Places& v4)
{
    std::vector<Stretch> list;
    list.reserve(v4.size());
    for (const auto& place : v4) {
        list.push_back({static_cast<std::uint64_t>(place.first) << 32, place.country.number()});
    }
    return list;
}

} // namespace

Result<CountryTable> make_country_table(const PlaceTable& places)
{
    // From fast to small; the first that fits is taken.
    constexpr auto kShapes = std::to_array<Shape>({{1, 16}, {0, 8}, {-3, 4}});
    constexpr std::size_t kComfortable = 11'500'000 / sizeof(std::uint32_t);
    for (const auto& shape : kShapes) {
        Builder builder(shape);
        builder.add_root(MF_GEO_ROOT_V4, to_stretches(places.v4));
        builder.add_root(MF_GEO_ROOT_V6, builder.upper_half(places.v6));
        const bool last = &shape == &kShapes.back();
        if (builder.too_large() && last) {
            break;
        }
        if (builder.size() <= kComfortable || last) {
            return CountryTable{builder.finish()};
        }
    }
    return fail(ErrorCode::exhausted, "the country table would be larger than 64 MiB, with " +
                                          std::to_string(places.v4.size() + places.v6.size()) +
                                          " places; leave a database or overrides out");
}

Country look_up(const CountryTable& table, const IpAddress& address)
{
    const auto number = to_number(address);
    const bool v4 = address.is_v4();
    const auto bits = static_cast<std::uint64_t>(v4 ? number << 32 : number >> 64);
    const auto low = static_cast<__u64>(number);
    const auto reference = mf_geo_start(&table, v4 ? MF_GEO_ROOT_V4 : MF_GEO_ROOT_V6, bits);
    return Country(static_cast<std::uint8_t>(mf_geo_walk(&table, reference, bits << kRootBits, &low)));
}

} // namespace meetfence::geo
