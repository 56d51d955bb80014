// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/order_book.h"

#include <algorithm>
#include <fmt/format.h>

#include "model/text.h"

namespace meetfence::policy {
namespace {

constexpr std::size_t kLongestWhy = 2000;
constexpr std::chrono::seconds kSameMoment{60}; // clocks differ, and people type

std::string with_name(Country country)
{
    return fmt::format("{} ({})", country.code(), country.name());
}

std::string name_of(const Actor& actor)
{
    return actor.user.empty() ? fmt::format("uid {}", actor.uid) : actor.user;
}

auto refuse(std::string message, std::string reason)
{
    return fail(ErrorCode::refused, std::move(message), std::move(reason));
}

bool signed_by(const std::vector<Signature>& signatures, const Actor& actor)
{
    return std::ranges::any_of(signatures, [&](const Signature& one) { return one.by.uid == actor.uid; });
}

// By user, as the kernel knows them: a name can be taken, a number is what permissions hang on.
Result<> check_approver(const std::string& what, const Signature& asked,
                        const std::vector<Signature>& approvals, const Actor& actor)
{
    if (asked.by.uid == actor.uid) {
        return refuse(fmt::format("{} was asked for by {}: somebody else approves it", what, name_of(actor)),
                      "own_approval");
    }
    if (signed_by(approvals, actor)) {
        return refuse(fmt::format("{} has {}'s approval already: somebody else gives the next one", what,
                                  name_of(actor)),
                      "approved_twice");
    }
    return {};
}

// Of the extension that waited.
void take_effect(Order& order)
{
    order.terms.expires = order.extension->expires;
    order.terms.review = order.extension->review;
    order.review_told = order.expiry_told = false;
    order.extension.reset();
}

Result<> check_why(const std::string& why)
{
    return check_text("why", why, kLongestWhy);
}

} // namespace

Result<const Order*> OrderBook::find(const std::string& id) const
{
    const auto it = orders_.find(id);
    if (it == orders_.end()) {
        return fail(ErrorCode::not_found,
                    "there is no order '" + id +
                        "': `meetfencectl order list` shows all, `meetfencectl order add` "
                        "records one");
    }
    return &it->second;
}

Result<Order> OrderBook::living(const std::string& id, std::string_view to_do, Time now) const
{
    const auto& order = *TRY(find(id));
    if (order.ended_by(now)) {
        return fail(ErrorCode::conflict,
                    fmt::format("order '{}' is {} and cannot be {}: record a new one where it is needed", id,
                                to_text(order.state(now, false)), to_do),
                    "order_ended");
    }
    return order;
}

Result<> OrderBook::check_times(const OrderTerms& terms, Time now) const
{
    const auto expires = *terms.expires;
    if (expires <= now || expires <= *terms.from) {
        return fail(
            ErrorCode::invalid,
            fmt::format("order '{}' would end at {}, {}", terms.id, format_time(expires),
                        expires <= now ? "which is past" : "before it begins at " + format_time(*terms.from)),
            "order_times");
    }
    if (!parse_time(format_time(expires))) { // it could not be read again
        return fail(ErrorCode::invalid,
                    fmt::format("order '{}' would end after the year 9999: let it begin earlier", terms.id),
                    "order_times");
    }
    const auto latest = std::max(now, *terms.from) + policy_.max_duration;
    if (expires > latest) {
        return refuse(
            fmt::format("order '{}' would last until {}, longer than policy.max_duration ({}) allows: "
                        "end it by {}, and extend it when it is looked at again",
                        terms.id, format_time(expires), format_duration(policy_.max_duration),
                        format_time(latest)),
            "order_duration");
    }
    if (terms.review && (*terms.review <= now || *terms.review >= expires)) {
        return fail(ErrorCode::invalid,
                    fmt::format("'review' ({}) is to be after now and before the order's end ({})",
                                format_time(*terms.review), format_time(expires)),
                    "order_times");
    }
    return {};
}

Result<Order> OrderBook::record(const OrderTerms& terms, const Actor& actor, Time now) const
{
    TRY(check_terms(terms, now));
    if (const auto it = orders_.find(terms.id); it != orders_.end()) {
        return fail(
            ErrorCode::conflict,
            fmt::format("there is an order '{}' already, recorded by {} at {}: an order's name is given once",
                        terms.id, name_of(it->second.recorded.by), format_time(it->second.recorded.at)),
            "order_exists");
    }
    if (policy_.named_meetings && terms.meetings.empty()) {
        return refuse(
            fmt::format("order '{}' names no meeting, and policy.named_meetings wants each order to: "
                        "give the meetings that it is about",
                        terms.id),
            "order_meetings");
    }
    Order order{.terms = terms, .recorded = {actor, now}, .approvals_needed = policy_.approvals};
    auto& resolved = order.terms;
    if (resolved.from && *resolved.from + kSameMoment < now) {
        return fail(ErrorCode::invalid,
                    fmt::format("'from' ({}) is past: leave it out for an order that begins now",
                                format_time(*resolved.from)),
                    "order_times");
    }
    resolved.from = std::max(resolved.from.value_or(now), now);
    resolved.expires = resolved.expires.value_or(
        *resolved.from + std::min<std::chrono::seconds>(kDefaultOrderDuration, policy_.max_duration));
    if (!resolved.review && *resolved.expires - *resolved.from > kReviewAfter) {
        resolved.review = *resolved.from + kReviewAfter;
    }
    TRY(check_times(resolved, now));
    if (policy_.approvals == 0 && terms.channel != Channel::oral) {
        order.decided = OrderState::approved;
    }
    return order;
}

Result<Order> OrderBook::approve(const std::string& id, const Actor& actor, Time now) const
{
    auto order = TRY(living(id, "approved", now));
    if (order.extension) {
        return approve_extension(std::move(order), actor, now);
    }
    const auto what = fmt::format("order '{}'", id);
    if (order.approved()) {
        return fail(ErrorCode::conflict, what + " is approved already", "order_state");
    }
    if (order.terms.channel == Channel::oral) {
        return refuse(
            what + " was received orally only: ask for it in writing, and record what comes as a new order",
            "order_oral");
    }
    TRY(check_approver(what, order.recorded, order.approvals, actor));
    order.approvals.push_back({actor, now});
    order.approvals_needed = std::max(order.approvals_needed, policy_.approvals);
    if (order.approvals.size() >= order.approvals_needed) {
        order.decided = OrderState::approved;
    }
    return order;
}

Result<Order> OrderBook::approve_extension(Order order, const Actor& actor, Time now) const
{
    auto& extension = *order.extension;
    TRY(check_approver(fmt::format("the extension of order '{}'", order.id()), extension.asked,
                       extension.approvals, actor));
    extension.approvals.push_back({actor, now});
    order.approvals_needed = std::max(order.approvals_needed, policy_.approvals);
    if (extension.approvals.size() < order.approvals_needed) {
        return order;
    }
    take_effect(order);
    return order;
}

Result<Order> OrderBook::reject(const std::string& id, const std::string& why, const Actor& actor,
                                Time now) const
{
    auto order = TRY(living(id, "rejected", now));
    if (order.approved()) {
        return fail(ErrorCode::conflict,
                    fmt::format("order '{}' is approved already: `meetfencectl order withdraw` ends it", id),
                    "order_state");
    }
    const auto rejection = TRY(parse_rejection(why));
    order.decided = OrderState::rejected;
    order.ended = OrderEnd{{actor, now}, rejection.reason, rejection.text};
    return order;
}

Result<Order> OrderBook::withdraw(const std::string& id, const std::string& why, const Actor& actor,
                                  Time now) const
{
    auto order = TRY(living(id, "withdrawn", now));
    TRY(check_why(why));
    order.decided = OrderState::withdrawn;
    order.extension.reset();
    order.ended = OrderEnd{{actor, now}, "", why};
    return order;
}

Result<Order> OrderBook::suspend(const std::string& id, const std::string& why, const Actor& actor,
                                 Time now) const
{
    auto order = TRY(living(id, "suspended", now));
    order.decided = OrderState::suspended;
    order.extension.reset();
    order.ended = OrderEnd{{actor, now}, "", why};
    return order;
}

Result<Order> OrderBook::extend(const std::string& id, const ExtensionRequest& request, const Actor& actor,
                                Time now) const
{
    auto order = TRY(living(id, "extended", now));
    TRY(check_why(request.why));
    if (!order.approved()) {
        return fail(
            ErrorCode::conflict,
            fmt::format(
                "order '{}' is not approved yet: withdraw it, and record it with the end it is to have", id),
            "order_state");
    }
    if (order.extension) {
        return fail(ErrorCode::conflict,
                    fmt::format("order '{}' has an extension already that waits for approval", id),
                    "order_state");
    }
    if (request.expires <= *order.terms.expires) {
        return fail(ErrorCode::invalid,
                    fmt::format("order '{}' ends at {} already: an extension ends later", id,
                                format_time(*order.terms.expires)),
                    "order_times");
    }
    auto terms = order.terms;
    terms.from = now; // from today on it may last as long as a new one
    terms.expires = request.expires;
    const bool waits =
        terms.review && *terms.review > now && !order.review_told; // it is looked at all the same
    if (request.review || !waits) {
        terms.review = request.review;
    }
    if (!terms.review && request.expires - now > kReviewAfter) {
        terms.review = now + kReviewAfter;
    }
    TRY(check_times(terms, now));
    order.extension = Extension{request.expires, terms.review, request.why, {actor, now}, {}};
    if (std::max(order.approvals_needed, policy_.approvals) == 0) {
        take_effect(order);
    }
    return order;
}

Result<> OrderBook::check_rule(const RuleRequest& request, Time now) const
{
    const auto order = TRY(living(request.order, "the ground of a rule", now));
    const auto& terms = order.terms;
    if (request.whom == Whom::all_but) {
        return refuse(
            fmt::format("order '{}' is about {}: a rule under it keeps out that country, and not all but "
                        "some",
                        terms.id, with_name(terms.jurisdiction)),
            "order_whom");
    }
    if (request.whom == Whom::countries && request.countries.size() != 1) {
        return refuse(fmt::format("order '{}' is about {} alone: a rule under it names exactly this country",
                                  terms.id, with_name(terms.jurisdiction)),
                      "order_one_country");
    }
    if (request.whom == Whom::countries && !request.countries.contains(terms.jurisdiction)) {
        return refuse(
            fmt::format("order '{}' is of {}, and cannot keep out {}: an order reaches its own country "
                        "only. CN, HK, MO and TW are four countries",
                        terms.id, with_name(terms.jurisdiction), with_name(request.countries.list().front())),
            "order_country");
    }
    if (request.meeting.find('*') != std::string::npos || !order.names(request.meeting)) {
        return refuse(fmt::format("order '{}' does not name meeting '{}': {}", terms.id, request.meeting,
                                  terms.meetings.empty()
                                      ? std::string("a rule is about one meeting")
                                      : fmt::format("it is about {}", fmt::join(terms.meetings, ", "))),
                      "order_meetings");
    }
    if (request.until && *request.until > *terms.expires) {
        return refuse(
            fmt::format("order '{}' ends at {}, and its rules with it: `meetfencectl order extend` asks for "
                        "more",
                        terms.id, format_time(*terms.expires)),
            "order_duration");
    }
    return {};
}

std::optional<Time> OrderBook::next_deadline(Time now) const
{
    std::optional<Time> next;
    for (const auto& [id, order] : orders_) {
        if (order.ended_by(now)) {
            continue;
        }
        for (const auto& time :
             {order.terms.expires, order.review_told ? std::nullopt : order.terms.review}) {
            if (time && *time > now && (!next || *time < *next)) {
                next = time;
            }
        }
    }
    return next;
}

std::vector<Order> OrderBook::to_tell_of(Time now) const
{
    std::vector<Order> result;
    for (const auto& [id, order] : orders_) {
        const bool expired = order.state(now, false) == OrderState::expired && !order.expiry_told;
        const bool due =
            !order.ended_by(now) && order.terms.review && now >= *order.terms.review && !order.review_told;
        if (expired || due) {
            auto& told = result.emplace_back(order);
            told.expiry_told = order.expiry_told || expired;
            told.review_told = order.review_told || due;
        }
    }
    return result;
}

} // namespace meetfence::policy
