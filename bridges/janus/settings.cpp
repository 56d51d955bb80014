// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/settings.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace meetfence::bridges::janus {
namespace {

constexpr auto kKeys = std::to_array<std::string_view>(
    {"admin", "interval", "events", "meetings", kAnyAddressKey, kEndpointsKey, "kick", "notice"});
constexpr auto kAdminKeys = std::to_array<std::string_view>({"url", "secret_file"});
constexpr auto kEventKeys = std::to_array<std::string_view>({"user", "password_file"});
constexpr auto kMeetingKeys = std::to_array<std::string_view>({"videoroom", "audiobridge"});
constexpr auto kKickKeys = std::to_array<std::string_view>({"enabled", "room_secret_file"});
constexpr auto kNoticeKeys = std::to_array<std::string_view>({"plugin", "request"});

constexpr auto kLongestInterval = std::chrono::seconds(60);

const Json kEmptyObject = Json::object();

Result<ObjectReader> section(const ObjectReader& top, std::string_view key,
                             std::span<const std::string_view> keys)
{
    const auto* value = top.find(key);
    return ObjectReader::open(value == nullptr ? kEmptyObject : *value, std::string(key), keys);
}

// Its first line; "" where no file is named.
Result<std::string> secret(const ObjectReader& reader, std::string_view key)
{
    const auto path = TRY(reader.text(key));
    if (!path) {
        return std::string();
    }
    std::ifstream file(*path);
    std::string line;
    if (!file || !std::getline(file, line)) {
        return fail(ErrorCode::invalid,
                    "'" + reader.name(key) + "': " + *path + ": " +
                        (errno != 0 ? std::strerror(errno) : "it is empty") +
                        ": the user meetfence-bridge must be able to read one line there");
    }
    return line;
}

// RFC 4648 section 4.
std::string base64(const std::string& bytes)
{
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t word = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            word = word << 8U | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text += i + j > bytes.size() ? '=' : kDigits[word >> (18 - 6 * j) & 63U];
        }
    }
    return text;
}

Result<> read_naming(const ObjectReader& top, Naming& naming)
{
    const auto reader = TRY(section(top, "meetings", kMeetingKeys));
    naming.videoroom = TRY(reader.text("videoroom")).value_or(naming.videoroom);
    naming.audiobridge = TRY(reader.text("audiobridge")).value_or(naming.audiobridge);
    for (const auto& name : {naming.videoroom, naming.audiobridge}) {
        if (!name.empty() && name.find("{room}") == std::string::npos) {
            return fail(
                ErrorCode::invalid,
                "'meetings' must have {room} in each name, or be \"\": else all rooms would be one meeting");
        }
    }
    return {};
}

Result<> read_kick(const ObjectReader& top, Settings& settings)
{
    const auto reader = TRY(section(top, "kick", kKickKeys));
    settings.kick = TRY(reader.flag("enabled"));
    settings.room_secret = TRY(secret(reader, "room_secret_file"));
    return {};
}

Result<> read_notice(const ObjectReader& top, Settings& settings)
{
    if (top.find("notice") == nullptr) {
        return {};
    }
    const auto reader = TRY(section(top, "notice", kNoticeKeys));
    const auto plugin = TRY(reader.text("plugin"));
    const auto* request = reader.find("request");
    if (!plugin || request == nullptr || !request->is_object()) {
        return fail(ErrorCode::invalid, "'notice' needs a 'plugin' and the 'request' that it is sent");
    }
    settings.notice = {*plugin, *request};
    return {};
}

} // namespace

std::span<const std::string_view> setting_keys()
{
    return kKeys;
}

Result<Settings> read_settings(const ObjectReader& reader)
{
    Settings settings;
    const auto admin = TRY(section(reader, "admin", kAdminKeys));
    settings.admin = TRY(Url::parse(TRY(admin.text("url")).value_or("http://127.0.0.1:7088/admin")));
    settings.admin_secret = TRY(secret(admin, "secret_file"));
    if (const auto interval = TRY(reader.text("interval"))) {
        settings.interval = TRY(parse_duration(*interval));
    }
    if (settings.interval.count() < 1 || settings.interval > kLongestInterval) {
        return fail(ErrorCode::invalid, "'interval' is from 1s to 60s: what no event told is found after it");
    }
    const auto events = TRY(section(reader, "events", kEventKeys));
    if (const auto user = TRY(events.text("user"))) {
        settings.authorization = "Basic " + base64(*user + ":" + TRY(secret(events, "password_file")));
    }
    TRY(read_naming(reader, settings.naming));
    settings.addresses = TRY(read_local_addresses(reader));
    TRY(read_kick(reader, settings));
    TRY(read_notice(reader, settings));
    return settings;
}

Json filled(const Json& request, const std::map<std::string, Json>& places)
{
    if (request.is_structured()) {
        auto result = request;
        for (auto& item : result) {
            item = filled(item, places);
        }
        return result;
    }
    if (!request.is_string()) {
        return request;
    }
    auto text = request.get<std::string>();
    if (const auto whole = places.find(text); whole != places.end()) {
        return whole->second;
    }
    std::string result; // what is put in is not read again: a notice may have braces of its own
    while (!text.empty()) {
        const auto place =
            std::ranges::find_if(places, [&](const auto& entry) { return text.starts_with(entry.first); });
        if (place == places.end()) {
            result += text.front();
            text.erase(0, 1);
            continue;
        }
        result += place->second.is_string() ? place->second.get<std::string>() : to_line(place->second);
        text.erase(0, place->first.size());
    }
    return result;
}

} // namespace meetfence::bridges::janus
