// SPDX-License-Identifier: Apache-2.0
// Each state of an order × each thing that somebody may try to do with it.
#include <functional>

#include "tests/unit/daemon/policy/order_fixture.h"

namespace meetfence::test {
namespace {

class OrderStateMachine : public OrderBookTest {
protected:
    using Become = std::function<void(OrderStateMachine&)>;
    struct State {
        const char* name;
        Become become;
        // What comes of it: the state that it is in then, or why it is refused.
        const char *approve, *reject, *withdraw, *suspend, *extend, *rule;
    };
    static constexpr const char* kFine = "";

    void withdraw() { book.put(value_of(book.withdraw("O-1", "it was a mistake", kAlice, kNow))); }
    void reject() { book.put(value_of(book.reject("O-1", "overbroad", kAlice, kNow))); }
    void suspend() { book.put(value_of(book.suspend("O-1", "a drop was outside", kRoot, kNow))); }
    void approve_both()
    {
        (void)approve(kAlice);
        (void)approve(kBob);
    }

    static std::vector<State> states()
    {
        const char* ended = "order_ended";
        const char* state = "order_state";
        using M = OrderStateMachine;
        return {
            {"recorded", [](M&) {}, "recorded", "rejected", "withdrawn", "suspended", state, kFine},
            {"approved by one of two", [](M& m) { (void)m.approve(kAlice); }, "approved", "rejected",
             "withdrawn", "suspended", state, kFine},
            {"approved", [](M& m) { m.approve_both(); }, state, state, "withdrawn", "suspended", "approved",
             kFine},
            {"to be extended",
             [](M& m) {
                 m.approve_both();
                 (void)m.extend(kNow + hours(100));
             },
             "approved", state, "withdrawn", "suspended", state, kFine},
            {"extended by one of two",
             [](M& m) {
                 m.approve_both();
                 (void)m.extend(kNow + hours(100));
                 (void)m.approve(kAlice);
             },
             "approved", state, "withdrawn", "suspended", state, kFine},
            {"rejected", [](M& m) { m.reject(); }, ended, ended, ended, ended, ended, ended},
            {"withdrawn before it was approved", [](M& m) { m.withdraw(); }, ended, ended, ended, ended,
             ended, ended},
            {"withdrawn",
             [](M& m) {
                 m.approve_both();
                 m.withdraw();
             },
             ended, ended, ended, ended, ended, ended},
            {"suspended",
             [](M& m) {
                 m.approve_both();
                 m.suspend();
             },
             ended, ended, ended, ended, ended, ended},
            {"expired without approval", [](M& m) { m.time = kNow + hours(72); }, ended, ended, ended, ended,
             ended, ended},
            {"expired",
             [](M& m) {
                 m.approve_both();
                 m.time = kNow + hours(72);
             },
             ended, ended, ended, ended, ended, ended},
            {"expired with an extension that nobody approved",
             [](M& m) {
                 m.approve_both();
                 (void)m.extend(kNow + hours(100));
                 m.time = kNow + hours(72);
             },
             ended, ended, ended, ended, ended, ended},
        };
    }

    std::string outcome(const Result<Order>& result) const
    {
        return result ? std::string(to_text(result->state(time, false))) : reason_of(result);
    }

    void begin(const State& state)
    {
        time = kNow;
        policy.approvals = 2;
        book = policy::OrderBook(policy);
        (void)record();
        state.become(*this);
    }

    Time time = kNow;
};

TEST_F(OrderStateMachine, AllowsInEachStateWhatItAllowsAndNothingElse)
{
    for (const auto& state : states()) {
        begin(state);
        const auto before = book.orders();
        EXPECT_EQ(reason_of(book.record(order_terms(), kRecorder, time)), "order_exists") << state.name;
        EXPECT_EQ(outcome(book.approve("O-1", kCarol, time)), state.approve) << state.name;
        EXPECT_EQ(outcome(book.reject("O-1", "overbroad", kCarol, time)), state.reject) << state.name;
        EXPECT_EQ(outcome(book.withdraw("O-1", "it was a mistake", kCarol, time)), state.withdraw)
            << state.name;
        EXPECT_EQ(outcome(book.suspend("O-1", "a drop was outside", kRoot, time)), state.suspend)
            << state.name;
        EXPECT_EQ(outcome(book.extend("O-1", {time + hours(200), {}, "it goes on"}, kCarol, time)),
                  state.extend)
            << state.name;
        EXPECT_EQ(reason_of(book.check_rule(rule(), time)), state.rule) << state.name;
        EXPECT_EQ(book.orders(), before) << "nothing changes before it is put: " << state.name;
    }
}

TEST_F(OrderStateMachine, RefusesWhatItsStateForbidsBeforeItLooksAtAnythingElse)
{
    for (const auto& state : states()) {
        begin(state);
        if (state.withdraw != std::string("order_ended")) {
            continue;
        }
        EXPECT_EQ(reason_of(book.approve("O-1", kRecorder, time)), "order_ended") << state.name;
        EXPECT_EQ(reason_of(book.withdraw("O-1", "", kCarol, time)), "order_ended") << state.name;
        EXPECT_EQ(reason_of(book.reject("O-1", "\x1b", kCarol, time)), "order_ended") << state.name;
        EXPECT_EQ(reason_of(book.extend("O-1", {}, kCarol, time)), "order_ended") << state.name;
        EXPECT_EQ(reason_of(book.check_rule(rule({"HK"}), time)), "order_ended") << state.name;
    }
}

TEST_F(OrderStateMachine, KnowsNoOrdersThatThereAreNot)
{
    for (const auto* id : {"", "o-1", "O-1 ", "O-2"}) {
        EXPECT_EQ(book.find(id).error().code, ErrorCode::not_found) << id;
        EXPECT_EQ(book.approve(id, kAlice, kNow).error().code, ErrorCode::not_found) << id;
        EXPECT_EQ(book.reject(id, "overbroad", kAlice, kNow).error().code, ErrorCode::not_found) << id;
        EXPECT_EQ(book.withdraw(id, "why", kAlice, kNow).error().code, ErrorCode::not_found) << id;
        EXPECT_EQ(book.suspend(id, "why", kAlice, kNow).error().code, ErrorCode::not_found) << id;
        EXPECT_EQ(book.extend(id, {kNow, {}, "why"}, kAlice, kNow).error().code, ErrorCode::not_found) << id;
        auto request = rule();
        request.order = id;
        EXPECT_EQ(book.check_rule(request, kNow).error().code, ErrorCode::not_found) << id;
    }
}

TEST_F(OrderStateMachine, WritesDownWhoEndedItAndWhy)
{
    begin(states().front());
    const auto rejected = value_of(book.reject("O-1", "there is no stamp on it", kAlice, kNow + hours(1)));
    EXPECT_EQ(rejected.ended, (OrderEnd{{kAlice, kNow + hours(1)}, "other", "there is no stamp on it"}));
    const auto by_word = value_of(book.reject("O-1", "no legal basis", kRecorder, kNow)); // may be one's own
    EXPECT_EQ(by_word.ended, (OrderEnd{{kRecorder, kNow}, "no_legal_basis", ""}));
    const auto withdrawn = value_of(book.withdraw("O-1", "the court lifted it", kBob, kNow));
    EXPECT_EQ(withdrawn.ended, (OrderEnd{{kBob, kNow}, "", "the court lifted it"}));
    const auto suspended = value_of(book.suspend("O-1", "a drop was outside", kRoot, kNow));
    EXPECT_EQ(suspended.ended, (OrderEnd{{kRoot, kNow}, "", "a drop was outside"}));
}

TEST_F(OrderStateMachine, WantsAReasonThatCanBeKept)
{
    begin(states().at(2));
    const struct {
        std::string why;
        const char* reason;
    } cases[] = {{"", "text_length"},
                 {std::string(2001, 'x'), "text_length"},
                 {"a\nb", "text_unprintable"},
                 {"\xe2\x80\xae", "text_unprintable"},
                 {"\xff", "text_unprintable"},
                 {"for 203.0.113.10", "text_has_address"},
                 {"IP:2001:db8::1", "text_has_address"},
                 {std::string(2000, 'x'), ""},
                 {"<b>it is over</b>", ""}};
    for (const auto& [why, reason] : cases) {
        EXPECT_EQ(reason_of(book.withdraw("O-1", why, kAlice, kNow)), reason) << why;
        EXPECT_EQ(reason_of(book.extend("O-1", {kNow + hours(100), {}, why}, kAlice, kNow)), reason) << why;
    }
    begin(states().front());
    for (const auto& [why, reason] : cases) {
        EXPECT_EQ(reason_of(book.reject("O-1", why, kAlice, kNow)), reason) << why;
    }
}

} // namespace
} // namespace meetfence::test
