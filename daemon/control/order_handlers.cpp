// SPDX-License-Identifier: Apache-2.0
// Orders: recorded, approved, turned down, withdrawn, extended. Who asks is who the socket says.
#include <array>
#include <fmt/format.h>

#include "daemon/control/handlers.h"
#include "daemon/service/clock.h"
#include "model/order_json.h"

namespace meetfence::control {
namespace {

using service::Service;

Json view(const Service& service, const Order& order)
{
    std::vector<std::string> rules;
    for (const auto* rule : service.registry().rules_under(order.id())) {
        rules.push_back(rule->id());
    }
    return to_json(order, service.state_of(order), service::wall_now(), rules);
}

Result<Response> answer_with(const Service& service, const Order& order, unsigned status = 200)
{
    auto response = json_response(view(service, order), status);
    response.summary =
        fmt::format("order {} of {}: {}, {} of {} approvals", order.id(), order.terms.jurisdiction.code(),
                    to_text(service.state_of(order)), order.approvals.size(), order.approvals_needed);
    return response;
}

Result<std::string> why_of(const Request& request)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"why"});
    const auto json = TRY(body_of(request));
    const auto why = TRY(TRY(ObjectReader::open(json, "", kKeys)).text("why"));
    if (!why) {
        return fail(ErrorCode::invalid, "say 'why'");
    }
    return *why;
}

} // namespace

Result<Response> list_orders(Service& service, const Request& request)
{
    std::optional<OrderState> state;
    if (const auto it = request.query.find("state"); it != request.query.end()) {
        state = TRY(parse_order_state(it->second));
    }
    auto list = Json::array();
    for (const auto& [id, order] : service.orders().orders()) {
        if (!state || service.state_of(order) == *state) {
            list.push_back(view(service, order));
        }
    }
    return json_response(list);
}

Result<Response> get_order(Service& service, const Request& request)
{
    return json_response(view(service, *TRY(service.orders().find(request.path.at(2)))));
}

Result<Response> post_order(Service& service, const Request& request)
{
    const auto terms = TRY(order_terms_from_json(TRY(body_of(request))));
    const auto order = TRY(service.record_order(terms, request.peer.actor()));
    return answer_with(service, order, 201);
}

Result<Response> approve_order(Service& service, const Request& request)
{
    if (!request.body.empty() || request.json) {
        const auto json = TRY(body_of(request));
        TRY(ObjectReader::open(json, "", {}));
    }
    return answer_with(service, TRY(service.approve_order(request.path.at(2), request.peer.actor())));
}

Result<Response> reject_order(Service& service, const Request& request)
{
    return answer_with(
        service, TRY(service.reject_order(request.path.at(2), TRY(why_of(request)), request.peer.actor())));
}

Result<Response> withdraw_order(Service& service, const Request& request)
{
    return answer_with(
        service, TRY(service.withdraw_order(request.path.at(2), TRY(why_of(request)), request.peer.actor())));
}

Result<Response> extend_order(Service& service, const Request& request)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"expires", "review", "why"});
    const auto json = TRY(body_of(request));
    const auto reader = TRY(ObjectReader::open(json, "", kKeys));
    const auto expires = TRY(reader.time("expires"));
    const auto why = TRY(reader.text("why"));
    if (!expires || !why) {
        return fail(ErrorCode::invalid, "say when the order is to end now, 'expires', and 'why'");
    }
    const policy::ExtensionRequest extension{*expires, TRY(reader.time("review")), *why};
    return answer_with(service,
                       TRY(service.extend_order(request.path.at(2), extension, request.peer.actor())));
}

} // namespace meetfence::control
