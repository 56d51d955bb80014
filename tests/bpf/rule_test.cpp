// SPDX-License-Identifier: Apache-2.0
// What a meeting's rules do to a participant, by country, mode and time; and which rule's counters
// tell of it.
#include <algorithm>

#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint64_t kLongPast = 1; // the first nanosecond after boot

std::uint64_t far_future()
{
    return boot_clock_ns() + 1'000'000'000'000ULL;
}

class RuleMatch : public MeetingTest {
protected:
    void expect(const IpAddress& remote, mf_reason reason)
    {
        const Bytes frame = from(remote);
        EXPECT_EQ(program.run(frame), counted(reason, frame));
    }
    void expect(const IpAddress& remote, mf_reason reason, const PlacedRule& rule, std::uint32_t rank = 0)
    {
        const Bytes frame = from(remote);
        EXPECT_EQ(program.run(frame), booked(reason, frame, rule.first_cell + rank));
    }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, RuleMatch, kEveryFamilyAndTransport, family_and_transport);

TEST_P(RuleMatch, PassesEverybodyWithoutARule)
{
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED);
    expect(host.american, MF_COUNTRY_NOT_CONCERNED);
    expect(host.unplaced, MF_UNPLACED);
}

TEST_P(RuleMatch, PassesEverybodyWithoutAPolicy)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    program.meetings[meeting].policy = 0;
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(RuleMatch, DropsTheNamedCountryAndNobodyElse)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    expect(host.chinese, MF_DROP_COUNTRY, rule);
    expect(host.hong_kong, MF_COUNTRY_NOT_CONCERNED);
    expect(host.american, MF_COUNTRY_NOT_CONCERNED);
    expect(host.unplaced, MF_UNPLACED);
}

TEST_P(RuleMatch, PassesAndBooksTheNamedCountryWhileItMonitors)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .mode = Mode::monitor});
    expect(host.chinese, MF_MONITORED, rule);
    expect(host.american, MF_COUNTRY_NOT_CONCERNED);
}

TEST_P(RuleMatch, BooksEachCountryToItsOwnCell)
{
    const auto rule = program.add_rule(meeting, {.countries = {"US", "HK", "CN"}});
    expect(host.chinese, MF_DROP_COUNTRY, rule, 0); // by country number, not by order of naming
    expect(host.hong_kong, MF_DROP_COUNTRY, rule, 1);
    expect(host.american, MF_DROP_COUNTRY, rule, 2);
}

TEST_P(RuleMatch, CountsUpInOneCell)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    const Bytes frame = from(host.chinese);
    constexpr unsigned kTimes = 5;
    for (unsigned i = 0; i < kTimes; ++i) {
        expect(host.chinese, MF_DROP_COUNTRY, rule);
    }
    const auto cell = program.counters().cells.at(rule.first_cell);
    EXPECT_EQ(cell.by_direction[MF_INGRESS].dropped_packets, kTimes);
    EXPECT_EQ(cell.by_direction[MF_INGRESS].dropped_bytes, kTimes * frame.size());
}

TEST_P(RuleMatch, IsForItsOwnMeetingOnly)
{
    const auto second = program.add_meeting();
    program.add_endpoint(second, endpoint(transport, host.server, 41000));
    const auto rule = program.add_rule(second, {.countries = {"CN"}});
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED);
    const Bytes frame = packet(host.chinese, host.server, 41000);
    EXPECT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, rule.first_cell));
}

TEST_P(RuleMatch, EndsByItself)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .until_ns = boot_clock_ns() - 1});
    expect(host.chinese, MF_RULE_ENDED, rule);
}

TEST_P(RuleMatch, EndsInTheNanosecondOfItsEnd)
{
    // The end is exclusive: by the time the packet comes, the clock is at `until` or later.
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .until_ns = boot_clock_ns()});
    expect(host.chinese, MF_RULE_ENDED, rule);
    program.rules[rule.index].until_ns = kLongPast;
    expect(host.chinese, MF_RULE_ENDED, rule);
    program.rules[rule.index].until_ns = 0;
    expect(host.chinese, MF_RULE_ENDED, rule);
}

TEST_P(RuleMatch, BeginsInTheNanosecondOfItsBeginning)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .from_ns = boot_clock_ns()});
    expect(host.chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(RuleMatch, HasNotBegunBefore)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .from_ns = far_future()});
    expect(host.chinese, MF_RULE_NOT_STARTED, rule);
    program.rules[rule.index].from_ns = ~0ULL;
    expect(host.chinese, MF_RULE_NOT_STARTED, rule);
}

TEST_P(RuleMatch, HoldsBetweenItsTimes)
{
    const auto rule = program.add_rule(
        meeting, {.countries = {"CN"}, .from_ns = boot_clock_ns() - 1, .until_ns = far_future()});
    expect(host.chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(RuleMatch, HasEndedRatherThanNotBegunWhereItIsBoth)
{
    const auto rule =
        program.add_rule(meeting, {.countries = {"CN"}, .from_ns = far_future(), .until_ns = kLongPast});
    expect(host.chinese, MF_RULE_ENDED, rule);
}

TEST_P(RuleMatch, JudgesMonitoringRulesByTimeToo)
{
    const auto rule =
        program.add_rule(meeting, {.countries = {"CN"}, .mode = Mode::monitor, .until_ns = kLongPast});
    expect(host.chinese, MF_RULE_ENDED, rule);
    program.rules[rule.index].until_ns = MF_NO_END;
    program.rules[rule.index].from_ns = far_future();
    expect(host.chinese, MF_RULE_NOT_STARTED, rule);
}

// The strongest word wins, in whatever order the rules stand.
struct Word {
    mf_reason reason;
    KernelRule rule;
};

std::vector<Word> words_from_weak_to_strong(const Hosts& host)
{
    return {{MF_RULE_ENDED, {.countries = {"CN"}, .until_ns = kLongPast}},
            {MF_RULE_NOT_STARTED, {.countries = {"CN"}, .from_ns = far_future()}},
            {MF_EXCEPTED, {.countries = {"CN"}, .except = {host.chinese_prefix}}},
            {MF_MONITORED, {.countries = {"CN"}, .mode = Mode::monitor}},
            {MF_DROP_COUNTRY, {.countries = {"CN"}}}};
}

TEST_P(RuleMatch, IsBookedToTheStrongestOfEveryTwo)
{
    const auto words = words_from_weak_to_strong(host);
    for (std::size_t a = 0; a < words.size(); ++a) {
        for (std::size_t b = 0; b < words.size(); ++b) {
            const auto two = program.add_meeting();
            program.ports[kMeetingPort + (transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0)] = 0;
            program.add_endpoint(two, endpoint(transport, host.server));
            const auto rule_a = program.add_rule(two, words[a].rule);
            const auto rule_b = program.add_rule(two, words[b].rule);
            const auto& winner = b > a ? rule_b : rule_a; // of two alike, the first
            expect(host.chinese, words[std::max(a, b)].reason, winner);
        }
    }
}

TEST_P(RuleMatch, IsBookedToTheStrongestOfAllInEveryOrder)
{
    auto order = std::vector<std::size_t>{0, 1, 2, 3, 4};
    const auto words = words_from_weak_to_strong(host);
    std::vector<PlacedRule> rules;
    for (const auto& word : words) {
        rules.push_back(program.add_rule(meeting, word.rule));
    }
    do {
        for (std::size_t i = 0; i < order.size(); ++i) {
            program.policies[meeting].rules[i] = rules.at(order[i]).index;
        }
        for (std::size_t count = 1; count <= order.size(); ++count) { // and of the first few
            program.policies[meeting].rule_count = static_cast<std::uint32_t>(count);
            const auto strongest =
                *std::max_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
            expect(host.chinese, words.at(strongest).reason, rules.at(strongest));
        }
    } while (std::ranges::next_permutation(order).found);
}

TEST_P(RuleMatch, ReadsAllSixteenRulesAndNoMore)
{
    for (unsigned i = 0; i + 1 < MF_RULES_PER_MEETING; ++i) {
        program.add_rule(meeting, {.countries = {"US"}, .mode = Mode::monitor});
    }
    const auto last = program.add_rule(meeting, {.countries = {"CN"}});
    expect(host.chinese, MF_DROP_COUNTRY, last);
    program.policies[meeting].rule_count = MF_RULES_PER_MEETING - 1;
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED); // named by the policy's union, by no rule in it
    program.policies[meeting].rule_count = 1000;    // nonsense must not reach beyond the array
    expect(host.chinese, MF_DROP_COUNTRY, last);
}

TEST_P(RuleMatch, ComesInForceWithOneWord)
{
    // A change is a new policy, complete before the meeting points at it.
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.policies[LoadedProgram::kMeetings - 1] = program.policies[meeting];
    program.policies[meeting] = {};
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED);
    program.meetings[meeting].policy = LoadedProgram::kMeetings - 1;
    expect(host.chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(RuleMatch, PassesWhereIndicesLeadNowhere)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    program.policies[meeting].rules[0] = 1'000'000;
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED);
    program.meetings[meeting].policy = 1'000'000;
    expect(host.chinese, MF_COUNTRY_NOT_CONCERNED);
    program.endpoints[1].meeting = 1'000'000;
    expect(host.chinese, MF_OTHER_TRAFFIC);
    program.ports[kMeetingPort + (transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0)] = 1'000'000;
    expect(host.chinese, MF_OTHER_TRAFFIC);
}

} // namespace
} // namespace meetfence::test
