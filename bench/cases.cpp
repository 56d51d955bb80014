// SPDX-License-Identifier: Apache-2.0
#include "bench/cases.h"

#include "bench/samples.h"

namespace meetfence::bench {
namespace {

using geo::Family;
using Packets = std::shared_ptr<const std::vector<bench_packet>>;

std::string name_of(Family family)
{
    return family == Family::v4 ? "v4" : "v6";
}

bool anywhere(Country /*country*/)
{
    return true;
}

class Cases {
public:
    explicit Cases(const geo::Database& database) : database_(database) {}

    // The case twice, hot and cold: a few senders who come again and again, and very many.
    void add(Case wanted, Draw draw, const CountryFilter& countries, bool registered = true)
    {
        const auto addresses = sample(database_, wanted.world.family, draw, countries, kCold);
        if (addresses.empty()) {
            return;
        }
        wanted.empty = "empty_" + name_of(wanted.world.family);
        const auto name = wanted.name;
        for (const bool hot : {true, false}) {
            wanted.name = name + (hot ? "_hot" : "_cold");
            wanted.packets = packets_from(addresses, hot ? kHot : kCold, wanted.world.meetings, registered);
            cases_.push_back(wanted);
        }
    }

    std::vector<Case> take() { return std::move(cases_); }

private:
    static Packets packets_from(const std::vector<IpAddress>& addresses, std::size_t count,
                                std::uint32_t meetings, bool registered)
    {
        std::vector<bench_packet> packets;
        packets.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            // Neighbours in time are of meetings far apart, as on a wire.
            const auto meeting = static_cast<std::uint32_t>(i * 2654435761U % meetings);
            packets.push_back(registered ? packet_to_meeting(addresses[i], meeting)
                                         : packet_to_nobody(addresses[i]));
        }
        return std::make_shared<const std::vector<bench_packet>>(std::move(packets));
    }

    const geo::Database& database_;
    std::vector<Case> cases_;
};

// The first `count` countries, the blocked one among them.
CountrySet some_countries(Country blocked, std::size_t count)
{
    CountrySet set;
    set.add(blocked);
    for (std::uint8_t number = 1; set.size() < count && number <= country_count(); ++number) {
        set.add(Country(number));
    }
    return set;
}

} // namespace

std::vector<Case> all_cases(const geo::Database& database, Country blocked)
{
    constexpr std::uint32_t kSlowRepeat = 1U << 16;
    const auto is_blocked = [blocked](Country country) { return country == blocked; };
    const auto is_other = [blocked](Country country) { return country != blocked; };
    const auto rule = some_countries(blocked, 1);

    Cases cases(database);
    for (const auto family : {Family::v4, Family::v6}) {
        const auto v = name_of(family);
        const World world{.family = family, .countries = rule};
        cases.add({.name = "geo_" + v, .program = "geo_lookup_" + v, .world = world}, Draw::networks,
                  anywhere);
        cases.add(
            {.name = "lpm_geo_" + v, .program = "lpm_lookup_" + v, .world = world, .repeat = kSlowRepeat},
            Draw::networks, anywhere);
    }
    const World v4{.family = Family::v4, .countries = rule};
    cases.add({.name = "geo_v4_addresses", .program = "geo_lookup_v4", .world = v4}, Draw::addresses,
              anywhere);
    cases.add(
        {.name = "lpm_geo_v4_addresses", .program = "lpm_lookup_v4", .world = v4, .repeat = kSlowRepeat},
        Draw::addresses, anywhere);
    cases.add({.name = "other_traffic", .program = "filter_v4", .world = v4}, Draw::addresses, anywhere,
              false);
    for (const auto family : {Family::v4, Family::v6}) {
        const auto v = name_of(family);
        const World world{.family = family, .countries = rule};
        cases.add({.name = "bystander_" + v, .program = "filter_" + v, .world = world, .on_two_cores = true},
                  Draw::addresses, is_other);
        cases.add({.name = "target_drop_" + v,
                   .program = "filter_" + v,
                   .world = world,
                   .drops = true,
                   .on_two_cores = true},
                  Draw::addresses, is_blocked);
    }
    for (const std::size_t count : {1U, 10U, 100U, 250U}) {
        const auto set = some_countries(blocked, std::min(count, country_count()));
        cases.add({.name = "growth_countries_" + std::to_string(count),
                   .program = "filter_v4",
                   .world = {.countries = set},
                   .drops = true},
                  Draw::addresses, [set](Country country) { return set.contains(country); });
    }
    for (const std::uint32_t count : {1U, 1000U, 100'000U}) {
        cases.add({.name = "growth_meetings_" + std::to_string(count),
                   .program = "filter_v4",
                   .world = {.meetings = count, .countries = rule}},
                  Draw::addresses, is_other);
    }
    return cases.take();
}

} // namespace meetfence::bench
