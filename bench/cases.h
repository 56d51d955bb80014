// SPDX-License-Identifier: Apache-2.0
// What is measured: the contract's cases, and how they grow.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/program.h"
#include "daemon/geo/mmdb_file.h"

namespace meetfence::bench {

struct Case {
    std::string name;
    std::string program; // in bench/bpf
    std::string empty;   // the one that only writes the packet; by default for ingress
    World world;
    Packets packets;
    std::uint32_t repeat = 1U << 18; // packets in one round
    mf_reason reason = MF_UNDECIDED; // the filter's for every packet; undecided where it is not asked
    bool remembered = false;         // every packet, as a STUN request
    bool on_two_cores = false;       // measured on one core and on two, too
};

inline constexpr std::size_t kHot = 256;
inline constexpr std::size_t kCold = BENCH_MOST_PACKETS;

/// `blocked`: the country of the rules. One of which the database has no address gives no case.
[[nodiscard]] std::vector<Case> all_cases(const geo::Database& database, Country blocked);

} // namespace meetfence::bench
