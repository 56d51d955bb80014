// SPDX-License-Identifier: Apache-2.0
// The control tool from its arguments to its exit status.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ctl/command.h"

namespace meetfence::ctl {

[[nodiscard]] int run_program(const std::vector<std::string>& arguments, Console& console);

} // namespace meetfence::ctl
