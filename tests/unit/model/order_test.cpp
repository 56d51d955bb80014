// SPDX-License-Identifier: Apache-2.0
#include "model/order.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Time kNow = *parse_time("2026-11-22T12:00:00Z");

OrderTerms terms()
{
    OrderTerms result;
    result.id = "O-1";
    result.authority = "Office of the Example";
    result.jurisdiction = *Country::parse("CN");
    result.legal_basis = "Example Act, section 7";
    result.received = kNow - hours(1);
    return result;
}

Order order(OrderState decided = OrderState::recorded)
{
    Order result{.terms = terms(), .recorded = {{1000, "alice"}, kNow}};
    result.terms.from = kNow;
    result.terms.expires = kNow + hours(72);
    result.decided = decided;
    return result;
}

std::string reason_of(const Result<>& checked)
{
    return checked ? "" : checked.error().reason;
}

TEST(OrderTerms, MayBeAsShortAsThis)
{
    const auto checked = check_terms(terms(), kNow);
    EXPECT_TRUE(checked) << error_of(checked);
}

struct Field {
    const char* name;
    std::string OrderTerms::*text;
    std::size_t most;
    bool needed;
};

constexpr Field kFields[] = {
    {"authority", &OrderTerms::authority, 200, true},     {"office", &OrderTerms::office, 200, false},
    {"legal_basis", &OrderTerms::legal_basis, 500, true}, {"case", &OrderTerms::case_number, 200, false},
    {"category", &OrderTerms::category, 100, true},       {"requested", &OrderTerms::requested, 2000, false},
    {"narrowing", &OrderTerms::narrowing, 2000, false},
};

TEST(OrderTerms, AreAsLongAsTheirLimitsAndNoLonger)
{
    for (const auto& [name, text, most, needed] : kFields) {
        auto one = terms();
        for (const auto* character : {"x", "\xe4\xbc\x9a", "\xf0\x9f\x98\x80"}) {
            (one.*text).clear();
            for (std::size_t i = 0; i < most; ++i) {
                one.*text += character;
            }
            EXPECT_TRUE(check_terms(one, kNow)) << name;
            one.*text += character;
            const auto checked = check_terms(one, kNow);
            EXPECT_EQ(reason_of(checked), "text_length") << name;
            EXPECT_MENTIONS(error_of(checked), std::string("'") + name + "'");
        }
        one.*text = "";
        EXPECT_EQ(reason_of(check_terms(one, kNow)), needed ? "text_length" : "") << name;
    }
}

TEST(OrderTerms, HoldTextsThatCanBeShownToAnybody)
{
    for (const auto& field : kFields) {
        auto one = terms();
        for (const auto* text : {"a\nb", "a\x1b[2J",
                                 "\xe2\x80\xae"
                                 "abc",
                                 "a\xff", "\xed\xa0\x80", "\xc0\xaf"}) {
            one.*field.text = text;
            EXPECT_EQ(reason_of(check_terms(one, kNow)), "text_unprintable") << field.name;
        }
        for (const auto* text : {"by 203.0.113.10", "[2001:db8::1]:443", "IP:203.0.113.10:51000"}) {
            one.*field.text = text;
            EXPECT_EQ(reason_of(check_terms(one, kNow)), "text_has_address") << field.name << " " << text;
        }
        one.*field.text = "<script>alert('1.2.3')</script> & 国家";
        EXPECT_TRUE(check_terms(one, kNow)) << field.name;
    }
}

TEST(OrderTerms, HaveAnIdentifier)
{
    auto one = terms();
    for (const auto& id : {std::string("O"), std::string(128, '~'), std::string("a/b?c=#%")}) {
        one.id = id;
        EXPECT_TRUE(check_terms(one, kNow)) << id;
    }
    for (const auto& id :
         {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\n"),
          std::string("caf\xc3\xa9"), std::string("a\0b", 3), std::string("O-203.0.113.10")}) {
        one.id = id;
        const auto checked = check_terms(one, kNow);
        ASSERT_FALSE(checked) << id;
        EXPECT_EQ(checked.error().code, ErrorCode::invalid);
    }
}

TEST(OrderTerms, KnowTheirPaperByItsHash)
{
    auto one = terms();
    const std::string hash(64, 'a');
    for (const auto& document : {std::string(), hash, std::string(32, '0') + std::string(32, 'f')}) {
        one.document = document;
        EXPECT_TRUE(check_terms(one, kNow)) << document;
    }
    for (const auto& document :
         {hash + "a", hash.substr(1), hash.substr(1) + "g", hash.substr(1) + "A", hash.substr(1) + " ",
          std::string("/home/letter.pdf"), hash.substr(1) + std::string(1, '\0')}) {
        one.document = document;
        EXPECT_FALSE(check_terms(one, kNow)) << document;
    }
}

TEST(OrderTerms, NameMeetingsOneByOne)
{
    auto one = terms();
    for (int i = 0; i < 1000; ++i) {
        one.meetings.push_back("m" + std::to_string(i));
    }
    EXPECT_TRUE(check_terms(one, kNow));
    one.meetings.emplace_back("m1000");
    EXPECT_EQ(reason_of(check_terms(one, kNow)), "order_meetings");
    for (const auto* meeting : {"*", "a*", "*a", "board-*"}) {
        one.meetings = {"m", meeting};
        const auto checked = check_terms(one, kNow);
        EXPECT_EQ(reason_of(checked), "order_meetings") << meeting;
        EXPECT_EQ(checked.error().code, ErrorCode::refused);
    }
    for (const auto& meeting :
         {std::string(), std::string(129, 'm'), std::string("a b"), std::string("a\x7f")}) {
        one.meetings = {"m", meeting};
        EXPECT_FALSE(check_terms(one, kNow)) << meeting;
    }
}

struct Times {
    const char* what;
    std::function<void(OrderTerms&)> change;
    bool fine;
};

TEST(OrderTerms, HaveTimesThatDoNotContradictEachOther)
{
    const Times cases[] = {
        {"received now", [](auto& t) { t.received = kNow; }, true},
        {"received in a second", [](auto& t) { t.received = kNow + seconds(1); }, false},
        {"received long ago", [](auto& t) { t.received = kNow - hours(100'000); }, true},
        {"issued when received", [](auto& t) { t.issued = t.received; }, true},
        {"issued before", [](auto& t) { t.issued = t.received - hours(1); }, true},
        {"issued after", [](auto& t) { t.issued = t.received + seconds(1); }, false},
        {"gag", [](auto& t) { t.gag = true; }, true},
        {"gag with an end", [](auto& t) { t.gag = true, t.gag_until = t.received + seconds(1); }, true},
        {"gag that ends when received", [](auto& t) { t.gag = true, t.gag_until = t.received; }, false},
        {"an end of no gag", [](auto& t) { t.gag_until = kNow + hours(1); }, false},
        {"asked end in the past", [](auto& t) { t.requested_until = kNow - hours(1); }, true},
    };
    for (const auto& [what, change, fine] : cases) {
        auto one = terms();
        change(one);
        EXPECT_EQ(reason_of(check_terms(one, kNow)), fine ? "" : "order_times") << what;
    }
}

TEST(OrderWords, AreReadAndWritten)
{
    for (const auto type : {AuthorityType::court, AuthorityType::agency, AuthorityType::other}) {
        EXPECT_EQ(parse_authority_type(to_text(type)), type);
    }
    for (const auto channel : {Channel::portal, Channel::signed_pdf, Channel::email, Channel::post,
                               Channel::oral, Channel::other}) {
        EXPECT_EQ(parse_channel(to_text(channel)), channel);
    }
    for (const auto state :
         {OrderState::recorded, OrderState::approved, OrderState::rejected, OrderState::active,
          OrderState::expired, OrderState::withdrawn, OrderState::suspended}) {
        EXPECT_EQ(parse_order_state(to_text(state)), state);
    }
    EXPECT_EQ(to_text(Channel::signed_pdf), "signed-pdf");
    EXPECT_EQ(to_text(OrderState::suspended), "suspended");
    EXPECT_MENTIONS(error_of(parse_channel("signed_pdf")), "did you mean signed-pdf?");
    EXPECT_MENTIONS(error_of(parse_order_state("aproved")), "did you mean approved?");
    for (const auto* text : {"", "Court", "court ", "courts"}) {
        EXPECT_FALSE(parse_authority_type(text)) << text;
    }
}

TEST(OrderState, FollowsFromWhatWasDecidedAndFromTime)
{
    using S = OrderState;
    const auto before = kNow + hours(72) - seconds(1);
    const auto end = kNow + hours(72);
    for (const bool in_force : {false, true}) {
        EXPECT_EQ(order(S::recorded).state(before, in_force), S::recorded);
        EXPECT_EQ(order(S::approved).state(before, in_force), in_force ? S::active : S::approved);
        EXPECT_EQ(order(S::recorded).state(end, in_force), S::expired);
        EXPECT_EQ(order(S::approved).state(end, in_force), S::expired);
        for (const auto decided : {S::rejected, S::withdrawn, S::suspended}) {
            EXPECT_EQ(order(decided).state(before, in_force), decided);
            EXPECT_EQ(order(decided).state(end, in_force), decided);
            EXPECT_TRUE(order(decided).ended_by(before));
        }
    }
    EXPECT_FALSE(order(S::recorded).ended_by(before));
    EXPECT_FALSE(order(S::approved).ended_by(before));
    EXPECT_TRUE(order(S::recorded).ended_by(end));
    EXPECT_TRUE(order(S::approved).ended_by(end));
}

TEST(Order, MayNotBeSpokenOfUntilItsGagEnds)
{
    auto one = order();
    EXPECT_FALSE(one.gagged(kNow));
    one.terms.gag = true;
    EXPECT_TRUE(one.gagged(kNow + hours(100'000)));
    one.terms.gag_until = kNow + hours(1);
    EXPECT_TRUE(one.gagged(kNow + hours(1) - seconds(1)));
    EXPECT_FALSE(one.gagged(kNow + hours(1)));
}

TEST(Order, IsNarrowedWhereLessIsDoneThanWasAsked)
{
    auto one = order();
    EXPECT_FALSE(one.narrowed());
    one.terms.requested_until = one.terms.expires;
    EXPECT_FALSE(one.narrowed());
    one.terms.requested_until = *one.terms.expires - seconds(1);
    EXPECT_FALSE(one.narrowed());
    one.terms.requested_until = *one.terms.expires + seconds(1);
    EXPECT_TRUE(one.narrowed());
    one.terms.requested_until.reset();
    one.terms.narrowing = "one meeting instead of all";
    EXPECT_TRUE(one.narrowed());
}

TEST(Order, NamesItsMeetingsAlone)
{
    auto one = order();
    EXPECT_TRUE(one.names("any"));
    one.terms.meetings = {"A", "B"};
    EXPECT_TRUE(one.names("A"));
    EXPECT_TRUE(one.names("B"));
    EXPECT_FALSE(one.names("a"));
    EXPECT_FALSE(one.names("C"));
    EXPECT_FALSE(one.names(""));
}

TEST(Rejection, IsOneOfAClosedList)
{
    for (const auto reason : reject_reasons()) {
        if (reason == "other") {
            continue;
        }
        for (const char between : {'_', ' ', '-'}) {
            std::string why(reason);
            std::ranges::replace(why, '_', between);
            const auto rejection = parse_rejection(why);
            ASSERT_TRUE(rejection) << error_of(rejection);
            EXPECT_EQ(rejection->reason, reason);
            EXPECT_EQ(rejection->text, "");
        }
    }
    EXPECT_EQ(parse_rejection("no legal-basis")->reason, "no_legal_basis");
    EXPECT_EQ(reject_reasons().size(), 7U);
    EXPECT_EQ(reject_reasons().back(), "other");
}

TEST(Rejection, IsKeptAsItIsWhereItIsNoneOfThem)
{
    for (const auto* why :
         {"the letter is about another service", "unsigned", "expired", "no stamp", "duplicate of O-7",
          "forged", "not ours", "it has no date", "unclear", "unreadable scan", "oral", "too late",
          "no signature", "我们拒绝", "the judge's signature is missing", "wrong company",
          "no answer to our questions"}) {
        const auto rejection = parse_rejection(why);
        ASSERT_TRUE(rejection) << why << ": " << error_of(rejection);
        EXPECT_EQ(rejection->reason, "other") << why;
        EXPECT_EQ(rejection->text, why);
    }
}

TEST(Rejection, IsAskedAgainWhereItIsNearlyOneOfThem)
{
    const struct {
        const char* why;
        const char* meant;
    } cases[] = {
        {"overbraod", "overbroad"},
        {"Overbroad", "overbroad"},
        {" overbroad", "overbroad"},
        {"over broad", "overbroad"},
        {"no legal basis.", "no_legal_basis"},
        {"No Legal Basis", "no_legal_basis"},
        {"no_authorty", "no_authority"},
        {"no jurisdiction", "outside_jurisdiction"},
        {"outside of jurisdiction", "outside_jurisdiction"},
        {"improperly-serve", "improperly_served"},
        {"oral-onyl", "oral_only"},
    };
    for (const auto& [why, meant] : cases) {
        const auto rejection = parse_rejection(why);
        ASSERT_FALSE(rejection) << why;
        EXPECT_EQ(rejection.error().code, ErrorCode::invalid);
        EXPECT_MENTIONS(error_of(rejection), std::string("did you mean ") + meant + "?");
    }
    EXPECT_MENTIONS(error_of(parse_rejection("other")), "words of your own");
    EXPECT_FALSE(parse_rejection("othr"));
}

TEST(Rejection, IsATextLikeAnyOther)
{
    EXPECT_EQ(parse_rejection("").error().reason, "text_length");
    EXPECT_EQ(parse_rejection(std::string(2001, 'x')).error().reason, "text_length");
    EXPECT_TRUE(parse_rejection(std::string(2000, 'x')));
    EXPECT_EQ(parse_rejection("it is about 203.0.113.10").error().reason, "text_has_address");
    EXPECT_EQ(parse_rejection("a\nb").error().reason, "text_unprintable");
}

} // namespace
} // namespace meetfence::test
