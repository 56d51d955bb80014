// SPDX-License-Identifier: Apache-2.0
// Orders: how long they last, and who lets them take effect.
#include "tests/unit/daemon/policy/order_fixture.h"

namespace meetfence::test {
namespace {

TEST_F(OrderBookTest, LastsThreeDaysFromNowWhereNobodySaysHowLong)
{
    const auto order = record();
    EXPECT_EQ(order.terms.from, kNow);
    EXPECT_EQ(order.terms.expires, kNow + hours(72));
    EXPECT_FALSE(order.terms.review);
    EXPECT_EQ(order.recorded, (Signature{kRecorder, kNow}));
    EXPECT_EQ(order.approvals_needed, 1U);
    EXPECT_EQ(order.decided, OrderState::recorded);

    auto later = order_terms("O-2");
    later.from = kNow + hours(50);
    EXPECT_EQ(record(later).terms.expires, kNow + hours(122));
    restart({.max_duration = hours(24)});
    EXPECT_EQ(record(order_terms("O-3")).terms.expires, kNow + hours(24));
}

TEST_F(OrderBookTest, BeginsNowAtTheEarliest)
{
    auto terms = order_terms();
    for (const auto early : {seconds(0), seconds(1), seconds(60)}) { // clocks differ, and people type
        terms.from = kNow - early;
        EXPECT_EQ(value_of(book.record(terms, kRecorder, kNow)).terms.from, kNow);
    }
    for (const auto early : {seconds(61), seconds(hours(1))}) {
        terms.from = kNow - early;
        EXPECT_EQ(reason_of(book.record(terms, kRecorder, kNow)), "order_times");
    }
}

struct Span {
    const char* what;
    std::optional<Time> from, expires, review;
    const char* reason;
};

TEST_F(OrderBookTest, LastsAsLongAsThePolicyAllowsAndNoLonger)
{
    const auto longest = policy.max_duration;
    const Span cases[] = {
        {"longest", {}, kNow + longest, {}, ""},
        {"a second longer", {}, kNow + longest + seconds(1), {}, "order_duration"},
        {"longest from its begin", kNow + hours(5), kNow + hours(5) + longest, {}, ""},
        {"a second longer from its begin",
         kNow + hours(5),
         kNow + hours(5) + longest + seconds(1),
         {},
         "order_duration"},
        {"longest though it was to begin before", kNow - seconds(60), kNow + longest, {}, ""},
        {"ends now", {}, kNow, {}, "order_times"},
        {"ended before", {}, kNow - hours(1), {}, "order_times"},
        {"in a second", {}, kNow + seconds(1), {}, ""},
        {"ends when it begins", kNow + hours(1), kNow + hours(1), {}, "order_times"},
        {"ends before it begins", kNow + hours(2), kNow + hours(1), {}, "order_times"},
        {"reviewed now", {}, {}, kNow, "order_times"},
        {"reviewed in a second", {}, {}, kNow + seconds(1), ""},
        {"reviewed a second before its end", {}, {}, kNow + hours(72) - seconds(1), ""},
        {"reviewed at its end", {}, {}, kNow + hours(72), "order_times"},
        {"reviewed after its end", {}, kNow + hours(1), kNow + hours(2), "order_times"},
        {"in a thousand years", kNow + hours(24 * 365'000), {}, {}, ""},
        {"at the end of time", at("9999-12-31T00:00:00Z"), {}, {}, "order_times"},
        {"to the end of time", at("9999-12-31T00:00:00Z"), at("9999-12-31T23:59:59Z"), {}, ""},
    };
    for (const auto& [what, from, expires, review, reason] : cases) {
        auto terms = order_terms();
        terms.from = from;
        terms.expires = expires;
        terms.review = review;
        EXPECT_EQ(reason_of(book.record(terms, kRecorder, kNow)), reason) << what;
    }
}

TEST_F(OrderBookTest, IsReviewedAfterAWeekWhereItLastsLonger)
{
    auto terms = order_terms();
    terms.expires = kNow + hours(168);
    EXPECT_FALSE(value_of(book.record(terms, kRecorder, kNow)).terms.review);
    terms.expires = kNow + hours(168) + seconds(1);
    EXPECT_EQ(value_of(book.record(terms, kRecorder, kNow)).terms.review, kNow + hours(168));
    terms.from = kNow + hours(10);
    EXPECT_FALSE(value_of(book.record(terms, kRecorder, kNow)).terms.review);
    terms.expires = kNow + hours(500);
    EXPECT_EQ(value_of(book.record(terms, kRecorder, kNow)).terms.review, kNow + hours(178));
    terms.review = kNow + hours(400);
    EXPECT_EQ(value_of(book.record(terms, kRecorder, kNow)).terms.review, kNow + hours(400));
}

TEST_F(OrderBookTest, IsRefusedWithTermsThatCannotBe)
{
    auto terms = order_terms();
    terms.received = kNow + seconds(1);
    EXPECT_EQ(reason_of(book.record(terms, kRecorder, kNow)), "order_times");
    terms = order_terms();
    terms.authority = "203.0.113.10";
    EXPECT_EQ(reason_of(book.record(terms, kRecorder, kNow)), "text_has_address");
    terms = order_terms();
    terms.meetings = {"*"};
    EXPECT_EQ(reason_of(book.record(terms, kRecorder, kNow)), "order_meetings");
    EXPECT_TRUE(book.orders().empty());
}

TEST_F(OrderBookTest, IsRecordedOnceUnderItsName)
{
    (void)record();
    auto other = order_terms("O-1", "HK");
    const auto again = book.record(other, kAlice, kNow + hours(1));
    EXPECT_EQ(reason_of(again), "order_exists");
    EXPECT_EQ(again.error().code, ErrorCode::conflict);
    EXPECT_MENTIONS(error_of(again), "rita");
    EXPECT_EQ(reason_of(book.record(other, kAlice, kNow + hours(1000))), "order_exists")
        << "when it has expired, too";
    EXPECT_EQ(present().terms.jurisdiction, country("CN"));
}

TEST_F(OrderBookTest, NamesItsMeetingsWhereThePolicyWantsItTo)
{
    restart({.named_meetings = true});
    EXPECT_EQ(reason_of(book.record(order_terms(), kRecorder, kNow)), "order_meetings");
    auto terms = order_terms();
    terms.meetings = {"A"};
    EXPECT_TRUE(book.record(terms, kRecorder, kNow));
}

TEST_F(OrderBookTest, TakesEffectOnceAsManyOthersHaveApprovedAsThePolicyWants)
{
    const Actor approvers[] = {kAlice, kBob, kCarol};
    for (std::uint64_t needed = 0; needed <= 3; ++needed) {
        policy.approvals = needed;
        book = policy::OrderBook(policy);
        auto order = record();
        EXPECT_EQ(order.approvals_needed, needed);
        for (std::uint64_t i = 0; i < needed; ++i) {
            EXPECT_FALSE(order.approved()) << i << " of " << needed;
            order = approve(approvers[i], kNow + seconds(i));
            EXPECT_EQ(order.approvals.size(), i + 1);
            EXPECT_EQ(order.approvals.back(), (Signature{approvers[i], kNow + seconds(i)}));
        }
        EXPECT_TRUE(order.approved()) << needed;
        EXPECT_EQ(reason_of(book.approve("O-1", kRoot, kNow)), "order_state");
    }
}

TEST_F(OrderBookTest, IsNotApprovedByWhoRecordedItNorTwiceByOne)
{
    restart({.approvals = 3});
    (void)record();
    EXPECT_EQ(reason_of(book.approve("O-1", kRecorder, kNow)), "own_approval");
    // A user is a number: names can be changed, and may be none.
    for (const auto* name : {"", "root", "alice"}) {
        EXPECT_EQ(reason_of(book.approve("O-1", {kRecorder.uid, name}, kNow)), "own_approval");
    }
    EXPECT_TRUE(book.approve("O-1", {2000, kRecorder.user}, kNow));
    (void)approve(kAlice);
    EXPECT_EQ(reason_of(book.approve("O-1", kAlice, kNow + hours(1))), "approved_twice");
    EXPECT_EQ(reason_of(book.approve("O-1", {kAlice.uid, "other"}, kNow)), "approved_twice");
    EXPECT_EQ(reason_of(book.approve("O-1", kRecorder, kNow)), "own_approval");
    (void)approve(kBob);
    EXPECT_EQ(reason_of(book.approve("O-1", kAlice, kNow)), "approved_twice");
    EXPECT_TRUE(approve(kRoot).approved());
    EXPECT_MENTIONS(error_of(book.approve("O-1", kRoot, kNow)), "approved already");
}

TEST_F(OrderBookTest, MeetsAPolicyThatHasBecomeStricterSince)
{
    (void)record();
    restart({.approvals = 2});
    auto order = approve(kAlice);
    EXPECT_FALSE(order.approved());
    EXPECT_EQ(order.approvals_needed, 2U);
    EXPECT_TRUE(approve(kBob).approved());
    restart({.approvals = 3}); // what is approved stays so
    EXPECT_TRUE(present().approved());
}

TEST_F(OrderBookTest, MeetsWhatItWasRecordedWithThoughThePolicyIsMilderNow)
{
    restart({.approvals = 2});
    (void)record();
    restart({.approvals = 0});
    EXPECT_FALSE(approve(kAlice).approved());
    EXPECT_TRUE(approve(kBob).approved());
}

TEST_F(OrderBookTest, ThatWasOnlySaidCannotBeApproved)
{
    auto terms = order_terms();
    terms.channel = Channel::oral;
    for (std::uint64_t needed = 0; needed <= 1; ++needed) {
        policy.approvals = needed;
        book = policy::OrderBook(policy);
        EXPECT_FALSE(record(terms).approved());
        EXPECT_EQ(reason_of(book.approve("O-1", kAlice, kNow)), "order_oral");
        EXPECT_EQ(value_of(book.reject("O-1", "oral only", kAlice, kNow)).ended->reason, "oral_only");
    }
    for (const auto channel :
         {Channel::portal, Channel::signed_pdf, Channel::email, Channel::post, Channel::other}) {
        terms.channel = channel;
        terms.id = "O-" + std::string(to_text(channel));
        (void)record(terms);
        EXPECT_TRUE(book.approve(terms.id, kAlice, kNow)) << terms.id;
    }
}

TEST_F(OrderBookTest, IsExtendedByOthersThanWhoAsks)
{
    restart({.approvals = 2});
    (void)record();
    (void)approve(kAlice);
    (void)approve(kBob);
    const auto asked = extend(kNow + hours(100), kAlice, kNow + hours(10));
    ASSERT_TRUE(asked.extension);
    EXPECT_EQ(asked.extension->asked, (Signature{kAlice, kNow + hours(10)}));
    EXPECT_EQ(asked.terms.expires, kNow + hours(72)) << "nothing is longer yet";
    EXPECT_EQ(reason_of(book.approve("O-1", kAlice, kNow)), "own_approval");
    EXPECT_EQ(approve(kRecorder).terms.expires, kNow + hours(72)); // did not ask for this one
    EXPECT_EQ(reason_of(book.approve("O-1", kRecorder, kNow)), "approved_twice");
    const auto extended = approve(kBob);
    EXPECT_EQ(extended.terms.expires, kNow + hours(100));
    EXPECT_FALSE(extended.extension);
    EXPECT_TRUE(extended.approved());
    EXPECT_EQ(extended.approvals.size(), 2U) << "those of the order itself";
    EXPECT_EQ(extend(kNow + hours(101), kBob).extension->approvals.size(), 0U) << "again, from the beginning";
}

TEST_F(OrderBookTest, IsExtendedAtOnceWhereNobodyNeedsToApprove)
{
    restart({.approvals = 0});
    (void)record();
    const auto order = extend(kNow + hours(100));
    EXPECT_EQ(order.terms.expires, kNow + hours(100));
    EXPECT_FALSE(order.extension);
}

TEST_F(OrderBookTest, IsExtendedForAsLongAsANewOneCouldLast)
{
    const auto later = kNow + hours(50);
    (void)record();
    (void)approve(kAlice);
    const Span cases[] = {
        {"longest", {}, later + policy.max_duration, {}, ""},
        {"a second longer", {}, later + policy.max_duration + seconds(1), {}, "order_duration"},
        {"no later", {}, kNow + hours(72), {}, "order_times"},
        {"earlier", {}, kNow + hours(71), {}, "order_times"},
        {"a second later", {}, kNow + hours(72) + seconds(1), {}, ""},
        {"in the past", {}, kNow, {}, "order_times"},
        {"reviewed now", {}, kNow + hours(100), later, "order_times"},
        {"reviewed before its end", {}, kNow + hours(100), kNow + hours(100) - seconds(1), ""},
        {"reviewed at its end", {}, kNow + hours(100), kNow + hours(100), "order_times"},
    };
    for (const auto& [what, from, expires, review, reason] : cases) {
        EXPECT_EQ(reason_of(book.extend("O-1", {*expires, review, "it goes on"}, kAlice, later)), reason)
            << what;
    }
    EXPECT_EQ(value_of(book.extend("O-1", {later + hours(169), {}, "why"}, kAlice, later)).extension->review,
              later + hours(168));
    EXPECT_FALSE(
        value_of(book.extend("O-1", {later + hours(168), {}, "why"}, kAlice, later)).extension->review);
}

TEST_F(OrderBookTest, IsLookedAtAgainAsWasSaidThoughItIsExtended)
{
    auto terms = order_terms();
    terms.expires = kNow + hours(200); // reviewed after 168
    (void)record(terms);
    (void)approve(kAlice);
    (void)extend(kNow + hours(210), kRecorder, kNow + hours(100));
    const auto extended = approve(kAlice, kNow + hours(101));
    EXPECT_EQ(extended.terms.expires, kNow + hours(210));
    EXPECT_EQ(extended.terms.review, kNow + hours(168))
        << "who asks for a little more must not lose the review";
}

TEST_F(OrderBookTest, TellsWhenItEndsAndWhenItIsDue)
{
    EXPECT_FALSE(book.next_deadline(kNow));
    EXPECT_TRUE(book.to_tell_of(kNow).empty());
    auto terms = order_terms();
    terms.expires = kNow + hours(200);
    (void)record(terms);
    (void)record(order_terms("O-2"));
    EXPECT_EQ(book.next_deadline(kNow), kNow + hours(72));
    EXPECT_EQ(book.next_deadline(kNow + hours(72)), kNow + hours(168));
    EXPECT_EQ(book.next_deadline(kNow + hours(168)), kNow + hours(200));
    EXPECT_FALSE(book.next_deadline(kNow + hours(200)));

    EXPECT_TRUE(book.to_tell_of(kNow + hours(72) - seconds(1)).empty());
    auto told = book.to_tell_of(kNow + hours(72));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].id(), "O-2");
    EXPECT_TRUE(told[0].expiry_told);
    EXPECT_FALSE(told[0].review_told);
    EXPECT_EQ(book.to_tell_of(kNow + hours(72)).size(), 1U) << "until it is put";
    book.put(told[0]);
    EXPECT_TRUE(book.to_tell_of(kNow + hours(72)).empty());

    told = book.to_tell_of(kNow + hours(168));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].id(), "O-1");
    EXPECT_TRUE(told[0].review_told);
    EXPECT_FALSE(told[0].expiry_told);
    book.put(told[0]);
    EXPECT_TRUE(book.to_tell_of(kNow + hours(199)).empty());
    told = book.to_tell_of(kNow + hours(200));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(told[0].expiry_told);
    book.put(told[0]);
    EXPECT_TRUE(book.to_tell_of(kNow + hours(100'000)).empty());
}

TEST_F(OrderBookTest, TellsNothingOfWhatPeopleEnded)
{
    auto terms = order_terms();
    terms.expires = kNow + hours(200);
    (void)record(terms);
    book.put(value_of(book.withdraw("O-1", "it was a mistake", kAlice, kNow)));
    EXPECT_FALSE(book.next_deadline(kNow));
    EXPECT_TRUE(book.to_tell_of(kNow + hours(168)).empty());
    EXPECT_TRUE(book.to_tell_of(kNow + hours(200)).empty());
}

TEST_F(OrderBookTest, TellsOfTheReviewAndTheEndThatAnExtensionSets)
{
    auto terms = order_terms();
    terms.expires = kNow + hours(200);
    (void)record(terms);
    (void)approve(kAlice);
    book.put(book.to_tell_of(kNow + hours(168)).at(0));
    (void)extend(kNow + hours(400), kRecorder, kNow + hours(170));
    (void)approve(kAlice, kNow + hours(171));
    EXPECT_TRUE(book.to_tell_of(kNow + hours(200)).empty());
    EXPECT_EQ(book.next_deadline(kNow + hours(200)), kNow + hours(170 + 168));
    EXPECT_EQ(book.to_tell_of(kNow + hours(338)).size(), 1U);
    EXPECT_TRUE(book.to_tell_of(kNow + hours(400)).at(0).expiry_told);
}

// The clock was ahead, the end was told, and the clock was set right.
TEST_F(OrderBookTest, TellsOfAnEndThatAnExtensionMoved)
{
    (void)record();
    (void)approve(kAlice);
    book.put(book.to_tell_of(kNow + hours(72)).at(0));
    (void)extend(kNow + hours(100), kRecorder, kNow + hours(1));
    (void)approve(kAlice, kNow + hours(2));
    EXPECT_EQ(book.to_tell_of(kNow + hours(100)).size(), 1U);
}

} // namespace
} // namespace meetfence::test
