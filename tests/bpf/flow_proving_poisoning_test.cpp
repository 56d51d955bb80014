// SPDX-License-Identifier: Apache-2.0
// Somebody who is kept out writes a bystander's address on checks while the bystander's media runs and
// nothing has said yet whose it is: the check passes, for the server to say whether it is genuine. The
// bystander must notice nothing.
#include "tests/support/shared_fixture.h"

namespace meetfence::test {
namespace {

class ProvingPoisoning : public SharedPortTest {
protected:
    ProvingPoisoning() : rule(block(theirs)) {}

    /// The member's check, as from the bystander; the server knows its password.
    void spoof()
    {
        const auto transaction = next_transaction();
        expect(check(chinese, member.ufrag, transaction), MF_PROVING);
        expect_out(answer(chinese, transaction), MF_DROP_COUNTRY, rule);
    }
    void expect_media_passes()
    {
        EXPECT_EQ(program.run(media_in(chinese)).verdict, Verdict::pass);
        EXPECT_EQ(program.run_egress(media_out(chinese)).verdict, Verdict::pass);
    }

    const PlacedRule rule;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, ProvingPoisoning, kEveryFamilyAndTransport, family_and_transport);

TEST_P(ProvingPoisoning, WithoutAnAnswer)
{
    for (unsigned i = 0; i < 20; ++i) {
        expect_media(chinese, MF_UNATTRIBUTED);
        expect(check(chinese, member.ufrag, next_transaction()), MF_PROVING);
        expect_out(server_check(chinese, member.ufrag, next_transaction()), MF_PROVING);
        expect_out(answer(chinese, 1), MF_UNATTRIBUTED); // to something else
        expect(client_answer(chinese, 2), MF_UNATTRIBUTED);
    }
    EXPECT_EQ(owner_of(chinese), 0U);
    expect_untouched(chinese, "unknown");
    expect_untouched(chinese, bystander.ufrag);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    expect_media(chinese, MF_CONTESTED); // the unknown one was answered here as well
}

TEST_P(ProvingPoisoning, ThatIsRefused)
{
    for (unsigned i = 0; i < 20; ++i) {
        const auto asked = next_transaction();
        const auto back = next_transaction();
        expect_media(chinese, MF_UNATTRIBUTED);
        expect(check(chinese, member.ufrag, asked), MF_PROVING);
        expect_out(out(chinese, error(asked)), MF_DROP_COUNTRY, rule);
        // The member names the bystander's address as its own; the bystander knows no such user.
        expect_out(server_check(chinese, member.ufrag, back), MF_PROVING);
        expect(in(chinese, error(back)), MF_DROP_COUNTRY, rule);
    }
    EXPECT_EQ(owner_of(chinese), 0U);
    EXPECT_EQ(program.tally(MF_TALLY_LEARNED), 0U);
    expect_untouched(chinese, "unknown");
    expect_untouched(chinese, bystander.ufrag);
    expect_media(chinese, MF_CONTESTED); // the unknown one was answered here as well
}

TEST_P(ProvingPoisoning, OfABystanderWhoseOwnChecksWereAnswered)
{
    handshake(chinese, bystander);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
    expect(check(chinese, member.ufrag, 1), MF_DROP_COUNTRY, rule);
    expect_out(server_check(chinese, member.ufrag, 2), MF_DROP_COUNTRY, rule);
    EXPECT_EQ(owner_of(chinese), bystander.owner);
    EXPECT_EQ(program.tally(MF_TALLY_CONTESTED), 0U);
    expect_media(chinese, MF_COUNTRY_NOT_CONCERNED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(ProvingPoisoning, OfABystanderWhoseOwnChecksAreAnsweredNext)
{
    for (const auto& ufrag : {bystander.ufrag, std::string("unknown")}) {
        expect_media(chinese, MF_UNATTRIBUTED);
        spoof();
        handshake(chinese, ufrag);
        expect_media(chinese, MF_CONTESTED);
        expect_untouched(chinese, ufrag);
        *flow(chinese) = {.owner = MF_FLOW_FREED};
    }
}

TEST_P(ProvingPoisoning, BetweenTheBystandersRequestAndItsAnswer)
{
    expect_media(chinese, MF_UNATTRIBUTED);
    expect(check(chinese, bystander.ufrag, 1), MF_COUNTRY_NOT_CONCERNED);
    spoof();
    expect_out(answer(chinese, 1), MF_COUNTRY_NOT_CONCERNED);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(ProvingPoisoning, BeforeTheBystander)
{
    expect(media_in(chinese), MF_UNATTRIBUTED); // written by the member, too
    spoof();
    expect(check(chinese, bystander.ufrag, 1), MF_COUNTRY_NOT_CONCERNED);
    expect_out(answer(chinese, 1), MF_COUNTRY_NOT_CONCERNED);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

TEST_P(ProvingPoisoning, OfABystanderWhoWasNotHandedOver)
{
    // Known to the server, which answers; to the filter only by that.
    handshake(chinese, "unknown");
    expect_media_passes();
    const auto transaction = next_transaction();
    (void)program.run(check(chinese, member.ufrag, transaction));
    (void)program.run_egress(answer(chinese, transaction));
    expect_media_passes();
    expect_untouched(chinese, "unknown");
}

TEST_P(ProvingPoisoning, OfABystanderWhoseFlowIsIdle)
{
    handshake(chinese, bystander);
    flow(chinese)->proven -= LoadedProgram::kFlowIdle;
    expect_media(chinese, MF_UNATTRIBUTED);
    spoof();
    handshake(chinese, bystander);
    expect_media(chinese, MF_CONTESTED);
    expect_untouched(chinese, bystander.ufrag);
}

} // namespace
} // namespace meetfence::test
