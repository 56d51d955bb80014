// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/router.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/control/batch.h"
#include "daemon/control/handlers.h"
#include "daemon/control/metrics.h"
#include "model/text.h"

namespace meetfence::control {
namespace {

struct Route {
    std::string_view method;
    std::string_view path; // {} stands for one segment
    Role role;             // the least that may ask
    Result<Response> (*handler)(service::Service&, const Request&);
    bool can_dry_run = false; // ?dry_run=true changes nothing: who may look may ask it
    void (*later)(service::Service&, const Request&, LaterReply) = nullptr; // in the place of `handler`
    bool quiet = false; // about persons, and thousands a second: the log has none of them
    bool (*for_operators)(const Request&) = nullptr; // some questions are not for who may look
};

constexpr auto kRoutes = std::to_array<Route>({
    {"GET", "v1/status", Role::viewer, get_status},
    {"GET", "metrics", Role::viewer, get_metrics},
    {"GET", "v1/meetings", Role::viewer, list_meetings},
    {"GET", "v1/meetings/{}", Role::viewer, get_meeting},
    {"PUT", "v1/meetings/{}", Role::operator_, put_meeting},
    {"DELETE", "v1/meetings/{}", Role::operator_, delete_meeting},
    {"GET", "v1/meetings/{}/participants", Role::viewer, list_participants, false, nullptr, false,
     shows_addresses},
    {"GET", "v1/meetings/{}/participants/{}", Role::viewer, get_participant},
    {"PUT", "v1/meetings/{}/participants/{}", Role::operator_, put_participant, false, nullptr, true},
    {"DELETE", "v1/meetings/{}/participants/{}", Role::operator_, delete_participant, false, nullptr, true},
    {"GET", "v1/meetings/{}/impact", Role::viewer, get_impact},
    {"GET", "v1/meetings/{}/notice", Role::viewer, get_notice},
    {"GET", "v1/orders", Role::viewer, list_orders},
    {"POST", "v1/orders", Role::operator_, post_order},
    {"GET", "v1/orders/{}", Role::viewer, get_order},
    {"POST", "v1/orders/{}/approve", Role::operator_, approve_order},
    {"POST", "v1/orders/{}/reject", Role::operator_, reject_order},
    {"POST", "v1/orders/{}/withdraw", Role::operator_, withdraw_order},
    {"POST", "v1/orders/{}/extend", Role::operator_, extend_order},
    {"GET", "v1/rules", Role::viewer, nullptr, false, list_rules},
    {"POST", "v1/rules", Role::operator_, post_rule, true},
    {"GET", "v1/rules/{}", Role::viewer, get_rule},
    {"PATCH", "v1/rules/{}", Role::operator_, patch_rule},
    {"DELETE", "v1/rules/{}", Role::operator_, delete_rule},
    {"POST", "v1/explain", Role::viewer, post_explain},
    {"GET", "v1/geo", Role::viewer, get_geo},
    {"POST", "v1/geo/reload", Role::operator_, nullptr, false, reload_geo},
    {"POST", "v1/geo/rollback", Role::operator_, nullptr, false, roll_back_geo},
    {"POST", "v1/geo/diff", Role::operator_, nullptr, false, diff_geo},
    {"GET", "v1/geo/{}", Role::viewer, look_address_up},
    {"POST", "v1/batch", Role::operator_, nullptr},
    {"GET", "v1/events", Role::viewer, get_events},
    {"GET", "v1/audit", Role::viewer, get_audit},
    {"GET", "v1/audit/head", Role::viewer, get_audit_head},
    {"GET", "v1/report", Role::viewer, nullptr, false, get_report},
    {"GET", "v1/declaration", Role::viewer, get_declaration},
    {"PUT", "v1/declaration", Role::operator_, put_declaration, true},
});

bool matches(std::string_view pattern, std::span<const std::string> path)
{
    for (const auto& segment : path) {
        const auto slash = pattern.find('/');
        const auto wanted = pattern.substr(0, slash);
        if (pattern.empty() || (wanted != "{}" && wanted != segment) || (wanted == "{}" && segment.empty())) {
            return false;
        }
        pattern = slash == std::string_view::npos ? std::string_view{} : pattern.substr(slash + 1);
    }
    return pattern.empty();
}

// Of a question, only the pattern: an address may be what it asks about.
std::string target_of(const Route& route, const Request& request)
{
    if (route.role == Role::viewer || route.quiet) {
        return request.method + " /" + std::string(route.path);
    }
    std::string text = request.method + " ";
    for (const auto& segment : request.path) {
        text += "/" + segment;
    }
    return text;
}

bool is_control(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

// What somebody sent must not be able to write log lines of its own.
std::string one_line(const std::string& text)
{
    std::string safe;
    for (const char c : text) {
        safe += is_control(c) ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return safe;
}

Response forbidden(const Witness& witness, const Request& request, Role least)
{
    const auto groups = witness.groups();
    return problem(403, request.peer.text() + " may not do this: it takes a member of group " +
                            (least == Role::viewer ? groups.viewers + " or " : "") + groups.operators);
}

// The route, or the refusal.
tl::expected<const Route*, Response> route_of(const Request& request)
{
    std::string allow;
    for (const auto& route : kRoutes) {
        if (!matches(route.path, request.path)) {
            continue;
        }
        if (route.method == request.method) {
            return &route;
        }
        allow.append(allow.empty() ? "" : ", ").append(route.method);
    }
    if (allow.empty()) {
        return tl::make_unexpected(problem(404, "there is no such resource"));
    }
    auto response = problem(405, request.method + " is not for this resource: " + allow + " are");
    response.allow = allow;
    return tl::make_unexpected(std::move(response));
}

Response to_response(Result<Response> result)
{
    return result ? std::move(*result) : problem(result.error());
}

Response ask(const Route& route, service::Service& service, const Request& request)
{
    try {
        return to_response(route.handler(service, request));
    } catch (const std::exception& error) { // a library's; ours are values
        return problem(500, std::string("unexpected: ") + error.what());
    }
}

Role least_role(const Route& route, const Request& request)
{
    if (route.for_operators != nullptr && route.for_operators(request)) {
        return Role::operator_;
    }
    return route.can_dry_run && request.flag("dry_run") ? Role::viewer : route.role;
}

// What is kept quotes nobody's address: neither a refusal of what was written wrongly, nor a name that is
// one.
std::string kept(const std::string& text)
{
    constexpr std::size_t kLongest = 1000;
    return check_text("text", text, kLongest) ? text : "";
}

std::string kept_target(const Route& route, const Request& request)
{
    const auto target = target_of(route, request);
    auto plain = target; // an address is one whatever stands before it
    std::ranges::replace_if(plain, is_control, ' ');
    return kept(plain).empty() ? request.method + " /" + std::string(route.path) : one_line(target);
}

// A dry run changes nothing, and is told of where a guardrail forbids what it tries.
void record_refusal(const Route& route, const Request& request, const Response& response,
                    const Witness& witness)
{
    const bool is_attempt = least_role(route, request) == Role::operator_ ||
                            (route.role == Role::operator_ && !response.code.empty());
    if (!is_attempt || response.status < 400 || (route.quiet && response.status != 403)) {
        return;
    }
    const bool quotes = response.status == 400 || response.status == 403;
    witness.refused({.actor = request.peer.actor(),
                     .request = kept_target(route, request),
                     .status = response.status,
                     .code = response.code,
                     .detail = quotes ? "" : kept(Json::parse(response.body).value("detail", "")),
                     .stranger = request.peer.role != Role::operator_});
}

// What an answered request changed. A dry run changes nothing, a question either.
std::optional<service::Change> change_of(const Route& route, const Request& request)
{
    using service::Change;
    constexpr auto kByPath = std::to_array<std::pair<std::string_view, Change>>({
        {"v1/meetings/{}/participants/", Change::participant}, // before what it begins with
        {"v1/meetings/", Change::meeting},
        {"v1/orders", Change::order},
        {"v1/rules", Change::rule},
        {"v1/declaration", Change::declaration},
        {"v1/geo/reload", Change::geo},
        {"v1/geo/rollback", Change::geo},
    });
    const auto* const it =
        std::ranges::find_if(kByPath, [&](const auto& entry) { return route.path.starts_with(entry.first); });
    const bool changes = route.method != "GET" && !request.flag("dry_run") && it != kByPath.end();
    return changes ? std::optional(it->second) : std::nullopt;
}

void count(const Witness& witness, std::optional<service::Change> change, const Response& response,
           std::chrono::steady_clock::time_point arrived)
{
    if (witness.answered) {
        witness.answered({change, response.status, std::chrono::steady_clock::now() - arrived});
    }
}

// Of a change that was asked for: who did, and what came of it.
void log_change(const Route& route, const Request& request, const Response& response, const Witness& witness)
{
    if ((route.role != Role::operator_ || route.quiet) && response.status != 403) {
        return;
    }
    const bool done = response.status < 300;
    // A refusal of what was written wrongly may quote it, and with it an address.
    std::string why;
    if (!done && response.status != 400) {
        why = kept(Json::parse(response.body).value("detail", ""));
    }
    const auto text = one_line(
        request.peer.text() + ": " + kept_target(route, request) +
        (done ? " done" + (response.summary.empty() ? "" : ": " + response.summary)
              : " refused (" + std::to_string(response.status) + ")" + (why.empty() ? "" : ": " + why)));
    witness.log({done ? service::Severity::notice : service::Severity::warning,
                 text,
                 {.message_id = done ? service::message_id::kChange : service::message_id::kRefused},
                 request.peer.role == Role::operator_ ? "" : fmt::format("uid {}", request.peer.uid)});
}

} // namespace

void answer(service::Service& service, const Request& request, const Witness& witness,
            const std::function<void(Response)>& reply)
{
    const auto arrived = std::chrono::steady_clock::now();
    const auto found = route_of(request);
    if (!found) {
        count(witness, {}, found.error(), arrived);
        reply(found.error());
        return;
    }
    const auto& route = **found;
    const auto finish = [&route, witness, reply, arrived](const Request& asked, Response response) {
        count(witness, change_of(route, asked), response, arrived);
        record_refusal(route, asked, response, witness);
        log_change(route, asked, response, witness);
        reply(std::move(response));
    };
    const auto least = least_role(route, request);
    if (request.peer.role < least) {
        finish(request, forbidden(witness, request, least));
        return;
    }
    if (request.in_batch && route.handler == nullptr) {
        finish(request, problem(400, target_of(route, request) + " is no line of a batch"));
        return;
    }
    if (route.handler != nullptr) {
        finish(request, ask(route, service, request));
        return;
    }
    // Of the request, what the log needs; its body may be large.
    Request asked = request;
    asked.body.clear();
    const auto reply_later = [finish, asked = std::move(asked)](Result<Response> result) {
        finish(asked, to_response(std::move(result)));
    };
    if (route.later != nullptr) {
        route.later(service, request, reply_later);
    } else {
        run_batch(service, request, witness, reply_later);
    }
}

} // namespace meetfence::control
