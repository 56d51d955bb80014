// SPDX-License-Identifier: Apache-2.0
// The clock is not read for every packet, and yet a rule holds for not one packet outside its time.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
/// Longer than the clock that is read once per timer interrupt stands still.
constexpr std::uint64_t kBeyond = 12 * kMillisecond;

class RuleTime : public MeetingTest {
protected:
    RuleTime() : rule(program.add_rule(meeting, {.countries = {"CN"}}))
    {
        EXPECT_EQ(program.run(frame).verdict, Verdict::drop);
    }

    /// Sends until some time after `turn`. `before`, `after`: the verdict on each packet that was through
    /// before the turn, and on each that was sent at it or later.
    void expect_turn(std::uint64_t turn, Verdict before, Verdict after)
    {
        unsigned sent_before = 0;
        unsigned sent_after = 0;
        for (std::uint64_t sent_at = boot_clock_ns(); sent_at < turn + kBeyond || sent_after == 0;) {
            const auto verdict = program.send(frame, 1);
            const auto done_at = boot_clock_ns();
            if (sent_at >= turn) {
                ASSERT_EQ(verdict, after) << sent_at - turn << " ns after the turn";
                ++sent_after;
            } else if (done_at < turn) {
                ASSERT_EQ(verdict, before) << turn - done_at << " ns before the turn";
                ++sent_before;
            }
            sent_at = done_at;
        }
        packets_before += sent_before;
    }

    const Bytes frame = from(host.chinese);
    const PlacedRule rule;
    unsigned packets_before = 0;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, RuleTime, kEveryFamilyAndTransport, family_and_transport);

TEST_P(RuleTime, EndsBeforeTheFirstPacketAtItsEnd)
{
    for (std::uint64_t ahead = 1; ahead <= 25; ++ahead) {
        const auto until = boot_clock_ns() + ahead * kMillisecond;
        program.rules[rule.index].until_ns = until;
        expect_turn(until, Verdict::drop, Verdict::pass);
        if (HasFatalFailure()) {
            return;
        }
    }
    EXPECT_GT(packets_before, 0U);
}

TEST_P(RuleTime, BeginsWithTheFirstPacketAtItsBeginning)
{
    for (std::uint64_t ahead = 1; ahead <= 25; ++ahead) {
        const auto from_ns = boot_clock_ns() + ahead * kMillisecond;
        program.rules[rule.index].from_ns = from_ns;
        expect_turn(from_ns, Verdict::pass, Verdict::drop);
        if (HasFatalFailure()) {
            return;
        }
    }
    EXPECT_GT(packets_before, 0U);
}

} // namespace
} // namespace meetfence::test
