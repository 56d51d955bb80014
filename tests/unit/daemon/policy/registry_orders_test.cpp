// SPDX-License-Identifier: Apache-2.0
// Rules under orders: they may wait for their meeting, and outlive it.
#include <algorithm>

#include "daemon/policy/image.h"
#include "daemon/policy/registry.h"
#include "kernel-headers/abi.h"
#include "tests/unit/daemon/policy/order_fixture.h"

namespace meetfence::test {
namespace {

using policy::Registry;
using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kLongest{48}; // for hosts: shorter than the order's 72 hours

class RegistryOrders : public testing::Test {
protected:
    RegistryOrders()
    {
        order.terms.from = kNow;
        order.terms.expires = kNow + hours(72);
        order.decided = OrderState::approved;
        request.order = "O-1";
    }

    std::uint64_t add(const RuleRequest& asked, const Order* under)
    {
        auto rule = value_of(registry.grant(asked, kNow, under));
        rule.number = registry.next_rule_number();
        registry.put(rule);
        return rule.number;
    }
    std::uint64_t add() { return add(request, &order); }
    std::uint64_t add_of_host()
    {
        auto of_host = request;
        of_host.order = "";
        return add(of_host, nullptr);
    }
    void withdraw(std::uint64_t number)
    {
        auto rule = *value_of(registry.find_rule(number));
        rule.withdrawn = kNow;
        registry.put(rule);
    }
    void begin_meeting(std::optional<Time> until = {})
    {
        const auto known = registry.find_meeting("A");
        auto entry = meeting("A", {"udp:*:40000"});
        entry.until = until;
        registry.put(known ? (*known)->number : registry.next_meeting_number(), entry);
    }

    static std::vector<std::uint64_t> numbers(const std::vector<const Rule*>& rules)
    {
        std::vector<std::uint64_t> result;
        std::ranges::transform(rules, std::back_inserter(result), &Rule::number);
        return result;
    }
    [[nodiscard]] std::vector<std::uint64_t> at_meeting() const
    {
        return numbers(registry.rules_of(*value_of(registry.find_meeting("A"))));
    }
    [[nodiscard]] std::vector<std::uint64_t> of_meeting() const { return numbers(registry.rules_for("A")); }
    [[nodiscard]] bool is_armed(std::uint64_t number, Time now = kNow) const
    {
        return registry.is_armed(*value_of(registry.find_rule(number)), now);
    }
    using Numbers = std::vector<std::uint64_t>;

    Order order{.terms = order_terms(), .recorded = {kRecorder, kNow}};
    RuleRequest request{.meeting = "A", .countries = countries({"CN"})};
    Registry registry{{.max_duration = kLongest}};
};

TEST_F(RegistryOrders, GrantWhatTheOrderCovers)
{
    begin_meeting();
    auto rule = value_of(registry.grant(request, kNow, &order));
    EXPECT_EQ(rule.order, "O-1");
    EXPECT_EQ(rule.from, kNow);
    EXPECT_EQ(rule.until, kNow + hours(72)) << "as long as its order, whatever hosts may";
    EXPECT_FALSE(rule.pending);
    EXPECT_FALSE(rule.suspended);
    EXPECT_EQ(rule.countries, countries({"CN"}));

    order.terms.from = kNow + hours(5);
    rule = value_of(registry.grant(request, kNow, &order));
    EXPECT_EQ(rule.from, kNow + hours(5)) << "never before its order";
    EXPECT_EQ(rule.state(kNow), RuleState::scheduled);
    request.from = kNow + hours(10);
    request.until = kNow + hours(20);
    rule = value_of(registry.grant(request, kNow, &order));
    EXPECT_EQ(rule.from, kNow + hours(10));
    EXPECT_EQ(rule.until, kNow + hours(20));
    request.until = kNow + hours(4);
    EXPECT_EQ(registry.grant(request, kNow, &order).error().code, ErrorCode::invalid);
    request.from = kNow + hours(72);
    request.until.reset();
    EXPECT_EQ(registry.grant(request, kNow, &order).error().code, ErrorCode::invalid);
}

TEST_F(RegistryOrders, WaitForTheOrdersApproval)
{
    begin_meeting();
    order.decided = OrderState::recorded;
    const auto number = add();
    const auto& rule = *value_of(registry.find_rule(number));
    EXPECT_TRUE(rule.pending);
    EXPECT_EQ(rule.state(kNow), RuleState::pending);
    EXPECT_FALSE(rule.in_kernel(kNow)) << "which keeps it out of every image";
    EXPECT_EQ(at_meeting(), Numbers{number}) << "and yet it is one of the meeting's";
    EXPECT_FALSE(registry.has_rule_in_force("O-1", kNow));
    EXPECT_FALSE(is_armed(number));
    auto approved = rule;
    approved.pending = false;
    registry.put(approved);
    EXPECT_TRUE(registry.has_rule_in_force("O-1", kNow));
    EXPECT_EQ(at_meeting(), Numbers{number});
}

TEST_F(RegistryOrders, AreArmedBeforeTheirMeeting)
{
    const auto first = add();
    request.countries = countries({"CN"});
    const auto second = add();
    EXPECT_TRUE(is_armed(first));
    EXPECT_TRUE(registry.meetings().empty());
    EXPECT_EQ(of_meeting(), (Numbers{first, second}));
    EXPECT_EQ(numbers(registry.rules_under("O-1")), (Numbers{first, second}));
    EXPECT_TRUE(registry.has_rule_in_force("O-1", kNow));
    begin_meeting();
    EXPECT_EQ(at_meeting(), (Numbers{first, second}));
    EXPECT_EQ(of_meeting(), (Numbers{first, second}));
    EXPECT_FALSE(is_armed(first));
    EXPECT_TRUE(registry.rules_for("B").empty());
}

TEST_F(RegistryOrders, ArePendingAndNotArmedWhereNobodyApproved)
{
    order.decided = OrderState::recorded;
    const auto number = add();
    EXPECT_FALSE(is_armed(number));
    begin_meeting();
    EXPECT_EQ(at_meeting(), Numbers{number});
    EXPECT_TRUE(value_of(registry.find_rule(number))->pending);
}

TEST_F(RegistryOrders, OutliveTheirMeetingAndComeBackWithIt)
{
    begin_meeting();
    const auto of_host = add_of_host();
    const auto of_order = add();
    registry.remove("A", kNow, "the meeting was removed");
    EXPECT_TRUE(value_of(registry.find_rule(of_host))->withdrawn);
    EXPECT_FALSE(value_of(registry.find_rule(of_order))->withdrawn);
    EXPECT_TRUE(is_armed(of_order));
    EXPECT_FALSE(is_armed(of_host));
    EXPECT_EQ(of_meeting(), Numbers{of_order});
    begin_meeting();
    EXPECT_EQ(value_of(registry.find_meeting("A"))->number, 2U);
    EXPECT_EQ(at_meeting(), Numbers{of_order});
    for (int i = 0; i < 3; ++i) { // as often as it pleases
        registry.remove("A", kNow, "");
        begin_meeting();
    }
    EXPECT_EQ(at_meeting(), Numbers{of_order});
    EXPECT_EQ(numbers(registry.rules_under("O-1")), Numbers{of_order});
}

TEST_F(RegistryOrders, ThatHaveEndedDoNotComeBack)
{
    begin_meeting();
    request.until = kNow + hours(1);
    const auto expired = add();
    request.until.reset();
    const auto withdrawn = add();
    const auto lasting = add();
    withdraw(withdrawn);
    registry.remove("A", kNow + hours(1), "");
    EXPECT_EQ(of_meeting(), Numbers{lasting});
    withdraw(lasting); // while it waits
    EXPECT_TRUE(of_meeting().empty());
    EXPECT_FALSE(registry.next_deadline(kNow)) << "nothing is waited for";
    begin_meeting();
    EXPECT_TRUE(at_meeting().empty());
    EXPECT_FALSE(value_of(registry.find_rule(expired))->withdrawn);
    EXPECT_EQ(numbers(registry.rules_under("O-1")), (Numbers{expired, withdrawn, lasting})) << "on record";
}

TEST_F(RegistryOrders, AreAtMostSixteenOfAMeetingArmedOrNot)
{
    order.decided = OrderState::recorded;
    Numbers all;
    for (unsigned i = 0; i < MF_RULES_PER_MEETING; ++i) {
        if (i == 8) {
            order.decided = OrderState::approved;
        }
        all.push_back(add());
    }
    const auto seventeenth = registry.grant(request, kNow, &order);
    ASSERT_FALSE(seventeenth);
    EXPECT_EQ(seventeenth.error().code, ErrorCode::exhausted);
    begin_meeting();
    auto of_host = request;
    of_host.order = "";
    EXPECT_EQ(registry.grant(of_host, kNow, nullptr).error().code, ErrorCode::exhausted);
    registry.remove("A", kNow, "");
    EXPECT_EQ(registry.grant(request, kNow, &order).error().code, ErrorCode::exhausted);
    withdraw(all[3]);
    EXPECT_TRUE(registry.grant(request, kNow, &order));
    request.meeting = "B";
    EXPECT_TRUE(registry.grant(request, kNow, &order)) << "of another meeting";
}

TEST_F(RegistryOrders, SetDeadlinesWhileTheyWait)
{
    request.from = kNow + hours(2);
    request.until = kNow + hours(5);
    const auto number = add();
    EXPECT_EQ(registry.next_deadline(kNow), kNow + hours(2));
    EXPECT_EQ(registry.next_deadline(kNow + hours(2)), kNow + hours(5));
    EXPECT_TRUE(registry.expired_rules(kNow + hours(5) - seconds(1)).empty());
    EXPECT_EQ(registry.expired_rules(kNow + hours(5)), Numbers{number});
    begin_meeting(kNow + hours(3));
    EXPECT_EQ(registry.next_deadline(kNow + hours(2)), kNow + hours(3));
    EXPECT_EQ(registry.next_deadline(kNow + hours(3)), kNow + hours(5));
    registry.remove("A", kNow, "");
    EXPECT_EQ(registry.next_deadline(kNow + hours(2)), kNow + hours(5)) << "once, not twice and not none";
    auto changed = *value_of(registry.find_rule(number));
    changed.until = kNow + hours(7);
    registry.put(changed);
    EXPECT_EQ(registry.next_deadline(kNow + hours(2)), kNow + hours(7));
    registry.end_rule(number);
    EXPECT_FALSE(registry.next_deadline(kNow));
    EXPECT_TRUE(registry.expired_rules(kNow + hours(100)).empty());
}

TEST_F(RegistryOrders, DoNotEndWithTheirMeetingAsAHostsDo)
{
    begin_meeting();
    const auto of_host = add_of_host();
    const auto of_order = add();
    begin_meeting(kNow + hours(1));
    EXPECT_EQ(registry.expired_rules(kNow + hours(1)), Numbers{of_host});
    EXPECT_EQ(registry.expired_rules(kNow + hours(72)), (Numbers{of_host, of_order}));
    const auto rule = value_of(registry.grant(request, kNow, &order));
    EXPECT_EQ(rule.until, kNow + hours(72));
    request.until = kNow + hours(2);
    EXPECT_EQ(value_of(registry.grant(request, kNow, &order)).until, kNow + hours(2));
    EXPECT_EQ(value_of(registry.grant(request, kNow, nullptr)).until, kNow + hours(1));
}

TEST_F(RegistryOrders, AloneMayWait)
{
    request.order = "";
    EXPECT_EQ(registry.grant(request, kNow, nullptr).error().code, ErrorCode::not_found);
}

TEST_F(RegistryOrders, AreFoundAgainFromTheDiskInWhateverOrder)
{
    auto rule = value_of(registry.grant(request, kNow, &order));
    rule.number = 7;
    auto ended = rule;
    ended.number = 3;
    ended.withdrawn = kNow;
    auto elsewhere = rule;
    elsewhere.number = 9;
    elsewhere.meeting = "B";
    registry.put(ended);
    registry.put(rule);
    begin_meeting();
    registry.put(elsewhere);
    EXPECT_EQ(at_meeting(), Numbers{7});
    EXPECT_EQ(numbers(registry.rules_for("B")), Numbers{9});
    EXPECT_EQ(numbers(registry.rules_under("O-1")), (Numbers{3, 7, 9}));
    EXPECT_EQ(registry.next_rule_number(), 10U);
}

TEST_F(RegistryOrders, ReachAPersonOnlyWhilePlacedInTheOrdersCountry)
{
    request.whom = Whom::participant;
    request.countries = {};
    request.participant = "p-7";
    const auto rule = value_of(registry.grant(request, kNow, &order));
    EXPECT_EQ(rule.countries, countries({"CN"}));
    const auto owner_of = [](std::uint64_t, const std::string&) { return std::uint64_t{17}; };
    const auto image = policy::compile(1, meeting("A", {}), {&rule}, 0, owner_of).rules.at(0);
    EXPECT_EQ(image.whom, MF_WHOM_PARTICIPANT);
    EXPECT_EQ(image.participant, 17U);
    std::array<std::uint64_t, MF_COUNTRY_WORDS> wanted{};
    const auto number = country("CN").number();
    wanted.at(number / 64) = 1ULL << number % 64;
    EXPECT_EQ(image.countries, wanted);
    EXPECT_EQ(image.cell_countries(), std::vector{Country()}) << "one cell, as for every person";
}

TEST_F(RegistryOrders, EndInTheKernelWithTheirOrderAndNotWithTheirMeeting)
{
    auto entry = meeting("A", {});
    entry.until = kNow + hours(1);
    auto rule = value_of(registry.grant(request, kNow, &order));
    const auto owner_of = [](std::uint64_t, const std::string&) { return std::uint64_t{0}; };
    const auto until_of = [&](const Rule& one) {
        return policy::compile(1, entry, {&one}, 0, owner_of).rules.at(0).until_ns / 1'000'000'000;
    };
    EXPECT_EQ(until_of(rule), static_cast<std::uint64_t>((kNow + hours(72)).time_since_epoch().count()));
    rule.order = "";
    EXPECT_EQ(until_of(rule), static_cast<std::uint64_t>((kNow + hours(1)).time_since_epoch().count()));
}

TEST_F(RegistryOrders, OfHostsCannotLastBeyondWhatCanBeWritten)
{
    begin_meeting();
    request.order = "";
    request.from = at("9999-12-31T00:00:00Z");
    EXPECT_EQ(registry.grant(request, kNow, nullptr).error().code, ErrorCode::invalid);
    request.until = at("9999-12-31T23:59:59Z");
    EXPECT_TRUE(registry.grant(request, kNow, nullptr));
}

// Each step beside a list that anybody can read, and after each the same questions.
TEST_F(RegistryOrders, AreWhereTheyShouldBeAfterAnySequence)
{
    std::uint64_t state = 7;
    const auto next = [&state](std::uint64_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 33) % below;
    };
    std::set<std::uint64_t> lasting;
    for (int step = 0; step < 4000; ++step) {
        const bool there = registry.find_meeting("A").has_value();
        switch (next(5)) {
        case 0:
            begin_meeting();
            break;
        case 1:
            registry.remove("A", kNow, "");
            std::erase_if(lasting, [&](auto n) { return (*registry.find_rule(n))->order.empty(); });
            break;
        case 2:
            if (const auto rule = registry.grant(request, kNow, &order)) {
                lasting.insert(add());
            }
            break;
        case 3:
            if (there && lasting.size() < MF_RULES_PER_MEETING) {
                lasting.insert(add_of_host());
            }
            break;
        default:
            if (!lasting.empty()) {
                const auto number = *std::next(lasting.begin(), static_cast<long>(next(lasting.size())));
                next(2) == 0 ? withdraw(number) : registry.end_rule(number);
                lasting.erase(number);
            }
        }
        auto present = of_meeting();
        std::ranges::sort(present);
        ASSERT_TRUE(std::ranges::equal(present, lasting)) << step;
        ASSERT_EQ(registry.next_deadline(kNow).has_value(), !lasting.empty()) << step;
    }
}

} // namespace
} // namespace meetfence::test
