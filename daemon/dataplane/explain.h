// SPDX-License-Identifier: Apache-2.0
// Asks the loaded program for its verdict on a packet, without counting it (abi.h, struct mf_explain).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernel-headers/abi.h"
#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence::dataplane {

/// A frame from a participant to one local address and port. Both have the same family. With a ufrag it is
/// an ICE check that names it.
[[nodiscard]] std::vector<std::uint8_t> build_frame(const SocketAddress& from, Transport transport,
                                                    const SocketAddress& to, std::string_view ufrag = {});

/// `frame` starts with the Ethernet header and has at least its 14 bytes.
[[nodiscard]] Result<mf_explain> ask_program(int program_fd, std::span<const std::uint8_t> frame);

} // namespace meetfence::dataplane
