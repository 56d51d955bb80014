// SPDX-License-Identifier: Apache-2.0
#include "model/participant.h"

#include <algorithm>
#include <array>

#include "model/identifier.h"

namespace meetfence {
namespace {

constexpr auto kParticipantKeys = std::to_array<std::string_view>({"ufrags", "flows"});
constexpr auto kUfragKeys = std::to_array<std::string_view>({"endpoint", "ufrag"});
constexpr auto kFlowKeys = std::to_array<std::string_view>({"local", "remote"});

bool is_ice_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

Result<Flow> flow_from(const Endpoint& local)
{
    if (!local.address || local.first_port != local.last_port) {
        return fail(ErrorCode::invalid, "endpoint '" + local.text() +
                                            "': a flow has one local address and one port, as in "
                                            "udp:198.18.0.1:10000");
    }
    return Flow{local.transport, {*local.address, local.first_port}, {}};
}

Result<Flow> flow_between(Flow flow, const SocketAddress& remote)
{
    if (flow.local.address.is_v4() != remote.address.is_v4()) {
        return fail(ErrorCode::invalid, "a flow from " + flow.local.text() + " to " + remote.text() +
                                            " cannot be: one is IPv4, the other IPv6");
    }
    flow.remote = remote;
    return flow;
}

// The value of a key that must be there, read by `parse`; errors name the place.
template <class Parse>
auto read_required(const ObjectReader& reader, std::string_view key, Parse parse)
    -> decltype(parse(std::string()))
{
    const auto text = TRY(reader.text(key));
    if (!text) {
        return fail(ErrorCode::invalid, "'" + reader.name(key) + "' is missing");
    }
    return parse(*text).map_error(
        [&](Error error) { return std::move(error).context("'" + reader.name(key) + "'"); });
}

Result<UfragBinding> read_ufrag(const Json& value, const std::string& path)
{
    const auto reader = TRY(ObjectReader::open(value, path, kUfragKeys));
    const auto checked = [](const std::string& text) -> Result<std::string> {
        TRY(check_ufrag(text));
        return text;
    };
    UfragBinding binding;
    binding.endpoint = TRY(read_required(reader, "endpoint", Endpoint::parse));
    binding.ufrag = TRY(read_required(reader, "ufrag", checked));
    return binding;
}

Result<Flow> read_flow(const Json& value, const std::string& path)
{
    const auto reader = TRY(ObjectReader::open(value, path, kFlowKeys));
    const auto from_text = [](const std::string& text) -> Result<Flow> {
        return flow_from(TRY(Endpoint::parse(text)));
    };
    const auto flow = TRY(read_required(reader, "local", from_text));
    const auto remote = TRY(read_required(reader, "remote", SocketAddress::parse));
    return flow_between(flow, remote).map_error([&](Error error) {
        return std::move(error).context("'" + path + "'");
    });
}

// Sorted, none twice.
template <class Item>
Result<std::vector<Item>> read_list(const ObjectReader& reader, std::string_view key,
                                    Result<Item> (*read)(const Json&, const std::string&))
{
    std::vector<Item> items;
    const auto* list = reader.find(key);
    if (list == nullptr) {
        return items;
    }
    if (!list->is_array()) {
        return fail(ErrorCode::invalid, "'" + reader.name(key) + "' must be a list of objects");
    }
    for (const auto& item : *list) {
        items.push_back(TRY(read(item, reader.name(key) + "[" + std::to_string(items.size()) + "]")));
    }
    std::ranges::sort(items);
    items.erase(std::unique(items.begin(), items.end()), items.end());
    return items;
}

} // namespace

std::string Flow::local_text() const
{
    return (transport == Transport::udp ? "udp:" : "tcp:") + local.text();
}

Result<> check_participant_id(std::string_view id)
{
    return check_identifier("a participant's", id);
}

Result<> check_ufrag(std::string_view ufrag)
{
    constexpr std::size_t kShortest = 4;
    if (ufrag.size() < kShortest || ufrag.size() > kLongestUfrag) {
        return fail(ErrorCode::invalid, "ufrag '" + std::string(ufrag) + "' has " +
                                            std::to_string(ufrag.size()) + " characters, not " +
                                            std::to_string(kShortest) + " to " +
                                            std::to_string(kLongestUfrag));
    }
    if (!std::ranges::all_of(ufrag, is_ice_char)) {
        return fail(ErrorCode::invalid,
                    "ufrag '" + std::string(ufrag) + "' has characters other than letters, digits, + and /" +
                        (ufrag.find(':') == std::string_view::npos
                             ? ""
                             : ": give what comes before the colon of USERNAME in the client's checks"));
    }
    return {};
}

Result<Flow> make_flow(std::string_view local, std::string_view remote)
{
    const auto flow = TRY(flow_from(TRY(Endpoint::parse(local))));
    return flow_between(flow, TRY(SocketAddress::parse(remote)));
}

Result<Participant> participant_from_json(const Json& value, std::string meeting, std::string id)
{
    TRY(check_meeting_id(meeting));
    TRY(check_participant_id(id));
    const auto reader = TRY(ObjectReader::open(value, "", kParticipantKeys));
    Participant participant{std::move(meeting), std::move(id), {}, {}};
    participant.ufrags = TRY(read_list(reader, "ufrags", read_ufrag));
    participant.flows = TRY(read_list(reader, "flows", read_flow));
    return participant;
}

Json to_json(const Participant& participant)
{
    auto ufrags = Json::array();
    for (const auto& [endpoint, ufrag] : participant.ufrags) {
        ufrags.push_back({{"endpoint", endpoint.text()}, {"ufrag", ufrag}});
    }
    auto flows = Json::array();
    for (const auto& flow : participant.flows) {
        flows.push_back({{"local", flow.local_text()}, {"remote", flow.remote.text()}});
    }
    return Json{{"id", participant.id},
                {"meeting", participant.meeting},
                {"ufrags", std::move(ufrags)},
                {"flows", std::move(flows)}};
}

} // namespace meetfence
