// SPDX-License-Identifier: Apache-2.0
// Participants, who would be affected, and what to tell those who are. No answer has a remote address in
// it.
#include <fmt/format.h>

#include "daemon/control/handlers.h"
#include "daemon/service/clock.h"

namespace meetfence::control {
namespace {

using service::Service;

constexpr unsigned kUnavailableForLegalReasons = 451; // RFC 7725

// Of flows the local end only: nobody is shown where a person is, not even who said so.
Json shown(const Participant& participant)
{
    auto json = to_json(participant);
    for (auto& flow : json["flows"]) {
        flow.erase("remote");
    }
    return json;
}

Json view(const std::string& meeting, const service::ParticipantView& participant)
{
    const auto& entry = *participant.entry;
    auto json = shown({meeting, entry.id, entry.ufrags, entry.flows});
    json["confirmed_flows"] = participant.confirmed_flows;
    auto& countries = json["countries"] = Json::array();
    for (const auto country : participant.countries) {
        countries.push_back(country.code());
    }
    return json;
}

Result<std::optional<CountrySet>> countries_asked(const Request& request)
{
    const auto it = request.query.find("country");
    if (it == request.query.end()) {
        return std::nullopt;
    }
    std::vector<std::string> codes;
    for (std::size_t begin = 0; begin <= it->second.size();) {
        const auto comma = std::min(it->second.find(',', begin), it->second.size());
        codes.push_back(it->second.substr(begin, comma - begin));
        begin = comma + 1;
    }
    return TRY(parse_countries(codes));
}

// On whose demand; of an order that must not be spoken of, nothing but that there is a ground.
struct Ground {
    Json by = "host", order, legal_basis;
    std::string text = "on demand of the meeting's host";
};

Ground ground_of(const Service& service, const Rule& rule)
{
    const auto found = service.orders().find(rule.order);
    if (!found) {
        return {};
    }
    const auto& terms = (*found)->terms;
    if ((*found)->gagged(service::wall_now())) {
        return {.by = "authority", .text = "on legal grounds that it may not name"};
    }
    return {.by = terms.authority,
            .order = terms.id,
            .legal_basis = terms.legal_basis,
            .text = fmt::format("on demand of {} of {}, by {}", terms.authority, terms.jurisdiction.name(),
                                terms.legal_basis)};
}

std::string who_is_out(const Rule& rule, Country country)
{
    const auto name = fmt::format("{} ({})", country.name(), country.code());
    switch (rule.whom) {
    case Whom::countries:
        return "Participants whose address is placed in " + name + " are";
    case Whom::all_but:
        return "Participants whose address is not placed in " + rule.countries.text() + " are";
    case Whom::participant:
        break;
    }
    return "This participant is";
}

} // namespace

Result<Response> list_participants(Service& service, const Request& request)
{
    const auto& meeting = request.path.at(2);
    const auto participants = TRY(service.participants(meeting));
    std::optional<service::ShownAddresses> addresses;
    if (shows_addresses(request)) {
        const auto purpose = request.query.find("purpose");
        addresses = TRY(service.show_addresses(meeting, purpose == request.query.end() ? "" : purpose->second,
                                               request.peer.actor()));
    }
    auto list = Json::array();
    for (const auto& participant : participants) {
        auto& shown = list.emplace_back(view(meeting, participant));
        if (addresses) {
            auto& of_this = shown["addresses"] = Json::array();
            for (const auto& address : (*addresses)[participant.entry->id]) {
                of_this.push_back(address.text());
            }
        }
    }
    return json_response(list);
}

bool shows_addresses(const Request& request)
{
    return request.flag("addresses");
}

Result<Response> get_participant(Service& service, const Request& request)
{
    const auto& meeting = request.path.at(2);
    return json_response(view(meeting, TRY(service.participant(meeting, request.path.at(4)))));
}

Result<Response> put_participant(Service& service, const Request& request)
{
    const auto participant =
        TRY(participant_from_json(TRY(body_of(request)), request.path.at(2), request.path.at(4)));
    const bool is_new = TRY(service.put_participant(participant));
    if (request.in_batch) { // of which a line's answer has the status only
        return Response{.status = is_new ? 201U : 200U};
    }
    return json_response(shown(participant), is_new ? 201 : 200);
}

Result<Response> delete_participant(Service& service, const Request& request)
{
    TRY(service.remove_participant(request.path.at(2), request.path.at(4)));
    return Response{.status = 204};
}

Result<Response> get_impact(Service& service, const Request& request)
{
    const auto asked = TRY(countries_asked(request));
    const auto impact = TRY(service.impact(request.path.at(2), asked));
    Json countries;
    if (asked) {
        countries = Json::array();
        for (const auto country : asked->list()) {
            countries.push_back(country.code());
        }
    }
    auto by_country = Json::object();
    for (const auto& [country, count] : impact.by_country) {
        by_country[std::string(country.code())] = count;
    }
    return json_response({{"meeting", request.path.at(2)},
                          {"countries_asked", std::move(countries)},
                          {"participants", impact.participants},
                          {"connected", impact.connected},
                          {"by_country", std::move(by_country)},
                          {"unplaced", impact.unplaced},
                          {"affected", impact.affected}});
}

// Status 200: it is what was asked for. The body is what the signalling server answers the person with.
Result<Response> get_notice(Service& service, const Request& request)
{
    const auto& meeting = request.path.at(2);
    const auto query = [&](const char* key) {
        const auto it = request.query.find(key);
        return it == request.query.end() ? std::string() : it->second;
    };
    const auto code = query("country");
    const auto participant = query("participant");
    if (code.empty() && participant.empty()) {
        return fail(ErrorCode::invalid, "say who asks: ?country=CC, or ?participant=P, or both");
    }
    const auto country = code.empty() ? Country() : TRY(Country::parse(code));
    const auto rules = TRY(service.rules_against(meeting, country, participant));
    if (rules.empty()) {
        return fail(ErrorCode::not_found, "no rule of meeting '" + meeting + "' that is in force keeps " +
                                              (code.empty() ? "this participant" : code) + " out");
    }
    const auto* rule = rules.front();
    for (const auto* other : rules) { // what holds longest is what is true
        rule = other->until > rule->until ? other : rule;
    }
    const auto until = format_time(rule->until);
    const auto ground = ground_of(service, *rule);
    return json_response(
        {{"type", "about:blank"},
         {"title", "Unavailable For Legal Reasons"},
         {"status", kUnavailableForLegalReasons},
         {"detail", fmt::format("{} kept out of this meeting until {}, by the operator of this service, {}.",
                                who_is_out(*rule, country), until, ground.text)},
         {"meeting", meeting},
         {"country", country.none() ? Json(nullptr) : Json(country.code())},
         {"blocked_by", "operator"},
         {"demanded_by", ground.by},
         {"rule", rule->id()},
         {"order", ground.order},
         {"legal_basis", ground.legal_basis},
         {"until", until}});
}

} // namespace meetfence::control
