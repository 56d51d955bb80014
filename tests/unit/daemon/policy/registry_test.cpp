// SPDX-License-Identifier: Apache-2.0
// Meetings: who may register which endpoint.
#include "daemon/policy/registry.h"

#include <gtest/gtest.h>

#include "kernel-headers/abi.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using policy::Registry;

const Time kNow = at("2026-11-22T12:00:00Z");

Registry registry_with(std::initializer_list<Meeting> meetings, policy::Limits limits = {})
{
    Registry registry(limits);
    for (const auto& entry : meetings) {
        registry.put(registry.next_meeting_number(), entry);
    }
    return registry;
}

Meeting with_addresses(std::string id, int first, int count)
{
    auto result = meeting(std::move(id), {});
    for (int i = first; i < first + count; ++i) {
        result.endpoints.push_back(endpoint("udp:198.18.0." + std::to_string(i) + ":40000"));
    }
    return result;
}

TEST(RegistryMeeting, HasAnIdentifierOfPrintableAsciiWithoutSpaces)
{
    const Registry registry({});
    for (const auto& id : {std::string("a"), std::string("room/7?x=#%"), std::string(128, '~')}) {
        EXPECT_TRUE(registry.check(meeting(id, {}), kNow)) << id;
    }
    for (const auto& id : {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\n"),
                           std::string("\x7f"), std::string("caf\xc3\xa9"), std::string("a\0b", 3)}) {
        const auto checked = registry.check(meeting(id, {}), kNow);
        ASSERT_FALSE(checked) << id;
        EXPECT_EQ(checked.error().code, ErrorCode::invalid) << id;
    }
}

TEST(RegistryMeeting, MayNotHaveEndedAlready)
{
    const Registry registry({});
    auto entry = meeting("A", {});
    entry.until = kNow;
    EXPECT_EQ(registry.check(entry, kNow).error().code, ErrorCode::invalid);
    entry.until = kNow + std::chrono::seconds(1);
    EXPECT_TRUE(registry.check(entry, kNow));
}

TEST(RegistryMeeting, IsOneOfAtMostAsManyAsTheLimit)
{
    auto registry = registry_with({meeting("A", {}), meeting("B", {})}, {.meetings = 2});
    const auto third = registry.check(meeting("C", {}), kNow);
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code, ErrorCode::exhausted);
    EXPECT_NE(third.error().message.find("limits.meetings"), std::string::npos) << third.error().message;
    // One that is there already may be changed.
    EXPECT_TRUE(registry.check(meeting("B", {"udp:*:40000"}), kNow));
    registry.remove("A", kNow, "");
    EXPECT_TRUE(registry.check(meeting("C", {}), kNow));
}

TEST(RegistryMeeting, CountsEveryPortOfARangeAgainstTheLimitOfEndpoints)
{
    auto registry = registry_with({meeting("A", {"udp:198.18.0.1:40000-40005"})}, {.endpoints = 10});
    EXPECT_TRUE(registry.check(meeting("B", {"udp:198.18.0.2:40000-40003"}), kNow));
    EXPECT_EQ(registry.check(meeting("B", {"udp:198.18.0.2:40000-40004"}), kNow).error().code,
              ErrorCode::exhausted);
    // What a meeting has already is not counted twice.
    EXPECT_TRUE(registry.check(meeting("A", {"udp:198.18.0.1:40000-40009"}), kNow));
    EXPECT_FALSE(registry.check(meeting("A", {"udp:198.18.0.1:40000-40010"}), kNow));
    // Nor is one endpoint that two ranges of a meeting name.
    EXPECT_TRUE(registry.check(meeting("A", {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40005"}), kNow));
    registry.remove("A", kNow, "");
    EXPECT_TRUE(registry.check(meeting("B", {"udp:198.18.0.2:40000-40009"}), kNow));
}

struct Pair {
    std::string_view held, wanted;
    bool overlaps;
};

constexpr Pair kPairs[] = {
    {"udp:198.18.0.1:40000", "udp:198.18.0.1:40000", true},
    {"udp:[2001:db8::1]:443", "udp:[2001:db8::1]:443", true},
    {"udp:*:40000", "udp:*:40000", true},
    {"udp:*:40000", "udp:198.18.0.1:40000", true},
    {"udp:198.18.0.1:40000", "udp:*:40000", true},
    {"udp:*:40000", "udp:[2001:db8::1]:40000", true},
    {"tcp:[2001:db8::1]:40000", "tcp:*:40000", true},
    {"udp:198.18.0.1:40000", "udp:[::ffff:198.18.0.1]:40000", true},
    {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40009-40018", true},
    {"udp:198.18.0.1:40000-40009", "udp:*:40004", true},
    {"tcp:198.18.0.1:65535", "tcp:198.18.0.1:65000-65535", true},
    {"udp:198.18.0.1:40000", "udp:198.18.0.2:40000", false},
    {"udp:198.18.0.1:40000", "udp:198.18.0.1:40001", false},
    {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40010", false},
    {"udp:*:40000", "udp:*:40001", false},
    {"udp:*:40000", "tcp:*:40000", false},
    {"udp:198.18.0.1:40000", "tcp:198.18.0.1:40000", false},
    {"udp:198.18.0.1:40000", "udp:[2001:db8::1]:40000", false},
    {"udp:*:65535", "tcp:*:1", false},
};

TEST(RegistryOverlap, IsRefusedWhereAPacketCouldBelongToTwoMeetings)
{
    for (const auto& [held, wanted, overlaps] : kPairs) {
        const auto registry = registry_with({meeting("A", {held})});
        const auto checked = registry.check(meeting("B", {wanted}), kNow);
        EXPECT_EQ(!checked, overlaps) << held << " and " << wanted;
        // The registry and the model's own judgement must never differ.
        EXPECT_EQ(endpoint(held).overlaps(endpoint(wanted)), overlaps) << held << " and " << wanted;
        if (!checked) {
            EXPECT_EQ(checked.error().code, ErrorCode::conflict);
            EXPECT_NE(checked.error().message.find("'A'"), std::string::npos) << checked.error().message;
        }
    }
}

TEST(RegistryOverlap, IsFineWithinOneMeeting)
{
    for (const auto& [held, wanted, overlaps] : kPairs) {
        const auto registry = registry_with({meeting("A", {held})});
        EXPECT_TRUE(registry.check(meeting("A", {held, wanted}), kNow)) << held << " and " << wanted;
    }
}

TEST(RegistryOverlap, IsOverOnceTheHolderLetGo)
{
    auto registry = registry_with({meeting("A", {"udp:198.18.0.1:40000", "udp:198.18.0.1:40001"})});
    registry.put(1, meeting("A", {"udp:198.18.0.1:40001", "udp:198.18.0.1:40002"}));
    EXPECT_TRUE(registry.check(meeting("B", {"udp:198.18.0.1:40000"}), kNow));
    EXPECT_FALSE(registry.check(meeting("B", {"udp:198.18.0.1:40001"}), kNow));
    EXPECT_FALSE(registry.check(meeting("B", {"udp:198.18.0.1:40002"}), kNow));
    registry.remove("A", kNow, "");
    EXPECT_TRUE(registry.check(meeting("B", {"udp:*:40000-40002"}), kNow));
}

TEST(RegistryOverlap, CountsAnyAddressAndAnExactOneOfOneMeetingSeparately)
{
    // Letting one of them go must not let go of the other.
    auto registry = registry_with({meeting("A", {"udp:*:40000", "udp:198.18.0.1:40000"})});
    registry.put(1, meeting("A", {"udp:198.18.0.1:40000"}));
    EXPECT_TRUE(registry.check(meeting("B", {"udp:198.18.0.2:40000"}), kNow));
    EXPECT_FALSE(registry.check(meeting("B", {"udp:198.18.0.1:40000"}), kNow));
}

TEST(RegistryPort, CarriesAtMostSixteenLocalAddresses)
{
    const auto registry = registry_with({with_addresses("A", 1, 10)});
    EXPECT_TRUE(registry.check(with_addresses("B", 11, 6), kNow));
    const auto seventeen = registry.check(with_addresses("B", 11, 7), kNow);
    ASSERT_FALSE(seventeen);
    EXPECT_EQ(seventeen.error().code, ErrorCode::exhausted);
    EXPECT_NE(seventeen.error().message.find("udp port 40000"), std::string::npos)
        << seventeen.error().message;
    EXPECT_TRUE(registry.check(with_addresses("A", 100, MF_ENDPOINTS_PER_PORT), kNow));
    EXPECT_FALSE(registry.check(with_addresses("A", 100, MF_ENDPOINTS_PER_PORT + 1), kNow));
}

TEST(RegistryMeeting, IsFoundByIdentifierAndByNumber)
{
    const auto registry = registry_with({meeting("A", {}), meeting("B", {"udp:*:40000"})});
    ASSERT_TRUE(registry.find_meeting("B"));
    EXPECT_EQ((*registry.find_meeting("B"))->number, 2U);
    EXPECT_EQ(registry.find_meeting("C").error().code, ErrorCode::not_found);
    ASSERT_NE(registry.meeting_by_number(1), nullptr);
    EXPECT_EQ(registry.meeting_by_number(1)->meeting.id, "A");
    EXPECT_EQ(registry.meeting_by_number(3), nullptr);
}

TEST(RegistryNumber, IsNeverUsedAgain)
{
    auto registry = registry_with({meeting("A", {}), meeting("B", {})});
    registry.remove("B", kNow, "");
    EXPECT_EQ(registry.meeting_by_number(2), nullptr);
    EXPECT_EQ(registry.next_meeting_number(), 3U);
    registry.put(registry.next_meeting_number(), meeting("B", {}));
    EXPECT_EQ((*registry.find_meeting("B"))->number, 3U);

    registry.reserve_numbers(10, 20);
    EXPECT_EQ(registry.next_meeting_number(), 11U);
    EXPECT_EQ(registry.next_rule_number(), 21U);
    registry.reserve_numbers(5, 5); // never back
    EXPECT_EQ(registry.next_meeting_number(), 11U);
    EXPECT_EQ(registry.next_rule_number(), 21U);
}

} // namespace
} // namespace meetfence::test
