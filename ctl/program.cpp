// SPDX-License-Identifier: Apache-2.0
#include "ctl/program.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command_table.h"
#include "pins/paths.h"

namespace meetfence::ctl {
namespace {

constexpr const char* kDefaultSocket = "/run/meetfence/control.sock";
constexpr const char* kDefaultBpfDir = "/sys/fs/bpf/meetfence";

struct CommandLine {
    std::string name; // of a command, of a group, or ""
    std::string next; // the token after it, "" at the end
    std::vector<std::string> rest;
};

// How many tokens an option takes that stands before the command's name; 0 if it is no global one.
std::size_t global_tokens(std::string_view token)
{
    if (token == "-h") {
        return 1;
    }
    const auto name = token.substr(std::min<std::size_t>(2, token.size()));
    const auto option = std::ranges::find(global_options(), name.substr(0, name.find('=')), &Option::name);
    if (option == global_options().end() || !token.starts_with("--")) {
        return 0;
    }
    return option->kind != Option::Kind::flag && name.find('=') == std::string_view::npos ? 2 : 1;
}

// Takes the command's words out of the tokens; global options may stand around them.
CommandLine split(const std::vector<std::string>& tokens)
{
    CommandLine line;
    std::size_t i = 0;
    while (i < tokens.size()) {
        if (auto count = global_tokens(tokens[i]); count > 0) {
            for (; count > 0 && i < tokens.size(); --count) {
                line.rest.push_back(tokens[i++]);
            }
            continue;
        }
        const auto longer = line.name.empty() ? tokens[i] : line.name + " " + tokens[i];
        if (find_command(longer) == nullptr && !is_group(longer)) {
            break;
        }
        line.name = longer;
        ++i;
    }
    line.next = i < tokens.size() ? tokens[i] : std::string{};
    line.rest.insert(line.rest.end(), tokens.begin() + static_cast<std::ptrdiff_t>(i), tokens.end());
    return line;
}

// A daemon with a configured pin directory leaves a symbolic link to it beside its socket.
std::string find_bpf_dir(const Arguments& arguments, const std::string& socket)
{
    if (const auto named = arguments.text("bpf-dir")) {
        return *named;
    }
    std::error_code error;
    const auto target = std::filesystem::read_symlink(pins::pointer(socket), error);
    return error ? kDefaultBpfDir : (std::filesystem::path(socket).parent_path() / target).string();
}

int exit_status(const Error& error)
{
    return error.code == ErrorCode::unreachable ? kUnreachable : kFailed;
}

int run_command(const Command& command, const Arguments& arguments, Console& console)
{
    const auto socket = arguments.text("socket").value_or(kDefaultSocket);
    Client client(socket);
    Context context{.arguments = arguments,
                    .console = console,
                    .client = client,
                    .style = Style::for_output(console.out_is_terminal),
                    .now = std::chrono::round<std::chrono::seconds>(std::chrono::system_clock::now()),
                    .json = arguments.has("json"),
                    .bpf_dir = find_bpf_dir(arguments, socket),
                    .command = command.name};
    const auto status = command.run(context);
    if (!status) {
        const auto& error = status.error();
        // Programs tell one guardrail from another by the word; people can look it up.
        say(console,
            error.reason.empty() ? error.message : fmt::format("{} ({})", error.message, error.reason));
        return exit_status(error);
    }
    return *status;
}

// The first missing of the words that must follow a command's name, as its synopsis calls them: "M",
// "RULE", "FILE".
std::string missing_word(const Command& command, const Arguments& arguments)
{
    auto rest = command.synopsis;
    for (std::size_t given = arguments.words().size(); given > 0; --given) {
        rest.remove_prefix(rest.find(' ') + 1);
    }
    const auto name = rest.substr(0, rest.find(' '));
    auto message = fmt::format("'{}' needs {}", command.name, name);
    if (!arguments.greedy().empty()) {
        message += fmt::format("; write it before --{}, which takes every word after it", arguments.greedy());
    }
    return message;
}

int check_and_run(const Command& command, const std::vector<std::string>& tokens, Console& console)
{
    std::vector<Option> options(command.options.begin(), command.options.end());
    options.insert(options.end(), global_options().begin(), global_options().end());
    const auto arguments = Arguments::parse(tokens, options);
    if (!arguments) {
        return refuse_usage(console, command.name, arguments.error().message);
    }
    if (arguments->has("help")) {
        console.out << command_help(command);
        return kDone;
    }
    if (arguments->has("version")) {
        console.out << "meetfencectl " MEETFENCE_VERSION "\n";
        return kDone;
    }
    const auto& words = arguments->words();
    if (words.size() < command.least_words) {
        return refuse_usage(console, command.name, missing_word(command, *arguments));
    }
    if (words.size() > command.most_words) {
        return refuse_usage(console, command.name,
                            fmt::format("'{}' does not take '{}'", command.name, words[command.most_words]));
    }
    return run_command(command, *arguments, console);
}

bool asks_for_help(const std::vector<std::string>& tokens)
{
    return std::ranges::any_of(tokens,
                               [](const std::string& token) { return token == "--help" || token == "-h"; });
}

int dispatch(const std::vector<std::string>& tokens, Console& console)
{
    const auto [name, next, rest] = split(tokens);
    if (const auto* command = find_command(name)) {
        return check_and_run(*command, rest, console);
    }
    if (!next.empty() && !next.starts_with('-')) {
        return refuse_usage(console, name, unknown_command(name, next));
    }
    if (asks_for_help(rest)) {
        console.out << (name.empty() ? general_help() : group_help(name));
        return kDone;
    }
    return name.empty() ? check_and_run(*find_command("status"), rest, console)
                        : refuse_usage(console, name, unknown_command(name, next));
}

} // namespace

int run_program(const std::vector<std::string>& arguments, Console& console)
{
    try {
        const int status = dispatch(arguments, console);
        if (!console.out.flush()) {
            say(console, "the answer could not be written to stdout");
            return status == kDone ? kFailed : status;
        }
        return status;
    } catch (const std::exception& error) {
        say(console, error.what());
        return kFailed;
    }
}

} // namespace meetfence::ctl
