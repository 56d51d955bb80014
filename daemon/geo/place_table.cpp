// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/place_table.h"

#include <algorithm>

namespace meetfence::geo {
namespace {

constexpr AddressNumber kLastAddress = ~AddressNumber{0};

// Walks along one list of ranges as the sweep moves up.
class Cursor {
public:
    explicit Cursor(std::span<const PlacedRange> ranges) : ranges_(ranges) {}

    void advance_to(AddressNumber address)
    {
        while (next_ < ranges_.size() && ranges_[next_].last < address) {
            ++next_;
        }
    }
    [[nodiscard]] const PlacedRange* here(AddressNumber address) const
    {
        return next_ < ranges_.size() && ranges_[next_].first <= address ? &ranges_[next_] : nullptr;
    }
    /// The last address up to which nothing changes.
    [[nodiscard]] AddressNumber steady_until(AddressNumber address) const
    {
        if (next_ >= ranges_.size()) {
            return kLastAddress;
        }
        return ranges_[next_].first <= address ? ranges_[next_].last : ranges_[next_].first - 1;
    }
    [[nodiscard]] bool done() const { return next_ >= ranges_.size(); }

private:
    std::span<const PlacedRange> ranges_;
    std::size_t next_ = 0;
};

// Sweeps over all lists at once and asks `choose` what holds in each stretch.
template <class Choose> std::vector<PlacedRange> sweep(std::vector<Cursor> cursors, Choose choose)
{
    std::vector<PlacedRange> result;
    AddressNumber address = 0;
    for (;;) {
        AddressNumber last = kLastAddress;
        bool done = true;
        for (auto& cursor : cursors) {
            cursor.advance_to(address);
            last = std::min(last, cursor.steady_until(address));
            done = done && cursor.done();
        }
        if (done) {
            return result;
        }
        if (const Country country = choose(cursors, address); !country.none()) {
            result.push_back({address, last, country});
        }
        if (last == kLastAddress) {
            return result;
        }
        address = last + 1;
    }
}

Country agreed(const std::vector<Cursor>& cursors, AddressNumber address, Agreement agreement)
{
    Country country;
    for (const auto& cursor : cursors) {
        const auto* range = cursor.here(address);
        if (range == nullptr) {
            continue;
        }
        if (agreement == Agreement::first) {
            return range->country;
        }
        if (!country.none() && country != range->country) {
            return {};
        }
        country = range->country;
    }
    return country;
}

// Overrides may nest; the longest prefix counts. Laid over one another from short to long.
std::vector<PlacedRange> flatten(std::span<const PlacedPrefix> overrides, Family family)
{
    std::vector<PlacedPrefix> sorted;
    std::ranges::copy_if(overrides, std::back_inserter(sorted),
                         [&](const PlacedPrefix& placed) { return family_of(placed.prefix) == family; });
    std::ranges::stable_sort(sorted, {}, [](const PlacedPrefix& placed) { return placed.prefix.bits; });
    std::vector<PlacedRange> result;
    for (const auto& placed : sorted) {
        const auto range = to_range(placed);
        result = overlay(result, std::span(&range, 1));
    }
    return result;
}

// Addresses that carry somebody else's IPv4 address: the country would be the relay's.
std::vector<PlacedRange> tunnels()
{
    std::vector<PlacedRange> ranges;
    // ::/96 and ::ffff:0:0/96 (RFC 4291), Teredo (RFC 4380), 6to4 (RFC 3056); ascending.
    for (const auto* text : {"::/96", "2001::/32", "2002::/16"}) {
        ranges.push_back(to_range({*IpPrefix::parse(text), Country{}}));
    }
    constexpr AddressNumber mapped = AddressNumber{0xffff} << 32;
    ranges.insert(ranges.begin() + 1, {mapped, mapped | 0xffffffffU, Country{}});
    return ranges;
}

std::vector<PlacedRange> build_family(std::span<const Database> databases, Agreement agreement,
                                      std::span<const PlacedPrefix> overrides, Family family)
{
    std::vector<const std::vector<PlacedRange>*> lists;
    for (const auto& database : databases) {
        lists.push_back(family == Family::v4 ? &database.v4 : &database.v6);
    }
    auto ranges = lists.size() == 1 ? *lists.front() : merge(lists, agreement);
    if (family == Family::v6) {
        ranges = overlay(ranges, tunnels());
    }
    const auto top = flatten(overrides, family);
    if (!top.empty()) {
        ranges = overlay(ranges, top);
    }
    return ranges;
}

std::size_t count_prefixes(std::span<const PlacedRange> ranges)
{
    std::size_t count = 0;
    for (const auto& range : ranges) {
        count += geo::count_prefixes(range.first, range.last);
    }
    return count;
}

// The place `number` lies in.
Places::const_iterator find(const Places& places, AddressNumber number)
{
    return std::ranges::upper_bound(places, number, {}, &Place::first) - 1;
}

} // namespace

std::vector<PlacedRange> overlay(std::span<const PlacedRange> bottom, std::span<const PlacedRange> top)
{
    return sweep({Cursor(bottom), Cursor(top)},
                 [](const std::vector<Cursor>& cursors, AddressNumber address) {
                     if (const auto* range = cursors[1].here(address)) {
                         return range->country;
                     }
                     const auto* range = cursors[0].here(address);
                     return range == nullptr ? Country{} : range->country;
                 });
}

std::vector<PlacedRange> merge(std::span<const std::vector<PlacedRange>* const> databases,
                               Agreement agreement)
{
    std::vector<Cursor> cursors;
    for (const auto* ranges : databases) {
        cursors.emplace_back(*ranges);
    }
    return sweep(std::move(cursors), [agreement](const std::vector<Cursor>& lists, AddressNumber address) {
        return agreed(lists, address, agreement);
    });
}

void split(const PlacedRange& range, Family family, std::vector<PlacedPrefix>& prefixes)
{
    const unsigned bits = address_bits(family);
    for (AddressNumber first = range.first;;) {
        // The largest aligned block that does not reach beyond the range.
        unsigned host_bits = 0;
        AddressNumber last = first;
        while (host_bits < bits && (first >> host_bits & 1) == 0 &&
               (last | AddressNumber{1} << host_bits) <= range.last) {
            last |= AddressNumber{1} << host_bits++;
        }
        prefixes.push_back(
            {{to_address(first, family), static_cast<std::uint8_t>(bits - host_bits)}, range.country});
        if (last == range.last) {
            return;
        }
        first = last + 1;
    }
}

Places to_places(std::span<const PlacedRange> ranges, Family family)
{
    const auto end = last_address(family);
    Places places{{}};
    const auto add = [&](AddressNumber first, Country country) {
        if (places.back().first == first) {
            places.pop_back();
        }
        if (places.empty() || places.back().country != country) {
            places.push_back({first, country});
        }
    };
    places.reserve(ranges.size() + ranges.size() / 8);
    for (const auto& range : ranges) {
        add(range.first, range.country);
        if (range.last != end) {
            add(range.last + 1, {});
        }
    }
    return places;
}

PlaceTable build_table(std::span<const Database> databases, Agreement agreement,
                       std::span<const PlacedPrefix> overrides)
{
    PlaceTable table;
    const auto v4 = build_family(databases, agreement, overrides, Family::v4);
    const auto v6 = build_family(databases, agreement, overrides, Family::v6);
    table.prefixes_v4 = count_prefixes(v4);
    table.prefixes_v6 = count_prefixes(v6);
    table.v4 = to_places(v4, Family::v4);
    table.v6 = to_places(v6, Family::v6);
    for (const auto& database : databases) {
        table.build = std::max(table.build, database.build);
    }
    return table;
}

Country country_of(const PlaceTable& table, const IpAddress& address)
{
    const auto family = address.is_v4() ? Family::v4 : Family::v6;
    return find(table.places(family), to_number(address))->country;
}

IpPrefix prefix_around(const PlaceTable& table, const IpAddress& address)
{
    const auto family = address.is_v4() ? Family::v4 : Family::v6;
    const auto& places = table.places(family);
    const auto number = to_number(address);
    const auto place = find(places, number);
    const auto next = place + 1;
    const AddressNumber last = next == places.end() ? last_address(family) : next->first - 1;
    std::uint8_t bits = 0;
    for (;; ++bits) {
        const auto prefix = IpPrefix::around(address, bits);
        const auto range = to_range({prefix, {}});
        if (range.first >= place->first && range.last <= last) {
            return prefix;
        }
    }
}

} // namespace meetfence::geo
