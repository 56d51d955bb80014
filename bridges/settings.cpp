// SPDX-License-Identifier: Apache-2.0
#include "bridges/settings.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace meetfence::bridges {
namespace {

constexpr auto kCommonKeys = std::to_array<std::string_view>(
    {"socket", "listen", "prefix", "register_meetings", "turn_endpoints", "ports"});
constexpr std::size_t kLongestPrefix = 32; // a participant's identifier has 128 bytes

Result<std::string> contents(const std::string& path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        return fail(ErrorCode::not_found, path + ": " + std::strerror(errno) +
                                              "; docs/integrations.md has a configuration to paste");
    }
    return text.str();
}

Result<> read_prefix(const ObjectReader& reader, std::string& prefix)
{
    prefix = TRY(reader.text("prefix")).value_or(prefix);
    if (!check_participant_id(prefix) || prefix.size() > kLongestPrefix) {
        return fail(
            ErrorCode::invalid,
            "'prefix' must be 1 to 32 printable ASCII characters without spaces: a bridge knows its own "
            "participants by it, and no two on one host share it");
    }
    return {};
}

// "udp:*:20000-40000": of any width, in as many endpoints as the daemon needs.
Result<> read_ports(const std::string& text, std::vector<Endpoint>& ports)
{
    const auto dash = text.rfind('-');
    auto first = TRY(Endpoint::parse(text.substr(0, dash)));
    unsigned last = first.last_port;
    if (dash != std::string::npos) {
        last = TRY(Endpoint::parse("udp:*:" + text.substr(dash + 1))).first_port;
    }
    if (last < first.first_port) {
        return fail(ErrorCode::invalid, "'ports' has '" + text + "', which ends before it begins");
    }
    for (unsigned from = first.first_port; from <= last; from += kMaxPortRange) {
        first.first_port = static_cast<std::uint16_t>(from);
        first.last_port = static_cast<std::uint16_t>(std::min(from + kMaxPortRange - 1, last));
        ports.push_back(first);
    }
    return {};
}

Result<Settings> read(const Kind& kind, const ObjectReader& reader)
{
    Settings settings;
    settings.daemon.prefix = std::string(kind.name) + "-";
    TRY(read_prefix(reader, settings.daemon.prefix));
    settings.daemon.socket = TRY(reader.text("socket")).value_or(settings.daemon.socket);
    settings.daemon.register_meetings =
        reader.find("register_meetings") == nullptr || TRY(reader.flag("register_meetings"));
    settings.daemon.turn_endpoints = TRY(parse_endpoints(TRY(reader.texts("turn_endpoints"))));
    std::ranges::sort(settings.daemon.turn_endpoints); // as the daemon shows them
    for (const auto& text : TRY(reader.texts("ports"))) {
        TRY(read_ports(text, settings.daemon.ports));
    }
    settings.listen = TRY(
        SocketAddress::parse(TRY(reader.text("listen")).value_or("127.0.0.1:" + std::to_string(kind.port))));
    settings.make_source = TRY(kind.read(reader));
    return settings;
}

} // namespace

std::string default_path(const Kind& kind)
{
    return "/etc/meetfence/bridge-" + std::string(kind.name) + ".json";
}

Result<Settings> read_settings(const Kind& kind, const std::string& path)
{
    const auto json = TRY(parse_json(TRY(contents(path)), "configuration " + path));
    std::vector<std::string_view> keys(kCommonKeys.begin(), kCommonKeys.end());
    keys.insert(keys.end(), kind.keys.begin(), kind.keys.end());
    const auto reader = ObjectReader::open(json, "", keys);
    auto settings = reader ? read(kind, *reader) : fail(reader.error());
    if (!settings) {
        return fail(std::move(settings).error().context("configuration " + path));
    }
    return settings;
}

} // namespace meetfence::bridges
