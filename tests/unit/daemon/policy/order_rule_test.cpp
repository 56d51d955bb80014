// SPDX-License-Identifier: Apache-2.0
// What a rule may say under an order.
#include "tests/unit/daemon/policy/order_fixture.h"

namespace meetfence::test {
namespace {

using OrderRule = OrderBookTest;

TEST_F(OrderRule, IsAboutTheOrdersCountryAlone)
{
    (void)record();
    EXPECT_EQ(reason_of(book.check_rule(rule({"CN"}), kNow)), "");
    EXPECT_EQ(reason_of(book.check_rule(rule({"CN", "US"}), kNow)), "order_one_country");
    EXPECT_EQ(reason_of(book.check_rule(rule({}), kNow)), "order_one_country");
    EXPECT_EQ(reason_of(book.check_rule(rule({"US"}), kNow)), "order_country");
}

TEST_F(OrderRule, NeverTakesOneOfTheFourForAnother)
{
    const std::string_view four[] = {"CN", "HK", "MO", "TW"};
    for (const auto jurisdiction : four) {
        book = policy::OrderBook(policy);
        (void)record(order_terms("O-1", jurisdiction));
        for (const auto target : four) {
            const auto checked = book.check_rule(rule({target}), kNow);
            EXPECT_EQ(reason_of(checked), target == jurisdiction ? "" : "order_country")
                << jurisdiction << target;
            if (target != jurisdiction) {
                EXPECT_EQ(checked.error().code, ErrorCode::refused);
                EXPECT_MENTIONS(error_of(checked), "four countries");
            }
        }
        EXPECT_EQ(reason_of(book.check_rule(rule({"CN", "HK", "MO", "TW"}), kNow)), "order_one_country");
    }
}

TEST_F(OrderRule, NeverKeepsOutAllBut)
{
    (void)record();
    for (const auto codes : {std::initializer_list<std::string_view>{"CN"}, {"US"}, {"CN", "US"}}) {
        auto request = rule(codes);
        request.whom = Whom::all_but;
        EXPECT_EQ(reason_of(book.check_rule(request, kNow)), "order_whom");
    }
}

TEST_F(OrderRule, MayBeAboutOnePerson)
{
    (void)record();
    auto request = rule({});
    request.whom = Whom::participant;
    request.participant = "p-7";
    EXPECT_EQ(reason_of(book.check_rule(request, kNow)), "");
}

TEST_F(OrderRule, IsAboutOneMeetingThatTheOrderNames)
{
    (void)record();
    EXPECT_EQ(reason_of(book.check_rule(rule({"CN"}, "whichever"), kNow)), "");
    for (const auto* meeting : {"*", "A*", "*A"}) {
        EXPECT_EQ(reason_of(book.check_rule(rule({"CN"}, meeting), kNow)), "order_meetings") << meeting;
    }
    auto terms = order_terms("O-2");
    terms.meetings = {"A", "B"};
    (void)record(terms);
    for (const auto* meeting : {"A", "B", "C", "a", "A,B", "*"}) {
        auto request = rule({"CN"}, meeting);
        request.order = "O-2";
        const bool named = std::string_view(meeting) == "A" || std::string_view(meeting) == "B";
        EXPECT_EQ(reason_of(book.check_rule(request, kNow)), named ? "" : "order_meetings") << meeting;
    }
}

TEST_F(OrderRule, EndsWithItsOrderAtTheLatest)
{
    (void)record();
    auto request = rule();
    for (const auto& [until, reason] : {std::pair(kNow + hours(1), ""), std::pair(kNow + hours(72), ""),
                                        std::pair(kNow + hours(72) + seconds(1), "order_duration")}) {
        request.until = until;
        EXPECT_EQ(reason_of(book.check_rule(request, kNow)), reason);
    }
}

TEST_F(OrderRule, IsAskedBeforeItsOrderIsApprovedAndAfter)
{
    (void)record();
    EXPECT_EQ(reason_of(book.check_rule(rule(), kNow)), "");
    (void)approve(kAlice);
    EXPECT_EQ(reason_of(book.check_rule(rule(), kNow)), "");
    EXPECT_EQ(reason_of(book.check_rule(rule(), kNow + hours(72) - seconds(1))), "");
    EXPECT_EQ(reason_of(book.check_rule(rule(), kNow + hours(72))), "order_ended");
}

} // namespace
} // namespace meetfence::test
