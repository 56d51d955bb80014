// SPDX-License-Identifier: Apache-2.0
#include "ctl/manual.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <sstream>
#include <vector>

namespace meetfence::ctl {
namespace {

struct Chapter {
    std::string_view title;
    std::string_view first_words; // of its commands; a space on both sides of each
};

// The last one takes what no other names: a new command is in the manual wherever it belongs.
constexpr auto kChapters = std::to_array<Chapter>({
    {"Watching", " status top doctor events "},
    {"Meetings", " meeting "},
    {"Participants", " participant "},
    {"Rules", " block unblock rule "},
    {"Before and after a rule", " impact explain "},
    {"Orders", " order "},
    {"Country databases", " geo "},
    {"Records", " audit report "},
    {"Everything at once", " apply diff export "},
    {"Other commands", ""},
});

const Chapter& chapter_of(const Command& command)
{
    const auto first = fmt::format(" {} ", command.name.substr(0, command.name.find(' ')));
    const auto* const it = std::ranges::find_if(kChapters, [&](const Chapter& chapter) {
        return chapter.first_words.find(first) != std::string::npos;
    });
    return it == kChapters.end() ? kChapters.back() : *it;
}

// What scdoc would take for a mark.
std::string escaped(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        if (std::string_view("\\*_#~`+|<>[]").find(c) != std::string_view::npos) {
            result += '\\';
        }
        result += c;
    }
    return result;
}

std::string bold(std::string_view text)
{
    return text.empty() ? "" : "*" + escaped(text) + "*";
}

std::string underlined(std::string_view text)
{
    return text.empty() ? "" : "_" + escaped(text) + "_";
}

// Words that are typed as they stand are bold, those that stand for others underlined; brackets, bars and
// dots are neither.
std::string typeset(std::string_view synopsis)
{
    std::string result;
    std::string word;
    const auto flush = [&] {
        const bool literal = std::ranges::none_of(word, [](unsigned char c) { return std::isupper(c) != 0; });
        result += literal ? bold(word) : underlined(word);
        word.clear();
    };
    constexpr std::string_view kDots = "…";
    while (!synopsis.empty()) {
        const char c = synopsis.front();
        const bool dots = synopsis.starts_with(kDots);
        if (!dots && c != ' ' && c != '[' && c != ']' && c != '|') {
            word += c;
            synopsis.remove_prefix(1);
            continue;
        }
        flush();
        result += dots ? std::string(kDots) : escaped({&c, 1});
        synopsis.remove_prefix(dots ? kDots.size() : 1);
    }
    flush();
    return result;
}

std::string one_option(const Option& option, std::string_view indent)
{
    const auto* several = option.kind == Option::Kind::values ? "…" : "";
    return fmt::format("{0}{1}{2}{3}{4}\n{0}\t{5}{6}\n\n", indent, bold("--" + std::string(option.name)),
                       option.placeholder.empty() ? "" : " ", underlined(option.placeholder), several,
                       escaped(option.help), option.required ? " (required)" : "");
}

std::string one_command(const Command& command)
{
    auto text = fmt::format("{}{}{}\n\t{}\n\n", bold(command.name), command.synopsis.empty() ? "" : " ",
                            typeset(command.synopsis), escaped(command.help));
    for (const auto& option : command.options) {
        text += one_option(option, "\t");
    }
    return text;
}

} // namespace

std::string manual_commands(std::span<const Command> commands)
{
    std::string text;
    for (const auto& chapter : kChapters) {
        std::string entries;
        for (const auto& command : commands) {
            if (&chapter_of(command) == &chapter) {
                entries += one_command(command);
            }
        }
        if (!entries.empty()) {
            text += fmt::format("## {}\n\n{}", chapter.title, entries);
        }
    }
    return text;
}

std::string manual_options(std::span<const Option> options)
{
    std::string text;
    for (const auto& option : options) {
        text += one_option(option, "");
    }
    return text;
}

} // namespace meetfence::ctl
