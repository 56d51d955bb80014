// SPDX-License-Identifier: Apache-2.0
#include "ctl/completion.h"

#include <array>
#include <fmt/format.h>
#include <map>
#include <set>
#include <vector>

#include "ctl/completion_engine.h"
#include "ctl/synopsis.h"
#include "model/country.h"
#include "model/order.h"

namespace meetfence::ctl {
namespace {

constexpr std::string_view kRepeated = "…";

std::string in_quotes(std::string_view text)
{
    std::string result = "'";
    for (const char c : text) {
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return result + "'";
}

template <class Enum> std::string words_to(Enum last)
{
    std::string words;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        words.append(words.empty() ? "" : " ").append(to_text(static_cast<Enum>(i)));
    }
    return words;
}

std::string country_codes()
{
    CountrySet all;
    for (std::size_t number = 1; number <= country_count(); ++number) {
        all.add(Country(static_cast<std::uint8_t>(number)));
    }
    return all.text();
}

std::string reject_words()
{
    std::string words;
    for (const auto reason : reject_reasons()) {
        if (reason != "other") { // as a word it says nothing, and is refused
            words.append(words.empty() ? "" : " ").append(reason);
        }
    }
    return words;
}

// What is written for a placeholder of the table, where that is a closed list.
std::string list_values()
{
    std::string text;
    for (const auto& [placeholder, words] : {std::pair<std::string_view, std::string>("CC", country_codes()),
                                             {"FORMAT", "json csv html"},
                                             {"S", words_to(OrderState::suspended)},
                                             {"TYPE", words_to(AuthorityType::other)},
                                             {"HOW", words_to(Channel::other)},
                                             {"REJECTION", reject_words()}}) {
        text += fmt::format("    {}) read -ra found <<<{} ;;\n", placeholder, in_quotes(words));
    }
    return text;
}

// What a command says of its own words is not always what can be offered for them.
std::string_view placeholder_of(const Command& command, std::string_view word, std::string_view placeholder)
{
    if (command.name == "order reject" && word == "why") {
        return "REJECTION";
    }
    const bool is_new = command.name == "order add" && word == "O"; // names are given once
    return is_new ? "" : placeholder;
}

std::string describe(const Command& command, const Option& option)
{
    constexpr auto kKinds = std::to_array<std::string_view>({"flag", "value", "values"});
    return in_quotes(fmt::format("{}:{}:{}", option.name, kKinds.at(static_cast<std::size_t>(option.kind)),
                                 placeholder_of(command, option.name, option.placeholder)));
}

std::string list_options(const Command& command, std::span<const Option> options)
{
    std::string text;
    for (const auto& option : options) {
        text += " " + describe(command, option);
    }
    return text;
}

std::string list_words(const Command& command)
{
    std::string text;
    for (auto word : words_of(command.synopsis)) {
        const bool repeated = word.ends_with(kRepeated);
        word.resize(word.size() - (repeated ? kRepeated.size() : 0));
        text += " " + in_quotes(std::string(placeholder_of(command, word, word)) + (repeated ? "+" : ""));
    }
    return text;
}

std::string list_commands(std::span<const Command> commands)
{
    std::string text;
    for (const auto& command : commands) {
        text += fmt::format("    {})\n", in_quotes(command.name));
        text += fmt::format("        takes=({} )\n", list_words(command));
        text += fmt::format("        options+=({} )\n        ;;\n", list_options(command, command.options));
    }
    return text;
}

// What may follow nothing, and what may follow the first word of commands with two.
std::string list_next(std::span<const Command> commands)
{
    std::map<std::string_view, std::vector<std::string_view>> next;
    std::set<std::string_view> first_words;
    for (const auto& command : commands) {
        const auto space = command.name.find(' ');
        const auto first = command.name.substr(0, space);
        if (first_words.insert(first).second) {
            next[""].push_back(first);
        }
        if (space != std::string_view::npos) {
            next[first].push_back(command.name.substr(space + 1));
        }
    }
    std::string text;
    for (const auto& [before, words] : next) {
        text += fmt::format("    {}) next=(", in_quotes(before));
        for (const auto word : words) {
            text += " " + in_quotes(word);
        }
        text += " ) ;;\n";
    }
    return text;
}

} // namespace

std::string bash_completion(std::span<const Command> commands, std::span<const Option> globals)
{
    std::string script(kCompletionHead);
    script += "_meetfencectl_command() # NAME\n{\n    takes=()\n";
    script += fmt::format("    options=({} )\n", list_options({}, globals));
    script +=
        "    case $1 in\n    '') ;;\n" + list_commands(commands) + "    *) return 1 ;;\n    esac\n}\n\n";
    script += "# What may follow a word, where that is not yet a command.\n";
    script += "_meetfencectl_next() # WORD\n{\n    next=()\n    case $1 in\n" + list_next(commands);
    script += "    *) return 1 ;;\n    esac\n}\n\n";
    script += "# A placeholder that stands for one of a few words.\n";
    script += "_meetfencectl_list() # PLACEHOLDER\n{\n    case $1 in\n" + list_values() + "    esac\n}\n\n";
    return script + std::string(kCompletionEngine);
}

} // namespace meetfence::ctl
