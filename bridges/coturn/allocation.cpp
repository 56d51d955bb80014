// SPDX-License-Identifier: Apache-2.0
#include "bridges/coturn/allocation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "model/meeting.h"

namespace meetfence::bridges::coturn {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::chrono::seconds kLongestLifetime = std::chrono::hours(24); // coturn's own limit is an hour

struct Key {
    std::string_view realm, username;
};

bool is_number(std::string_view text)
{
    return !text.empty() && text.find_first_not_of(kDigits) == std::string_view::npos;
}

bool strip(std::string_view& text, std::string_view prefix)
{
    const bool there = text.starts_with(prefix);
    text.remove_prefix(there ? prefix.size() : 0);
    return there;
}

// From both ends: the username may contain anything, the words between which it stands among it.
std::optional<Key> read_key(std::string_view text)
{
    constexpr std::string_view kUser = "user/", kRealm = "realm/", kAllocation = "/allocation/",
                               kStatus = "/status";
    if (!strip(text, "turn/") || !text.ends_with(kStatus)) {
        return std::nullopt;
    }
    text.remove_suffix(kStatus.size());
    const auto end = text.rfind(kAllocation);
    if (end == std::string_view::npos || !is_number(text.substr(end + kAllocation.size()))) {
        return std::nullopt;
    }
    text = text.substr(0, end);
    Key key;
    if (strip(text, kRealm)) {
        const auto slash = text.find("/user/");
        if (slash == std::string_view::npos) {
            return std::nullopt;
        }
        key.realm = text.substr(0, slash);
        text.remove_prefix(slash + 1);
    }
    if (!strip(text, kUser)) {
        return std::nullopt;
    }
    key.username = text;
    return key;
}

// "a~2Fb" → "a/b"
std::optional<std::string> read_identifier(std::string_view text)
{
    std::string identifier;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            return std::nullopt; // coturn has made something else of it
        }
        if (text[i] != '~') {
            identifier += text[i];
            continue;
        }
        unsigned value = 0;
        const auto digits = text.substr(i + 1, 2);
        const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value, 16);
        if (digits.size() != 2 || error != std::errc{} || end != digits.end()) {
            return std::nullopt;
        }
        identifier += static_cast<char>(value);
        i += digits.size();
    }
    return identifier.empty() ? std::nullopt : std::optional(identifier);
}

// "TIMESTAMP:MEETING/PARTICIPANT" → why it is nobody's.
std::string_view read_username(std::string_view username, std::string_view prefix, Allocation& allocation)
{
    const auto colon = std::min(username.find(':'), username.size());
    const auto tag = username.substr(std::min(colon + 1, username.size()));
    const auto slash = tag.find('/');
    if (!is_number(username.substr(0, colon)) || slash == std::string_view::npos ||
        tag.find('/', slash + 1) != std::string_view::npos) {
        return unbound::kNoMeeting;
    }
    auto meeting = read_identifier(tag.substr(0, slash));
    const auto participant = read_identifier(tag.substr(slash + 1));
    if (!meeting || !participant) {
        return unbound::kNoMeeting;
    }
    allocation.meeting = *std::move(meeting);
    allocation.participant = std::string(prefix) + *participant;
    const bool good = check_meeting_id(allocation.meeting) && check_participant_id(allocation.participant);
    return good ? "" : unbound::kBadName;
}

struct Fields {
    std::string_view lifetime, type, local, remote;
};

// "new lifetime=600, type=UDP, …"; what is not known here, a later coturn may add.
std::optional<Fields> read_fields(std::string_view value)
{
    if (!strip(value, "new ") && !strip(value, "refreshed ")) {
        return std::nullopt;
    }
    Fields fields;
    const auto known =
        std::to_array<std::pair<std::string_view, std::string_view*>>({{"lifetime", &fields.lifetime},
                                                                       {"type", &fields.type},
                                                                       {"local", &fields.local},
                                                                       {"remote", &fields.remote}});
    while (!value.empty()) {
        constexpr std::string_view kBetween = ", ";
        const auto end = std::min(value.find(kBetween), value.size());
        const auto field = value.substr(0, end);
        const auto equals = std::min(field.find('='), field.size());
        const auto* const it = std::ranges::find(known, field.substr(0, equals),
                                                 &std::pair<std::string_view, std::string_view*>::first);
        if (it != known.end()) {
            if (!it->second->empty() || equals == field.size()) {
                return std::nullopt;
            }
            *it->second = field.substr(equals + 1);
        }
        value.remove_prefix(std::min(end + kBetween.size(), value.size()));
    }
    return fields;
}

std::optional<std::chrono::seconds> read_lifetime(std::string_view text)
{
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), seconds);
    if (text.empty() || error != std::errc{} || end != text.end()) {
        return std::nullopt;
    }
    return std::min<std::chrono::seconds>(std::chrono::seconds(seconds), kLongestLifetime);
}

std::optional<Transport> read_type(std::string_view type)
{
    if (type == "UDP" || type == "DTLS") {
        return Transport::udp;
    }
    if (type == "TCP" || type == "TLS" || type == "TLS/TCP") {
        return Transport::tcp;
    }
    return std::nullopt; // SCTP
}

std::string_view read_flows(const Fields& fields, const AllocationRules& rules, std::vector<Flow>& flows)
{
    const auto transport = read_type(fields.type);
    if (!transport) {
        return unbound::kTransport;
    }
    const auto local = SocketAddress::parse(fields.local);
    const auto remote = SocketAddress::parse(fields.remote);
    if (!local || !remote) {
        return unbound::kMalformed;
    }
    const bool anywhere = local->address == IpAddress() || local->address == IpAddress::v4(0);
    for (const auto& address : anywhere ? rules.listen_addresses : std::vector{local->address}) {
        if (address.is_v4() == remote->address.is_v4()) {
            flows.push_back({*transport, {address, local->port}, *remote});
        }
    }
    return flows.empty() ? unbound::kLocalAddress : "";
}

} // namespace

bool names_allocation(std::string_view key)
{
    return read_key(key).has_value();
}

AllocationReading read_allocation(std::string_view key, std::string_view value, const AllocationRules& rules,
                                  std::string_view prefix)
{
    AllocationReading reading;
    const auto names = read_key(key);
    const auto fields = read_fields(value);
    const auto lifetime = fields ? read_lifetime(fields->lifetime) : std::nullopt;
    if (!names || !lifetime) {
        reading.ended = value == "deleted";
        reading.unbound = unbound::kMalformed;
        return reading;
    }
    reading.allocation.lifetime = *lifetime;
    reading.ended = lifetime->count() == 0;
    if (!rules.realm.empty() && names->realm != rules.realm) {
        reading.unbound = unbound::kOtherRealm;
        return reading;
    }
    reading.unbound = read_username(names->username, prefix, reading.allocation);
    if (reading.unbound.empty()) {
        reading.unbound = read_flows(*fields, rules, reading.allocation.flows);
    }
    return reading;
}

} // namespace meetfence::bridges::coturn
