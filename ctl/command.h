// SPDX-License-Identifier: Apache-2.0
// What a command of the control tool is, and what it runs with. The commands themselves stand in
// ctl/commands/, their names, options and help in ctl/command_table.cpp.
#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "ctl/arguments.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "model/json.h"
#include "model/time.h"

namespace meetfence::ctl {

// Exit statuses: part of the contract.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;
inline constexpr int kUnfiltered = 10; // `status`: some interface is not filtered

/// Answers go to `out`, everything else (errors, questions, "no meetings") to `err`.
struct Console {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool out_is_terminal = false;
    bool can_ask = false; // somebody sits at `in` and `err`
    /// Of the terminal at `err`, asked each time since windows are resized; empty where it is none.
    std::function<std::size_t()> err_columns = {};
};

struct Context {
    const Arguments& arguments;
    Console& console;
    Client& client;
    Style style; // of console.out
    Time now;    // read once, so that all of one command speaks of the same moment
    bool json = false;
    std::string bpf_dir;
    std::string_view command;
};

struct Command {
    std::string_view name; // one or two words
    std::string_view synopsis;
    std::string_view help; // one line
    std::size_t least_words = 0, most_words = 0;
    std::span<const Option> options;
    Result<int> (*run)(Context&) = nullptr;
};

/// One line on stderr; control bytes in the message cannot reach the terminal.
void say(Console& console, std::string_view message);
/// Says what is wrong with the command line and where its help is; yields kUsage.
[[nodiscard]] int refuse_usage(Console& console, std::string_view command, std::string_view message);
/// Pretty for a person at a terminal, one line for programs.
void print_json(Console& console, const Json& value);
/// Asks a yes-or-no question at the terminal; anything but yes is no.
[[nodiscard]] bool confirm(Console& console, std::string_view question);

} // namespace meetfence::ctl
