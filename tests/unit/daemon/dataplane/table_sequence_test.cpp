// SPDX-License-Identifier: Apache-2.0
// Thousands of random changes in tables so small that they are full all the time, compared after every
// step with a simple model: verdicts, counters, what packets on their way may see, and what is refused.
#include "tests/unit/daemon/dataplane/table_sequence.h"

namespace meetfence::test {
namespace {

TEST_P(TableSequence, AgreesWithTheModelAfterEveryStep)
{
    for (int step = 0; step < 5000; ++step) {
        const auto what = dice(20);
        if (what == 0) {
            ASSERT_TRUE(writer->reclaim());
        } else if (what == 1) {
            take_over();
        } else if (what == 2) {
            exempt();
        } else if (what < 6) {
            send_packets();
        } else {
            make_change();
        }
        ASSERT_NO_FATAL_FAILURE(expect_as_the_model_says()) << "step " << step;
        if (HasFailure()) {
            FAIL() << "at step " << step;
        }
    }
    EXPECT_GT(refusals, 100U) << "the tables were never full";

    // Nothing is lost: the whole room is there again.
    Numbers all;
    for (const auto& [number, meeting] : model.meetings) {
        all.push_back(number);
    }
    EXPECT_EQ(steps_to_watch, 0U);
    Named nowhere;
    for (const auto& [at, flags] : model.named) {
        nowhere.push_back({at, 0});
    }
    put({}, all, nowhere);
    EXPECT_TRUE(writer->named().empty());
    ASSERT_TRUE(writer->set_exempt({}));
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.prefix_count(), 0U);
    EXPECT_EQ(tables.control.memory[0].retired_drops, model.all_drops);
    Images full;
    for (std::uint64_t i = 0; i < kSizes.meetings / 2; ++i) {
        full.push_back(meeting_image(1000 + i, {on_port(static_cast<std::uint32_t>(i))}));
    }
    for (std::uint32_t i = 0; full[0].endpoints.size() + full.size() < kSizes.endpoints; ++i) {
        full[0].endpoints.push_back(on_port(20 + i));
    }
    for (std::uint64_t i = 0; i < kSizes.rules - 1; ++i) {
        full[i % full.size()].rules.push_back(i < 11 ? rule_image(9000 + i, {"CN", "HK"})
                                                     : rule_image(9000 + i, {"US"}));
    }
    put(full);
    EXPECT_EQ(see(0, "CN").reason, MF_DROP_COUNTRY);
}

INSTANTIATE_TEST_SUITE_P(Seed, TableSequence, testing::Values(1U, 2U));

} // namespace
} // namespace meetfence::test
