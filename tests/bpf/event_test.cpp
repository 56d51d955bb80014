// SPDX-License-Identifier: Apache-2.0
// Events: the first drop of a rule in a country, then at most one an interval.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

// There is no place in an event for an address, a port or a payload.
static_assert(sizeof(mf_event) == 5 * sizeof(std::uint64_t));

/// The clock is read once per timer interrupt: an interval may seem shorter by so much.
constexpr std::uint64_t kClockBehind = 10'000'000;

class Event : public MeetingTest {
protected:
    using MeetingTest::MeetingTest;

    void send(const Bytes& frame) { (void)program.run(frame); }
    void expect_event(const mf_event& event, const PlacedRule& rule, std::string_view code, mf_reason reason)
    {
        EXPECT_EQ(event.meeting, program.meetings[meeting].number);
        EXPECT_EQ(event.rule, rule.number);
        EXPECT_EQ(event.country, country(code).number());
        EXPECT_EQ(event.reason, reason);
        for (const auto byte : event.pad) {
            EXPECT_EQ(byte, 0);
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Event, kEveryFamilyAndTransport, family_and_transport);

TEST_P(Event, TellsOfTheFirstDropOnly)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    const auto before = boot_clock_ns();
    for (unsigned i = 0; i < 50; ++i) {
        send(from(host.chinese));
    }
    const auto after = boot_clock_ns();
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), 1U);
    expect_event(events[0], rule, "CN", MF_DROP_COUNTRY);
    EXPECT_GE(events[0].time_ns, before);
    EXPECT_LE(events[0].time_ns, after);
    EXPECT_EQ(program.cell_times[rule.first_cell].event_ns, events[0].time_ns);
}

TEST_P(Event, TellsOfEachCountryAndRule)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN", "HK"}});
    send(from(host.chinese));
    send(from(host.hong_kong));
    send(from(host.chinese));
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), 2U);
    expect_event(events[0], rule, "CN", MF_DROP_COUNTRY);
    expect_event(events[1], rule, "HK", MF_DROP_COUNTRY);
}

TEST_P(Event, TellsOfWhatWouldBeDropped)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .mode = Mode::monitor});
    send(from(host.chinese));
    send(from(host.chinese));
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), 1U);
    expect_event(events[0], rule, "CN", MF_MONITORED);
}

TEST_P(Event, IsSilentAboutWhatPasses)
{
    send(from(host.chinese));
    program.add_rule(meeting, {.countries = {"CN"}, .until_ns = 1});
    program.add_rule(meeting, {.countries = {"HK"}, .from_ns = ~0ULL});
    program.add_rule(meeting, {.countries = {"US"}, .except = {host.american_prefix}});
    send(from(host.chinese));
    send(from(host.hong_kong));
    send(from(host.american));
    send(from(host.unplaced));
    send(packet(host.chinese, host.other_server));
    EXPECT_TRUE(program.take_events().empty());
}

TEST_P(Event, IsToldAgainAfterTheInterval)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    constexpr std::uint64_t kInterval = 10'000'000'000;
    send(from(host.chinese));
    ASSERT_EQ(program.take_events().size(), 1U);
    const auto now = boot_clock_ns();
    if (now > kInterval + kClockBehind) { // since boot
        program.cell_times[rule.first_cell].event_ns = now - kInterval - kClockBehind;
        send(from(host.chinese));
        EXPECT_EQ(program.take_events().size(), 1U);
    }
    program.cell_times[rule.first_cell].event_ns = boot_clock_ns() - kInterval / 2;
    send(from(host.chinese));
    EXPECT_TRUE(program.take_events().empty());
    program.cell_times[rule.first_cell].event_ns = 0; // the cell was given to another rule
    send(from(host.chinese));
    EXPECT_EQ(program.take_events().size(), 1U);
}

TEST_P(Event, TellsOfADroppedLaterFragment)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    send(from(host.chinese).fragment(9, 0, true));
    ASSERT_EQ(program.take_events().size(), 1U);
    program.cell_times[rule.first_cell].event_ns = 0;
    send(from(host.chinese).fragment(9, 1480, false));
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), 1U);
    expect_event(events[0], rule, "CN", MF_DROP_FRAGMENT);
}

TEST_P(Event, IsLostAndNoPacketWithItWhenTheRingIsFull)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    constexpr unsigned kMoreThanFit = MF_EVENT_RING_BYTES / sizeof(mf_event) + 100;
    const Bytes frame = from(host.chinese);
    for (unsigned i = 0; i < kMoreThanFit; ++i) {
        program.cell_times[rule.first_cell].event_ns = 0;
        ASSERT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, rule.first_cell));
    }
    const auto events = program.take_events();
    EXPECT_GT(events.size(), 1000U);
    EXPECT_LT(events.size(), kMoreThanFit);
}

class EventWithoutInterval : public Event {
protected:
    EventWithoutInterval() : Event({.event_interval = std::chrono::nanoseconds(0)}) {}
};
INSTANTIATE_TEST_SUITE_P(Everywhere, EventWithoutInterval, kEveryFamilyAndTransport, family_and_transport);

TEST_P(EventWithoutInterval, TellsOfEveryDrop)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    constexpr std::size_t kTimes = 20;
    for (std::size_t i = 0; i < kTimes; ++i) {
        send(from(host.chinese));
        program.cell_times[rule.first_cell].event_ns -= kClockBehind;
    }
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), kTimes);
    for (std::size_t i = 1; i < kTimes; ++i) {
        EXPECT_GT(events[i].time_ns, events[i - 1].time_ns);
        expect_event(events[i], rule, "CN", MF_DROP_COUNTRY);
    }
}

class EventOnceInALifetime : public Event {
protected:
    EventOnceInALifetime() : Event({.event_interval = std::chrono::hours(24 * 36500)}) {}
};
INSTANTIATE_TEST_SUITE_P(Everywhere, EventOnceInALifetime, kEveryFamilyAndTransport, family_and_transport);

TEST_P(EventOnceInALifetime, TellsOfTheFirstDropThough)
{
    // Also shortly after boot: a cell that never told of anything has no time to measure from.
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    send(from(host.chinese));
    send(from(host.chinese));
    const auto events = program.take_events();
    ASSERT_EQ(events.size(), 1U);
    expect_event(events[0], rule, "CN", MF_DROP_COUNTRY);
}

} // namespace
} // namespace meetfence::test
