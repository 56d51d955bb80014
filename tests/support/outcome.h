// SPDX-License-Identifier: Apache-2.0
// What the program did to one packet: the verdict, and every counter that moved by it.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>

#include "kernel-headers/abi.h"
#include "tests/support/packet.h"

namespace meetfence::test {

/// Every counter of the program that is not 0, summed over the CPUs.
struct Counters {
    std::map<std::uint32_t, mf_traffic> reasons; // as the map has them: by direction, then by reason
    std::map<std::uint32_t, mf_cell> cells;
};
[[nodiscard]] Counters operator-(const Counters& after, const Counters& before);
[[nodiscard]] bool operator==(const Counters& a, const Counters& b);

enum class Verdict : std::uint32_t { drop = 1, pass = 2 }; // XDP_DROP, XDP_PASS

struct Outcome {
    Verdict verdict = Verdict::pass;
    Counters moved;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

/// The packet was counted under this reason and nowhere else.
[[nodiscard]] Outcome counted(mf_reason reason, const Bytes& frame, mf_direction direction = MF_INGRESS);
/// And in this cell of a rule, where the reason says: dropped, would be dropped or passed.
[[nodiscard]] Outcome booked(mf_reason reason, const Bytes& frame, std::uint32_t cell,
                             mf_direction direction = MF_INGRESS);

} // namespace meetfence::test
