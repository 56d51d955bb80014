// SPDX-License-Identifier: Apache-2.0
// Cases about the parser: every one for both families, both transports and both settings of
// multi_buffer, judged by a program that drops whatever it understands.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/addresses.h"
#include "tests/support/drop_everything.h"
#include "tests/support/packet.h"

namespace meetfence::test {

inline Packet to_meeting(Family family, Transport transport)
{
    const auto& host = hosts(family);
    return {transport, {host.chinese, kClientPort}, {host.server, kMeetingPort}};
}

/// One of each kind of frame the parser understands, later fragments among them.
inline std::vector<std::pair<std::string, Bytes>> good_frames(Family family, Transport transport)
{
    const auto packet = [&] { return to_meeting(family, transport); };
    std::vector<std::pair<std::string, Bytes>> frames = {
        {"plain", packet()},
        {"no payload", packet().payload(0)},
        {"padded", packet().payload(1).trailer(17)},
        {"one tag", packet().vlan(kDot1Q)},
        {"four tags", packet().vlan(kDot1Ad).vlan(kDot1Q).vlan(kDot1Ad).vlan(kDot1Q)},
        {"first fragment", packet().fragment(0x1234, 0, true)},
        {"later fragment", packet().fragment(0x1234, 1480, true)},
        {"last fragment", packet().fragment(0x1234, 2960, false)},
    };
    const auto add = [&](const char* name, const Bytes& frame) { frames.emplace_back(name, frame); };
    if (family == Family::ipv4) {
        add("4 bytes of options", packet().options(4));
        add("40 bytes of options and two tags", packet().vlan(kDot1Ad).vlan(kDot1Q).options(40));
        return frames;
    }
    add("hop-by-hop", packet().extension(kHopByHop));
    add("routing", packet().extension(kRouting, 24));
    add("destination options", packet().extension(kDestinationOptions, 64));
    add("AH of 12 bytes", packet().extension(kAuthentication, 12));
    add("mobility", packet().extension(kMobility));
    add("atomic fragment", packet().fragment(0x12345678, 0, false));
    add("jumbogram", packet().extension(kHopByHop).ip_length(0));
    add("a chain", packet()
                       .vlan(kDot1Q)
                       .extension(kHopByHop)
                       .extension(kDestinationOptions, 16)
                       .extension(kRouting)
                       .fragment(7, 0, false)
                       .extension(kAuthentication, 24)
                       .extension(kDestinationOptions, 256));
    add("eight headers", packet()
                             .extension(kHopByHop)
                             .extension(kDestinationOptions)
                             .extension(kRouting)
                             .extension(kAuthentication, 16)
                             .extension(kMobility)
                             .extension(kDestinationOptions, 40)
                             .fragment(9, 0, true)
                             .extension(kDestinationOptions));
    return frames;
}

class ParseTest : public testing::TestWithParam<std::tuple<Family, Transport, bool>> {
protected:
    // Programs are shared: remembered first fragments must not reach into the next case.
    ~ParseTest() override { program.forget_fragments(); }

    [[nodiscard]] Packet packet() const { return to_meeting(family, transport); }

    /// The program says so, and the reference parser says the same.
    void expect(const Bytes& frame, mf_reason reason) const
    {
        const auto outcome = reason == MF_DROP_COUNTRY ? program.dropped(frame) : counted(reason, frame);
        EXPECT_EQ(program.run(frame), outcome);
        EXPECT_EQ(program.expected(frame), outcome) << "this is the reference parser";
    }

    const Family family = std::get<0>(GetParam());
    const Transport transport = std::get<1>(GetParam());
    const bool multi_buffer = std::get<2>(GetParam());
    const Hosts& host = hosts(family);
    DropEverything& program = DropEverything::shared(multi_buffer);
};

inline std::string parse_case(const testing::TestParamInfo<std::tuple<Family, Transport, bool>>& info)
{
    return std::string(name(std::get<0>(info.param))) + std::string(name(std::get<1>(info.param))) +
           (std::get<2>(info.param) ? "MultiBuffer" : "OneBuffer");
}

template <class... Families> auto parse_cases(Families... families)
{
    return testing::Combine(testing::Values(families...), testing::Values(Transport::udp, Transport::tcp),
                            testing::Bool());
}

} // namespace meetfence::test
