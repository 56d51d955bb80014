// SPDX-License-Identifier: Apache-2.0
// What a frame says, read from the RFCs and the list of reasons in kernel-headers/abi.h, in the
// plainest way: a span that shrinks. It knows nothing of how bpf/parse.h goes about it.
#pragma once

#include <cstdint>
#include <span>

#include "kernel-headers/abi.h"
#include "model/ip.h"

namespace meetfence::test {

enum class FragmentKind : std::uint8_t { whole, first, later };

struct Reading {
    mf_reason reason = MF_UNDECIDED; // why the frame can't be judged; MF_UNDECIDED = it can
    IpAddress remote, local;
    std::uint16_t remote_port = 0, local_port = 0;
    std::uint8_t protocol = 0;
    FragmentKind fragment = FragmentKind::whole;
};

[[nodiscard]] Reading read_frame(std::span<const std::uint8_t> frame);

} // namespace meetfence::test
