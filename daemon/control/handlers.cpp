// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/handlers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

#include "daemon/service/clock.h"
#include "model/order_json.h"
#include "pins/reason.h"

namespace meetfence::control {
namespace {

using service::Service;

// The order of a rule by its number, or null.
Json order_of(const Service& service, std::uint64_t rule)
{
    const auto known = service.registry().find_rule(rule);
    return known && !(*known)->order.empty() ? Json((*known)->order) : Json(nullptr);
}

Json view(const policy::RegisteredMeeting& entry)
{
    auto json = to_json(entry.meeting);
    auto& rules = json["rules"] = Json::array();
    for (const auto number : entry.rules) {
        rules.push_back("r" + std::to_string(number));
    }
    return json;
}

std::optional<IpPrefix> prefix_of(const Service& service, const mf_explain& answer,
                                  const std::optional<SocketAddress>& from)
{
    return answer.country == 0 || !from ? std::nullopt
                                        : service.prefix_of(from->address, Country(answer.country));
}

// The source address of a frame the caller gave, where it is plain IP in Ethernet.
std::optional<SocketAddress> source_of(std::span<const std::uint8_t> frame)
{
    std::size_t at = 12;
    const auto type = [&] {
        return at + 2 <= frame.size() ? static_cast<unsigned>(frame[at] << 8 | frame[at + 1]) : 0U;
    };
    while (type() == 0x8100 || type() == 0x88a8) {
        at += 4;
    }
    IpAddress::Bytes bytes{};
    if (type() == 0x0800 && frame.size() >= at + 2 + 20) {
        bytes[10] = bytes[11] = 0xff;
        std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at) + 2 + 12, 4, bytes.begin() + 12);
        return SocketAddress{IpAddress(bytes), 0};
    }
    if (type() == 0x86dd && frame.size() >= at + 2 + 40) {
        std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at) + 2 + 8, 16, bytes.begin());
        return SocketAddress{IpAddress(bytes), 0};
    }
    return std::nullopt;
}

Json view(const Service& service, const service::Explanation& explanation)
{
    const auto& answer = explanation.answer;
    const auto* meeting = service.registry().meeting_by_number(answer.meeting);
    const auto* participant = service.participant(answer.participant);
    const auto prefix = prefix_of(service, answer, explanation.from);
    return Json{
        {"verdict", is_drop(answer.reason) ? "drop" : "pass"},
        {"reason", reason_name(answer.reason)},
        {"country", answer.country == 0 ? Json(nullptr) : Json(Country(answer.country).code())},
        {"prefix", prefix ? Json(prefix->text()) : Json(nullptr)},
        {"meeting", meeting == nullptr ? Json(nullptr) : Json(meeting->meeting.id)},
        {"participant", participant == nullptr ? Json(nullptr) : Json(participant->id)},
        {"rule", answer.rule == 0 ? Json(nullptr) : Json("r" + std::to_string(answer.rule))},
        {"order", order_of(service, answer.rule)},
        {"geo_build", service.geo_build() == Time() ? Json(nullptr) : Json(format_time(service.geo_build()))},
        {"text", reason_text(answer.reason)}};
}

Result<std::vector<std::uint8_t>> from_hex(std::string text)
{
    std::erase_if(text, [](char c) { return c == ' ' || c == ':' || c == '\n'; });
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        std::uint8_t byte = 0;
        const auto* begin = text.data() + i;
        const auto* stop = begin + std::min<std::size_t>(2, text.size() - i);
        const auto [end, error] = std::from_chars(begin, stop, byte, 16);
        if (error != std::errc{} || end != begin + 2) {
            return fail(ErrorCode::invalid,
                        "'packet' must be whole bytes in hexadecimal, from the Ethernet header on");
        }
        bytes.push_back(byte);
    }
    return bytes;
}

} // namespace

Result<Json> body_of(const Request& request)
{
    return request.json ? *request.json : parse_json(request.body, "the request's body");
}

Result<Response> get_status(Service& service, const Request& /*request*/)
{
    return json_response(TRY(service.status()));
}

Result<Response> list_meetings(Service& service, const Request& /*request*/)
{
    auto list = Json::array();
    for (const auto& [id, entry] : service.registry().meetings()) {
        list.push_back(view(entry));
    }
    return json_response(list);
}

Result<Response> get_meeting(Service& service, const Request& request)
{
    return json_response(view(*TRY(service.registry().find_meeting(request.path.at(2)))));
}

Result<Response> put_meeting(Service& service, const Request& request)
{
    const auto& id = request.path.at(2);
    const auto meeting = TRY(meeting_from_json(TRY(body_of(request)), id));
    const bool known = service.registry().find_meeting(id).has_value();
    TRY(service.put_meeting(meeting, request.peer.actor()));
    auto response = json_response(view(*TRY(service.registry().find_meeting(id))), known ? 200 : 201);
    response.summary =
        fmt::format("{} endpoints", meeting.endpoints.size() + meeting.shared_endpoints.size() +
                                        meeting.turn_endpoints.size());
    return response;
}

Result<Response> delete_meeting(Service& service, const Request& request)
{
    const auto only_if = request.flag("unused") ? Service::OnlyIf::unused : Service::OnlyIf::known;
    TRY(service.remove_meeting(request.path.at(2), request.peer.actor(), only_if));
    return Response{.status = 204};
}

Result<Response> post_explain(Service& service, const Request& request)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"from", "to", "ufrag", "packet"});
    const auto json = TRY(body_of(request));
    const auto reader = TRY(ObjectReader::open(json, "", kKeys));
    const auto from = TRY(reader.text("from"));
    const auto to = TRY(reader.text("to"));
    const auto ufrag = TRY(reader.text("ufrag"));
    if (ufrag) {
        TRY(check_ufrag(*ufrag));
    }
    if (const auto packet = TRY(reader.text("packet"))) {
        if (from || to || ufrag) {
            return fail(ErrorCode::invalid, "give either 'packet', or 'from' and 'to'");
        }
        const auto frame = TRY(from_hex(*packet));
        auto explanation = TRY(service.explain(frame));
        explanation.from = source_of(frame);
        return json_response(view(service, explanation));
    }
    if (!from || !to) {
        return fail(ErrorCode::invalid, "'from' and 'to' are both needed, or 'packet'");
    }
    const auto explanation =
        TRY(service.explain(TRY(SocketAddress::parse(*from)), TRY(Endpoint::parse(*to)), ufrag.value_or("")));
    return json_response(view(service, explanation));
}

Result<Response> get_events(Service& /*service*/, const Request& request)
{
    const auto follow = request.query.find("follow");
    const bool stream = follow == request.query.end() || request.flag("follow");
    return Response{.status = 200,
                    .content_type = "application/x-ndjson",
                    .stream_events = stream,
                    .recent_events = !stream};
}

Result<Response> get_declaration(Service& service, const Request& /*request*/)
{
    const auto now = service::wall_now();
    auto meetings = Json::array();
    for (const auto& [id, entry] : service.registry().meetings()) {
        auto meeting = to_json(entry.meeting);
        auto& rules = meeting["rules"] = Json::array();
        for (const auto* rule : service.registry().rules_of(entry)) {
            if (rule->ended(now)) {
                continue;
            }
            const auto full = to_json(*rule, now, {});
            auto& declared = rules.emplace_back(Json::object());
            for (const auto* key : {"countries", "allow_only", "participant"}) {
                if (!full[key].empty()) {
                    declared[key] = full[key];
                }
            }
            for (const auto* key : {"mode", "from", "until", "except"}) {
                declared[key] = full[key];
            }
            if (!rule->order.empty()) {
                declared["order"] = rule->order;
            }
        }
        meetings.push_back(std::move(meeting));
    }
    auto orders = Json::array();
    for (const auto& [id, order] : service.orders().orders()) {
        if (!order.ended_by(now)) {
            orders.push_back(to_json(order.terms));
        }
    }
    return json_response({{"meetings", std::move(meetings)}, {"orders", std::move(orders)}});
}

Result<Response> put_declaration(Service& service, const Request& request)
{
    const auto declaration = TRY(declaration_from_json(TRY(body_of(request))));
    const bool dry_run = request.flag("dry_run");
    const auto changes = TRY(service.apply(declaration, dry_run, request.peer.actor()));
    auto list = Json::array();
    for (const auto& change : changes) {
        list.push_back(to_json(change));
    }
    auto response = json_response({{"changes", std::move(list)}});
    response.summary = dry_run ? "dry run" : fmt::format("{} changes", changes.size());
    return response;
}

} // namespace meetfence::control
