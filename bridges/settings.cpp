// SPDX-License-Identifier: Apache-2.0
#include "bridges/settings.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace meetfence::bridges {
namespace {

constexpr auto kCommonKeys =
    std::to_array<std::string_view>({"socket", "listen", "prefix", "register_meetings", "turn_endpoints"});
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

Result<Settings> read(const Kind& kind, const ObjectReader& reader)
{
    Settings settings;
    settings.daemon.prefix = std::string(kind.name) + "-";
    TRY(read_prefix(reader, settings.daemon.prefix));
    settings.daemon.socket = TRY(reader.text("socket")).value_or(settings.daemon.socket);
    settings.daemon.register_meetings =
        reader.find("register_meetings") == nullptr || TRY(reader.flag("register_meetings"));
    settings.daemon.turn_endpoints = TRY(parse_endpoints(TRY(reader.texts("turn_endpoints"))));
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
