// SPDX-License-Identifier: Apache-2.0
// Who takes part where: what is refused, what is found, and the keys by which the kernel knows it.
#include "daemon/policy/roster.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using policy::Roster;
using policy::RosterEntry;

constexpr std::uint64_t kHere = 1, kElsewhere = 2; // meetings

UfragBinding binding(std::string_view at, std::string ufrag)
{
    return {endpoint(at), std::move(ufrag)};
}

Flow flow(std::string_view local, std::string_view remote)
{
    return value_of(make_flow(local, remote));
}

Participant person(std::string id, std::vector<UfragBinding> ufrags, std::vector<Flow> flows = {})
{
    return {"A", std::move(id), std::move(ufrags), std::move(flows)};
}

class RosterTest : public testing::Test {
protected:
    /// As the service does: the kernel's tables give the owner word.
    void put(std::uint64_t meeting, const Participant& participant)
    {
        auto entry = value_of(roster.check(meeting, participant));
        if (entry.owner == 0) {
            entry.owner = ++last_owner;
        }
        roster.put(meeting, std::move(entry));
    }

    void expect_conflict(std::uint64_t meeting, const Participant& participant, std::string_view says)
    {
        const auto checked = roster.check(meeting, participant);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, ErrorCode::conflict);
        EXPECT_MENTIONS(checked.error().message, says);
        EXPECT_FALSE(mentions(checked.error().message, "p-1")) << "names a person";
        EXPECT_FALSE(mentions(checked.error().message, "203.0.113")) << "has an address";
    }

    Roster roster{3};
    std::uint64_t last_owner = 100;
    const UfragBinding ufrag = binding("udp:198.18.0.1:40000", "Auta");
    const Flow transport = flow("udp:198.18.0.1:40000", "203.0.113.10:51000");
};

TEST_F(RosterTest, FindsByIdentifierAndByOwner)
{
    EXPECT_TRUE(roster.of(kHere).empty());
    EXPECT_EQ(roster.find(kHere, "p-1"), nullptr);
    put(kHere, person("p-1", {ufrag}, {transport}));
    put(kElsewhere, person("p-1", {}));
    EXPECT_EQ(roster.size(), 2U);
    const auto* entry = roster.find(kHere, "p-1");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->owner, 101U);
    EXPECT_EQ(entry->ufrags, std::vector{ufrag});
    EXPECT_EQ(entry->flows, std::vector{transport});
    EXPECT_TRUE(entry->handed_over);
    EXPECT_EQ(roster.of(kHere).size(), 1U);
    ASSERT_NE(roster.find(102), nullptr);
    EXPECT_EQ(roster.find(102)->meeting, kElsewhere);
    EXPECT_EQ(roster.find(102)->id, "p-1");
    EXPECT_EQ(roster.find(103), nullptr);
    EXPECT_EQ(roster.find(kHere, "p-2"), nullptr);
}

TEST_F(RosterTest, ForgetsWhoIsRemoved)
{
    put(kHere, person("p-1", {ufrag}, {transport}));
    roster.remove(kHere, "p-2"); // nobody
    roster.remove(kElsewhere, "p-1");
    EXPECT_EQ(roster.size(), 1U);
    roster.remove(kHere, "p-1");
    EXPECT_EQ(roster.size(), 0U);
    EXPECT_EQ(roster.find(101), nullptr);
    EXPECT_TRUE(roster.of(kHere).empty());
    EXPECT_TRUE(roster.check(kElsewhere, person("p-2", {ufrag}, {transport}))) << "what it had is free";
}

TEST_F(RosterTest, KeepsTheOwnerOfSomebodyWhoChanges)
{
    put(kHere, person("p-1", {ufrag}, {transport}));
    const auto again = value_of(roster.check(kHere, person("p-1", {ufrag}, {transport})));
    EXPECT_EQ(again.owner, 101U);
    put(kHere, person("p-1", {binding("udp:*:40000", "Autb")}));
    EXPECT_EQ(roster.size(), 1U);
    EXPECT_EQ(roster.find(kHere, "p-1")->owner, 101U);
    EXPECT_TRUE(roster.check(kHere, person("p-2", {ufrag}, {transport}))) << "what it let go is free";
    expect_conflict(kHere, person("p-2", {binding("udp:*:40000", "Autb")}), "Autb");
}

TEST_F(RosterTest, RefusesWhatSomebodyElseIsKnownBy)
{
    put(kHere, person("p-1", {ufrag}, {transport}));
    expect_conflict(kHere, person("p-2", {ufrag}), "this meeting");
    expect_conflict(kElsewhere, person("p-2", {ufrag}), "another meeting");
    expect_conflict(kElsewhere, person("p-1", {ufrag}), "another meeting");
    expect_conflict(kHere, person("p-2", {}, {transport}), "this meeting");
    expect_conflict(kElsewhere, person("p-2", {}, {transport}), "another meeting");
    expect_conflict(kHere, person("p-2", {binding("udp:198.18.0.1:39999-40001", "Auta")}),
                    "udp:198.18.0.1:40000");
    EXPECT_EQ(roster.size(), 1U);
}

TEST_F(RosterTest, AllowsTheSameUfragOnOtherEndpointsAndOtherFlows)
{
    put(kHere, person("p-1", {ufrag}, {transport}));
    EXPECT_TRUE(roster.check(
        kElsewhere, person("p-2",
                           {binding("udp:198.18.0.2:40000", "Auta"), binding("udp:198.18.0.1:40001", "Auta"),
                            binding("tcp:198.18.0.1:40000", "Auta"), binding("udp:198.18.0.1:40000", "auta")},
                           {flow("udp:198.18.0.1:40000", "203.0.113.10:51001"), // the same NAT
                            flow("tcp:198.18.0.1:40000", "203.0.113.10:51000"),
                            flow("udp:198.18.0.2:40000", "203.0.113.10:51000")})));
}

TEST_F(RosterTest, KnowsEveryPortOfARange)
{
    const auto entry = value_of(roster.check(
        kHere, person("p-1", {binding("udp:*:40000-40003", "Auta"), binding("udp:*:40002", "Auta")})));
    ASSERT_EQ(entry.ufrags.size(), 4U) << "none twice";
    for (std::uint16_t i = 0; i < 4; ++i) {
        EXPECT_EQ(entry.ufrags[i].endpoint.first_port, 40000 + i);
        EXPECT_EQ(entry.ufrags[i].endpoint.last_port, 40000 + i);
        EXPECT_EQ(entry.ufrags[i].ufrag, "Auta");
    }
    EXPECT_TRUE(std::ranges::is_sorted(entry.ufrags));
}

TEST_F(RosterTest, HasALimit)
{
    for (const auto* id : {"p-1", "p-2", "p-3"}) {
        put(kHere, person(id, {}));
    }
    const auto fourth = roster.check(kElsewhere, person("p-4", {}));
    ASSERT_FALSE(fourth);
    EXPECT_EQ(fourth.error().code, ErrorCode::exhausted);
    EXPECT_MENTIONS(fourth.error().message, "limits.participants");
    EXPECT_TRUE(roster.check(kHere, person("p-3", {ufrag}))) << "who is there may change";
    roster.remove(kHere, "p-1");
    EXPECT_TRUE(roster.check(kElsewhere, person("p-4", {})));
}

TEST_F(RosterTest, HandsOverWhomARuleNamed)
{
    roster.put(kHere, {.owner = 5, .id = "p-1"});
    EXPECT_FALSE(roster.find(kHere, "p-1")->handed_over);
    const auto entry = value_of(roster.check(kHere, person("p-1", {ufrag})));
    EXPECT_EQ(entry.owner, 5U);
    EXPECT_TRUE(entry.handed_over);
}

TEST(ParticipantKey, OfAUfragComesBackAsItWas)
{
    for (const auto* at : {"udp:198.18.0.1:1", "udp:*:65535", "tcp:*:443", "tcp:[2001:db8::1]:65535",
                           "udp:[2001:db8::1]:40000", "tcp:198.18.0.1:40000"}) {
        for (const auto& ufrag : {std::string("Auta"), std::string(MF_UFRAG_BYTES, '+')}) {
            const auto before = binding(at, ufrag);
            EXPECT_EQ(policy::to_binding(policy::to_key(before)), before) << at;
            EXPECT_EQ(policy::to_endpoint(policy::place_of(before)), before.endpoint) << at;
        }
    }
}

TEST(ParticipantKey, OfAUfragIsWhatTheProgramLooksFor)
{
    const auto key = policy::to_key(binding("tcp:198.18.0.1:443", "Auta"));
    EXPECT_EQ(key.port_slot, MF_PORT_SLOTS / 2 + 443);
    const std::array<std::uint8_t, 16> local{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1};
    EXPECT_TRUE(std::ranges::equal(key.local, local));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(key.ufrag), sizeof(key.ufrag)),
              std::string("Auta") + std::string(MF_UFRAG_BYTES - 4, '\0'));
    EXPECT_TRUE(std::ranges::all_of(policy::to_key(binding("udp:*:1", "Auta")).local,
                                    [](auto byte) { return byte == 0; }));
}

TEST(ParticipantKey, OfAFlowComesBackAsItWas)
{
    for (const auto& [local, remote] : {std::pair("udp:198.18.0.1:40000", "203.0.113.10:51000"),
                                        {"tcp:198.18.0.1:1", "203.0.113.10:65535"},
                                        {"udp:[2001:db8::1]:65535", "[2001:db8:c::10]:1"},
                                        {"tcp:[2001:db8::1]:443", "[2001:db8:c::10]:51000"}}) {
        const auto before = flow(local, remote);
        EXPECT_EQ(policy::to_flow(policy::to_key(before)), before) << local;
        EXPECT_EQ(policy::to_endpoint(policy::place_of(before)).text(), local);
    }
}

TEST(ParticipantKey, OfAFlowIsWhatThePacketHas)
{
    const auto key = policy::to_key(flow("udp:198.18.0.1:40000", "203.0.113.10:51000"));
    EXPECT_EQ(key.remote_port, htons(51000));
    EXPECT_EQ(key.local_port, htons(40000));
    EXPECT_EQ(key.protocol, static_cast<std::uint32_t>(IPPROTO_UDP));
    const std::array<std::uint8_t, 16> remote{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 10};
    EXPECT_TRUE(std::ranges::equal(key.remote, remote));
    EXPECT_EQ(policy::to_key(flow("tcp:[2001:db8::1]:443", "[2001:db8:c::10]:51000")).protocol,
              static_cast<std::uint32_t>(IPPROTO_TCP));
}

} // namespace
} // namespace meetfence::test
