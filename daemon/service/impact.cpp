// SPDX-License-Identifier: Apache-2.0
// Service: who is there, and whom the rules keep out, from confirmed flows. Addresses do not leave this
// file.
#include <algorithm>
#include <arpa/inet.h>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"
#include "model/text.h"

namespace meetfence::service {
namespace {

IpAddress remote_of(const mf_flow& flow)
{
    IpAddress::Bytes bytes{};
    std::ranges::copy(flow.key.remote, bytes.begin());
    return IpAddress(bytes);
}

bool keeps_out(const Rule& rule, Country country, const std::string& participant)
{
    switch (rule.whom) {
    case Whom::countries:
        return rule.countries.contains(country) && !country.none();
    case Whom::all_but:
        return !country.none() && !rule.countries.contains(country);
    case Whom::participant:
        return rule.participant == participant &&
               (rule.countries.empty() || rule.countries.contains(country));
    }
    return false;
}

bool excepts(const Rule& rule, const IpAddress& address)
{
    return std::ranges::any_of(rule.except, [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

} // namespace

// Where the database in force places it; none where only the kernel still knows the table.
Country Service::country_of(const IpAddress& address) const
{
    return geo::country_of(*geo_.places, address);
}

Result<std::vector<ParticipantView>> Service::participants(const std::string& meeting) const
{
    const auto* known = TRY(registry_.find_meeting(meeting));
    std::map<std::uint64_t, ParticipantView> views; // by owner
    for (const auto& [id, entry] : roster_.of(known->number)) {
        if (entry.handed_over) {
            views[entry.owner] = {.entry = &entry};
        }
    }
    plane_.participants().for_each_flow([&](const mf_flow& flow) {
        if (const auto it = views.find(flow.owner); it != views.end()) {
            ++it->second.confirmed_flows;
            it->second.countries.push_back(country_of(remote_of(flow)));
        }
    });
    std::vector<ParticipantView> result;
    for (auto& [owner, view] : views) {
        std::ranges::sort(view.countries);
        view.countries.erase(std::unique(view.countries.begin(), view.countries.end()), view.countries.end());
        result.push_back(std::move(view));
    }
    std::ranges::sort(result, {}, [](const ParticipantView& view) { return view.entry->id; });
    return result;
}

Result<ParticipantView> Service::participant(const std::string& meeting, const std::string& id) const
{
    for (auto& view : TRY(participants(meeting))) {
        if (view.entry->id == id) {
            return std::move(view);
        }
    }
    return fail(ErrorCode::not_found, "meeting '" + meeting + "' has no such participant");
}

std::unordered_map<std::uint64_t, IpAddress> Service::whereabouts() const
{
    struct Last {
        std::uint32_t proven = 0;
        IpAddress remote;
    };
    std::unordered_map<std::uint64_t, Last> last;
    const auto& tables = plane_.participants();
    tables.for_each_flow([&](const mf_flow& flow) {
        auto& known = last[flow.owner];
        if (!tables.is_contested(flow) && flow.proven >= known.proven) {
            known = {flow.proven, remote_of(flow)};
        }
    });
    std::unordered_map<std::uint64_t, IpAddress> result;
    for (const auto& [owner, known] : last) {
        if (known.proven != 0) {
            result.emplace(owner, known.remote);
        }
    }
    return result;
}

bool Service::is_kept_out(const policy::RegisteredMeeting& meeting, const std::string& participant,
                          const IpAddress& address, Country country, Time now) const
{
    return std::ranges::any_of(registry_.rules_of(meeting), [&](const Rule* rule) {
        return rule->mode == Mode::enforce && rule->state(now) == RuleState::active &&
               keeps_out(*rule, country, participant) && !excepts(*rule, address);
    });
}

Result<Impact> Service::impact(const std::string& meeting, const std::optional<CountrySet>& countries) const
{
    const auto* known = TRY(registry_.find_meeting(meeting));
    const auto now = wall_now();
    const auto places = whereabouts();
    Impact impact;
    for (const auto& [id, entry] : roster_.of(known->number)) {
        impact.participants += entry.handed_over ? 1 : 0;
        const auto place = places.find(entry.owner);
        if (place == places.end()) {
            continue;
        }
        const auto country = country_of(place->second);
        ++impact.connected;
        ++(country.none() ? impact.unplaced : impact.by_country[country]);
        const bool affected = countries ? !country.none() && countries->contains(country)
                                        : is_kept_out(*known, id, place->second, country, now);
        impact.affected += affected ? 1 : 0;
    }
    return impact;
}

// Somebody may come from several addresses, IPv4 and IPv6: one that is kept out is enough to be affected. It
// must be so by the databases' own word as well; under an order, by that of each one.
Service::Reach Service::reach_of(const Rule& rule, const std::string& participant,
                                 const std::set<IpAddress>& addresses) const
{
    Reach reach;
    for (const auto& address : addresses) {
        const auto opinion = opinion_of(address);
        const bool disputed = opinion && opinion->disputed;
        const bool kept_out = keeps_out(rule, country_of(address), participant) && !excepts(rule, address) &&
                              !is_exempt(address);
        const bool surely =
            opinion ? keeps_out(rule, opinion->country, participant) && (rule.order.empty() || !disputed)
                    : rule.order.empty();
        reach.affected = reach.affected || kept_out;
        reach.disputed = reach.disputed || disputed;
        reach.collateral = reach.collateral || (kept_out && !surely);
    }
    return reach;
}

Preview Service::preview(const Rule& rule) const
{
    Preview preview;
    const auto known = registry_.find_meeting(rule.meeting);
    if (!known) {
        return preview;
    }
    preview.registered = true;
    const auto& people = roster_.of((*known)->number);
    if (people.empty()) {
        return preview; // without a look at a table of flows that may be large
    }
    struct Seen {
        std::set<IpAddress> addresses;
        std::uint32_t proven = 0;
        IpAddress last;
    };
    std::unordered_map<std::uint64_t, Seen> seen; // by owner
    for (const auto& [id, entry] : people) {
        seen[entry.owner];
    }
    const auto& tables = plane_.participants();
    tables.for_each_flow([&](const mf_flow& flow) {
        const auto it = seen.find(flow.owner);
        if (it != seen.end() && !tables.is_contested(flow)) {
            const auto remote = remote_of(flow);
            it->second.addresses.insert(remote);
            if (flow.proven >= it->second.proven) {
                it->second.proven = flow.proven;
                it->second.last = remote;
            }
        }
    });
    for (const auto& [id, entry] : people) {
        preview.impact.participants += entry.handed_over ? 1 : 0;
        const auto& [addresses, proven, last] = seen[entry.owner];
        if (addresses.empty()) {
            continue;
        }
        const auto country = country_of(last);
        const auto reach = reach_of(rule, id, addresses);
        ++preview.impact.connected;
        ++(country.none() ? preview.impact.unplaced : preview.impact.by_country[country]);
        preview.impact.affected += reach.affected ? 1 : 0;
        preview.disputed += reach.disputed ? 1 : 0;
        preview.collateral += reach.collateral ? 1 : 0;
    }
    return preview;
}

bool Service::is_exempt(const IpAddress& address) const
{
    return std::ranges::any_of(config_->exempt,
                               [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

Result<ShownAddresses> Service::show_addresses(const std::string& meeting, const std::string& purpose,
                                               const Actor& actor)
{
    constexpr std::size_t kLongestPurpose = 200;
    const auto* known = TRY(registry_.find_meeting(meeting));
    TRY(check_text("purpose", purpose, kLongestPurpose));
    std::unordered_map<std::uint64_t, std::string> ids;
    ShownAddresses shown;
    for (const auto& [id, entry] : roster_.of(known->number)) {
        if (entry.handed_over) {
            ids[entry.owner] = id;
            shown[id];
        }
    }
    plane_.participants().for_each_flow([&](const mf_flow& flow) {
        if (const auto it = ids.find(flow.owner); it != ids.end()) {
            shown[it->second].push_back({remote_of(flow), ntohs(flow.key.remote_port)});
        }
    });
    const audit::Draft draft{actor,
                             "addresses_shown",
                             {{"meeting", meeting}, {"purpose", purpose}, {"participants", shown.size()}}};
    TRY(trail_.append({draft})); // told before anybody sees them
    return shown;
}

Moved Service::moved_by(const GeoDiff& diff) const
{
    Moved moved;
    const auto now = wall_now();
    for (const auto& [owner, address] : whereabouts()) {
        const auto* place = roster_.find(owner);
        const auto* meeting = place == nullptr ? nullptr : registry_.meeting_by_number(place->meeting);
        if (meeting == nullptr) {
            continue;
        }
        const auto is_out = [&](const geo::PlaceTable& table) {
            return is_kept_out(*meeting, place->id, address, geo::country_of(table, address), now);
        };
        const bool before = is_out(*diff.now);
        const bool after = is_out(diff.then);
        ++moved.known;
        moved.newly_blocked += !before && after ? 1 : 0;
        moved.no_longer_blocked += before && !after ? 1 : 0;
    }
    return moved;
}

Result<std::vector<const Rule*>> Service::rules_against(const std::string& meeting, Country country,
                                                        const std::string& participant) const
{
    const auto* known = TRY(registry_.find_meeting(meeting));
    const auto now = wall_now();
    if (country.none() && !participant.empty()) { // an order's rule asks where the person is
        const auto* entry = roster_.find(known->number, participant);
        const auto places = whereabouts();
        const auto place = entry == nullptr ? places.end() : places.find(entry->owner);
        country = place == places.end() ? country : country_of(place->second);
    }
    auto rules = registry_.rules_of(*known);
    std::erase_if(rules, [&](const Rule* rule) {
        return rule->mode != Mode::enforce || rule->state(now) != RuleState::active ||
               !keeps_out(*rule, country, participant);
    });
    return rules;
}

} // namespace meetfence::service
