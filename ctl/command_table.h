// SPDX-License-Identifier: Apache-2.0
// The table of all commands. --help and the suggestions for mistyped words are made from it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ctl/command.h"

namespace meetfence::ctl {

[[nodiscard]] std::span<const Command> commands();
/// Understood before and after the command's name.
[[nodiscard]] std::span<const Option> global_options();

/// Null where no command has this name.
[[nodiscard]] const Command* find_command(std::string_view name);
/// Whether `name` is the first word of commands with two, such as "meeting".
[[nodiscard]] bool is_group(std::string_view name);

[[nodiscard]] std::string general_help();
[[nodiscard]] std::string group_help(std::string_view group);
[[nodiscard]] std::string command_help(const Command& command);
/// What is wrong with a name that is no command: which words may follow, or which is near.
[[nodiscard]] std::string unknown_command(std::string_view name, std::string_view next_word);

} // namespace meetfence::ctl
