// SPDX-License-Identifier: Apache-2.0
// A packet sees the whole change or nothing of it: one thread is the packets, looking all the time, the
// other changes the tables to and fro. Every verdict must be that of the old state or of the new one.
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "tests/unit/daemon/dataplane/table_fixture.h"

namespace meetfence::test {
namespace {

constexpr int kChanges = 3000;

class TablePublish : public TableFixture {
protected:
    TablePublish() : TableFixture({.meetings = 17, .policies = 33, .rules = 33, .endpoints = 99, .cells = 64})
    {
    }

    // An RCU grace period, of this one reader.
    void wait_for_reader() const
    {
        const auto before = looks.load();
        while (reading && looks.load() < before + 2) {
            std::this_thread::yield();
        }
    }

    /// Goes from `a` to `b` and back, and gives what the packet saw that belongs to neither.
    std::vector<Seen> wrong_verdicts(const Packet& packet, const Images& a, const Images& b)
    {
        std::vector<Seen> right;
        for (const auto* state : {&a, &b}) {
            put(*state);
            right.push_back(PacketView(tables).judge(packet));
        }
        tables.on_wait = [this] { wait_for_reader(); };
        std::vector<Seen> wrong;
        std::thread packets([&] {
            const PacketView view(tables);
            while (!done) {
                const auto seen = view.judge(packet);
                ++looks;
                if (std::ranges::find(right, seen) == right.end() && wrong.size() < 10) {
                    wrong.push_back(seen);
                }
            }
            reading = false;
        });
        for (int i = 0; i < kChanges; ++i) {
            put(i % 2 == 0 ? a : b);
        }
        done = true;
        packets.join();
        return wrong;
    }

    std::atomic<std::uint64_t> looks = 0;
    std::atomic<bool> done = false, reading = true;
    Packet packet{.port_slot = 1,
                  .local = value_of(IpAddress::parse("198.18.0.1")),
                  .remote = value_of(IpAddress::parse("203.0.113.10")),
                  .country = country("CN")};
};

TEST_F(TablePublish, ShowsARuleBeforeOrAfterItsChange)
{
    auto monitoring = rule_image(1, {"CN"});
    monitoring.mode = MF_MONITOR;
    const auto wrong = wrong_verdicts(packet, {meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})},
                                      {meeting_image(1, {on_port(1)}, {monitoring, rule_image(2, {"HK"})})});
    EXPECT_TRUE(wrong.empty()) << wrong.front();
}

TEST_F(TablePublish, ShowsANewEndpointWithItsRules)
{
    const auto wrong = wrong_verdicts(packet, {meeting_image(1, {on_port(2)})},
                                      {meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    EXPECT_TRUE(wrong.empty()) << wrong.front();
}

TEST_F(TablePublish, DropsNothingOnAnEndpointThatLeavesWhileARuleComes)
{
    // The old state has no rule, in the new one the endpoint is nobody's: neither drops.
    const auto wrong = wrong_verdicts(packet, {meeting_image(1, {on_port(1)})},
                                      {meeting_image(1, {on_port(2)}, {rule_image(1, {"CN"})})});
    EXPECT_TRUE(wrong.empty()) << wrong.front();
}

TEST_F(TablePublish, ShowsAnEndpointInOneMeetingOrTheOtherWhereItMoves)
{
    const auto first = rule_image(1, {"CN"});
    const auto second = rule_image(2, {"CN"});
    const auto wrong = wrong_verdicts(
        packet, {meeting_image(1, {on_port(1)}, {first}), meeting_image(2, {on_port(2)}, {second})},
        {meeting_image(1, {on_port(2)}, {first}), meeting_image(2, {on_port(1)}, {second})});
    EXPECT_TRUE(wrong.empty()) << wrong.front();
}

TEST_F(TablePublish, ShowsAnEndpointThatStaysWhileItsNeighboursChange)
{
    // Sixteen addresses on the port before and after; one of them is the same.
    std::vector<EndpointImage> before{on_port(1, "198.18.0.1")};
    std::vector<EndpointImage> after{on_port(1, "198.18.0.1")};
    for (unsigned i = 0; i + 1 < MF_ENDPOINTS_PER_PORT; ++i) {
        before.push_back(on_port(1, "198.18.1." + std::to_string(i)));
        after.push_back(on_port(1, "198.18.2." + std::to_string(i)));
    }
    const auto rule = rule_image(1, {"CN"});
    const auto wrong =
        wrong_verdicts(packet, {meeting_image(1, before, {rule})}, {meeting_image(1, after, {rule})});
    EXPECT_TRUE(wrong.empty()) << wrong.front();
}

TEST_F(TablePublish, ShowsAParticipantOnASharedPortTheMeetingsRulesBeforeOrAfter)
{
    // Another meeting's rule keeps the country asked about, and its endpoints change on the same port.
    const Images a{meeting_image(1, {on_port(2)}, {rule_image(1, {"CN"})}),
                   meeting_image(2, {on_port(1, "198.18.0.9")}, {rule_image(2, {"CN"})})};
    auto monitoring = rule_image(1, {"CN"});
    monitoring.mode = MF_MONITOR;
    const Images b{meeting_image(1, {on_port(3)}, {monitoring}),
                   meeting_image(2, {}, {rule_image(2, {"CN"})})};
    put(a, {}, {{on_port(1), MF_ENDPOINT_LEARNS}});
    packet.shared_slot = writer->meetings().at(1).shared_slot;
    packet.participant = owner_word(1);
    ASSERT_EQ(PacketView(tables).judge(packet), dropped(1, 1));
    const auto wrong = wrong_verdicts(packet, a, b);
    EXPECT_TRUE(wrong.empty()) << wrong.front();
}

TEST_F(TablePublish, ShowsExemptionsOldOrNew)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})});
    const std::vector<IpPrefix> narrow{prefix("203.0.113.10/32")};
    const std::vector<IpPrefix> wide{prefix("203.0.113.0/24")};
    ASSERT_TRUE(writer->set_exempt(narrow));
    tables.on_wait = [this] { wait_for_reader(); };
    // Prefixes stand in a map that only one thread may use: here the same one looks, between the steps.
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(writer->set_exempt(i % 2 == 0 ? wide : narrow));
        ASSERT_EQ(PacketView(tables).judge(packet).reason, MF_EXEMPT);
    }
    reading = false;
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(PacketView(tables).judge(packet).reason, MF_EXEMPT);
}

} // namespace
} // namespace meetfence::test
