// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/reader.h"

#include <array>

#include "model/fields.h"

namespace meetfence::bridges::janus {
namespace {

// Of events/eventhandler.h of Janus 1.1.2.
enum EventType : std::uint64_t {
    kSession = 1,
    kHandle = 2,
    kJsep = 8,
    kWebrtc = 16,
    kPlugin = 64,
    kCore = 256
};
constexpr std::uint64_t kLocalCandidate = 2, kConnection = 6; // subtypes of kWebrtc

constexpr std::string_view kVideoroom = "janus.plugin.videoroom", kAudiobridge = "janus.plugin.audiobridge";

auto malformed(const char* what)
{
    return fail(ErrorCode::invalid, what);
}

Result<std::optional<InRoom>> room_of(Plugin plugin, const Json& data)
{
    const auto& named = member_of(data, "room");
    if (named.is_null() || plugin == Plugin::other) {
        return std::nullopt;
    }
    const auto room = identifier(named);
    if (!room) {
        return malformed("a room that is neither a number nor a string");
    }
    return InRoom{.room = {plugin, *room, named.is_string()},
                  .user = identifier(member_of(data, "id")).value_or(""),
                  .private_id = identifier(member_of(data, "private_id")).value_or("")};
}

Result<std::optional<Fact>> read_plugin_event(Fact fact, const Json& event)
{
    const auto plugin = plugin_named(text_of(event, "plugin"));
    const auto& data = member_of(event, "data");
    const auto in_room = TRY(room_of(plugin, data));
    if (!in_room) {
        return std::nullopt;
    }
    const auto what = text_of(data, "event");
    if (what == "leaving" || what == "left" || what == "kicked" || what == "destroyed") {
        if (what != "destroyed" && in_room->user.empty()) {
            return malformed("somebody leaves who has no number");
        }
        fact.who = {};
        fact.what = LeftRoom{in_room->room, what == "destroyed" ? "" : in_room->user};
        return fact;
    }
    // Of all that a handle does in a room, each says in which.
    constexpr auto kPresent = std::to_array<std::string_view>(
        {"joined", "published", "configured", "subscribing", "subscribed", "updated", "changed"});
    if (fact.who.handle == 0 || std::ranges::find(kPresent, what) == kPresent.end()) {
        return std::nullopt;
    }
    fact.what = *in_room;
    return fact;
}

Result<std::optional<Fact>> read_jsep(Fact fact, const Json& event)
{
    if (text_of(event, "owner") != "local") {
        return std::nullopt;
    }
    fact.what = Described{TRY(parse_sdp(text_of(member_of(event, "jsep"), "sdp")))};
    return fact;
}

std::optional<Fact> read_webrtc(Fact fact, std::uint64_t subtype, const Json& event)
{
    if (subtype == kLocalCandidate) {
        const auto endpoint = parse_candidate(text_of(event, "local-candidate"));
        if (!endpoint) { // a relay's
            return std::nullopt;
        }
        fact.what = LocalCandidate{*endpoint};
        return fact;
    }
    if (subtype == kConnection && text_of(event, "connection") == "hangup") {
        fact.what = HungUp{};
        return fact;
    }
    return std::nullopt;
}

std::optional<Fact> read_lifetime(Fact fact, std::uint64_t type, const Json& event)
{
    const auto name = text_of(event, "name");
    if (type == kCore) {
        const auto status = text_of(event, "status");
        fact.what = ServerEnd{};
        return status == "started" || status == "shutdown" ? std::optional(fact) : std::nullopt;
    }
    if (type == kSession) {
        fact.what = SessionEnd{};
        return name == "destroyed" || name == "timeout" ? std::optional(fact) : std::nullopt;
    }
    if (name == "detached") {
        fact.what = HandleEnd{};
        return fact;
    }
    fact.what = Attached{plugin_named(text_of(event, "plugin"))};
    return name == "attached" ? std::optional(fact) : std::nullopt;
}

} // namespace

Plugin plugin_named(std::string_view package)
{
    return package == kVideoroom     ? Plugin::videoroom
           : package == kAudiobridge ? Plugin::audiobridge
                                     : Plugin::other;
}

std::string_view package_of(Plugin plugin)
{
    return plugin == Plugin::videoroom ? kVideoroom : plugin == Plugin::audiobridge ? kAudiobridge : "";
}

std::optional<std::string> identifier(const Json& value)
{
    if (value.is_number_unsigned()) {
        return std::to_string(value.get<std::uint64_t>());
    }
    constexpr std::size_t kKept = 129; // one more than the daemon takes
    if (value.is_string()) {
        return value.get_ref<const std::string&>().substr(0, kKept);
    }
    return std::nullopt;
}

Result<std::optional<Fact>> read_event(const Json& event)
{
    const auto type = number_of(event, "type");
    const auto micros = number_of(event, "timestamp");
    if (type == 0 || micros == 0 || micros > INT64_MAX) {
        return malformed("an event without type or timestamp");
    }
    const auto& body = member_of(event, "event");
    const Fact fact{.at = Moment(std::chrono::microseconds(micros)),
                    .who = {number_of(event, "session_id"), number_of(event, "handle_id")}};
    const bool needs_handle = type == kHandle || type == kJsep || type == kWebrtc;
    if ((needs_handle && fact.who.handle == 0) ||
        ((needs_handle || type == kSession) && fact.who.session == 0)) {
        return malformed("an event of nobody");
    }
    switch (type) {
    case kCore:
    case kSession:
    case kHandle:
        return read_lifetime(fact, type, body);
    case kJsep:
        return read_jsep(fact, body);
    case kWebrtc:
        return read_webrtc(fact, number_of(event, "subtype"), body);
    case kPlugin:
        return read_plugin_event(fact, body);
    default:
        return std::nullopt;
    }
}

Result<std::vector<Fact>> read_handle_info(HandleId who, const Json& info, Moment asked)
{
    if (!info.is_object()) {
        return malformed("handle_info without info");
    }
    const auto plugin = plugin_named(text_of(info, "plugin"));
    const auto in_room = TRY(room_of(plugin, member_of(info, "plugin_specific")));
    const auto sdp = text_of(member_of(info, "sdps"), "local");
    std::vector<Fact> facts{{asked, who, Attached{plugin}}};
    if (in_room) {
        facts.push_back({asked, who, *in_room});
    } else {
        facts.push_back({asked, who, InNoRoom{}});
    }
    if (sdp.empty()) {
        facts.push_back({asked, who, HungUp{}});
    } else {
        facts.push_back({asked, who, Described{TRY(parse_sdp(sdp))}});
    }
    return facts;
}

Result<std::vector<std::uint64_t>> read_numbers(const Json& answer, const char* key)
{
    const auto& list = member_of(answer, key);
    if (!list.is_array()) {
        return malformed("an answer without its list");
    }
    std::vector<std::uint64_t> numbers;
    for (const auto& item : list) {
        if (!item.is_number_unsigned()) {
            return malformed("a list with something that is no number");
        }
        numbers.push_back(item.get<std::uint64_t>());
    }
    return numbers;
}

} // namespace meetfence::bridges::janus
