// SPDX-License-Identifier: Apache-2.0
// Completion for shells, made from the table of commands. Pure.
#pragma once

#include <span>
#include <string>

#include "ctl/command.h"

namespace meetfence::ctl {

/// A script for bash, with or without the package bash-completion.
[[nodiscard]] std::string bash_completion(std::span<const Command> commands, std::span<const Option> globals);

} // namespace meetfence::ctl
