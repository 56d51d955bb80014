// SPDX-License-Identifier: Apache-2.0
// Service: another configuration takes the place of the one in force, wholly or not at all; and interfaces
// are followed as they come and go.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {
namespace {

// What is made once, with the tables or before them. Puts the present value in the place of the wanted one;
// returns the keys that differed.
std::vector<std::string> keep_what_a_start_makes(Config& wanted, const Config& present)
{
    std::vector<std::string> kept;
    const auto keep = [&](const char* key, auto member) {
        if (wanted.*member != present.*member) {
            wanted.*member = present.*member;
            kept.emplace_back(key);
        }
    };
    keep("limits.meetings", &Config::max_meetings);
    keep("limits.participants", &Config::max_participants);
    keep("limits.flows", &Config::max_flows);
    keep("control.socket", &Config::socket);
    keep("state_dir", &Config::state_dir);
    keep("bpf_dir", &Config::bpf_dir);
    return kept;
}

} // namespace

policy::Limits Service::limits_of(const Config& config)
{
    return {.meetings = config.max_meetings,
            .endpoints = 4 * config.max_meetings,
            .max_duration = config.max_duration};
}

policy::OrderPolicy Service::order_policy_of(const Config& config)
{
    return {config.approvals, config.max_duration, config.named_meetings};
}

// What whoever reads the audit log must know to judge what was possible.
Json Service::config_body() const
{
    auto interfaces = Json::array();
    for (const auto& interface : config_->interfaces) {
        interfaces.push_back(interface.name);
    }
    return {{"approvals", config_->approvals},
            {"named_meetings", config_->named_meetings},
            {"max_duration", format_duration(config_->max_duration)},
            {"agreement", config_->agreement == geo::Agreement::all ? "all" : "first"},
            {"exempt", config_->exempt.size()},
            {"interfaces", std::move(interfaces)}};
}

void Service::reload(Config config, const Done& done)
{
    const auto kept = keep_what_a_start_makes(config, *config_);
    if (!kept.empty()) {
        listener_.log(Severity::warning,
                      fmt::format("the configuration changes {}, which takes a restart: `systemctl restart "
                                  "meetfenced` (filtering goes on meanwhile)",
                                  fmt::join(kept, ", ")));
    }
    const auto next = std::make_shared<const Config>(std::move(config));
    enqueue({std::make_shared<Progress>("configuration"),
             [=, this](const Config& used) -> std::function<void()> {
                 const auto read = std::make_shared<ReadAgain>(read_again(used));
                 return [=, this] { finish_reload(next, std::move(*read), done); };
             },
             next});
}

// What was rolled back stays so, as at a start.
Service::ReadAgain Service::read_again(const Config& config) const
{
    Progress progress("configuration");
    ReadAgain read{.signature = signature_of(config),
                   .loaded = load_geo(config, configured_files(config), progress)};
    const auto copies = archive_.current();
    if (copies.empty()) {
        return read;
    }
    // What the databases in force would be under this configuration: only what databases lose is suspicious,
    // overrides are somebody's word.
    auto present = load_geo(config, archived_files(config, copies), progress);
    if (present) {
        read.present = present->table.facts;
    }
    if (present && read.loaded && archive_.is_rejected(read.loaded->files)) {
        read.loaded = std::move(present);
        read.rolled_back = true;
    }
    return read;
}

void Service::finish_reload(std::shared_ptr<const Config> next, ReadAgain read, const Done& done)
{
    std::string why = read.loaded
                          ? geo::refusal(read.loaded->table.facts, read.present ? &*read.present : nullptr,
                                         countries_under_rule(), next->admission_policy(), wall_now())
                          : read.loaded.error().message;
    if (why.empty()) {
        if (const auto taken = take_up(std::move(next), std::move(read)); !taken) {
            why = taken.error().message;
        }
    }
    if (!why.empty()) {
        note_refused_configuration(why);
        done(fail(ErrorCode::conflict, why + "; the configuration in force stays, whole"));
        return;
    }
    listener_.event({{"event", "configuration_loaded"}});
    trail_.note("geo_loaded", geo_body());
    trail_.note("configuration_loaded", config_body());
    done({});
}

void Service::note_refused_configuration(const std::string& why)
{
    trail_.note("configuration_refused", {{"why", why}});
}

// What other people can refuse comes first; what was done before a refusal is undone.
Result<> Service::take_up(std::shared_ptr<const Config> next, ReadAgain read)
{
    const auto before = std::exchange(config_, std::move(next));
    const auto undo = [&](Error error) {
        config_ = before;
        if (const auto back = plane_.attach(config_->dataplane_settings()); !back) {
            listener_.log(Severity::error, back.error().message);
        }
        follow_interfaces();
        return fail(std::move(error));
    };
    auto attached = plane_.attach(config_->dataplane_settings());
    if (!attached) {
        return undo(std::move(attached).error());
    }
    for (const auto& note : *attached) {
        listener_.log(Severity::warning, note);
    }
    if (auto exempt = plane_.tables().set_exempt(config_->exempt); !exempt) {
        return undo(std::move(exempt).error());
    }
    if (auto put = commit_geo(std::move(*read.loaded), read.rolled_back ? Keep::no : Keep::yes); !put) {
        auto undone = plane_.tables().set_exempt(before->exempt); // it had room a moment ago
        return undo(undone ? std::move(put).error() : std::move(undone).error());
    }
    geo_signature_ = read.signature;
    geo_rolled_back_ = read.rolled_back;
    registry_.set_limits(limits_of(*config_));
    orders_.set_policy(order_policy_of(*config_));
    plane_.set_flow_idle(config_->flow_idle);
    check_.everything_changed(boot_now_ns());
    follow_interfaces();
    return {};
}

void Service::follow_interfaces()
{
    auto unfiltered = plane_.follow(config_->dataplane_settings());
    for (const auto& [name, problem] : unfiltered) {
        const auto told = unfiltered_.find(name);
        if (told == unfiltered_.end() || told->second != problem) {
            listener_.log(Severity::warning, fmt::format("interface {} is not filtered: {}", name, problem),
                          {.message_id = message_id::kInterfaceLost, .interface = name});
            listener_.event({{"event", "interface_lost"}, {"interface", name}, {"why", problem}});
        }
    }
    for (const auto& [name, problem] : unfiltered_) {
        const bool is_configured =
            std::ranges::find(config_->interfaces, name, &dataplane::Interface::name) !=
            config_->interfaces.end();
        if (is_configured && !unfiltered.contains(name)) {
            listener_.log(Severity::notice, fmt::format("interface {} is filtered again", name),
                          {.message_id = message_id::kInterfaceFiltered, .interface = name});
            listener_.event({{"event", "interface_filtered"}, {"interface", name}});
        }
    }
    unfiltered_ = std::move(unfiltered);
}

std::string Service::summary() const
{
    const auto now = wall_now();
    const auto active = std::ranges::count_if(
        registry_.rules(), [now](const auto& entry) { return entry.second.state(now) == RuleState::active; });
    const auto all = config_->interfaces.size();
    const auto filtered = all - std::min(all, unfiltered_.size());
    return fmt::format("Filtering {} of {} interfaces; {} meetings, {} active rules", filtered, all,
                       registry_.meetings().size(), active);
}

void Service::each_minute()
{
    trail_.witness();
    follow_interfaces(); // a link may also be taken off without a word of the network's
    give_memory_back();  // of large answers
}

} // namespace meetfence::service
