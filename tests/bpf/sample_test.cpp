// SPDX-License-Identifier: Apache-2.0
// Samples for the running check: of what was dropped, the first of a rule and country, then at most one an
// interval.
#include <algorithm>
#include <arpa/inet.h>

#include "tests/support/meeting_fixture.h"
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint64_t kInterval = 100'000'000;
/// The clock is read once per timer interrupt: an interval may seem shorter by so much.
constexpr std::uint64_t kClockBehind = 10'000'000;

void expect_addresses(const mf_sample& sample, const SocketAddress& remote, const SocketAddress& local,
                      Transport transport)
{
    EXPECT_TRUE(std::ranges::equal(sample.remote, remote.address.bytes()));
    EXPECT_TRUE(std::ranges::equal(sample.local, local.address.bytes()));
    EXPECT_EQ(ntohs(sample.remote_port), remote.port);
    EXPECT_EQ(ntohs(sample.local_port), local.port);
    EXPECT_EQ(sample.protocol, transport == Transport::udp ? IPPROTO_UDP : IPPROTO_TCP);
}

class Sample : public MeetingTest {
protected:
    using MeetingTest::MeetingTest;

    void send(const Bytes& frame) { (void)program.run(frame); }
    void send_out(const Bytes& frame) { (void)program.run_egress(frame); }
    [[nodiscard]] Packet towards(const IpAddress& remote) const
    {
        return {transport, {host.server, kMeetingPort}, {remote, kClientPort}};
    }
    void expect_verdict(const mf_sample& sample, const PlacedRule& rule, std::string_view code,
                        mf_reason reason, mf_direction direction = MF_INGRESS)
    {
        EXPECT_EQ(sample.meeting, program.meetings[meeting].number);
        EXPECT_EQ(sample.rule, rule.number);
        EXPECT_EQ(sample.participant, 0U);
        EXPECT_EQ(sample.country, country(code).number());
        EXPECT_EQ(sample.reason, reason);
        EXPECT_EQ(sample.direction, direction);
        EXPECT_EQ(sample.geo_generation, program.control[0].geo_active);
        EXPECT_EQ(sample.dedicated, 1);
        EXPECT_TRUE(std::ranges::all_of(sample.pad, [](auto byte) { return byte == 0; }));
    }
    void expect_sample(const mf_sample& sample, const PlacedRule& rule, const IpAddress& remote,
                       std::string_view code, mf_direction direction = MF_INGRESS)
    {
        expect_verdict(sample, rule, code, MF_DROP_COUNTRY, direction);
        expect_addresses(sample, {remote, kClientPort}, {host.server, kMeetingPort}, transport);
    }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Sample, kEveryFamilyAndTransport, family_and_transport);

TEST_P(Sample, ShowsTheFirstDropAtOnce)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    const auto before = boot_clock_ns();
    send(from(host.chinese));
    const auto after = boot_clock_ns();
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    expect_sample(samples[0], rule, host.chinese, "CN");
    EXPECT_GE(samples[0].time_ns, before);
    EXPECT_LE(samples[0].time_ns, after);
    EXPECT_EQ(program.cell_times[rule.first_cell].sample_ns, samples[0].time_ns);
}

TEST_P(Sample, ShowsWhatGoesOutToo)
{
    const auto rule = program.add_rule(meeting, {.countries = {"HK"}});
    send_out(towards(host.hong_kong));
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    expect_sample(samples[0], rule, host.hong_kong, "HK", MF_EGRESS);
}

TEST_P(Sample, ShowsEachCountryAndRule)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN", "HK"}});
    send(from(host.chinese));
    send(from(host.hong_kong));
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 2U);
    expect_sample(samples[0], rule, host.chinese, "CN");
    expect_sample(samples[1], rule, host.hong_kong, "HK");
}

TEST_P(Sample, IsTakenAgainAfterTheIntervalOnly)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    auto& last = program.cell_times[rule.first_cell].sample_ns;
    send(from(host.chinese));
    ASSERT_EQ(program.take_samples().size(), 1U);
    last = boot_clock_ns() + 60 * kInterval; // as if the clock stood still
    for (unsigned i = 0; i < 50; ++i) {
        send(from(host.chinese));
        send_out(towards(host.chinese));
    }
    EXPECT_TRUE(program.take_samples().empty());
    last = boot_clock_ns() - kInterval - kClockBehind;
    send(from(host.chinese));
    EXPECT_EQ(program.take_samples().size(), 1U);
    last = 0; // the cell was given to another rule
    send(from(host.chinese));
    EXPECT_EQ(program.take_samples().size(), 1U);
}

TEST_P(Sample, HasAnIntervalOfItsOwn)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.cell_times[rule.first_cell].event_ns = boot_clock_ns();
    send(from(host.chinese));
    EXPECT_EQ(program.take_samples().size(), 1U);
    EXPECT_TRUE(program.take_events().empty());
    program.cell_times[rule.first_cell] = {0, boot_clock_ns() + 60 * kInterval};
    send(from(host.chinese));
    EXPECT_TRUE(program.take_samples().empty());
    EXPECT_EQ(program.take_events().size(), 1U);
}

TEST_P(Sample, IsNotTakenOfWhatPasses)
{
    send(from(host.chinese));
    program.add_rule(meeting, {.countries = {"CN"}, .mode = Mode::monitor});
    program.add_rule(meeting, {.countries = {"HK"}, .from_ns = ~0ULL});
    program.add_rule(meeting, {.countries = {"US"}, .except = {host.american_prefix}});
    for (const auto& remote : {host.chinese, host.hong_kong, host.american, host.unplaced}) {
        send(from(remote));
        send_out(towards(remote));
    }
    send(packet(host.chinese, host.other_server));
    EXPECT_TRUE(program.take_samples().empty());
}

TEST_P(Sample, IsNotTakenOfAQuestion)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    EXPECT_EQ(program.explain(from(host.chinese)).answer.reason, MF_DROP_COUNTRY);
    EXPECT_TRUE(program.take_samples().empty());
    EXPECT_EQ(program.cell_times[rule.first_cell].sample_ns, 0U);
}

TEST_P(Sample, TellsByWhichKindOfRule)
{
    const auto rule = program.add_rule(meeting, {.countries = {"US"}, .whom = Whom::all_but});
    send(from(host.hong_kong));
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    expect_verdict(samples[0], rule, "HK", MF_DROP_NOT_ALLOWED);
}

TEST_P(Sample, ShowsALaterFragmentWithoutPorts)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.control[0].geo_active = 4; // generations of the same slot
    send(from(host.chinese).fragment(9, 0, true));
    ASSERT_EQ(program.take_samples().size(), 1U);
    program.cell_times[rule.first_cell] = {};
    program.control[0].geo_active = 6;
    send(from(host.chinese).fragment(9, 1480, false));
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_EQ(samples[0].reason, MF_DROP_FRAGMENT);
    EXPECT_EQ(samples[0].rule, rule.number);
    EXPECT_EQ(samples[0].meeting, program.meetings[meeting].number);
    EXPECT_EQ(samples[0].country, country("CN").number());
    EXPECT_EQ(samples[0].geo_generation, 4U) << "the table its first fragment was judged by";
    expect_addresses(samples[0], {host.chinese, 0}, {host.server, 0}, transport);
}

TEST_P(Sample, TellsTheGenerationOfTheTable)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    program.control[0].geo_active = 0xFFFFFFFE;
    send(from(host.chinese));
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_EQ(samples[0].geo_generation, 0xFFFFFFFE);
}

TEST_P(Sample, IsLostAndNoPacketWithItWhenTheRingIsFull)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    constexpr unsigned kMoreThanFit = MF_SAMPLE_RING_BYTES / sizeof(mf_sample) + 100;
    const Bytes frame = from(host.chinese);
    for (unsigned i = 0; i < kMoreThanFit; ++i) {
        program.cell_times[rule.first_cell].sample_ns = 0;
        ASSERT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, rule.first_cell));
    }
    const auto samples = program.take_samples();
    EXPECT_GT(samples.size(), 1000U);
    EXPECT_LT(samples.size(), kMoreThanFit);
    program.cell_times[rule.first_cell].sample_ns = 0;
    send(frame);
    EXPECT_EQ(program.take_samples().size(), 1U) << "there is room again";
}

class SampleOnSharedPort : public SharedPortTest {};
INSTANTIATE_TEST_SUITE_P(Everywhere, SampleOnSharedPort, kEveryFamilyAndTransport, family_and_transport);

TEST_P(SampleOnSharedPort, NamesMeetingAndParticipant)
{
    const auto rule = block(theirs);
    handshake(american, member); // whom the rule leaves alone
    program.add_flow(member.owner, transport, chinese, server);
    ASSERT_EQ(program.run(media_in(chinese)).verdict, Verdict::drop);
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_EQ(samples[0].rule, rule.number);
    EXPECT_EQ(samples[0].meeting, program.meetings[theirs].number);
    EXPECT_EQ(samples[0].participant, member.owner);
    EXPECT_EQ(samples[0].dedicated, 0);
    expect_addresses(samples[0], chinese, server, transport);
}

TEST_P(SampleOnSharedPort, NamesTheParticipantThatTheRuleIsAbout)
{
    const auto rule = block_participant(member);
    program.add_flow(member.owner, transport, unplaced, server);
    ASSERT_EQ(program.run_egress(media_out(unplaced)).verdict, Verdict::drop);
    const auto samples = program.take_samples();
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_EQ(samples[0].rule, rule.number);
    EXPECT_EQ(samples[0].participant, member.owner);
    EXPECT_EQ(samples[0].country, 0);
    EXPECT_EQ(samples[0].reason, MF_DROP_PARTICIPANT);
    EXPECT_EQ(samples[0].direction, MF_EGRESS);
}

} // namespace
} // namespace meetfence::test
