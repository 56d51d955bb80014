// SPDX-License-Identifier: Apache-2.0
// A program that drops whatever it can judge: all addresses are Chinese, both transports' meeting
// port is a meeting's on any address, and CN is blocked there. A frame that passes was not
// understood, and the reason says why: the sharpest set-up for tests of the parser.
#pragma once

#include "tests/support/loaded_program.h"

namespace meetfence::test {

class DropEverything : public LoadedProgram {
public:
    explicit DropEverything(bool multi_buffer);

    /// What the reference parser expects of a frame while no first fragment is remembered.
    [[nodiscard]] Outcome expected(const Bytes& frame) const;
    /// What a packet counts as that gets through the parser.
    [[nodiscard]] Outcome dropped(const Bytes& frame) const;

    /// One for each setting of multi_buffer, for tests that leave nothing behind in the tables.
    static DropEverything& shared(bool multi_buffer);

private:
    PlacedRule rule_;
};

} // namespace meetfence::test
