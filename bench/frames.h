// SPDX-License-Identifier: Apache-2.0
// What BPF_PROG_TEST_RUN is given to send, before the program writes the ends into it.
#pragma once

#include <cstdint>
#include <vector>

#include "model/ip.h"

namespace meetfence::bench {

using Frame = std::vector<std::uint8_t>;

/// The smallest one that carries media: the first byte is RTP's.
[[nodiscard]] Frame media_frame(const IpAddress& remote, const IpAddress& local);
/// A Binding request with Chrome's attributes in Chrome's order, 100 bytes of STUN.
[[nodiscard]] Frame stun_frame(const IpAddress& remote, const IpAddress& local);

} // namespace meetfence::bench
