// SPDX-License-Identifier: Apache-2.0
// Service: orders, and the rules that stand or fall with them.
#include <algorithm>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {
namespace {

Json time_or_null(const std::optional<Time>& time)
{
    return time ? Json(format_time(*time)) : Json(nullptr);
}

} // namespace

OrderState Service::state_of(const Order& order) const
{
    const auto now = wall_now();
    return order.state(now, registry_.has_rule_in_force(order.id(), now));
}

void Service::order_event(const char* what, const Order& order) const
{
    listener_.event({{"event", what}, {"order", order.id()}, {"state", to_text(state_of(order))}});
}

Result<> Service::commit_order(const Order& order, store::Changes changes, audit::Draft note)
{
    changes.put_orders.push_back(order);
    Recording recording{.actor = note.actor};
    const auto what = note.what;
    if (orders_.find(order.id())) {
        recording.notes.push_back(std::move(note));
    }
    TRY(commit(changes, recording, Disk::write));
    order_event(what.c_str(), order);
    return {};
}

Result<Order> Service::record_order(const OrderTerms& terms, const Actor& actor)
{
    auto order = TRY(orders_.record(terms, actor, wall_now()));
    TRY(commit_order(order, {}, {actor, "order_recorded", Json::object()}));
    return order;
}

Result<Order> Service::approve_order(const std::string& id, const Actor& actor)
{
    const auto now = wall_now();
    const auto before = *TRY(orders_.find(id));
    auto order = TRY(orders_.approve(id, actor, now));
    auto changes = TRY(approved_rules(before, order, now));
    if (order.terms.expires != before.terms.expires) {
        TRY(commit_order(order, std::move(changes), extended_note(before, order, actor)));
        return order;
    }
    const bool of_extension = order.extension.has_value();
    const auto& approvals = of_extension ? order.extension->approvals : order.approvals;
    TRY(commit_order(order, std::move(changes),
                     {actor,
                      "order_approved",
                      {{"order", id},
                       {"approvals", approvals.size()},
                       {"needed", order.approvals_needed},
                       {"state", to_text(order.decided)},
                       {"extension", of_extension}}}));
    return order;
}

audit::Draft Service::extended_note(const Order& before, const Order& order, const Actor& actor)
{
    return {actor,
            "order_extended",
            {{"order", order.id()},
             {"expired_before", format_time(*before.terms.expires)},
             {"expires", format_time(*order.terms.expires)},
             {"review", time_or_null(order.terms.review)}}};
}

// Rules that waited come in force with the last approval, and are asked once more whom they would reach;
// those that were to last as long as their order go on with it.
Result<store::Changes> Service::approved_rules(const Order& before, const Order& after, Time now) const
{
    store::Changes changes;
    for (const auto* rule : registry_.rules_under(after.id())) {
        if (rule->ended(now)) {
            continue;
        }
        auto changed = *rule;
        if (after.approved() && changed.pending) {
            changed.pending = false;
            changed.from = std::max(changed.from, now);
            TRY(check_reach(changed, preview(changed)));
        }
        if (changed.until == *before.terms.expires) {
            changed.until = *after.terms.expires;
        }
        if (changed != *rule) {
            changes.put_rules.push_back(std::move(changed));
        }
    }
    return changes;
}

store::Changes Service::withdrawn_rules(const std::string& order, const std::string& why,
                                        bool suspended) const
{
    const auto now = wall_now();
    store::Changes changes;
    for (const auto* rule : registry_.rules_under(order)) {
        if (rule->ended(now)) {
            continue;
        }
        auto& withdrawn = changes.put_rules.emplace_back(*rule);
        withdrawn.withdrawn = now;
        withdrawn.why = why;
        withdrawn.suspended = suspended;
    }
    return changes;
}

Result<Order> Service::reject_order(const std::string& id, const std::string& why, const Actor& actor)
{
    auto order = TRY(orders_.reject(id, why, actor, wall_now()));
    TRY(commit_order(order, withdrawn_rules(id, "order " + id + " was rejected", false),
                     {actor,
                      "order_rejected",
                      {{"order", id},
                       {"reason", order.ended->reason},
                       {"text", order.ended->why.empty() ? Json(nullptr) : Json(order.ended->why)}}}));
    return order;
}

Result<Order> Service::withdraw_order(const std::string& id, const std::string& why, const Actor& actor)
{
    auto order = TRY(orders_.withdraw(id, why, actor, wall_now()));
    TRY(commit_order(order, withdrawn_rules(id, "order " + id + " was withdrawn: " + why, false),
                     {actor, "order_withdrawn", {{"order", id}, {"why", why}}}));
    return order;
}

Result<Order> Service::extend_order(const std::string& id, const policy::ExtensionRequest& request,
                                    const Actor& actor)
{
    const auto now = wall_now();
    const auto before = *TRY(orders_.find(id));
    auto order = TRY(orders_.extend(id, request, actor, now));
    if (!order.extension) { // nobody's approval is needed
        TRY(commit_order(order, TRY(approved_rules(before, order, now)),
                         extended_note(before, order, actor)));
        return order;
    }
    TRY(commit_order(order, {},
                     {actor,
                      "order_extension_asked",
                      {{"order", id},
                       {"expires", format_time(request.expires)},
                       {"review", time_or_null(order.extension->review)},
                       {"why", request.why}}}));
    return order;
}

// Fails open: where it cannot be written down now, the rule stops all the same, and it is written later.
Result<> Service::suspend_rule(std::uint64_t number, const std::string& why)
{
    const auto now = wall_now();
    const auto rule = *TRY(registry_.find_rule(number));
    if (rule.ended(now)) {
        return {};
    }
    store::Changes changes;
    Recording recording{.actor = AuditTrail::self(), .why = why};
    if (rule.order.empty()) {
        auto& suspended = changes.put_rules.emplace_back(rule);
        suspended.withdrawn = now;
        suspended.why = why;
        suspended.suspended = true;
    } else {
        changes = withdrawn_rules(rule.order, why, true);
        if (auto order = orders_.suspend(rule.order, why, recording.actor, now)) {
            changes.put_orders.push_back(std::move(*order));
            recording.notes.push_back({recording.actor,
                                       "order_suspended",
                                       {{"order", rule.order}, {"rule", rule.id()}, {"why", why}}});
        }
    }
    if (commit(changes, recording, Disk::write)) {
        return {};
    }
    auto drafts = drafts_of(changes, recording); // they ask what is known before
    TRY(commit(changes, recording, Disk::leave));
    for (auto& draft : drafts) {
        trail_.note(draft.what, std::move(draft.body), draft.actor);
    }
    unsaved_.push_back(std::move(changes));
    return {};
}

void Service::save_suspensions()
{
    std::erase_if(unsaved_, [this](const store::Changes& changes) {
        return store_.write(changes, trail_.log().head()).has_value();
    });
}

// What has come by time alone: an order's end, a review that is due.
void Service::tell_of_orders()
{
    if (orders_stuck_ && !store_.write_head(trail_.log().head())) {
        return; // the disk is asked before the log, which would grow by each attempt
    }
    const auto now = wall_now();
    for (const auto& order : orders_.to_tell_of(now)) {
        const auto& before = **orders_.find(order.id());
        Recording recording{.actor = AuditTrail::self()};
        const bool expired = order.expiry_told && !before.expiry_told;
        if (expired) {
            recording.notes.push_back({recording.actor, "order_expired", {{"order", order.id()}}});
        } else {
            recording.notes.push_back(
                {recording.actor,
                 "review_due",
                 {{"order", order.id()}, {"review", time_or_null(order.terms.review)}}});
        }
        if (const auto done = commit({.put_orders = {order}}, recording, Disk::write); !done) {
            if (!std::exchange(orders_stuck_, true)) {
                listener_.log(Severity::error, "order " + order.id() + ": " + done.error().message);
            }
            return; // once more in a second
        }
        orders_stuck_ = false;
        order_event(expired ? "order_expired" : "review_due", order);
        listener_.log(expired ? Severity::info : Severity::warning,
                      "order " + order.id() + (expired ? " has ended" : " is to be reviewed"),
                      {.message_id = expired ? message_id::kOrderEnded : message_id::kOrderReview,
                       .order = order.id()});
    }
}

} // namespace meetfence::service
