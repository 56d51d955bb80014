// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/metrics.h"

#include <algorithm>
#include <array>
#include <prometheus/text_serializer.h>

#include "daemon/service/clock.h"
#include "pins/pinned_status.h"
#include "pins/reason.h"

namespace meetfence::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using service::Service;
using Labels = std::vector<ClientMetric::Label>;

class Families {
public:
    Families& counter(const char* name, const char* help) { return begin(name, help, MetricType::Counter); }
    Families& gauge(const char* name, const char* help) { return begin(name, help, MetricType::Gauge); }

    /// Of the family begun last.
    Families& add(Labels labels, double value)
    {
        auto& family = families_.back();
        auto& metric = family.metric.emplace_back();
        metric.label = std::move(labels);
        (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
        return *this;
    }

    [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

private:
    Families& begin(const char* name, const char* help, MetricType type)
    {
        families_.push_back({std::string("meetfence_") + name, help, type, {}});
        return *this;
    }

    std::vector<MetricFamily> families_;
};

double seconds_of(Time time)
{
    return static_cast<double>(time.time_since_epoch().count());
}

constexpr auto kDirections = std::to_array<const char*>({"ingress", "egress"}); // enum mf_direction

// By reason, each of which is one verdict.
void add_traffic(Families& families, const PinnedStatus& status)
{
    const auto add_all = [&](auto value_of) {
        for (std::size_t direction = 0; direction < kDirections.size(); ++direction) {
            for (std::uint32_t reason = 0; reason < MF_REASONS; ++reason) {
                const auto& traffic = status.reasons.at(direction).at(reason);
                if (traffic.packets != 0) {
                    families.add({{"verdict", is_drop(reason) ? "drop" : "pass"},
                                  {"reason", std::string(reason_name(reason))},
                                  {"direction", kDirections.at(direction)}},
                                 static_cast<double>(value_of(traffic)));
                }
            }
        }
    };
    families.counter("packets_total", "Packets seen, by verdict, its reason and direction.");
    add_all([](const mf_traffic& traffic) { return traffic.packets; });
    families.counter("bytes_total", "Bytes of whole frames seen, by verdict, its reason and direction.");
    add_all([](const mf_traffic& traffic) { return traffic.bytes; });
    families.counter("dropped_outside_scope_total", "Dropped packets that no rule accounts for; stays 0.")
        .add({}, static_cast<double>(status.dropped_outside_scope));
}

void add_rules(Families& families, const Service& service)
{
    const auto now = service::wall_now();
    std::map<RuleState, std::uint64_t> states;
    std::vector<const Rule*> lasting;
    for (const auto& [number, rule] : service.registry().rules()) {
        ++states[rule.state(now)];
        if (!rule.ended(now)) {
            lasting.push_back(&rule);
        }
    }
    families.gauge("rules", "Rules on record, by state.");
    for (const auto state : {RuleState::pending, RuleState::scheduled, RuleState::active, RuleState::expired,
                             RuleState::withdrawn}) {
        families.add({{"state", std::string(to_text(state))}}, static_cast<double>(states[state]));
    }
    families.gauge("rule_end_timestamp_seconds", "When a rule that has not ended ends.");
    for (const auto* rule : lasting) {
        families.add({{"rule", rule->id()}, {"order", rule->order}}, seconds_of(rule->until));
    }
    families.counter("rule_packets_total", "Packets that a rule was about, by what became of them.");
    for (const auto* rule : lasting) {
        RuleCounts sum;
        for (const auto& cell : service.counts(*rule)) {
            sum += cell.total();
        }
        for (const auto& [verdict, packets] :
             {std::pair("drop", sum.dropped_packets), std::pair("would_drop", sum.would_drop_packets),
              std::pair("pass", sum.passed_packets)}) {
            families.add({{"rule", rule->id()}, {"order", rule->order}, {"verdict", verdict}},
                         static_cast<double>(packets));
        }
    }
}

void add_orders(Families& families, const Service& service)
{
    const auto now = service::wall_now();
    std::map<OrderState, std::uint64_t> states;
    std::vector<const Order*> lasting;
    for (const auto& [id, order] : service.orders().orders()) {
        ++states[service.state_of(order)];
        if (!order.ended_by(now) && order.terms.review) {
            lasting.push_back(&order);
        }
    }
    families.gauge("orders", "Orders on record, by state.");
    for (const auto state :
         {OrderState::recorded, OrderState::approved, OrderState::rejected, OrderState::active,
          OrderState::expired, OrderState::withdrawn, OrderState::suspended}) {
        families.add({{"state", std::string(to_text(state))}}, static_cast<double>(states[state]));
    }
    families.gauge("orders_review_due", "Orders that are to be reviewed, and were not yet.")
        .add({}, static_cast<double>(std::ranges::count_if(
                     lasting, [&](const Order* order) { return now >= *order->terms.review; })));
    families.gauge("order_review_timestamp_seconds", "When an order that lasts is to be reviewed.");
    for (const auto* order : lasting) {
        families.add({{"order", order->id()}}, seconds_of(*order->terms.review));
    }
}

void add_state(Families& families, const Service& service, const Json& status)
{
    const auto& control = service.geo();
    families.gauge("geo_database_build_timestamp_seconds", "When a country database in force was built.");
    for (const auto& database : control.facts.databases) {
        families.add({{"type", database.type}}, seconds_of(database.build));
    }
    families.gauge("geo_prefixes", "Prefixes of the country table in force.")
        .add({{"family", "ipv4"}}, status.at("geo").at("prefixes_v4").get<double>())
        .add({{"family", "ipv6"}}, status.at("geo").at("prefixes_v6").get<double>());
    families.gauge("meetings", "Meetings registered.").add({}, status.at("meetings").get<double>());
    families.gauge("participants", "Participants handed over.")
        .add({}, status.at("participants").get<double>());
    families.gauge("flows", "Confirmed flows.").add({}, status.at("flows").at("confirmed").get<double>());
    families
        .counter("checked_drops_total",
                 "Dropped packets that the running check judged again, by its finding.")
        .add({{"finding", "inside"}},
             status.at("check").at("checked").get<double>() - status.at("check").at("outside").get<double>())
        .add({{"finding", "outside"}}, status.at("check").at("outside").get<double>())
        .add({{"finding", "skipped"}}, status.at("check").at("skipped").get<double>());
    families.gauge("audit_sequence", "The last entry of the audit log.")
        .add({}, status.at("audit").at("sequence").get<double>());
    families.gauge("build_info", "The version that runs.").add({{"version", MEETFENCE_VERSION}}, 1);
}

} // namespace

Result<Response> get_metrics(Service& service, const Request& /*request*/)
{
    const auto pinned = TRY(read_pinned_status(service.config().bpf_dir));
    const auto status = TRY(service.status());
    Families families;
    add_traffic(families, pinned);
    add_rules(families, service);
    add_orders(families, service);
    add_state(families, service, status);
    return Response{
        .status = 200, .body = families.text(), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

} // namespace meetfence::control
