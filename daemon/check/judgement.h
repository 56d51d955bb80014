// SPDX-License-Identifier: Apache-2.0
// Was this packet rightly dropped? Judged anew from what is on the disk: the rule's row, and the database
// files. Pure, and free of everything that made the packet be dropped.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "daemon/geo/second_opinion.h"
#include "daemon/store/reader.h"
#include "kernel-headers/abi.h"
#include "model/endpoint.h"

namespace meetfence::check {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Who takes part, by signalling's word.
struct Person {
    std::uint64_t meeting = 0; // number
    std::string id;
};

/// A packet that was dropped.
struct Drop {
    std::uint64_t meeting = 0, rule = 0; // numbers
    WallTime time;
    SocketAddress remote, local; // port 0 in a later fragment
    Transport transport = Transport::udp;
    bool fragment = false;        // a later one: by what its first one was dropped for
    bool dedicated = false;       // the endpoint alone said which meeting it was
    bool has_participant = false; // the filter says that it knows whose it was
    std::optional<Person> person; // whose: none where that one is not known any more
};

/// The sample as a drop; who it was the caller knows.
[[nodiscard]] Drop to_drop(const mf_sample& sample, WallTime time);

/// What there is to judge by, as it is on the disk.
struct Evidence {
    std::optional<store::RuleRow> rule;
    std::optional<store::MeetingRow> meeting;
    geo::Opinion opinion; // on the remote address
};

enum class Verdict : std::uint8_t { inside, outside, unknown };

struct Judgement {
    Verdict verdict = Verdict::inside;
    std::string why; // one clause, with no address in it; empty where inside
};

/// `exempt`: prefixes that are never filtered. Begin, end and withdrawal of a rule are a second early or
/// late.
[[nodiscard]] Judgement judge(const Drop& drop, const Evidence& evidence, std::span<const IpPrefix> exempt);

} // namespace meetfence::check
