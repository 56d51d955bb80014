// SPDX-License-Identifier: Apache-2.0
#include "bench/samples.h"

#include <algorithm>
#include <random>

namespace meetfence::bench {
namespace {

using geo::AddressNumber;
using geo::Family;
using geo::PlacedRange;

constexpr std::uint64_t kSeed = 20200610;

AddressNumber random_below(std::mt19937_64& source, AddressNumber bound)
{
    const auto number = AddressNumber{source()} << 64 | source();
    return bound == 0 ? number : number % bound;
}

} // namespace

std::vector<IpAddress> sample(const geo::Database& database, Family family, Draw draw,
                              const CountryFilter& wanted, std::size_t count)
{
    std::vector<const PlacedRange*> networks;
    std::vector<AddressNumber> ends; // addresses up to and with each network
    AddressNumber total = 0;
    for (const auto& range : family == Family::v4 ? database.v4 : database.v6) {
        if (wanted(range.country)) {
            networks.push_back(&range);
            total += range.last - range.first + 1;
            ends.push_back(total);
        }
    }
    std::mt19937_64 source(kSeed);
    std::vector<IpAddress> addresses;
    while (!networks.empty() && addresses.size() < count) {
        auto chosen = static_cast<std::size_t>(source() % networks.size());
        if (draw == Draw::addresses && family == Family::v4) {
            const auto at = random_below(source, total);
            chosen = static_cast<std::size_t>(std::ranges::upper_bound(ends, at) - ends.begin());
        }
        const auto& range = *networks[chosen];
        addresses.push_back(
            geo::to_address(range.first + random_below(source, range.last - range.first + 1), family));
    }
    return addresses;
}

} // namespace meetfence::bench
