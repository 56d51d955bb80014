// SPDX-License-Identifier: Apache-2.0
// The part of meetfencectl(1) that is made from the table of commands, as scdoc(5) reads it. Pure.
#pragma once

#include <span>
#include <string>

#include "ctl/command.h"

namespace meetfence::ctl {

/// All commands, by what they are for, each with its synopsis and its options.
[[nodiscard]] std::string manual_commands(std::span<const Command> commands);
[[nodiscard]] std::string manual_options(std::span<const Option> options);

} // namespace meetfence::ctl
