// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/colibri.h"

#include <charconv>
#include <optional>

#include "model/json.h"

namespace meetfence::bridges::jvb {
namespace {

constexpr std::size_t kMostCandidates = 64; // of an endpoint: a host has few addresses

const Json* member(const Json& object, const char* key)
{
    if (!object.is_object()) {
        return nullptr;
    }
    const auto it = object.find(key);
    return it == object.end() ? nullptr : &*it;
}

std::string text_of(const Json& object, const char* key)
{
    const auto* value = member(object, key);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

bool is_set(const Json& object, const char* key)
{
    const auto* value = member(object, key);
    return value != nullptr && value->is_boolean() && value->get<bool>();
}

std::optional<std::uint16_t> port_of(const Json& object, const char* key)
{
    std::uint64_t port = 0;
    const auto* value = member(object, key);
    if (value != nullptr && value->is_number_unsigned()) {
        port = value->get<std::uint64_t>();
    } else { // what was an attribute in XML is text
        const auto text = text_of(object, key);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
        port = error == std::errc() && end == text.data() + text.size() ? port : 0;
    }
    return port > 0 && port <= 65535 ? std::optional(static_cast<std::uint16_t>(port)) : std::nullopt;
}

// Behind a NAT that maps one to one, the address of the host itself stands beside the mapped one.
std::optional<Endpoint> candidate(const Json& value)
{
    const auto type = text_of(value, "type"), protocol = text_of(value, "protocol");
    const bool reflexive = type == "srflx" || type == "prflx";
    if ((type != "host" && !reflexive) || (protocol != "udp" && protocol != "tcp")) {
        return std::nullopt;
    }
    const auto address = IpAddress::parse(text_of(value, reflexive ? "rel-addr" : "ip"));
    const auto port = port_of(value, reflexive ? "rel-port" : "port");
    if (!address || !port) {
        return std::nullopt;
    }
    return Endpoint{protocol == "udp" ? Transport::udp : Transport::tcp, *address, *port, *port};
}

void read_candidates(const Json& transport, std::vector<Endpoint>& into)
{
    const auto* list = member(transport, "candidates");
    if (list == nullptr || !list->is_array()) {
        return;
    }
    for (const auto& value : *list) {
        if (const auto endpoint = candidate(value); endpoint && into.size() < kMostCandidates) {
            into.push_back(*endpoint);
        }
    }
}

// Each that is an object with an "id"; whatever else stands there is nobody's.
template <class Taking> void for_each_endpoint(const Json& message, Taking taking)
{
    const auto* list = member(message, "endpoints");
    if (list == nullptr || !list->is_array()) {
        return;
    }
    for (const auto& endpoint : *list) {
        if (auto id = text_of(endpoint, "id"); !id.empty()) {
            taking(std::move(id), endpoint);
        }
    }
}

Error malformed(std::string why)
{
    return {ErrorCode::invalid, std::move(why), "malformed"};
}

Result<std::string> meeting_of(const Json& request, std::string_view of_path)
{
    const auto* given = member(request, "meeting-id");
    const auto in_request = text_of(request, "meeting-id");
    if (given != nullptr && (in_request.empty() || (!of_path.empty() && of_path != in_request))) {
        return fail(
            {ErrorCode::invalid, "'meeting-id' is no text, or another one than the path's", "no_meeting"});
    }
    if (in_request.empty() && of_path.empty()) {
        return fail(
            {ErrorCode::invalid, "neither the path nor the request names a 'meeting-id'", "no_meeting"});
    }
    return in_request.empty() ? std::string(of_path) : in_request;
}

} // namespace

Result<ColibriExchange> parse_exchange(std::string_view text, std::string_view meeting_id)
{
    const auto json = parse_json(text, "request body");
    if (!json) {
        return fail(malformed(json.error().message));
    }
    const auto* request = member(*json, "request");
    const auto* response = member(*json, "response");
    if (request == nullptr || !request->is_object() || response == nullptr) {
        return fail(malformed(R"(the body is {"request": …, "response": …}, both of colibri2 as JSON)"));
    }
    ColibriExchange exchange;
    exchange.meeting_id = TRY(meeting_of(*request, meeting_id));
    exchange.name = text_of(*request, "name");
    exchange.expires = is_set(*request, "expire");
    for_each_endpoint(*request, [&](std::string id, const Json& endpoint) {
        if (is_set(endpoint, "expire")) {
            exchange.expired.push_back(std::move(id));
        }
    });
    for_each_endpoint(*response, [&](std::string id, const Json& endpoint) {
        const auto* outer = member(endpoint, "transport");
        const auto* inner = outer == nullptr ? nullptr : member(*outer, "transport");
        const auto ufrag = inner == nullptr ? std::string() : text_of(*inner, "ufrag");
        if (!ufrag.empty()) {
            exchange.answered.push_back({std::move(id), ufrag, {}});
            read_candidates(*inner, exchange.answered.back().candidates);
        }
    });
    return exchange;
}

} // namespace meetfence::bridges::jvb
