// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/service.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <sys/stat.h>

#include "daemon/dataplane/explain.h"
#include "daemon/service/clock.h"
#include "pins/pinned_status.h"
#include "pins/reason.h"

namespace meetfence::service {
namespace {

Result<> prepare_state_dir(const std::string& path)
{
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) {
        return fail(ErrorCode::internal, "making state_dir " + path + ": " + error.message());
    }
    return {};
}

} // namespace

Service::Service(Config config, Listener listener, store::Store store, AuditTrail trail,
                 dataplane::DataPlane plane)
    : config_(std::make_shared<const Config>(std::move(config))),
      listener_(std::move(listener)),
      store_(std::move(store)),
      plane_(std::move(plane)),
      trail_(std::move(trail)),
      registry_(limits_of(*config_)),
      orders_(order_policy_of(*config_)),
      roster_(config_->max_participants),
      archive_(config_->state_dir + "/geo"),
      started_(wall_now())
{
}

Result<std::unique_ptr<Service>> Service::start(Config config, Listener listener)
{
    TRY(prepare_state_dir(config.state_dir));
    auto store = TRY(store::Store::open(config.state_dir + "/meetfence.db"));
    auto contents = TRY(store.load());
    auto trail = TRY(AuditTrail::open(
        config.state_dir, contents.audit_head, [write = listener.write](bool alarm, const std::string& text) {
            write(alarm ? LogLine{Severity::error, text, {.message_id = message_id::kAuditAlarm}}
                        : LogLine{Severity::notice, text, {}});
        }));
    // The files first: what is wrong with them is known before anything is made in the kernel.
    Progress progress("start");
    auto loaded = load_geo(config, configured_files(config), progress);
    const auto settings = config.dataplane_settings();
    auto plane = TRY(dataplane::DataPlane::open(settings));
    std::unique_ptr<Service> service(new Service(std::move(config), std::move(listener), std::move(store),
                                                 std::move(trail), std::move(plane)));
    auto started = service->config_body();
    started["version"] = MEETFENCE_VERSION;
    service->trail_.note("daemon_started", std::move(started));
    service->load_state(std::move(contents));
    if (service->plane_.adopted()) {
        service->listener_.log(Severity::info, "adopted the pinned tables: filtering went on all the time");
    } else {
        service->listener_.log(Severity::info, "making kernel tables anew: " + service->plane_.why_new());
    }
    TRY(service->check_.open(service->config_->state_dir + "/meetfence.db"));
    TRY(service->start_geo(std::move(loaded)));
    TRY(service->take_over_participants());
    TRY(service->bring_kernel_up_to_date());
    service->plane_.carry_counters_over();
    for (const auto& warning : TRY(service->plane_.go(settings))) {
        service->listener_.log(Severity::warning, warning);
    }
    service->check_.everything_changed(boot_now_ns());
    return service;
}

void Service::load_state(store::Contents contents)
{
    const auto now = wall_now();
    for (auto& stored : contents.meetings) {
        registry_.put(stored.number, std::move(stored.meeting));
    }
    for (auto& rule : contents.rules) {
        const auto number = rule.number;
        const bool ended = rule.ended(now);
        if (ended && !rule.pending && !contents.closed.contains(number)) {
            not_closed_.push_back(rule);
        }
        registry_.put(std::move(rule));
        if (ended) {
            registry_.end_rule(number);
        }
    }
    for (auto& order : contents.orders) {
        orders_.put(std::move(order));
    }
    counted_ = std::move(contents.final_counts);
    kept_out_ = std::move(contents.kept_out);
    closed_ = std::move(contents.closed);
    registry_.reserve_numbers(contents.last_meeting, contents.last_rule);
}

// The offset the tables were made with is kept where it is as good as today's: two readings of the
// same clocks differ by microseconds, and rules would be rewritten for nothing.
Result<> Service::bring_kernel_up_to_date()
{
    constexpr std::int64_t kSameClock = 100'000'000;
    auto& tables = plane_.tables();
    wall_offset_ns_ = wall_offset_ns();
    const auto before = tables.control().wall_offset_ns;
    if (plane_.adopted() && std::abs(before - wall_offset_ns_) < kSameClock) {
        wall_offset_ns_ = before;
    }
    const auto now = wall_now();
    on_kernel_events(); // of before the start: they are about rules that may have ended since
    TRY(commit({.put_rules = std::exchange(not_closed_, {})}, {.actor = AuditTrail::self()}, Disk::leave));
    std::vector<policy::MeetingImage> images;
    std::set<std::uint64_t> wanted;
    for (const auto& [id, entry] : registry_.meetings()) {
        images.push_back(image_of(entry, now));
        wanted.insert(entry.number);
    }
    std::vector<std::uint64_t> unknown;
    for (const auto& [number, meeting] : tables.meetings()) {
        if (!wanted.contains(number)) {
            unknown.push_back(number);
        }
    }
    if (!unknown.empty()) {
        listener_.log(Severity::warning,
                      fmt::format("{} meetings in the kernel are not in the state database: taken out",
                                  unknown.size()));
    }
    auto named = registry_.places().all();
    std::set<policy::EndpointImage> known;
    std::ranges::transform(named, std::inserter(known, known.end()), &policy::NamedEndpoint::at);
    for (const auto& [at, flags] : tables.named()) {
        if (!known.contains(at)) {
            named.push_back({at, 0});
        }
    }
    tables.publish(TRY(tables.stage(images, unknown, named)));
    lead_participants_to_meetings();
    tables.control().wall_offset_ns = wall_offset_ns_;
    TRY(tables.set_exempt(config_->exempt));
    on_deadline(); // meetings that ended while nobody looked
    return {};
}

Json Service::status(const Figures& figures) const
{
    const auto& pinned = figures.pinned;
    auto json = to_json(pinned, MEETFENCE_VERSION, true);
    // In the configuration's order; one whose link has vanished is not filtered, and must not be missing.
    auto interfaces = Json::array();
    for (const auto& interface : config_->interfaces) {
        const auto it = std::ranges::find(pinned.interfaces, interface.name, &InterfaceStatus::name);
        interfaces.push_back(
            to_json(it == pinned.interfaces.end() ? InterfaceStatus{interface.name, "none"} : *it));
    }
    json["interfaces"] = std::move(interfaces);
    json["participants"] = roster_.size();
    auto orders = Json::object();
    for (const auto state :
         {OrderState::recorded, OrderState::approved, OrderState::active, OrderState::suspended}) {
        orders[std::string(to_text(state))] = std::ranges::count_if(
            orders_.orders(), [&](const auto& entry) { return state_of(entry.second) == state; });
    }
    orders["review_due"] = std::ranges::count_if(orders_.orders(), [now = wall_now()](const auto& entry) {
        const auto& order = entry.second;
        return !order.ended_by(now) && order.terms.review && now >= *order.terms.review;
    });
    json["orders"] = std::move(orders);
    json["audit"] = {{"sequence", trail_.log().head().sequence}, {"hash", trail_.log().head().hash}};
    json["check"] = check_.status();
    json["flows"] = {{"confirmed", figures.flows},
                     {"contested", figures.flows_contested},
                     {"refused", figures.flows_refused},
                     {"room", config_->max_flows}};
    for (const auto& [table, used, room] : figures.tables) {
        json["tables"][std::string(table)] = {{"used", used}, {"room", room}};
    }
    auto& databases = json["geo"]["databases"] = Json::array();
    for (const auto& database : geo_.facts.databases) {
        databases.push_back(
            {{"path", database.path}, {"type", database.type}, {"build", format_time(database.build)}});
    }
    return json;
}

std::vector<CountryCounts> Service::counts(const Rule& rule) const
{
    std::vector<CountryCounts> result;
    if (const auto it = counted_.find(rule.number); it != counted_.end()) {
        result = it->second;
    }
    const auto meeting = registry_.find_meeting(rule.meeting);
    const auto& tables = plane_.tables();
    if (const auto* linked = meeting ? tables.find_rule((*meeting)->number, rule.number) : nullptr) {
        add_counts(result, tables.counts(*linked).value_or(std::vector<CountryCounts>{}));
    }
    return result;
}

Result<Explanation> Service::explain(const SocketAddress& from, const Endpoint& to,
                                     const std::string& ufrag) const
{
    if (!to.address || to.first_port != to.last_port) {
        return fail(ErrorCode::invalid,
                    "'to' must be one local address and port, as in udp:198.18.0.1:40000, not " + to.text());
    }
    if (from.address.is_v4() != to.address->is_v4()) {
        return fail(ErrorCode::invalid, "'from' and 'to' must both be IPv4 or both IPv6");
    }
    const auto frame = dataplane::build_frame(from, to.transport, {*to.address, to.first_port}, ufrag);
    return Explanation{TRY(dataplane::ask_program(plane_.program_fd(), frame)), from};
}

Result<Explanation> Service::explain(std::span<const std::uint8_t> frame) const
{
    return Explanation{TRY(dataplane::ask_program(plane_.program_fd(), frame)), {}};
}

Time Service::geo_build() const
{
    return Time(std::chrono::seconds(plane_.tables().control().geo_build_s));
}

std::optional<Time> Service::next_deadline() const
{
    const auto now = wall_now();
    const auto of_rules = registry_.next_deadline(now);
    const auto of_orders = orders_.next_deadline(now);
    return of_rules && of_orders ? std::min(of_rules, of_orders) : of_rules ? of_rules : of_orders;
}

void Service::on_deadline()
{
    const auto now = wall_now();
    store::Changes rules;
    for (const auto number : registry_.expired_rules(now)) {
        rules.put_rules.push_back(**registry_.find_rule(number));
    }
    // The rows say already when they end: the disk need not work for it.
    if (auto done = commit(rules, {.actor = AuditTrail::self()}, Disk::leave); !done) {
        listener_.log(Severity::error, "taking ended rules out: " + done.error().message);
    }
    for (const auto& rule : rules.put_rules) {
        listener_.log(Severity::info, "rule " + rule.id() + " of meeting " + rule.meeting + " has ended",
                      {.message_id = message_id::kRuleEnded,
                       .rule = rule.id(),
                       .meeting = rule.meeting,
                       .order = rule.order});
    }
    end_meetings(registry_.expired_meetings(now));
    tell_of_orders();
}

// All at once: each change waits for the disk.
void Service::end_meetings(const std::vector<std::string>& ids)
{
    store::Changes changes;
    for (const auto& id : ids) {
        add_removal(*registry_.find_meeting(id).value(), changes);
    }
    if (auto done = commit(changes, {.actor = AuditTrail::self(), .why = kRemoved}, Disk::write); !done) {
        listener_.log(Severity::error,
                      fmt::format("taking {} ended meetings out: {}", ids.size(), done.error().message));
        return;
    }
    for (const auto& id : ids) {
        listener_.log(Severity::info, "meeting " + id + " has ended", {.meeting = id});
    }
}

void Service::on_wall_clock_set()
{
    plane_.tables().control().wall_offset_ns = 0;
    if (auto done = bring_kernel_up_to_date(); !done) {
        listener_.log(Severity::error,
                      "the wall clock was set, and rules could not follow: " + done.error().message);
        return;
    }
    check_.everything_changed(boot_now_ns());
    listener_.log(Severity::notice, "the wall clock was set: the times of all rules were computed anew");
}

void Service::each_second()
{
    sweep_flows();
    save_kept_out();
    save_suspensions();
    tell_of_orders();
    if (unsaved_.empty()) {
        trail_.catch_up(store_);
    }
}

void Service::stop()
{
    save_kept_out();
    save_suspensions();
    trail_.close(store_);
}

void Service::tidy()
{
    if (auto done = plane_.tables().reclaim(); !done) {
        listener_.log(Severity::error, "giving unused table elements back: " + done.error().message);
    }
    give_memory_back(); // of a large declaration, as of a load
}

} // namespace meetfence::service
