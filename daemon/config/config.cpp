// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <net/if.h>
#include <sstream>

#include "model/json.h"

namespace meetfence {
namespace {

constexpr auto kTopKeys = std::to_array<std::string_view>(
    {"interfaces", "geo", "exempt", "control", "metrics", "policy", "limits", "state_dir", "bpf_dir"});
constexpr auto kInterfaceKeys = std::to_array<std::string_view>({"name", "mode", "required"});
constexpr auto kGeoKeys = std::to_array<std::string_view>(
    {"databases", "agreement", "overrides", "min_countries", "max_age", "when_old"});
constexpr auto kControlKeys = std::to_array<std::string_view>({"socket", "operators", "viewers"});
constexpr auto kMetricsKeys = std::to_array<std::string_view>({"listen"});
constexpr auto kPolicyKeys = std::to_array<std::string_view>({"approvals", "max_duration", "named_meetings"});
constexpr auto kLimitKeys =
    std::to_array<std::string_view>({"meetings", "participants", "flows", "flow_idle"});

constexpr std::size_t kMostOverrides = 100'000;       // of geo; what needs more is a database
constexpr std::uint64_t kMostMeetings = 1U << 20;     // 20 MB of kernel memory for each 100,000
constexpr std::uint64_t kMostParticipants = 1U << 23; // a participant's word has 24 bits for an index
constexpr std::uint64_t kMostFlows = 1U << 24;        // 2 GB
constexpr std::uint64_t kMostApprovals = 3;
constexpr std::chrono::seconds kShortestIdle(30); // RFC 7675 section 5.1
constexpr std::chrono::seconds kLongestIdle(3600);

const Json kEmptyObject = Json::object();

// The section, or an empty one where it is left out.
Result<ObjectReader> section(const ObjectReader& top, std::string_view key,
                             std::span<const std::string_view> keys)
{
    const auto* value = top.find(key);
    return ObjectReader::open(value == nullptr ? kEmptyObject : *value, std::string(key), keys);
}

auto wrong(const ObjectReader& reader, std::string_view key, const std::string& why)
{
    return fail(ErrorCode::invalid, "'" + reader.name(key) + "' " + why);
}

Result<> read_path(const ObjectReader& reader, std::string_view key, std::string& path)
{
    if (auto text = TRY(reader.text(key))) {
        if (!text->starts_with('/')) {
            return wrong(reader, key, "must be an absolute path, not '" + *text + "'");
        }
        path = std::move(*text);
    }
    return {};
}

Result<> read_number(const ObjectReader& reader, std::string_view key, std::uint64_t least,
                     std::uint64_t most, std::uint64_t& number)
{
    if (const auto value = TRY(reader.number(key))) {
        if (*value < least || *value > most) {
            return wrong(reader, key,
                         "must be " + std::to_string(least) + " to " + std::to_string(most) + ", not " +
                             std::to_string(*value));
        }
        number = *value;
    }
    return {};
}

Result<dataplane::Interface> read_interface(const Json& value, std::string path)
{
    const auto reader = TRY(ObjectReader::open(value, std::move(path), kInterfaceKeys));
    dataplane::Interface interface {
        .name = TRY(reader.text("name")).value_or("")
    };
    if (interface.name.empty() || interface.name.size() >= IF_NAMESIZE) {
        return wrong(reader, "name", "must name a network interface (1 to 15 bytes)");
    }
    const auto mode = TRY(reader.text("mode")).value_or("native");
    if (mode == "generic") {
        interface.mode = dataplane::AttachMode::generic;
    } else if (mode == "auto") {
        interface.mode = dataplane::AttachMode::automatic;
    } else if (mode == "dispatcher") {
        interface.mode = dataplane::AttachMode::dispatcher;
    } else if (mode != "native") {
        return wrong(reader, "mode", "must be native, generic, auto or dispatcher, not '" + mode + "'");
    }
    interface.required = reader.find("required") == nullptr || TRY(reader.flag("required"));
    return interface;
}

Result<> read_interfaces(const ObjectReader& top, Config& config)
{
    const auto* value = top.find("interfaces");
    if (value == nullptr || !value->is_array() || value->empty()) {
        return fail(ErrorCode::invalid, "'interfaces' must name at least one interface to filter, as in "
                                        R"("interfaces": [{"name": "eth0"}])");
    }
    for (const auto& item : *value) {
        auto interface =
            TRY(read_interface(item, "interfaces[" + std::to_string(config.interfaces.size()) + "]"));
        if (std::ranges::find(config.interfaces, interface.name, &dataplane::Interface::name) !=
            config.interfaces.end()) {
            return fail(ErrorCode::invalid, "'interfaces' names " + interface.name + " twice");
        }
        config.interfaces.push_back(std::move(interface));
    }
    return {};
}

Result<> read_overrides(const Json& value, Config& config)
{
    if (!value.is_object()) {
        return fail(ErrorCode::invalid,
                    R"('geo.overrides' must be an object, as in {"203.0.113.0/24": "CN"})");
    }
    for (const auto& item : value.items()) {
        const auto what = [&](Error error) {
            return std::move(error).context("'geo.overrides' for '" + item.key() + "'");
        };
        const auto prefix = TRY(IpPrefix::parse(item.key()).map_error(what));
        if (!item.value().is_string()) {
            return fail(ErrorCode::invalid,
                        "'geo.overrides' for '" + item.key() + "' must be a country code");
        }
        const auto country = TRY(Country::parse(item.value().get<std::string>()).map_error(what));
        config.overrides.push_back({prefix, country});
    }
    return {};
}

Result<> read_geo(const ObjectReader& top, Config& config)
{
    const auto geo = TRY(section(top, "geo", kGeoKeys));
    if (geo.find("databases") != nullptr) {
        config.databases = TRY(geo.texts("databases"));
    }
    for (const auto& path : config.databases) {
        if (!path.starts_with('/')) {
            return wrong(geo, "databases", "must be absolute paths, not '" + path + "'");
        }
    }
    const auto agreement = TRY(geo.text("agreement")).value_or("all");
    if (agreement == "first") {
        config.agreement = geo::Agreement::first;
    } else if (agreement != "all") {
        return wrong(geo, "agreement", "must be all or first, not '" + agreement + "'");
    }
    if (const auto* overrides = geo.find("overrides")) {
        TRY(read_overrides(*overrides, config));
    }
    TRY(read_number(geo, "min_countries", 1, country_count(), config.min_countries));
    if (const auto text = TRY(geo.text("max_age"))) {
        config.max_age = TRY(parse_duration(*text).map_error(
            [](Error error) { return std::move(error).context("'geo.max_age'"); }));
    }
    const auto when_old = TRY(geo.text("when_old")).value_or("warn");
    config.refuse_old = when_old == "refuse";
    if (!config.refuse_old && when_old != "warn") {
        return wrong(geo, "when_old", "must be warn or refuse, not '" + when_old + "'");
    }
    return {};
}

// An address, not a name: that may stand for several, or for none while the host starts.
Result<> read_metrics(const ObjectReader& top, Config& config)
{
    const auto metrics = TRY(section(top, "metrics", kMetricsKeys));
    const auto text = TRY(metrics.text("listen"));
    if (!text) {
        return {};
    }
    config.metrics_listen.reset();
    if (text->empty() || *text == "off") {
        return {};
    }
    auto address = SocketAddress::parse(*text);
    if (!address) {
        return wrong(metrics, "listen",
                     "must be an address of this host with a port, as in 127.0.0.1:9435 or [::1]:9435, or "
                     "off: " +
                         address.error().message);
    }
    config.metrics_listen = *address;
    return {};
}

Result<> read_control(const ObjectReader& top, Config& config)
{
    const auto control = TRY(section(top, "control", kControlKeys));
    TRY(read_path(control, "socket", config.socket));
    constexpr std::size_t kLongestSocket = 107; // sun_path
    if (config.socket.size() > kLongestSocket) {
        return wrong(control, "socket", "is longer than the 107 bytes a Unix socket's path may have");
    }
    config.operators = TRY(control.text("operators")).value_or(config.operators);
    config.viewers = TRY(control.text("viewers")).value_or(config.viewers);
    return {};
}

Result<> read_policy(const ObjectReader& top, Config& config)
{
    const auto policy = TRY(section(top, "policy", kPolicyKeys));
    TRY(read_number(policy, "approvals", 0, kMostApprovals, config.approvals));
    if (const auto text = TRY(policy.text("max_duration"))) {
        config.max_duration = TRY(parse_duration(*text).map_error(
            [](Error error) { return std::move(error).context("'policy.max_duration'"); }));
    }
    config.named_meetings = TRY(policy.flag("named_meetings"));
    const auto limits = TRY(section(top, "limits", kLimitKeys));
    TRY(read_number(limits, "meetings", 1, kMostMeetings, config.max_meetings));
    TRY(read_number(limits, "participants", 1, kMostParticipants, config.max_participants));
    TRY(read_number(limits, "flows", 1, kMostFlows, config.max_flows));
    if (const auto text = TRY(limits.text("flow_idle"))) {
        config.flow_idle = TRY(parse_duration(*text).map_error(
            [](Error error) { return std::move(error).context("'limits.flow_idle'"); }));
        if (config.flow_idle < kShortestIdle || config.flow_idle > kLongestIdle) {
            return wrong(limits, "flow_idle",
                         "must be 30s to 1h: RFC 7675 lets a live sender be silent for 30 s");
        }
    }
    return {};
}

} // namespace

dataplane::Settings Config::dataplane_settings() const
{
    return {.bpf_dir = bpf_dir,
            .interfaces = interfaces,
            .capacities = dataplane::Capacities::for_limits(max_meetings, max_participants, max_flows),
            .flow_idle = flow_idle};
}

geo::AdmissionPolicy Config::admission_policy() const
{
    return {.min_countries = min_countries, .max_age = max_age, .refuse_old = refuse_old};
}

Result<Config> parse_config(std::string_view text)
{
    const auto json = TRY(parse_json(text, "the file", kMostOverrides));
    const auto top = TRY(ObjectReader::open(json, "", kTopKeys));
    Config config;
    TRY(read_interfaces(top, config));
    TRY(read_geo(top, config));
    config.exempt = TRY(parse_prefixes(TRY(top.texts("exempt"))).map_error([](Error error) {
        return std::move(error).context("'exempt'");
    }));
    TRY(read_control(top, config));
    TRY(read_metrics(top, config));
    TRY(read_policy(top, config));
    TRY(read_path(top, "state_dir", config.state_dir));
    TRY(read_path(top, "bpf_dir", config.bpf_dir));
    return config;
}

Result<Config> read_config(const std::string& path)
{
    const auto what = [&](Error error) { return std::move(error).context("configuration " + path); };
    std::ifstream file(path);
    if (!file) {
        return fail(what(Error{ErrorCode::not_found, std::strerror(errno)}));
    }
    std::ostringstream text;
    text << file.rdbuf();
    return parse_config(text.str()).map_error(what);
}

} // namespace meetfence
