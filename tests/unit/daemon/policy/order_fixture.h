// SPDX-License-Identifier: Apache-2.0
// A book of orders, the people around it, and short ways to what happens to an order.
#pragma once

#include <gtest/gtest.h>
#include <string>

#include "daemon/policy/order_book.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {

inline const Time kNow = at("2026-11-22T12:00:00Z");
inline const Actor kRecorder{1000, "rita"}, kAlice{1001, "alice"}, kBob{1002, "bob"}, kCarol{1003, "carol"};
inline const Actor kRoot{0, "root"};

inline OrderTerms order_terms(const std::string& id = "O-1", std::string_view jurisdiction = "CN")
{
    OrderTerms terms;
    terms.id = id;
    terms.authority = "Office of the Example";
    terms.jurisdiction = country(jurisdiction);
    terms.legal_basis = "Example Act, section 7";
    terms.received = kNow - std::chrono::hours(1);
    return terms;
}

/// "" where all is well.
template <class T> std::string reason_of(const Result<T>& result)
{
    return result ? "" : result.error().reason.empty() ? "(no reason)" : result.error().reason;
}

class OrderBookTest : public testing::Test {
protected:
    using hours = std::chrono::hours;
    using seconds = std::chrono::seconds;

    /// Another policy, as after a restart with another configuration.
    void restart(const policy::OrderPolicy& with)
    {
        policy::OrderBook other(with);
        for (const auto& [id, order] : book.orders()) {
            other.put(order);
        }
        book = std::move(other);
        policy = with;
    }

    Order record(const OrderTerms& terms = order_terms(), Time now = kNow)
    {
        auto order = value_of(book.record(terms, kRecorder, now));
        book.put(order);
        return order;
    }
    Order approve(const Actor& by, Time now = kNow, const std::string& id = "O-1")
    {
        auto order = value_of(book.approve(id, by, now));
        book.put(order);
        return order;
    }
    Order extend(Time expires, const Actor& by = kRecorder, Time now = kNow)
    {
        auto order = value_of(book.extend("O-1", {expires, {}, "it goes on"}, by, now));
        book.put(order);
        return order;
    }
    [[nodiscard]] Order present(const std::string& id = "O-1") const { return *value_of(book.find(id)); }

    static RuleRequest rule(std::initializer_list<std::string_view> codes = {"CN"}, std::string meeting = "A")
    {
        RuleRequest request{.meeting = std::move(meeting), .countries = countries(codes)};
        request.order = "O-1";
        return request;
    }

    policy::OrderPolicy policy;
    policy::OrderBook book{policy};
};

} // namespace meetfence::test
