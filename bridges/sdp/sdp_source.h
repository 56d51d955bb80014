// SPDX-License-Identifier: Apache-2.0
// For whoever carries SDP through signalling of their own: each media server's offer or answer is handed over
// here as it passes.
//   PUT    /v1/meetings/M/participants/P/transports/T   the server's SDP, as text or as {"sdp": "…"}
//   DELETE /v1/meetings/M/participants/P/transports/T   or without /transports/T: all of them
//   stdin, where it is a pipe: {"meeting", "participant", "transport", "sdp"} a line; without "sdp" it is
//   removed
#pragma once

#include "bridges/source.h"

namespace meetfence::bridges {

[[nodiscard]] Kind sdp_kind();

} // namespace meetfence::bridges
