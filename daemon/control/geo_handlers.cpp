// SPDX-License-Identifier: Apache-2.0
// The resources under /v1/geo.
#include <algorithm>

#include "daemon/control/handlers.h"
#include "daemon/service/clock.h"

namespace meetfence::control {
namespace {

using service::Service;

Json code_or_null(Country country)
{
    return country.none() ? Json(nullptr) : Json(country.code());
}

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

Json time_or_null(Time time)
{
    return time == Time() ? Json(nullptr) : Json(format_time(time));
}

Json to_json(const geo::Extent& extent)
{
    return {{"ipv4_prefixes", extent.ipv4_prefixes},
            {"ipv4_addresses", extent.ipv4_addresses},
            {"ipv6_prefixes", extent.ipv6_prefixes},
            {"ipv6_48s", extent.ipv6_48s}};
}

void add(geo::Extent& total, const geo::Extent& part)
{
    total.ipv4_prefixes += part.ipv4_prefixes;
    total.ipv4_addresses += part.ipv4_addresses;
    total.ipv6_prefixes += part.ipv6_prefixes;
    total.ipv6_48s += part.ipv6_48s;
}

bool concerns(const geo::Difference& difference, const CountrySet& countries)
{
    return countries.contains(difference.first) || countries.contains(difference.second);
}

Json to_json(const service::PairDisagreement& pair, const CountrySet& under_rule)
{
    geo::Extent total;
    auto concerned = Json::array();
    for (const auto& difference : pair.differences) {
        add(total, difference.extent);
        if (concerns(difference, under_rule)) {
            concerned.push_back({{"countries", {difference.first.code(), difference.second.code()}},
                                 {"ipv4_addresses", difference.extent.ipv4_addresses},
                                 {"ipv6_48s", difference.extent.ipv6_48s}});
        }
    }
    return {{"databases", {pair.one, pair.other}},
            {"ipv4_addresses", total.ipv4_addresses},
            {"ipv6_48s", total.ipv6_48s},
            {"under_rule", std::move(concerned)}};
}

Json loaded_view(const service::GeoTable& table)
{
    if (table.loaded == Time()) {
        return nullptr;
    }
    return {{"at", format_time(table.loaded)},
            {"read_ms", table.read_time.count()},
            {"build_ms", table.build_time.count()},
            {"swap_ms", table.swap_time.count()}};
}

Json working_view(const service::Progress* progress)
{
    if (progress == nullptr) {
        return nullptr;
    }
    return {{"what", progress->what()}, {"step", progress->step()}, {"percent", progress->percent()}};
}

Result<Json> geo_view(const Service& service)
{
    auto json = TRY(service.status()).at("geo");
    const auto& config = service.config();
    const auto& table = service.geo();
    json["agreement"] = config.agreement == geo::Agreement::all ? "all" : "first";
    json["overrides"] = config.overrides.size();
    for (std::size_t i = 0; i < table.facts.databases.size(); ++i) {
        json["databases"].at(i)["warning"] = text_or_null(
            geo::age_warning(table.facts.databases[i], config.admission_policy(), service::wall_now()));
    }
    json["loaded"] = loaded_view(table);
    const auto under_rule = service.countries_under_rule();
    auto& disagreement = json["disagreement"] = Json::array();
    for (const auto& pair : table.disagreement) {
        disagreement.push_back(to_json(pair, under_rule));
    }
    json["problem"] = text_or_null(service.geo_problem());
    json["rolled_back"] = service.geo_rolled_back();
    json["previous"] =
        service.geo_previous() == 0 ? Json(nullptr) : Json{{"databases", service.geo_previous()}};
    json["working"] = working_view(service.geo_working());
    return json;
}

Json to_json(const service::GeoDiffAnswer& answer)
{
    const auto& diff = answer.diff;
    geo::Extent total;
    auto changes = Json::array();
    for (const auto& change : diff.changes) {
        add(total, change.extent);
        Json row{{"from", code_or_null(change.first)},
                 {"to", code_or_null(change.second)},
                 {"under_rule", concerns(change, answer.under_rule)}};
        row.update(to_json(change.extent));
        changes.push_back(std::move(row));
    }
    return {{"replaces", diff.replaces},
            {"build", {{"now", time_or_null(diff.build_now)}, {"then", time_or_null(diff.build_then)}}},
            {"prefixes",
             {{"now", {{"ipv4", diff.now->prefixes_v4}, {"ipv6", diff.now->prefixes_v6}}},
              {"then", {{"ipv4", diff.then.prefixes_v4}, {"ipv6", diff.then.prefixes_v6}}}}},
            {"changes", std::move(changes)},
            {"total", to_json(total)},
            {"participants",
             {{"known", answer.participants.known},
              {"newly_blocked", answer.participants.newly_blocked},
              {"no_longer_blocked", answer.participants.no_longer_blocked}}},
            {"refusal", text_or_null(answer.refusal)}};
}

std::string query_of(const Request& request, const std::string& name)
{
    const auto it = request.query.find(name);
    return it == request.query.end() ? "" : it->second;
}

// Replies with the state of things after a table came in force.
Service::Done when_in_force(const Service& service, const char* summary, LaterReply reply)
{
    return [&service, summary, reply = std::move(reply)](Result<> done) {
        if (!done) {
            reply(fail(std::move(done).error()));
            return;
        }
        reply(geo_view(service).map([&](const Json& view) {
            auto response = json_response(view);
            response.summary = summary;
            return response;
        }));
    };
}

} // namespace

Result<Response> get_geo(Service& service, const Request& /*request*/)
{
    return json_response(TRY(geo_view(service)));
}

Result<Response> look_address_up(Service& service, const Request& request)
{
    const auto address = TRY(IpAddress::parse(request.path.at(2)));
    // A port nobody uses on an address of the same family: the question is only where it lies.
    const Endpoint nowhere{
        .address = address.is_v4() ? IpAddress::v4(0) : IpAddress(), .first_port = 9, .last_port = 9};
    const auto explanation = TRY(service.explain(SocketAddress{address, 9}, nowhere, ""));
    const Country country(explanation.answer.country);
    const auto prefix = country.none() ? std::nullopt : service.prefix_of(address, country);
    return json_response({{"address", address.text()},
                          {"country", code_or_null(country)},
                          {"prefix", prefix ? Json(prefix->text()) : Json(nullptr)}});
}

void reload_geo(Service& service, const Request& request, LaterReply reply)
{
    service.reload_geo(request.flag("force"), request.peer.actor(),
                       when_in_force(service, "country table loaded anew", std::move(reply)));
}

void roll_back_geo(Service& service, const Request& request, LaterReply reply)
{
    service.roll_back_geo(request.peer.actor(),
                          when_in_force(service, "country table rolled back", std::move(reply)));
}

void diff_geo(Service& service, const Request& request, LaterReply reply)
{
    const auto name = query_of(request, "name");
    service.diff_geo(name.empty() ? "given" : name, query_of(request, "replaces"), request.body,
                     [reply = std::move(reply)](Result<service::GeoDiffAnswer> answer) {
                         reply(answer ? Result<Response>(json_response(to_json(*answer)))
                                      : Result<Response>(fail(std::move(answer).error())));
                     });
}

} // namespace meetfence::control
