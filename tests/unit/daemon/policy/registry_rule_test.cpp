// SPDX-License-Identifier: Apache-2.0
// Rules: what is granted, and when rules and meetings end.
#include <gtest/gtest.h>

#include "daemon/policy/registry.h"
#include "kernel-headers/abi.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using policy::Registry;
using std::chrono::hours;
using std::chrono::seconds;

const Time kNow = at("2026-11-22T12:00:00Z");
constexpr hours kLongest{48};

class RegistryRule : public testing::Test {
protected:
    RegistryRule() { registry.put(1, meeting("A", {"udp:*:40000"})); }

    void end_meeting(Time until)
    {
        auto entry = meeting("A", {"udp:*:40000"});
        entry.until = until;
        registry.put(1, entry);
    }

    std::uint64_t add(const RuleRequest& request)
    {
        auto rule = value_of(registry.grant(request, kNow, nullptr));
        EXPECT_EQ(rule.number, 0U);
        rule.number = registry.next_rule_number();
        registry.put(rule);
        return rule.number;
    }

    RuleRequest request{.meeting = "A", .countries = countries({"CN"})};
    Registry registry{{.max_duration = kLongest}};
};

TEST_F(RegistryRule, BeginsNowAndLastsAsLongAsThePolicyAllowsUnlessAskedOtherwise)
{
    request.mode = Mode::monitor;
    request.except = {prefix("203.0.113.0/28")};
    const auto rule = value_of(registry.grant(request, kNow, nullptr));
    EXPECT_EQ(rule.meeting, "A");
    EXPECT_EQ(rule.countries, request.countries);
    EXPECT_EQ(rule.mode, Mode::monitor);
    EXPECT_EQ(rule.except, request.except);
    EXPECT_EQ(rule.from, kNow);
    EXPECT_EQ(rule.until, kNow + kLongest);
    EXPECT_EQ(rule.state(kNow), RuleState::active);
}

TEST_F(RegistryRule, DoesNotBeginInThePast)
{
    request.from = kNow - hours(1);
    EXPECT_EQ(value_of(registry.grant(request, kNow, nullptr)).from, kNow);
}

TEST_F(RegistryRule, MayBeginLater)
{
    request.from = kNow + hours(100);
    const auto rule = value_of(registry.grant(request, kNow, nullptr));
    EXPECT_EQ(rule.from, kNow + hours(100));
    EXPECT_EQ(rule.until, kNow + hours(100) + kLongest); // the length is what the policy limits
    EXPECT_EQ(rule.state(kNow), RuleState::scheduled);
}

TEST_F(RegistryRule, EndsWithItsMeetingAtTheLatest)
{
    end_meeting(kNow + hours(2));
    EXPECT_EQ(value_of(registry.grant(request, kNow, nullptr)).until, kNow + hours(2));
    request.until = kNow + hours(3);
    EXPECT_EQ(value_of(registry.grant(request, kNow, nullptr)).until, kNow + hours(2));
    request.until = kNow + hours(1);
    EXPECT_EQ(value_of(registry.grant(request, kNow, nullptr)).until, kNow + hours(1));
}

TEST_F(RegistryRule, DoesNotLastLongerThanThePolicyAllowsWhereItsMeetingDoes)
{
    end_meeting(kNow + hours(1000));
    EXPECT_EQ(value_of(registry.grant(request, kNow, nullptr)).until, kNow + kLongest);
}

struct Refused {
    const char* what;
    std::optional<Time> from, until, meeting_end;
    const char* says;
};

TEST_F(RegistryRule, IsRefusedWhereItsTimesMakeNoSense)
{
    const Refused cases[] = {
        {"ends now", {}, kNow, {}, "ended already"},
        {"ended before", {}, kNow - hours(1), {}, "ended already"},
        {"ends before it begins", kNow + hours(2), kNow + hours(1), {}, "before it begins"},
        {"ends when it begins", kNow + hours(2), kNow + hours(2), {}, "before it begins"},
        {"begins after its meeting", kNow + hours(2), {}, kNow + hours(1), "before it begins"},
        {"begins when its meeting ends", kNow + hours(1), {}, kNow + hours(1), "before it begins"},
        {"lasts too long", {}, kNow + kLongest + seconds(1), {}, "max_duration"},
        {"lasts too long from its begin", kNow + hours(1), kNow + hours(50), {}, "max_duration"},
        {"its meeting is over", {}, kNow + hours(1), kNow - hours(1), "ended already"},
    };
    for (const auto& [what, from, until, meeting_end, says] : cases) {
        auto entry = meeting("A", {});
        entry.until = meeting_end;
        registry.put(1, entry);
        request.from = from;
        request.until = until;
        const auto granted = registry.grant(request, kNow, nullptr);
        ASSERT_FALSE(granted) << what;
        EXPECT_EQ(granted.error().code, ErrorCode::invalid) << what;
        EXPECT_NE(granted.error().message.find(says), std::string::npos) << granted.error().message;
    }
}

TEST_F(RegistryRule, MayLastExactlyAsLongAsThePolicyAllows)
{
    request.from = kNow + hours(1);
    request.until = *request.from + kLongest;
    EXPECT_TRUE(registry.grant(request, kNow, nullptr));
}

TEST_F(RegistryRule, NeedsAMeetingThatExists)
{
    request.meeting = "B";
    EXPECT_EQ(registry.grant(request, kNow, nullptr).error().code, ErrorCode::not_found);
}

TEST_F(RegistryRule, IsOneOfAtMostSixteenOfItsMeeting)
{
    std::vector<std::uint64_t> numbers;
    for (unsigned i = 0; i < MF_RULES_PER_MEETING; ++i) {
        numbers.push_back(add(request));
    }
    const auto seventeenth = registry.grant(request, kNow, nullptr);
    ASSERT_FALSE(seventeenth);
    EXPECT_EQ(seventeenth.error().code, ErrorCode::exhausted);
    registry.end_rule(numbers[3]);
    EXPECT_TRUE(registry.grant(request, kNow, nullptr));
}

TEST_F(RegistryRule, IsWithdrawnWithItsMeeting)
{
    const auto number = add(request);
    auto expired = *value_of(registry.find_rule(add(request)));
    expired.until = kNow - hours(1);
    registry.put(expired);
    registry.remove("A", kNow, "the meeting was removed");

    EXPECT_TRUE(registry.meetings().empty());
    const auto* rule = value_of(registry.find_rule(number)); // stays on record
    EXPECT_EQ(rule->withdrawn, kNow);
    EXPECT_EQ(rule->why, "the meeting was removed");
    // One that had ended by its time was not withdrawn.
    EXPECT_FALSE(value_of(registry.find_rule(expired.number))->withdrawn);
}

TEST_F(RegistryRule, DoesNotComeBackWithAMeetingOfTheSameIdentifier)
{
    add(request);
    registry.remove("A", kNow, "");
    registry.put(2, meeting("A", {}));
    EXPECT_TRUE(registry.rules_of(*value_of(registry.find_meeting("A"))).empty());
}

TEST_F(RegistryRule, StaysWithAMeetingThatMovesItsEndpoints)
{
    const auto number = add(request);
    registry.put(1, meeting("A", {"tcp:*:443"}));
    const auto rules = registry.rules_of(*value_of(registry.find_meeting("A")));
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_EQ(rules.front()->number, number);
}

TEST_F(RegistryRule, LeavesItsMeetingWhenItIsWithdrawnOrHasEnded)
{
    const auto first = add(request);
    const auto second = add(request);
    const auto third = add(request);
    auto withdrawn = *value_of(registry.find_rule(second));
    withdrawn.withdrawn = kNow;
    registry.put(withdrawn);
    registry.end_rule(third);
    EXPECT_EQ(value_of(registry.find_meeting("A"))->rules, (std::vector{first}));
    EXPECT_EQ(registry.rules().size(), 3U);
}

TEST_F(RegistryRule, StandsOnceInItsMeetingHoweverOftenItIsPut)
{
    const auto number = add(request);
    auto changed = *value_of(registry.find_rule(number));
    changed.mode = Mode::monitor;
    registry.put(changed);
    const auto rules = registry.rules_of(*value_of(registry.find_meeting("A")));
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_EQ(rules.front()->mode, Mode::monitor);
}

TEST_F(RegistryRule, KeepsItsNumberForEver)
{
    const auto number = add(request);
    registry.end_rule(number);
    registry.remove("A", kNow, "");
    EXPECT_EQ(registry.next_rule_number(), number + 1);
    EXPECT_EQ(registry.find_rule(number + 1).error().code, ErrorCode::not_found);
}

TEST_F(RegistryRule, SetsTheNextDeadlineByItsBeginAndItsEnd)
{
    EXPECT_FALSE(registry.next_deadline(kNow));
    request.from = kNow + hours(2);
    request.until = kNow + hours(5);
    const auto number = add(request);
    EXPECT_EQ(registry.next_deadline(kNow), kNow + hours(2));
    EXPECT_EQ(registry.next_deadline(kNow + hours(2)), kNow + hours(5));
    end_meeting(kNow + hours(4));
    EXPECT_EQ(registry.next_deadline(kNow + hours(2)), kNow + hours(4));
    EXPECT_FALSE(registry.next_deadline(kNow + hours(5)));
    registry.end_rule(number);
    EXPECT_EQ(registry.next_deadline(kNow), kNow + hours(4));
}

TEST_F(RegistryRule, ExpiresAtItsEndAndNotBefore)
{
    request.until = kNow + hours(1);
    const auto number = add(request);
    EXPECT_TRUE(registry.expired_rules(kNow + hours(1) - seconds(1)).empty());
    EXPECT_EQ(registry.expired_rules(kNow + hours(1)), (std::vector{number}));
    registry.end_rule(number);
    EXPECT_TRUE(registry.expired_rules(kNow + hours(1)).empty());
}

TEST_F(RegistryRule, ExpiresWithAMeetingThatWasShortened)
{
    request.until = kNow + hours(10);
    const auto number = add(request);
    end_meeting(kNow + hours(1));
    EXPECT_EQ(registry.expired_rules(kNow + hours(1)), (std::vector{number}));
}

TEST_F(RegistryRule, MeetingsExpireAtTheirEndAndNotBefore)
{
    EXPECT_TRUE(registry.expired_meetings(kNow + hours(100000)).empty());
    end_meeting(kNow + hours(1));
    EXPECT_TRUE(registry.expired_meetings(kNow + hours(1) - seconds(1)).empty());
    EXPECT_EQ(registry.expired_meetings(kNow + hours(1)), (std::vector<std::string>{"A"}));
}

} // namespace
} // namespace meetfence::test
