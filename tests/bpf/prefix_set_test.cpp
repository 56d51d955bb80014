// SPDX-License-Identifier: Apache-2.0
// Exemptions for the whole host, exceptions for one rule.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

class PrefixSet : public MeetingTest {
protected:
    void expect(const IpAddress& remote, mf_reason reason)
    {
        const Bytes frame = from(remote);
        EXPECT_EQ(program.run(frame), counted(reason, frame)) << remote.text();
    }
    void expect(const IpAddress& remote, mf_reason reason, const PlacedRule& rule)
    {
        const Bytes frame = from(remote);
        EXPECT_EQ(program.run(frame), booked(reason, frame, rule.first_cell)) << remote.text();
    }
    [[nodiscard]] bool ipv4() const { return family == Family::ipv4; }

    // The lower half of the Chinese network, and the addresses on either side of its border.
    const std::string_view half = ipv4() ? "203.0.113.0/25" : "2001:db8:c::/49";
    const IpAddress last_inside = address(ipv4() ? "203.0.113.127" : "2001:db8:c:7fff:ffff:ffff:ffff:ffff");
    const IpAddress first_outside = address(ipv4() ? "203.0.113.128" : "2001:db8:c:8000::");
    const std::string_view everything_of_the_other_family = ipv4() ? "::/0" : "0.0.0.0/0";
};
INSTANTIATE_TEST_SUITE_P(Everywhere, PrefixSet, kEveryFamilyAndTransport, family_and_transport);

TEST_P(PrefixSet, ExemptsItsPrefixOnly)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.exempt(half);
    expect(host.chinese, MF_EXEMPT);
    expect(last_inside, MF_EXEMPT);
    expect(first_outside, MF_DROP_COUNTRY, rule);
}

TEST_P(PrefixSet, ExemptsASingleAddress)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.exempt(host.chinese.text());
    expect(host.chinese, MF_EXEMPT);
    expect(last_inside, MF_DROP_COUNTRY, rule);
}

TEST_P(PrefixSet, ExemptsWhomNoDatabaseKnows)
{
    program.exempt(host.unplaced.text());
    expect(host.unplaced, MF_EXEMPT);
}

TEST_P(PrefixSet, ExemptsAtRegisteredEndpointsOnly)
{
    program.exempt(host.chinese_prefix);
    const Bytes frame = packet(host.chinese, host.other_server);
    EXPECT_EQ(program.run(frame), counted(MF_OTHER_TRAFFIC, frame));
}

TEST_P(PrefixSet, DoesNotExemptTheOtherFamily)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.exempt(everything_of_the_other_family);
    expect(host.chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(PrefixSet, DoesNotExceptTheOtherFamily)
{
    const auto rule =
        program.add_rule(meeting, {.countries = {"CN"}, .except = {everything_of_the_other_family}});
    expect(host.chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(PrefixSet, ExemptsAllOfAFamily)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    program.exempt(ipv4() ? "0.0.0.0/0" : "::/0");
    expect(host.chinese, MF_EXEMPT);
    expect(host.unplaced, MF_EXEMPT);
}

TEST_P(PrefixSet, ExemptsNobodyWithoutASet)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.exempt(host.chinese_prefix);
    program.control[0].exempt_set = 0;
    expect(host.chinese, MF_DROP_COUNTRY, rule);
}

TEST_P(PrefixSet, ExceptsFromOneRuleOnly)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}, .except = {half}});
    expect(host.chinese, MF_EXCEPTED, rule);
    expect(last_inside, MF_EXCEPTED, rule);
    expect(first_outside, MF_DROP_COUNTRY, rule);
    expect(host.american, MF_COUNTRY_NOT_CONCERNED);

    const auto second = program.add_meeting();
    program.add_endpoint(second, endpoint(transport, host.other_server));
    const auto without = program.add_rule(second, {.countries = {"CN"}});
    const Bytes frame = packet(host.chinese, host.other_server);
    EXPECT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, without.first_cell));
}

TEST_P(PrefixSet, ExceptsFromARuleAndNotFromItsNeighbour)
{
    program.add_rule(meeting, {.countries = {"CN"}, .except = {half}});
    const auto without = program.add_rule(meeting, {.countries = {"CN"}});
    expect(host.chinese, MF_DROP_COUNTRY, without);
}

TEST_P(PrefixSet, KeepsSetsApart)
{
    program.exempt(host.hong_kong_prefix);
    const auto rule =
        program.add_rule(meeting, {.countries = {"CN", "HK", "US"}, .except = {host.american.text()}});
    const auto monitor = program.add_rule(
        meeting, {.countries = {"CN"}, .mode = Mode::monitor, .except = {host.chinese_prefix}});
    expect(host.hong_kong, MF_EXEMPT);
    expect(host.chinese, MF_DROP_COUNTRY, rule); // excepted from the monitoring rule only
    const Bytes frame = from(host.american);
    EXPECT_EQ(program.run(frame), booked(MF_EXCEPTED, frame, rule.first_cell + 2));
    EXPECT_EQ(program.rules[monitor.index].except_set, program.rules[rule.index].except_set + 1);
}

TEST_P(PrefixSet, ExceptsFromMonitoringToo)
{
    const auto rule = program.add_rule(
        meeting, {.countries = {"CN"}, .mode = Mode::monitor, .except = {host.chinese.text()}});
    expect(host.chinese, MF_EXCEPTED, rule);
    expect(last_inside, MF_MONITORED, rule);
}

} // namespace
} // namespace meetfence::test
