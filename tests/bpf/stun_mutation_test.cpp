// SPDX-License-Identifier: Apache-2.0
// Good STUN with random damage, in both directions: each packet is counted once, nobody whom no rule
// concerns is dropped, and no damage makes a bystander's packet the blocked member's.
#include <iomanip>
#include <random>
#include <sstream>

#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

constexpr unsigned kFrames = 20'000; // of each family and transport

std::string hex(const Bytes& bytes)
{
    std::ostringstream out;
    for (const auto byte : bytes) {
        out << std::hex << std::setw(2) << std::setfill('0') << static_cast<unsigned>(byte);
    }
    return out.str();
}

class StunMutation : public SharedPortTest {
protected:
    StunMutation() : SharedPortTest(MF_ENDPOINT_LEARNS | MF_ENDPOINT_TURN), rule(block(theirs)) {}

    Bytes message(std::string_view ufrag)
    {
        const auto stack = kStacks[below(std::size(kStacks))];
        const auto role = below(2) == 0 ? Role::controlling : Role::controlled;
        const auto good = request(stack, role, std::string(ufrag) + ":KKh3", next_transaction()).bytes();
        switch (below(6)) {
        case 0:
            return channel_data(good);
        case 1:
            return send_indication(good);
        case 2:
            return Stun(kBindingRequest, next_transaction())
                .username("x:y")
                .username(std::string(ufrag) + ":c")
                .integrity();
        default:
            return good;
        }
    }
    void damage(Bytes& bytes)
    {
        // Values at which a reader turns: lengths, types, colons.
        constexpr std::uint8_t kTelling[] = {0,    1,    3,    4,   6,    8,    0x11, 0x16,
                                             0x17, 0x20, 0x28, ':', 0x40, 0x80, 255};
        for (auto changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
            const auto at = below(bytes.size());
            switch (below(6)) {
            case 0:
                bytes.resize(at);
                break;
            case 1:
                bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1 + below(8),
                             telling(kTelling));
                break;
            case 2:
                bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
                break;
            case 3:
                bytes[at] ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            default:
                bytes[at] = telling(kTelling);
            }
        }
    }
    std::size_t below(std::size_t limit) { return random_() % limit; }

    const PlacedRule rule;

private:
    template <std::size_t N> std::uint8_t telling(const std::uint8_t (&values)[N])
    {
        return below(2) == 0 ? values[below(N)] : static_cast<std::uint8_t>(below(256));
    }

    std::mt19937 random_{20200604};
};
INSTANTIATE_TEST_SUITE_P(Everywhere, StunMutation, kEveryFamilyAndTransport, family_and_transport);

TEST_P(StunMutation, DropsNobodyWrongly)
{
    std::map<std::uint32_t, unsigned> seen;
    for (unsigned i = 0; i < kFrames; ++i) {
        const bool theirs_named = below(2) == 0;
        auto from = below(4) == 0 ? american : chinese;
        if (below(2) == 0) { // where nothing ran before: a request may be dropped at once
            from.port = static_cast<std::uint16_t>(1024 + below(60'000));
        }
        auto stun = message(theirs_named ? member.ufrag : bystander.ufrag);
        damage(stun);
        const bool outwards = below(2) == 0;
        const Bytes frame = outwards ? Packet(transport, server, from).payload(stun).bytes()
                                     : Packet(transport, from, server).payload(stun).bytes();
        const auto outcome = outwards ? program.run_egress(frame) : program.run(frame);
        ASSERT_EQ(outcome.moved.reasons.size(), 1U) << hex(stun);
        const auto& [index, traffic] = *outcome.moved.reasons.begin();
        ASSERT_EQ(index / MF_REASONS, outwards ? 1U : 0U) << hex(stun);
        ASSERT_EQ(traffic.packets, 1U) << hex(stun);
        ASSERT_EQ(traffic.bytes, frame.size()) << hex(stun);
        if (!theirs_named || from.address == american.address) {
            ASSERT_EQ(outcome.verdict, Verdict::pass) << hex(stun);
        }
        if (from.address == american.address) {
            ASSERT_EQ(index % MF_REASONS, MF_COUNTRY_NOT_CONCERNED) << hex(stun);
        }
        ++seen[index % MF_REASONS];
    }
    // The damage is worth its time only while it finds its way everywhere.
    for (const auto reason : {MF_COUNTRY_NOT_CONCERNED, MF_UNATTRIBUTED, MF_UNKNOWN_UFRAG, MF_STUN_UNREADABLE,
                              MF_PROVING, MF_DROP_COUNTRY}) {
        EXPECT_GT(seen[reason], 100U) << "reason " << reason;
    }
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 0U);
}

} // namespace
} // namespace meetfence::test
