// SPDX-License-Identifier: Apache-2.0
// The orders, and what may become of them. Pure: each question yields the order as it would be, or the
// refusal; nothing changes until it is put.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/order.h"
#include "model/result.h"
#include "model/rule.h"

namespace meetfence::policy {

struct OrderPolicy {
    std::uint64_t approvals = 1; // 0 = whoever records it answers for it alone
    std::chrono::seconds max_duration = std::chrono::hours(30 * 24);
    bool named_meetings = false; // orders must name their meetings
};

/// How long an order lasts where nobody says it.
inline constexpr std::chrono::hours kDefaultOrderDuration{72};
/// Orders that last longer are to be looked at again, after as long where nobody says when.
inline constexpr std::chrono::hours kReviewAfter{7 * 24};

struct ExtensionRequest {
    Time expires;
    std::optional<Time> review;
    std::string why;
};

class OrderBook {
public:
    explicit OrderBook(OrderPolicy policy) : policy_(policy) {}

    [[nodiscard]] const std::map<std::string, Order>& orders() const { return orders_; }
    [[nodiscard]] Result<const Order*> find(const std::string& id) const;

    [[nodiscard]] Result<Order> record(const OrderTerms& terms, const Actor& actor, Time now) const;
    /// Of the order, or of the extension that waits. The last approval needed makes it so.
    [[nodiscard]] Result<Order> approve(const std::string& id, const Actor& actor, Time now) const;
    [[nodiscard]] Result<Order> reject(const std::string& id, const std::string& why, const Actor& actor,
                                       Time now) const;
    [[nodiscard]] Result<Order> withdraw(const std::string& id, const std::string& why, const Actor& actor,
                                         Time now) const;
    [[nodiscard]] Result<Order> suspend(const std::string& id, const std::string& why, const Actor& actor,
                                        Time now) const;
    [[nodiscard]] Result<Order> extend(const std::string& id, const ExtensionRequest& request,
                                       const Actor& actor, Time now) const;
    /// Whether a rule may say so under its order; where the meeting is and who is there is not asked.
    [[nodiscard]] Result<> check_rule(const RuleRequest& request, Time now) const;

    /// For what is asked from now on; an order that waits never needs fewer approvals than when it was
    /// recorded.
    void set_policy(const OrderPolicy& policy) { policy_ = policy; }

    void put(Order order) { orders_.insert_or_assign(order.id(), std::move(order)); }

    /// When an order ends or is to be reviewed next.
    [[nodiscard]] std::optional<Time> next_deadline(Time now) const;
    /// Those that ended by their time, and those whose review is due, that nobody was told of yet.
    [[nodiscard]] std::vector<Order> to_tell_of(Time now) const;

private:
    [[nodiscard]] Result<Order> living(const std::string& id, std::string_view to_do, Time now) const;
    [[nodiscard]] Result<> check_times(const OrderTerms& terms, Time now) const;
    [[nodiscard]] Result<Order> approve_extension(Order order, const Actor& actor, Time now) const;

    OrderPolicy policy_;
    std::map<std::string, Order> orders_;
};

} // namespace meetfence::policy
