// SPDX-License-Identifier: Apache-2.0
#include "bench/cases.h"

#include <algorithm>
#include <initializer_list>

#include "bench/samples.h"
#include "bench/traffic.h"

namespace meetfence::bench {
namespace {

using geo::Family;

std::string name_of(Family family)
{
    return family == Family::v4 ? "v4" : "v6";
}

bool anywhere(Country /*country*/)
{
    return true;
}

enum class Whereto : std::uint8_t { meetings, shared, shared_from_new_port, nobody };

constexpr std::uint16_t kOtherPort = 0x80; // the top bit, in network order

Packets packets_from(const std::vector<IpAddress>& addresses, std::size_t count, std::uint32_t meetings,
                     Whereto whereto)
{
    std::vector<bench_packet> packets;
    packets.reserve(count);
    for (std::uint32_t number = 0; number < count; ++number) {
        switch (whereto) {
        case Whereto::meetings:
            packets.push_back(packet_to_meeting(addresses[number], number, meetings));
            break;
        case Whereto::shared:
            packets.push_back(packet_to_shared(addresses[number], number));
            break;
        case Whereto::shared_from_new_port: // which no flow is known from
            packets.push_back(packet_to_shared(addresses[number], number));
            packets.back().remote_port ^= kOtherPort;
            break;
        case Whereto::nobody:
            packets.push_back(packet_to_nobody(addresses[number], number));
            break;
        }
    }
    return std::make_shared<const std::vector<bench_packet>>(std::move(packets));
}

class Cases {
public:
    explicit Cases(const geo::Database& database) : database_(database) {}

    // The case twice, hot and cold: a few senders who come again and again, and very many.
    void add(Case wanted, Draw draw, const CountryFilter& countries, Whereto whereto = Whereto::meetings)
    {
        const auto addresses = sample(database_, wanted.world.family, draw, countries, kCold);
        if (addresses.empty()) {
            return;
        }
        if (wanted.empty.empty()) {
            wanted.empty = "empty_" + name_of(wanted.world.family);
        }
        const auto name = wanted.name;
        for (const bool hot : {true, false}) {
            wanted.name = name + (hot ? "_hot" : "_cold");
            wanted.packets = packets_from(addresses, hot ? kHot : kCold, wanted.world.meetings, whereto);
            cases_.push_back(wanted);
        }
    }

    // One for each address, in the order of their packets, and of those filters.
    [[nodiscard]] Packets flows_of(Family family, std::initializer_list<CountryFilter> filters) const
    {
        std::vector<bench_packet> flows;
        for (const auto& countries : filters) {
            const auto addresses = sample(database_, family, Draw::addresses, countries, kCold);
            const auto packets = packets_from(addresses, addresses.size(), 1, Whereto::shared);
            flows.insert(flows.end(), packets->begin(), packets->end());
        }
        return std::make_shared<const std::vector<bench_packet>>(std::move(flows));
    }

    std::vector<Case> take() { return std::move(cases_); }

private:
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

struct Sides {
    CountryFilter is_blocked, is_other;
};

void add_lookups(Cases& cases, const CountrySet& rule)
{
    constexpr std::uint32_t kSlowRepeat = 1U << 16;
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
}

// What is compared stands side by side.
void add_ingress(Cases& cases, const World& world, const Sides& sides)
{
    const auto v = name_of(world.family);
    const Case bystander{.name = "bystander_" + v,
                         .program = "filter_" + v,
                         .world = world,
                         .reason = MF_COUNTRY_NOT_CONCERNED,
                         .on_two_cores = true};
    cases.add(bystander, Draw::addresses, sides.is_other);
    auto shared = bystander;
    shared.name = "bystander_shared_" + v;
    cases.add(shared, Draw::addresses, sides.is_other, Whereto::shared);

    auto target = bystander;
    target.name = "target_drop_" + v;
    target.reason = MF_DROP_COUNTRY;
    cases.add(target, Draw::addresses, sides.is_blocked);
    target.name = "target_shared_" + v;
    cases.add(target, Draw::addresses, sides.is_blocked, Whereto::shared);

    // A check on a flow that was proven a moment ago, and the first check of a flow.
    Case check{.name = "stun_bystander_" + v,
               .program = "stun_filter_" + v,
               .empty = "stun_empty_" + v,
               .world = world,
               .reason = MF_COUNTRY_NOT_CONCERNED};
    cases.add(check, Draw::addresses, sides.is_other, Whereto::shared);
    check.name = "stun_first_" + v;
    check.remembered = true;
    cases.add(check, Draw::addresses, sides.is_other, Whereto::shared_from_new_port);
}

void add_egress(Cases& cases, const World& world, const Sides& sides)
{
    const auto v = name_of(world.family);
    Case wanted{.program = "egress_filter_" + v, .empty = "egress_empty_" + v, .world = world};
    const auto add = [&](const std::string& name, mf_reason reason, const CountryFilter& countries,
                         Whereto whereto) {
        wanted.name = "egress_" + name + "_" + v;
        wanted.reason = reason;
        cases.add(wanted, Draw::addresses, countries, whereto);
    };
    add("other", MF_OTHER_TRAFFIC, anywhere, Whereto::nobody);
    add("bystander", MF_COUNTRY_NOT_CONCERNED, sides.is_other, Whereto::meetings);
    add("bystander_shared", MF_COUNTRY_NOT_CONCERNED, sides.is_other, Whereto::shared);
    add("target_shared", MF_DROP_COUNTRY, sides.is_blocked, Whereto::shared);
}

void add_growth(Cases& cases, Country blocked, const Sides& sides)
{
    for (const std::size_t count : {1U, 10U, 100U, 250U}) {
        const auto set = some_countries(blocked, std::min(count, country_count()));
        cases.add({.name = "growth_countries_" + std::to_string(count),
                   .program = "filter_v4",
                   .world = {.countries = set},
                   .reason = MF_DROP_COUNTRY},
                  Draw::addresses, [set](Country country) { return set.contains(country); });
    }
    for (const std::uint32_t count : {1U, 1000U, 100'000U}) {
        cases.add({.name = "growth_meetings_" + std::to_string(count),
                   .program = "filter_v4",
                   .world = {.meetings = count, .countries = some_countries(blocked, 1)},
                   .reason = MF_COUNTRY_NOT_CONCERNED},
                  Draw::addresses, sides.is_other);
    }
}

} // namespace

std::vector<Case> all_cases(const geo::Database& database, Country blocked)
{
    const Sides sides{[blocked](Country country) { return country == blocked; },
                      [blocked](Country country) { return country != blocked; }};
    const auto rule = some_countries(blocked, 1);
    Cases cases(database);
    add_lookups(cases, rule);
    cases.add({.name = "other_traffic",
               .program = "filter_v4",
               .world = {.countries = rule},
               .reason = MF_OTHER_TRAFFIC},
              Draw::addresses, anywhere, Whereto::nobody);
    for (const auto family : {Family::v4, Family::v6}) {
        const World world{.family = family,
                          .countries = rule,
                          .flows = cases.flows_of(family, {sides.is_other, sides.is_blocked})};
        add_ingress(cases, world, sides);
        add_egress(cases, world, sides);
    }
    add_growth(cases, blocked, sides);
    return cases.take();
}

} // namespace meetfence::bench
