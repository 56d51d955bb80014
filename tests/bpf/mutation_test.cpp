// SPDX-License-Identifier: Apache-2.0
// Good frames with random damage: the program and the reference parser must agree on each.
#include <algorithm>
#include <iomanip>
#include <random>
#include <sstream>

#include "tests/support/parse_fixture.h"

namespace meetfence::test {
namespace {

constexpr unsigned kFrames = 20'000; // for each setting of multi_buffer

std::string hex(const Bytes& bytes)
{
    std::ostringstream out;
    for (const auto byte : bytes) {
        out << std::hex << std::setw(2) << std::setfill('0') << static_cast<unsigned>(byte);
    }
    return out.str();
}

class Mutator {
public:
    explicit Mutator(unsigned seed) : random_(seed)
    {
        for (const auto family : {Family::ipv4, Family::ipv6}) {
            for (const auto transport : {Transport::udp, Transport::tcp}) {
                for (auto& [kind, frame] : good_frames(family, transport)) {
                    originals_.push_back(std::move(frame));
                }
                originals_.push_back(to_meeting(family, transport)
                                         .vlan(kDot1Q)
                                         .vlan(kDot1Ad)
                                         .vlan(kDot1Q)
                                         .vlan(kDot1Q)
                                         .vlan(kDot1Q)); // one too many
            }
        }
    }

    Bytes next()
    {
        Bytes frame = originals_.at(below(originals_.size()));
        const auto changes = 1 + below(4);
        for (std::size_t i = 0; i < changes; ++i) {
            change(frame);
        }
        frame.resize(std::max<std::size_t>(frame.size(), 14));
        return frame;
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    std::uint8_t byte()
    {
        // Values at which a parser turns: next headers, lengths, versions, flags.
        constexpr std::uint8_t kTelling[] = {0,   1,   4,    5,    6,    7,    8,    17,   20,   40,
                                             43,  44,  51,   60,   64,   135,  0x1f, 0x20, 127,  128,
                                             254, 255, 0x45, 0x4f, 0x60, 0x81, 0x88, 0xa8, 0x86, 0xdd};
        return below(2) == 0 ? kTelling[below(std::size(kTelling))] : static_cast<std::uint8_t>(below(256));
    }
    void change(Bytes& frame)
    {
        // Mostly the headers: what follows them does not matter.
        const auto at = 12 + below(std::max<std::size_t>(std::min<std::size_t>(frame.size(), 160), 14) - 12);
        switch (below(8)) {
        case 0:
            frame.resize(14 + below(frame.size()));
            break;
        case 1:
            frame.resize(frame.size() + below(64));
            break;
        case 2:
            frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(std::min(at, frame.size())),
                         1 + below(8), byte());
            break;
        case 3:
            if (at + 4 < frame.size()) {
                frame.erase(frame.begin() + static_cast<std::ptrdiff_t>(at),
                            frame.begin() + static_cast<std::ptrdiff_t>(at + 1 + below(3)));
            }
            break;
        case 4:
            if (at < frame.size()) {
                frame[at] = static_cast<std::uint8_t>(frame[at] ^ 1U << below(8));
            }
            break;
        default:
            if (at < frame.size()) {
                frame[at] = byte();
            }
        }
    }

    std::mt19937 random_;
    std::vector<Bytes> originals_;
};

class Mutation : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, Mutation, testing::Bool(), [](const auto& each) {
    return std::string(each.param ? "MultiBuffer" : "OneBuffer");
});

TEST_P(Mutation, IsReadAsTheReferenceParserReadsIt)
{
    constexpr unsigned kSeed = 20200604;
    auto& program = DropEverything::shared(GetParam());
    Mutator mutator(kSeed);
    std::map<std::uint32_t, unsigned> seen;
    for (unsigned i = 0; i < kFrames; ++i) {
        const auto frame = mutator.next();
        const auto outcome = program.run(frame);
        const auto expected = program.expected(frame);
        ASSERT_EQ(outcome, expected) << "frame " << i << ": " << hex(frame);
        program.forget_fragments();
        ++seen[expected.moved.reasons.begin()->first];
    }
    // The damage is worth its time only while it finds its way to every reason.
    for (const auto reason :
         {MF_NOT_IP, MF_TRUNCATED_VLAN, MF_VLAN_TOO_DEEP, MF_TRUNCATED_IPV4, MF_BAD_IPV4, MF_TRUNCATED_IPV6,
          MF_BAD_IPV6, MF_TRUNCATED_EXTENSION, MF_TOO_MANY_EXTENSIONS, MF_OTHER_PROTOCOL, MF_TRUNCATED_L4,
          MF_BAD_L4, MF_LATER_FRAGMENT, MF_OTHER_TRAFFIC, MF_DROP_COUNTRY}) {
        EXPECT_GT(seen[reason], 10U) << "reason " << reason;
    }
}

} // namespace
} // namespace meetfence::test
