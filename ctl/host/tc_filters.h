// SPDX-License-Identifier: Apache-2.0
// BPF programs in an interface's clsact filters and tcx hooks, ours and others'.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/result.h"

namespace meetfence::host {

struct TcProgram {
    std::string hook; // "tc ingress", "tcx egress", …
    std::uint32_t id = 0;
    std::string name; // "" where the asker may not know
};

/// In the order in which packets meet them, hook by hook.
[[nodiscard]] Result<std::vector<TcProgram>> read_tc_programs(unsigned ifindex);

/// "" where there is none, or the asker may not know.
[[nodiscard]] std::string program_name(std::uint32_t id);

} // namespace meetfence::host
