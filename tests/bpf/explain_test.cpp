// SPDX-License-Identifier: Apache-2.0
// Asking the loaded program: it answers in the packet's metadata, and nothing else changes.
#include <cstring>

#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

class Explain : public MeetingTest {
protected:
    /// Asks, checks that nothing but the answer changed, and hands the answer on.
    mf_explain ask(const Bytes& frame)
    {
        const auto counters = program.counters();
        const auto remembered = program.fragments().size();
        const std::vector<std::uint64_t> events = last_events();
        const auto explanation = program.explain(frame);
        EXPECT_EQ(program.counters(), counters);
        EXPECT_EQ(program.fragments().size(), remembered);
        EXPECT_EQ(last_events(), events);
        EXPECT_TRUE(program.take_events().empty());
        EXPECT_EQ(explanation.packet, frame);
        EXPECT_EQ(explanation.verdict,
                  explanation.answer.reason >= MF_FIRST_DROP ? Verdict::drop : Verdict::pass);
        EXPECT_EQ(explanation.answer.magic, MF_EXPLAIN_MAGIC);
        EXPECT_EQ(explanation.answer.pad[0], 0);
        EXPECT_EQ(explanation.answer.pad[1], 0);
        return explanation.answer;
    }
    void expect(const mf_explain& answer, mf_reason reason, std::string_view code, bool of_meeting,
                const PlacedRule& rule = {})
    {
        EXPECT_EQ(answer.reason, reason);
        EXPECT_EQ(answer.country, code.empty() ? 0 : country(code).number());
        EXPECT_EQ(answer.meeting, of_meeting ? program.meetings[meeting].number : 0);
        EXPECT_EQ(answer.rule, rule.number);
    }

private:
    [[nodiscard]] std::vector<std::uint64_t> last_events() const
    {
        std::vector<std::uint64_t> values;
        for (std::size_t i = 0; i < program.cell_times.size(); ++i) {
            values.push_back(program.cell_times[i].event_ns);
            values.push_back(program.cell_times[i].sample_ns);
        }
        return values;
    }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Explain, kEveryFamilyAndTransport, family_and_transport);

TEST_P(Explain, NamesCountryMeetingAndRuleOfADrop)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    expect(ask(from(host.chinese)), MF_DROP_COUNTRY, "CN", true, rule);
    expect(ask(from(host.chinese).vlan(kDot1Ad).vlan(kDot1Q)), MF_DROP_COUNTRY, "CN", true, rule);
}

TEST_P(Explain, NamesTheRuleThatLetsAPacketPass)
{
    const auto monitor = program.add_rule(meeting, {.countries = {"CN"}, .mode = Mode::monitor});
    const auto ended = program.add_rule(meeting, {.countries = {"HK"}, .until_ns = 1});
    const auto excepted = program.add_rule(meeting, {.countries = {"US"}, .except = {host.american.text()}});
    expect(ask(from(host.chinese)), MF_MONITORED, "CN", true, monitor);
    expect(ask(from(host.hong_kong)), MF_RULE_ENDED, "HK", true, ended);
    expect(ask(from(host.american)), MF_EXCEPTED, "US", true, excepted);
    program.rules[ended.index].until_ns = MF_NO_END;
    program.rules[ended.index].from_ns = ~0ULL;
    expect(ask(from(host.hong_kong)), MF_RULE_NOT_STARTED, "HK", true, ended);
}

TEST_P(Explain, NamesCountryAndMeetingOfABystander)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    expect(ask(from(host.american)), MF_COUNTRY_NOT_CONCERNED, "US", true);
    expect(ask(from(host.unplaced)), MF_UNPLACED, "", true);
}

TEST_P(Explain, NamesTheCountryEvenWhereTheVerdictNeedsNone)
{
    program.exempt(host.american_prefix);
    expect(ask(from(host.american)), MF_EXEMPT, "US", true);
    expect(ask(packet(host.chinese, host.other_server)), MF_OTHER_TRAFFIC, "CN", false);
    expect(ask(from(host.chinese).protocol(kEsp)), MF_OTHER_PROTOCOL, "CN", false);
    expect(ask(from(host.chinese).fragment(8, 1480, false)), MF_LATER_FRAGMENT, "CN", false);
    if (transport == Transport::udp) {
        expect(ask(from(host.chinese).udp_length(7)), MF_BAD_L4, "CN", false);
    } else {
        expect(ask(from(host.chinese).data_offset(4)), MF_BAD_L4, "CN", false);
    }
}

TEST_P(Explain, GivesTheReasonWhereThereIsNoAddress)
{
    const bool ipv4 = family == Family::ipv4;
    expect(ask(from(host.chinese).ethertype(0x0806)), MF_NOT_IP, "", false);
    expect(ask(from(host.chinese).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q).vlan(kDot1Q)),
           MF_VLAN_TOO_DEEP, "", false);
    expect(ask(from(host.chinese).version(7)), ipv4 ? MF_BAD_IPV4 : MF_BAD_IPV6, "", false);
    auto cut = from(host.chinese).bytes();
    cut.resize(14 + 19);
    expect(ask(cut), ipv4 ? MF_TRUNCATED_IPV4 : MF_TRUNCATED_IPV6, "", false);
    cut.resize(14);
    expect(ask(cut), ipv4 ? MF_TRUNCATED_IPV4 : MF_TRUNCATED_IPV6, "", false);
}

TEST_P(Explain, LeavesFragmentsAsTheyAre)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    const Bytes first = from(host.chinese).fragment(8, 0, true);
    const Bytes later = from(host.chinese).fragment(8, 1480, false);
    expect(ask(first), MF_DROP_COUNTRY, "CN", true, rule);
    expect(ask(later), MF_LATER_FRAGMENT, "CN", false); // the question was not a packet
    EXPECT_EQ(program.run(first), booked(MF_DROP_COUNTRY, first, rule.first_cell));
    (void)program.take_events();
    expect(ask(later), MF_DROP_FRAGMENT, "CN", true, rule);
    // Nor does asking about a passing packet of the same number free the dropped one's fragments.
    expect(ask(packet(host.chinese, host.other_server).fragment(8, 0, true)), MF_OTHER_TRAFFIC, "CN", false);
    expect(ask(later), MF_DROP_FRAGMENT, "CN", true, rule);
}

TEST_P(Explain, DoesNotSpendTheFirstEvent)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    (void)ask(from(host.chinese));
    (void)program.run(from(host.chinese));
    EXPECT_EQ(program.take_events().size(), 1U);
}

TEST_P(Explain, OverwritesWhateverStoodInTheQuestion)
{
    mf_explain question{};
    std::memset(&question, 0xff, sizeof(question));
    question.magic = MF_EXPLAIN_MAGIC;
    Bytes metadata(sizeof(question));
    std::memcpy(metadata.data(), &question, sizeof(question));
    EXPECT_EQ(program.run_with_metadata(from(host.chinese), metadata).moved, Counters{});
}

TEST_P(Explain, IsNotAskedByOtherMetadata)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    const Bytes frame = from(host.chinese);
    const auto ordinary = booked(MF_DROP_COUNTRY, frame, rule.first_cell);
    mf_explain question{};
    question.magic = MF_EXPLAIN_MAGIC;
    Bytes metadata(sizeof(question));
    std::memcpy(metadata.data(), &question, sizeof(question));

    EXPECT_EQ(program.run_with_metadata(frame, metadata).moved, Counters{});
    for (std::size_t byte = 0; byte < sizeof(question.magic); ++byte) {
        auto other = metadata;
        other.at(byte) = static_cast<std::uint8_t>(other.at(byte) ^ 1);
        EXPECT_EQ(program.run_with_metadata(frame, other), ordinary);
    }
    for (std::size_t length = 4; length < metadata.size(); length += 4) { // too short to answer in
        EXPECT_EQ(program.run_with_metadata(
                      frame, Bytes(metadata.begin(), metadata.begin() + static_cast<std::ptrdiff_t>(length))),
                  ordinary);
    }
}

TEST_P(Explain, IsNotAskedByAPayload)
{
    // The magic number at the head of the frame, where a sender can put it.
    auto frame = from(host.chinese).bytes();
    const std::uint32_t magic = MF_EXPLAIN_MAGIC;
    std::memcpy(frame.data(), &magic, sizeof(magic));
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    EXPECT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, rule.first_cell));
}

} // namespace
} // namespace meetfence::test
