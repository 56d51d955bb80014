// SPDX-License-Identifier: Apache-2.0
// One function for each method of each resource of the HTTP API (docs: contract of the API).
#pragma once

#include <functional>

#include "daemon/control/message.h"
#include "daemon/service/service.h"

namespace meetfence::control {

[[nodiscard]] Result<Response> get_status(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> list_meetings(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_meeting(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> put_meeting(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> delete_meeting(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_rule(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> post_rule(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> patch_rule(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> delete_rule(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> post_explain(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_geo(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> look_address_up(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_events(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_declaration(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> put_declaration(service::Service& service, const Request& request);

[[nodiscard]] Result<Response> list_participants(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_participant(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> put_participant(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> delete_participant(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_impact(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_notice(service::Service& service, const Request& request);

/// Whether it asks where people are: that is for operators, and leaves its trace.
[[nodiscard]] bool shows_addresses(const Request& request);

[[nodiscard]] Result<Response> list_orders(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_order(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> post_order(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> approve_order(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> reject_order(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> withdraw_order(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> extend_order(service::Service& service, const Request& request);

[[nodiscard]] Result<Response> get_audit(service::Service& service, const Request& request);
[[nodiscard]] Result<Response> get_audit_head(service::Service& service, const Request& request);

/// What the request says, as JSON.
[[nodiscard]] Result<Json> body_of(const Request& request);

// Long work: they return at once, and reply when it is done.
using LaterReply = std::function<void(Result<Response>)>;
void reload_geo(service::Service& service, const Request& request, LaterReply reply);
void roll_back_geo(service::Service& service, const Request& request, LaterReply reply);
void diff_geo(service::Service& service, const Request& request, LaterReply reply);
void list_rules(service::Service& service, const Request& request, LaterReply reply);
void get_report(service::Service& service, const Request& request, LaterReply reply);

} // namespace meetfence::control
