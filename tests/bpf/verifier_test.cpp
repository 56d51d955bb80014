// SPDX-License-Identifier: Apache-2.0
// What the verifier has to walk through. Its limit is a million instructions; ours leaves room for
// what is still to come, and keeps loading quick.
#include <gtest/gtest.h>

#include "tests/support/loaded_program.h"

namespace meetfence::test {
namespace {

constexpr std::uint32_t kBudget = 60'000;

class Verifier : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, Verifier, testing::Bool(), [](const auto& each) {
    return std::string(each.param ? "MultiBuffer" : "OneBuffer");
});

TEST_P(Verifier, StaysWithinItsBudget)
{
    const LoadedProgram program({.multi_buffer = GetParam()});
    const auto instructions = program.verified_instructions();
    RecordProperty("verified_budget", static_cast<int>(kBudget));
    RecordProperty("verified_instructions", static_cast<int>(instructions));
    EXPECT_GT(instructions, 0U);
    EXPECT_LT(instructions, kBudget);
    const auto egress = program.verified_instructions(MF_EGRESS);
    RecordProperty("verified_instructions_egress", static_cast<int>(egress));
    EXPECT_GT(egress, 0U);
    EXPECT_LT(egress, kBudget);
}

} // namespace
} // namespace meetfence::test
