// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/admission.h"

#include <algorithm>
#include <fmt/format.h>

namespace meetfence::geo {
namespace {

constexpr std::uint64_t kMostLoss = 20; // percent

bool shrinks(std::uint64_t before, std::uint64_t after)
{
    return after < before - before * kMostLoss / 100;
}

std::uint64_t loss(std::uint64_t before, std::uint64_t after)
{
    return (before - after) * 100 / before;
}

std::string shrinkage(Country country, const Extent& before, const Extent& after)
{
    const auto say = [&](std::uint64_t was, std::uint64_t is, std::string_view what) {
        return fmt::format("{}, which a rule names, would lose {} % of its {} ({} of {} are left)",
                           country.code(), loss(was, is), what, is, was);
    };
    if (shrinks(before.ipv4_addresses, after.ipv4_addresses)) {
        return say(before.ipv4_addresses, after.ipv4_addresses, "IPv4 addresses");
    }
    if (shrinks(before.ipv6_48s, after.ipv6_48s)) {
        return say(before.ipv6_48s, after.ipv6_48s, "IPv6 /48s");
    }
    return {};
}

// Whether the country was in the file that was there before under this path; where it is a new path,
// whether it was anywhere.
bool had(const Candidate& present, const std::string& path, Country country)
{
    const auto it = std::ranges::find(present.databases, path, &DatabaseFacts::path);
    return it == present.databases.end() ? present.extents.at(country.number()) != Extent{}
                                         : it->countries.contains(country);
}

} // namespace

DatabaseFacts facts_of(const Database& database)
{
    return {database.path, database.type, database.build, countries_in(database)};
}

std::string age_warning(const DatabaseFacts& database, const AdmissionPolicy& policy, Time now)
{
    const auto age = now - database.build;
    if (age <= policy.max_age) {
        return {};
    }
    return fmt::format("it was built {}, {} days ago; geo.max_age is {} days", format_time(database.build),
                       std::chrono::duration_cast<std::chrono::hours>(age).count() / 24,
                       std::chrono::duration_cast<std::chrono::hours>(policy.max_age).count() / 24);
}

std::string refusal(const Candidate& candidate, const Candidate* present, const CountrySet& under_rule,
                    const AdmissionPolicy& policy, Time now)
{
    for (const auto& database : candidate.databases) {
        const auto name = "country database " + database.path + ": ";
        if (database.countries.size() < policy.min_countries) {
            return name + fmt::format("it knows {} countries, and geo.min_countries is {}",
                                      database.countries.size(), policy.min_countries);
        }
        for (const auto country : under_rule.list()) {
            if (present != nullptr && !database.countries.contains(country) &&
                had(*present, database.path, country)) {
                return name + fmt::format("it has no address of {}, which a rule names", country.code());
            }
        }
        const auto old = age_warning(database, policy, now);
        if (policy.refuse_old && !old.empty()) {
            return name + old;
        }
    }
    for (const auto country : under_rule.list()) {
        if (present == nullptr) {
            break;
        }
        const auto number = country.number();
        if (auto text = shrinkage(country, present->extents.at(number), candidate.extents.at(number));
            !text.empty()) {
            return text;
        }
    }
    return {};
}

} // namespace meetfence::geo
