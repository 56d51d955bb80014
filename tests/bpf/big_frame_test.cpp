// SPDX-License-Identifier: Apache-2.0
// Frames of several buffers: BPF_PROG_TEST_RUN puts a page less its room, 3,520 bytes, into the
// first, and the rest into further ones of a page.
#include "tests/support/parse_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::size_t kFirstBuffer = 3520;

class BigFrame : public testing::TestWithParam<Transport> {
protected:
    // Programs are shared: remembered first fragments must not reach into the next case.
    ~BigFrame() override { program.forget_fragments(); }

    void expect(const Bytes& frame, mf_reason reason) const
    {
        const auto outcome = reason == MF_DROP_COUNTRY ? program.dropped(frame) : counted(reason, frame);
        EXPECT_EQ(program.run(frame), outcome);
        EXPECT_EQ(program.expected(frame), outcome) << "this is the reference parser";
    }
    [[nodiscard]] Packet packet(Family family) const { return to_meeting(family, GetParam()); }

    DropEverything& program = DropEverything::shared(true);
};
INSTANTIATE_TEST_SUITE_P(Everywhere, BigFrame, testing::Values(Transport::udp, Transport::tcp),
                         [](const auto& each) { return std::string(name(each.param)); });

TEST_P(BigFrame, IsJudgedByHeadersInTheFirstBuffer)
{
    for (const auto family : {Family::ipv4, Family::ipv6}) {
        for (const std::size_t payload : {3000, 3500, 4000, 6000, 8950}) {
            expect(packet(family).payload(payload), MF_DROP_COUNTRY);
            expect(packet(family).payload(payload).vlan(kDot1Ad).vlan(kDot1Q), MF_DROP_COUNTRY);
            expect(packet(family).payload(payload).fragment(3, 0, true), MF_DROP_COUNTRY);
        }
    }
}

TEST_P(BigFrame, IsJudgedByHeadersBehindTheFirstBuffer)
{
    auto chain = packet(Family::ipv6);
    for (unsigned count = 1; count <= MF_MAX_EXTENSIONS; ++count) { // up to 16 KB of headers
        expect(chain.extension(kDestinationOptions, 2048), MF_DROP_COUNTRY);
    }
    expect(chain.extension(kDestinationOptions, 2048), MF_TOO_MANY_EXTENSIONS);
}

TEST_P(BigFrame, IsJudgedWhereverABufferEnds)
{
    // Moves every header's every byte over the end of the first buffer.
    for (std::size_t first = 1200; first <= 1600; first += 8) {
        auto chain =
            packet(Family::ipv6).extension(kDestinationOptions, 2048).extension(kDestinationOptions, first);
        for (unsigned tags = 0; tags < 2; ++tags) { // by 8 bytes, and with a tag by 4
            expect(chain, MF_DROP_COUNTRY);
            chain.vlan(kDot1Q);
        }
    }
    for (std::size_t words = 3; words < 120; ++words) {
        expect(packet(Family::ipv6)
                   .extension(kDestinationOptions, 2048)
                   .extension(kAuthentication, 1024)
                   .extension(kAuthentication, words * 4)
                   .payload(600),
               MF_DROP_COUNTRY);
    }
}

TEST_P(BigFrame, PassesEveryTruncation)
{
    const auto whole = packet(Family::ipv6)
                           .extension(kDestinationOptions, 2048)
                           .extension(kRouting, 1024)
                           .extension(kDestinationOptions, 512)
                           .payload(64)
                           .bytes();
    for (std::size_t length = 14; length <= whole.size(); ++length) {
        const Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto outcome = program.run(frame);
        ASSERT_EQ(outcome, program.expected(frame)) << length << " of " << whole.size();
        ASSERT_EQ(outcome.verdict, length < whole.size() ? Verdict::pass : Verdict::drop);
    }
}

TEST_P(BigFrame, PassesEveryLengthThePacketMayClaim)
{
    const auto right = packet(Family::ipv6)
                           .extension(kDestinationOptions, 2048)
                           .extension(kDestinationOptions, 1600)
                           .payload(64)
                           .bytes();
    // From the end of the first buffer on; for less, the rest of the frame is trailer.
    const auto last = right.size() - 14 - 40 + 20;
    for (std::size_t claimed = kFirstBuffer - 14 - 40 + 1; claimed <= last; ++claimed) {
        auto frame = right;
        frame[18] = static_cast<std::uint8_t>(claimed >> 8);
        frame[19] = static_cast<std::uint8_t>(claimed);
        ASSERT_EQ(program.run(frame), program.expected(frame)) << "claims " << claimed;
    }
}

TEST_P(BigFrame, IsReadToItsEndAsAJumbogram)
{
    expect(packet(Family::ipv6).extension(kHopByHop, 2048).extension(kDestinationOptions, 1600).ip_length(0),
           MF_DROP_COUNTRY);
    expect(packet(Family::ipv6).extension(kHopByHop).ip_length(0).payload(8000), MF_DROP_COUNTRY);
}

TEST_P(BigFrame, IsExplained)
{
    const Bytes frame =
        packet(Family::ipv6).extension(kDestinationOptions, 2048).extension(kRouting, 2048).payload(3000);
    const auto before = program.counters();
    const auto explanation = program.explain(frame);
    EXPECT_EQ(explanation.answer.reason, MF_DROP_COUNTRY);
    EXPECT_EQ(explanation.answer.country, country("CN").number());
    EXPECT_EQ(explanation.packet, frame);
    EXPECT_EQ(program.counters(), before);
}

TEST_P(BigFrame, IsCountedWholeWhateverBecomesOfIt)
{
    // The IP packet is in the first buffer, or there is none: the frame is as big all the same.
    for (const auto family : {Family::ipv4, Family::ipv6}) {
        expect(packet(family).trailer(5000), MF_DROP_COUNTRY);
        expect(packet(family).trailer(5000).protocol(kEsp), MF_OTHER_PROTOCOL);
        expect(packet(family).trailer(5000).ethertype(0x88CC), MF_NOT_IP);
    }
}

} // namespace
} // namespace meetfence::test
