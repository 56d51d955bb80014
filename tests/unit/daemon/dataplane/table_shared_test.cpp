// SPDX-License-Identifier: Apache-2.0
// Ports that several meetings share: named endpoints, the element of a meeting that its participants lead to,
// and which countries are asked about there.
#include <gtest/gtest.h>

#include "tests/unit/daemon/dataplane/in_steps.h"
#include "tests/unit/daemon/dataplane/table_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint32_t kTurn = MF_ENDPOINT_LEARNS | MF_ENDPOINT_TURN;

policy::NamedEndpoint named(const EndpointImage& at, std::uint32_t flags = MF_ENDPOINT_LEARNS)
{
    return {at, flags};
}

class SharedTables : public TableFixture {
protected:
    static constexpr Seen kNobodys{MF_UNATTRIBUTED, 0, 0}, kUnconcerned{MF_COUNTRY_NOT_CONCERNED, 0, 0};

    /// The flags of the element that a packet to this address meets.
    std::uint32_t flags_on(std::uint32_t port, std::string_view local = "198.18.0.1") const
    {
        for (auto index = tables.ports.memory[port]; index != 0;
             index = tables.endpoints.memory[index].next) {
            const auto& element = tables.endpoints.memory[index];
            const auto at = on_port(port, local);
            if (std::ranges::equal(element.local, IpAddress::Bytes{}) ||
                std::ranges::equal(element.local, at.local)) {
                return element.flags;
            }
        }
        return 0;
    }

    void expect_concerned(std::initializer_list<std::string_view> codes)
    {
        EXPECT_EQ(concerned(), rule_image(1, codes).countries);
        EXPECT_EQ(concerned(), named_by_rules());
        adopt();
        EXPECT_EQ(concerned(), rule_image(1, codes).countries) << "after adoption";
    }

    /// What a change shows a packet in its midst that is neither of these.
    std::vector<Seen> neither(const Packet& packet, const Images& images, const Numbers& removed,
                              const Named& names, std::initializer_list<Seen> right)
    {
        std::vector<Seen> wrong;
        const auto staged = value_of(stage(images, removed, names));
        in_steps(
            tables, [&] { writer->publish(staged); },
            [&] {
                const auto seen = PacketView(tables).judge(packet);
                if (std::ranges::find(right, seen) == right.end()) {
                    wrong.push_back(seen);
                }
            });
        return wrong;
    }

    Packet packet_of(std::uint64_t meeting) const
    {
        Packet packet{.port_slot = 1,
                      .local = value_of(IpAddress::parse("198.18.0.1")),
                      .remote = value_of(IpAddress::parse("203.0.113.10")),
                      .country = country("CN")};
        if (meeting != 0) {
            packet.shared_slot = writer->meetings().at(meeting).shared_slot;
            packet.participant = owner_word(meeting);
        }
        return packet;
    }
};

TEST_F(SharedTables, JudgeEverybodyByTheirOwnMeeting)
{
    put({meeting_image(1, {}, {rule_image(1, {"CN"})}), meeting_image(2, {}, {rule_image(2, {"HK"})}),
         meeting_image(3, {})},
        {}, {named(on_port(1))});
    EXPECT_EQ(see_person(1, "CN", 1), dropped(1, 1));
    EXPECT_EQ(see_person(1, "HK", 1), kUnconcerned);
    EXPECT_EQ(see_person(1, "HK", 2, 0), dropped(2, 2));
    EXPECT_EQ(see_person(1, "CN", 2), kUnconcerned);
    EXPECT_EQ(see_person(1, "CN", 3), kUnconcerned);
    EXPECT_EQ(see(1, "CN"), kNobodys);
    EXPECT_EQ(see(1, "US"), kUnconcerned);
    EXPECT_EQ(see(1, "--"), (Seen{MF_UNPLACED, 0, 0}));
    EXPECT_EQ(see(2, "CN"), kOther);
    put({meeting_image(1, {})});
    EXPECT_EQ(see_person(1, "CN", 1), kUnconcerned);
    EXPECT_EQ(see(1, "CN"), kUnconcerned) << "nobody's rule names it any more";
    put({}, {}, {named(on_port(1), 0)});
    EXPECT_EQ(see_person(1, "HK", 2), kOther);
}

TEST_F(SharedTables, KnowThreeKindsOfRules)
{
    put({meeting_image(1, {on_port(2)}, {all_but_image(1, {"CN"}), participant_image(2, owner_word(1, 2))}),
         meeting_image(2, {}, {participant_image(3, owner_word(2))})},
        {}, {named(on_port(1)), named(on_port(2))});
    EXPECT_EQ(see_person(1, "US", 1), (Seen{MF_DROP_NOT_ALLOWED, 1, 1}));
    EXPECT_EQ(see_person(1, "CN", 1), kUnconcerned);
    EXPECT_EQ(see_person(1, "--", 1), (Seen{MF_UNPLACED, 0, 0}));
    EXPECT_EQ(see_person(1, "CN", 1, 2), (Seen{MF_DROP_PARTICIPANT, 1, 2}));
    EXPECT_EQ(see_person(1, "--", 1, 2), (Seen{MF_DROP_PARTICIPANT, 1, 2})) << "wherever placed";
    EXPECT_EQ(see_person(1, "CN", 1, 0), kUnconcerned) << "one of two: nobody knows which";
    EXPECT_EQ(see_person(1, "--", 2), (Seen{MF_DROP_PARTICIPANT, 2, 3}));
    // On the meeting's own endpoint, too, where it is named; and to nobody of another meeting.
    EXPECT_EQ(see_person(2, "CN", 1, 2), (Seen{MF_DROP_PARTICIPANT, 1, 2}));
    EXPECT_EQ(see_person(2, "CN", 2), passes(1));
    EXPECT_EQ(see(2, "US"), (Seen{MF_DROP_NOT_ALLOWED, 1, 1}));
    put({}, {}, {named(on_port(2), 0)});
    EXPECT_EQ(see_person(2, "CN", 1, 2), passes(1)) << "nobody is known there any more";
}

TEST_F(SharedTables, CountOneRuleOfEachKindInItsOwnCells)
{
    put({meeting_image(
            1, {},
            {rule_image(1, {"CN", "HK"}), all_but_image(2, {"CN"}), participant_image(3, owner_word(1))})},
        {}, {named(on_port(1))});
    for (const auto* code : {"US", "TW"}) {
        count_drop(2, code);
        count_drop(3, code);
    }
    for (const std::uint64_t rule : {2U, 3U}) {
        const auto counts = value_of(writer->counts(*writer->find_rule(1, rule)));
        ASSERT_EQ(counts.size(), 1U);
        EXPECT_TRUE(counts[0].country.none());
        EXPECT_EQ(counts[0].ingress.dropped_packets, 2U);
    }
    for (const auto& counts : value_of(writer->counts(*writer->find_rule(1, 1)))) {
        EXPECT_EQ(counts.total().dropped_packets, 0U);
    }
    EXPECT_EQ(PacketView(tables).accounted_drops(), 4U);
}

TEST_F(SharedTables, AskAboutTheCountriesOfAllRulesAndNoOthers)
{
    expect_concerned({});
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN", "HK"})}),
         meeting_image(2, {}, {rule_image(2, {"CN"}), rule_image(3, {"US"})})});
    expect_concerned({"CN", "HK", "US"});
    put({}, {1});
    expect_concerned({"CN", "US"});
    put({meeting_image(2, {}, {rule_image(3, {"TW"})})});
    expect_concerned({"TW"});
    auto staged = stage({meeting_image(3, {}, {rule_image(4, {"MO"})})}, {2});
    ASSERT_TRUE(staged);
    expect_concerned({"TW"}); // staged only; the next writer forgets it
    put({meeting_image(3, {}, {participant_image(5, owner_word(3))})});
    EXPECT_EQ(concerned(), (std::array<std::uint64_t, MF_COUNTRY_WORDS>{~0ULL, ~0ULL, ~0ULL, ~0ULL}));
    adopt();
    EXPECT_EQ(concerned()[0], ~0ULL);
    put({meeting_image(3, {}, {all_but_image(6, {"CN"})})}, {2});
    EXPECT_EQ(concerned(), named_by_rules());
    EXPECT_EQ(concerned()[0] & 1, 0U) << "whom no database places is let in";
    put({}, {3});
    expect_concerned({});
}

TEST_F(SharedTables, ReadTurnWhereItIsNamedSo)
{
    put({meeting_image(1, {on_port(2)})}, {}, {named(on_port(1, "198.18.0.1"), kTurn), named(on_port(2))});
    EXPECT_EQ(flags_on(1), kTurn);
    EXPECT_EQ(flags_on(1, "198.18.0.2"), 0U);
    EXPECT_EQ(flags_on(2), MF_ENDPOINT_LEARNS);
    put({}, {}, {named(on_port(1, "198.18.0.1")), named(on_port(2), 0)});
    EXPECT_EQ(flags_on(1), MF_ENDPOINT_LEARNS);
    EXPECT_EQ(flags_on(2), 0U);
    EXPECT_EQ(see(2, "CN"), passes(1)); // dedicated as before
}

TEST_F(SharedTables, WriteNothingForNamesThatAreAsTheyShouldBe)
{
    const Named names{named(on_port(1)), named(on_port(2, "198.18.0.1"), kTurn), named(on_port(3), 0)};
    put({meeting_image(1, {on_port(2)})}, {}, names);
    ASSERT_TRUE(writer->reclaim());
    const auto before = tables.snapshot();
    put({}, {}, names);
    EXPECT_EQ(tables.snapshot(), before);
    EXPECT_FALSE(writer->has_garbage());
}

// A participant's flow always names one local address.
TEST_F(SharedTables, LeaveADedicatedEndpointOfAnyAddressItsOwn)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"}), participant_image(2, owner_word(1))})}, {},
        {named(on_port(1, "198.18.0.1"))});
    EXPECT_EQ(see(1, "CN"), dropped(1, 1));
    EXPECT_EQ(see(1, "CN", "198.18.0.2"), dropped(1, 1));
    EXPECT_EQ(see_person(1, "US", 1), (Seen{MF_DROP_PARTICIPANT, 1, 2}));
    put({}, {}, {named(on_port(1, "198.18.0.1"), 0)});
    EXPECT_EQ(see(1, "CN"), dropped(1, 1));
    EXPECT_EQ(see_person(1, "US", 1), passes(1));
}

TEST_F(SharedTables, ShareWhatADedicatedEndpointLeaves)
{
    put({meeting_image(1, {on_port(1, "198.18.0.1")}, {rule_image(1, {"CN"})})}, {}, {named(on_port(1))});
    EXPECT_EQ(see(1, "CN"), dropped(1, 1));
    EXPECT_EQ(flags_on(1), MF_ENDPOINT_LEARNS);
    EXPECT_EQ(see(1, "CN", "198.18.0.2"), kNobodys);
    put({meeting_image(1, {}, {rule_image(1, {"CN"})})});
    EXPECT_EQ(see(1, "CN"), kNobodys);
    EXPECT_EQ(see_person(1, "CN", 1), dropped(1, 1));
}

TEST_F(SharedTables, RefuseMoreAddressesOnOnePortThanAPacketLooksAt)
{
    Named names;
    for (unsigned i = 0; i <= MF_ENDPOINTS_PER_PORT; ++i) {
        names.push_back(named(on_port(1, "198.18.0." + std::to_string(i))));
    }
    const auto before = tables.snapshot();
    const auto staged = stage({}, {}, names);
    ASSERT_FALSE(staged);
    EXPECT_EQ(staged.error().code, ErrorCode::exhausted);
    EXPECT_EQ(tables.ports.bytes(), before[1]);
    names.pop_back();
    put({}, {}, names);
    EXPECT_EQ(flags_on(1, "198.18.0.15"), MF_ENDPOINT_LEARNS);
}

TEST_F(SharedTables, LetParticipantsLeadToOneElementThroughEveryChange)
{
    put({meeting_image(1, {on_port(1)}, {rule_image(1, {"CN"})})}, {}, {named(on_port(5))});
    const auto slot = writer->meetings().at(1).shared_slot;
    put({meeting_image(1, {on_port(2)}, {rule_image(2, {"HK"})})});
    put({meeting_image(1, {on_port(3)}, {rule_image(2, {"HK"})})});
    adopt();
    put({meeting_image(1, {}, {rule_image(3, {"US"})})});
    EXPECT_EQ(writer->meetings().at(1).shared_slot, slot);
    EXPECT_EQ(see_person(5, "US", 1), dropped(1, 3));
    EXPECT_EQ(see_person(5, "HK", 1), kUnconcerned);
}

TEST_F(SharedTables, FindNamedEndpointsOfAnEarlierWriter)
{
    put({meeting_image(1, {on_port(2, "198.18.0.1")})}, {},
        {named(on_port(1)), named(on_port(1, "198.18.0.1"), kTurn), named(on_port(2, "198.18.0.1")),
         named(on_port(2, "198.18.0.2"))});
    const auto names = writer->named();
    const auto before = tables.snapshot();
    adopt();
    EXPECT_EQ(writer->named(), names);
    EXPECT_EQ(writer->meetings().at(1).endpoints, (std::vector{on_port(2, "198.18.0.1")}));
    EXPECT_EQ(tables.snapshot(), before);
}

TEST_F(SharedTables, ShowAnEndpointSharedOrDedicatedWhileTheRulesChange)
{
    const Images before{meeting_image(1, {}, {rule_image(1, {"CN"})}), meeting_image(2, {})};
    const Images after{meeting_image(1, {}, {rule_image(2, {"CN"})}),
                       meeting_image(2, {on_port(1)}, {rule_image(3, {"CN"})})};
    put(before, {}, {named(on_port(1))});
    for (const auto& wrong :
         neither(packet_of(1), after, {}, {named(on_port(1), 0)}, {dropped(1, 1), dropped(2, 3)})) {
        ADD_FAILURE() << "shared, then dedicated: " << wrong;
    }
    put(after, {}, {named(on_port(1), 0)});
    for (const auto& wrong :
         neither(packet_of(0), before, {}, {named(on_port(1))}, {dropped(2, 3), kNobodys})) {
        ADD_FAILURE() << "dedicated, then shared: " << wrong;
    }
}

TEST_F(SharedTables, ShowParticipantsTheirRulesBeforeOrAfter)
{
    put({meeting_image(1, {on_port(2)}, {rule_image(1, {"CN"})}),
         meeting_image(2, {}, {rule_image(9, {"CN"})})},
        {}, {named(on_port(1))});
    const Images after{
        meeting_image(1, {on_port(2), on_port(3)}, {rule_image(1, {"CN"}, {"203.0.113.0/28"})})};
    for (const auto& wrong : neither(packet_of(1), after, {}, {}, {dropped(1, 1), Seen{MF_EXCEPTED, 1, 1}})) {
        ADD_FAILURE() << wrong;
    }
}

} // namespace
} // namespace meetfence::test
