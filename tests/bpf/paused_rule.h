// SPDX-License-Identifier: Apache-2.0
// A shared port, and a rule on the members' country that has not begun: people join before anybody blocks
// them.
#pragma once

#include "tests/support/shared_fixture.h"

namespace meetfence::test {

class PausedRuleTest : public SharedPortTest {
protected:
    PausedRuleTest() : rule(block(theirs)) { pause_rule(); }

    void pause_rule() { program.rules[rule.index].from_ns = ~0ULL; }
    void start_rule() { program.rules[rule.index].from_ns = 0; }
    void age(const SocketAddress& client, std::uint32_t ticks) const
    {
        flow(client)->proven = LoadedProgram::tick() - ticks;
    }

    const PlacedRule rule;
};

} // namespace meetfence::test
