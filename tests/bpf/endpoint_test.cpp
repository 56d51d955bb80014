// SPDX-License-Identifier: Apache-2.0
// Which packets belong to a meeting: its endpoints, and nothing but them.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

class EndpointMatch : public MeetingTest {
protected:
    EndpointMatch() : rule(program.add_rule(meeting, {.countries = {"CN"}})) {}

    void expect_dropped(const Bytes& frame) { expect_dropped(frame, rule); }
    void expect_dropped(const Bytes& frame, const PlacedRule& by)
    {
        EXPECT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, by.first_cell));
    }
    void expect_other_traffic(const Bytes& frame)
    {
        EXPECT_EQ(program.run(frame), counted(MF_OTHER_TRAFFIC, frame));
    }
    [[nodiscard]] Packet to(const IpAddress& local, std::uint16_t port = kMeetingPort) const
    {
        return packet(host.chinese, local, port);
    }
    [[nodiscard]] Transport other_transport() const
    {
        return transport == Transport::udp ? Transport::tcp : Transport::udp;
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, EndpointMatch, kEveryFamilyAndTransport, family_and_transport);

TEST_P(EndpointMatch, TakesItsOwnAddressAndPort)
{
    expect_dropped(to(host.server));
}

TEST_P(EndpointMatch, LeavesOtherPortsAlone)
{
    for (const auto port :
         std::initializer_list<std::uint16_t>{0, 1, 443, kMeetingPort - 1, kMeetingPort + 1, 65535}) {
        expect_other_traffic(to(host.server, port));
    }
}

TEST_P(EndpointMatch, LeavesOtherAddressesAlone)
{
    expect_other_traffic(to(host.other_server));
    expect_other_traffic(to(host.american));
}

TEST_P(EndpointMatch, LeavesTheOtherTransportAlone)
{
    expect_other_traffic(Packet(other_transport(), {host.chinese, kClientPort}, {host.server, kMeetingPort}));
}

TEST_P(EndpointMatch, LeavesTheOtherFamilyAlone)
{
    const auto& other = hosts(family == Family::ipv4 ? Family::ipv6 : Family::ipv4);
    expect_other_traffic(packet(other.chinese, other.server));
}

TEST_P(EndpointMatch, DoesNotTakeRemoteForLocal)
{
    // What the server sends: from the endpoint, to a country the rule names.
    expect_other_traffic(Packet(transport, {host.server, kMeetingPort}, {host.chinese, kClientPort}));
    // A client that happens to use the meeting's port, to another service of the host.
    expect_other_traffic(Packet(transport, {host.chinese, kMeetingPort}, {host.server, kClientPort}));
}

TEST_P(EndpointMatch, DoesNotTakeLocalCountryForRemote)
{
    program.add_endpoint(meeting, endpoint(transport, host.chinese));
    const Bytes frame = packet(host.american, host.chinese);
    EXPECT_EQ(program.run(frame), counted(MF_COUNTRY_NOT_CONCERNED, frame));
}

TEST_P(EndpointMatch, TakesAnyLocalAddressWhereItHasNone)
{
    program.add_endpoint(meeting, std::string(name(transport) == "UDP" ? "udp" : "tcp") + ":*:41000");
    for (const auto each : {Family::ipv4, Family::ipv6}) {
        expect_dropped(packet(hosts(each).chinese, hosts(each).server, 41000));
        expect_dropped(packet(hosts(each).chinese, hosts(each).other_server, 41000));
        expect_other_traffic(
            Packet(other_transport(), {hosts(each).chinese, kClientPort}, {hosts(each).server, 41000}));
    }
}

TEST_P(EndpointMatch, TakesAPortRangeFromItsFirstPortToItsLast)
{
    const Endpoint range{transport, host.server, 42000, 42009};
    program.add_endpoint(meeting, range.text());
    expect_other_traffic(to(host.server, 41999));
    for (std::uint16_t port = 42000; port <= 42009; ++port) {
        expect_dropped(to(host.server, port));
        expect_other_traffic(to(host.other_server, port));
    }
    expect_other_traffic(to(host.server, 42010));
}

TEST_P(EndpointMatch, TakesTheFirstAndTheLastPortThereIs)
{
    for (const auto port : std::initializer_list<std::uint16_t>{1, 65535}) {
        program.add_endpoint(meeting, endpoint(transport, host.server, port));
        expect_dropped(to(host.server, port));
        expect_other_traffic(Packet(other_transport(), {host.chinese, kClientPort}, {host.server, port}));
    }
}

TEST_P(EndpointMatch, TellsTwoMeetingsOnOnePortByTheirAddresses)
{
    const auto second = program.add_meeting();
    program.add_endpoint(second, endpoint(transport, host.other_server));
    const auto frame = to(host.other_server).bytes();
    EXPECT_EQ(program.run(frame), counted(MF_COUNTRY_NOT_CONCERNED, frame));
    expect_dropped(to(host.server));

    const auto second_rule = program.add_rule(second, {.countries = {"US", "CN"}});
    expect_dropped(to(host.server));
    EXPECT_EQ(program.run(frame), booked(MF_DROP_COUNTRY, frame, second_rule.first_cell));
}

TEST_P(EndpointMatch, TellsTwoMeetingsOnOneAddressByTransport)
{
    const auto second = program.add_meeting();
    program.add_endpoint(second, endpoint(other_transport(), host.server));
    const Bytes frame = Packet(other_transport(), {host.chinese, kClientPort}, {host.server, kMeetingPort});
    EXPECT_EQ(program.run(frame), counted(MF_COUNTRY_NOT_CONCERNED, frame));
    expect_dropped(to(host.server));
}

TEST_P(EndpointMatch, FindsTheLastOfAFullChain)
{
    // The fixture's endpoint came first, and so stands last.
    const std::string stem = family == Family::ipv4 ? "198.18.7." : "2001:db8:77::";
    for (unsigned i = 1; i < MF_ENDPOINTS_PER_PORT; ++i) {
        program.add_endpoint(program.add_meeting(), endpoint(transport, address(stem + std::to_string(i))));
    }
    expect_dropped(to(host.server));
    for (unsigned i = 1; i < MF_ENDPOINTS_PER_PORT; ++i) {
        const auto frame = to(address(stem + std::to_string(i))).bytes();
        EXPECT_EQ(program.run(frame), counted(MF_COUNTRY_NOT_CONCERNED, frame));
    }
    expect_other_traffic(to(host.other_server));
}

TEST_P(EndpointMatch, ComparesEveryByteOfTheAddress)
{
    const auto bytes = host.server.bytes();
    for (std::size_t i = family == Family::ipv4 ? 12 : 0; i < bytes.size(); ++i) {
        auto other = bytes;
        other.at(i) = static_cast<std::uint8_t>(other.at(i) ^ 0x10);
        expect_other_traffic(to(IpAddress(other)));
    }
}

TEST_P(EndpointMatch, EndsWithItsRemoval)
{
    ASSERT_EQ(program.ports[kMeetingPort + (transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0)], 1U);
    program.ports[kMeetingPort + (transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0)] = 0;
    expect_other_traffic(to(host.server));
}

} // namespace
} // namespace meetfence::test
