// SPDX-License-Identifier: Apache-2.0
// The set-up most tests share: one meeting on one address and port, participants of three
// countries and one of none; and every case for both families and both transports.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <tuple>

#include "tests/support/addresses.h"
#include "tests/support/loaded_program.h"
#include "tests/support/packet.h"

namespace meetfence::test {

/// "udp:198.18.0.1:40000"
inline std::string endpoint(Transport transport, const IpAddress& local, std::uint16_t port = kMeetingPort)
{
    return Endpoint{transport, local, port, port}.text();
}

inline void place_everybody(LoadedProgram& program)
{
    for (const auto family : {Family::ipv4, Family::ipv6}) {
        program.place(hosts(family).chinese_prefix, "CN");
        program.place(hosts(family).hong_kong_prefix, "HK");
        program.place(hosts(family).american_prefix, "US");
    }
}

class MeetingTest : public testing::TestWithParam<std::tuple<Family, Transport>> {
protected:
    explicit MeetingTest(const Settings& settings = {}) : program(settings)
    {
        place_everybody(program);
        meeting = program.add_meeting();
        program.add_endpoint(meeting, endpoint(transport, host.server));
    }

    [[nodiscard]] Packet packet(const IpAddress& from, const IpAddress& to,
                                std::uint16_t port = kMeetingPort) const
    {
        return {transport, {from, kClientPort}, {to, port}};
    }
    [[nodiscard]] Packet from(const IpAddress& remote) const { return packet(remote, host.server); }

    const Family family = std::get<Family>(GetParam());
    const Transport transport = std::get<Transport>(GetParam());
    const Hosts& host = hosts(family);
    LoadedProgram program;
    std::uint32_t meeting = 0;
};

inline std::string family_and_transport(const testing::TestParamInfo<std::tuple<Family, Transport>>& info)
{
    return std::string(name(std::get<Family>(info.param))) +
           std::string(name(std::get<Transport>(info.param)));
}

inline const auto kEveryFamilyAndTransport = testing::Combine(
    testing::Values(Family::ipv4, Family::ipv6), testing::Values(Transport::udp, Transport::tcp));

} // namespace meetfence::test
