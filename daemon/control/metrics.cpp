// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/metrics.h"

#include <algorithm>
#include <array>

#include "daemon/service/clock.h"
#include "model/exposition.h"
#include "pins/reason.h"

namespace meetfence::control {
namespace {

using service::Figures;
using service::Service;

std::int64_t seconds_of(Time time)
{
    return time.time_since_epoch().count();
}

constexpr auto kDirections = std::to_array<std::string_view>({"ingress", "egress"}); // enum mf_direction

// By reason, each of which is one verdict. All from the start: a rate needs the sample before the first
// packet.
void add_traffic(Exposition& out, const PinnedStatus& status)
{
    const auto add_all = [&](auto value_of) {
        for (std::size_t direction = 0; direction < kDirections.size(); ++direction) {
            for (const auto reason : reasons()) {
                out.add({{"verdict", is_drop(reason) ? "drop" : "pass"},
                         {"reason", reason_name(reason)},
                         {"direction", kDirections.at(direction)}},
                        value_of(status.reasons.at(direction).at(reason)));
            }
        }
    };
    out.counter("packets", "Packets seen, by verdict, its reason and direction.");
    add_all([](const mf_traffic& traffic) { return traffic.packets; });
    out.counter("bytes", "Bytes of whole frames seen, by verdict, its reason and direction.", "bytes");
    add_all([](const mf_traffic& traffic) { return traffic.bytes; });
    out.counter("dropped_outside_scope", "Dropped packets that no rule accounts for; stays 0.");
    out.add({}, status.dropped_outside_scope);
}

void add_interfaces(Exposition& out, const Json& status)
{
    out.gauge("interface_filtered", "Whether what goes this way through a configured interface is filtered.");
    for (const auto& interface : status.at("interfaces")) {
        const auto& name = interface.at("name").get_ref<const std::string&>();
        out.add({{"interface", name}, {"direction", "ingress"}}, int{interface.at("ingress") != "none"});
        out.add({{"interface", name}, {"direction", "egress"}}, int{interface.at("egress").get<bool>()});
    }
}

struct LastingRule {
    std::string id;
    const Rule* rule;
    RuleCounts counts;
};

void add_lasting(Exposition& out, const std::vector<LastingRule>& lasting)
{
    out.gauge("rule_end_timestamp_seconds", "When a rule that has not ended ends.", "seconds");
    for (const auto& [id, rule, counts] : lasting) {
        out.add({{"rule", id}, {"order", rule->order}}, seconds_of(rule->until));
    }
    const auto add_all = [&](auto drop, auto would_drop, auto pass) {
        for (const auto& [id, rule, counts] : lasting) {
            out.add({{"rule", id}, {"order", rule->order}, {"verdict", "drop"}}, counts.*drop);
            out.add({{"rule", id}, {"order", rule->order}, {"verdict", "would_drop"}}, counts.*would_drop);
            out.add({{"rule", id}, {"order", rule->order}, {"verdict", "pass"}}, counts.*pass);
        }
    };
    out.counter("rule_packets", "Packets that a rule was about, by what became of them.");
    add_all(&RuleCounts::dropped_packets, &RuleCounts::would_drop_packets, &RuleCounts::passed_packets);
    out.counter("rule_bytes", "Bytes of whole frames that a rule was about, by what became of them.",
                "bytes");
    add_all(&RuleCounts::dropped_bytes, &RuleCounts::would_drop_bytes, &RuleCounts::passed_bytes);
}

void add_rules(Exposition& out, const Service& service, const Figures& figures)
{
    const auto now = service::wall_now();
    std::map<RuleState, std::uint64_t> states;
    std::uint64_t suspended = 0;
    std::vector<LastingRule> lasting;
    for (const auto& [number, rule] : service.registry().rules()) {
        ++states[rule.state(now)];
        suspended += rule.suspended ? 1U : 0U;
        if (!rule.ended(now)) {
            lasting.push_back({rule.id(), &rule, service.total(rule, figures)});
        }
    }
    out.gauge("rules", "Rules on record, by state.");
    for (const auto state : {RuleState::pending, RuleState::scheduled, RuleState::active, RuleState::expired,
                             RuleState::withdrawn}) {
        out.add({{"state", to_text(state)}}, states[state]);
    }
    out.counter("rules_suspended", "Rules on record that the running check stopped.");
    out.add({}, suspended);
    add_lasting(out, lasting);
}

void add_order_times(Exposition& out, const std::vector<const Order*>& lasting)
{
    out.gauge("order_end_timestamp_seconds", "When an order that lasts ends.", "seconds");
    for (const auto* order : lasting) {
        if (order->terms.expires) {
            out.add({{"order", order->id()}}, seconds_of(*order->terms.expires));
        }
    }
    out.gauge("order_review_timestamp_seconds", "When an order that lasts is to be reviewed.", "seconds");
    for (const auto* order : lasting) {
        if (order->terms.review) {
            out.add({{"order", order->id()}}, seconds_of(*order->terms.review));
        }
    }
}

void add_orders(Exposition& out, const Service& service)
{
    const auto now = service::wall_now();
    std::map<OrderState, std::uint64_t> states;
    std::vector<const Order*> lasting;
    for (const auto& [id, order] : service.orders().orders()) {
        ++states[service.state_of(order)];
        if (!order.ended_by(now)) {
            lasting.push_back(&order);
        }
    }
    out.gauge("orders", "Orders on record, by state.");
    for (const auto state :
         {OrderState::recorded, OrderState::approved, OrderState::rejected, OrderState::active,
          OrderState::expired, OrderState::withdrawn, OrderState::suspended}) {
        out.add({{"state", to_text(state)}}, states[state]);
    }
    out.gauge("orders_review_due", "Orders that are to be reviewed, and were not yet.");
    out.add({}, std::ranges::count_if(lasting, [&](const Order* order) {
                return order->terms.review && now >= *order->terms.review;
            }));
    add_order_times(out, lasting);
}

// Several files may be of one type: then the oldest of them counts.
void add_databases(Exposition& out, const service::GeoTable& table)
{
    std::map<std::string_view, Time> builds;
    for (const auto& database : table.facts.databases) {
        const auto known = builds.try_emplace(database.type, database.build).first;
        known->second = std::min(known->second, database.build);
    }
    out.gauge("geo_database_build_timestamp_seconds", "When a country database in force was built.",
              "seconds");
    for (const auto& [type, build] : builds) {
        out.add({{"type", type}}, seconds_of(build));
    }
}

void add_disagreement(Exposition& out, const service::GeoTable& table)
{
    const auto type_of = [&](const std::string& path) -> std::string_view {
        const auto it = std::ranges::find(table.facts.databases, path, &geo::DatabaseFacts::path);
        return it == table.facts.databases.end() ? std::string_view{} : std::string_view{it->type};
    };
    std::map<std::pair<std::string_view, std::string_view>, geo::Extent> pairs;
    for (const auto& [one, other, differences] : table.disagreement) {
        auto& extent = pairs[std::minmax<std::string_view>(type_of(one), type_of(other))];
        for (const auto& difference : differences) {
            extent.ipv4_addresses += difference.extent.ipv4_addresses;
            extent.ipv6_48s += difference.extent.ipv6_48s;
        }
    }
    out.gauge(
        "geo_disagreement",
        "What two country databases place differently: addresses in IPv4, networks of 48 bits in IPv6.");
    for (const auto& [types, extent] : pairs) {
        out.add({{"one", types.first}, {"other", types.second}, {"family", "ipv4"}}, extent.ipv4_addresses);
        out.add({{"one", types.first}, {"other", types.second}, {"family", "ipv6"}}, extent.ipv6_48s);
    }
}

void add_geo(Exposition& out, const Service& service, const PinnedStatus& status)
{
    add_databases(out, service.geo());
    add_disagreement(out, service.geo());
    out.gauge("geo_prefixes", "Prefixes of the country table in force.");
    out.add({{"family", "ipv4"}}, status.prefixes_v4);
    out.add({{"family", "ipv6"}}, status.prefixes_v6);
    out.gauge("geo_generation", "Number of the country table in force; each load has the next one.");
    out.add({}, status.generation);
    out.gauge("geo_load_failed", "Whether the last load of country databases came to nothing.");
    out.add({}, int{!service.geo_problem().empty()});
}

void add_people(Exposition& out, const Service& service, const Figures& figures, const Json& status)
{
    out.gauge("meetings", "Meetings registered.");
    out.add({}, service.registry().meetings().size());
    out.gauge("participants", "Participants handed over.");
    out.add({}, status.at("participants").get<std::uint64_t>());
    out.gauge("flows", "Confirmed flows.");
    out.add({}, figures.flows);
    out.gauge("flows_room", "Confirmed flows that there can be.");
    out.add({}, service.config().max_flows);
    out.gauge("flows_pending",
              "Ufrags answered of late that nobody was handed over with: their packets pass.");
    out.add({}, figures.flows_waiting);
    out.counter("flows_contested", "Proofs of a flow for one meeting while it was another one's.");
    out.add({}, figures.flows_contested);
    out.counter("flows_refused", "Flows that were proven and found no room.");
    out.add({}, figures.flows_refused);
    out.gauge("table_entries", "What a table of the filter holds.");
    for (const auto& [table, used, room] : figures.tables) {
        out.add({{"table", table}}, used);
    }
    out.gauge("table_room", "What a table of the filter can hold.");
    for (const auto& [table, used, room] : figures.tables) {
        out.add({{"table", table}}, room);
    }
}

void add_daemon(Exposition& out, const Service& service, const Json& status)
{
    const auto& requests = service.requests();
    out.histogram("apply_duration_seconds", "From the arrival of a request until its change was in force.",
                  "seconds");
    for (std::size_t change = 0; change < service::kChanges.size(); ++change) {
        const auto& durations = requests.in_force.at(change);
        out.add({{"change", service::kChanges.at(change)}}, service::Durations::kBounds, durations.counts,
                durations.sum);
    }
    out.counter("requests_refused", "Requests that were turned down, by class of their HTTP status.");
    out.add({{"class", "4xx"}}, requests.refused);
    out.add({{"class", "5xx"}}, requests.failed);
    const auto checked = [&](const char* key) { return status.at("check").at(key).get<std::uint64_t>(); };
    out.counter("checked_drops", "Dropped packets that the running check judged again, by its finding.");
    out.add({{"finding", "inside"}}, checked("checked") - checked("outside"));
    out.add({{"finding", "outside"}}, checked("outside"));
    out.add({{"finding", "skipped"}}, checked("skipped"));
    out.gauge("audit_sequence", "The last entry of the audit log.");
    out.add({}, status.at("audit").at("sequence").get<std::uint64_t>());
    out.gauge("start_time_seconds", "When the daemon started.", "seconds");
    out.add({}, seconds_of(service.started()));
    out.info("build", "The version that runs.", {{"version", MEETFENCE_VERSION}});
}

} // namespace

Result<Response> get_metrics(Service& service, const Request& request)
{
    const auto format = format_for(request.accept);
    const auto figures = TRY(service.figures(service::FlowCount::of_late));
    const auto status = service.status(figures);
    Exposition out(format);
    add_traffic(out, figures.pinned);
    add_interfaces(out, status);
    add_rules(out, service, figures);
    add_orders(out, service);
    add_geo(out, service, figures.pinned);
    add_people(out, service, figures, status);
    add_daemon(out, service, status);
    return Response{.status = 200, .body = std::move(out).finish(), .content_type = content_type(format)};
}

Response scrape(Service& service, const Request& request)
{
    auto response = get_metrics(service, request);
    return response ? std::move(*response) : problem(response.error());
}

} // namespace meetfence::control
