// SPDX-License-Identifier: Apache-2.0
#include "ctl/arguments.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "model/suggest.h"

namespace meetfence::ctl {
namespace {

namespace po = boost::program_options;

constexpr const char* kWords = "words"; // where Program_options collects what is no option

po::options_description describe(std::span<const Option> options)
{
    po::options_description description;
    for (const auto& option : options) {
        const std::string name(option.name);
        if (option.kind == Option::Kind::flag) {
            description.add_options()(name.c_str(), "");
        } else if (option.kind == Option::Kind::value) {
            description.add_options()(name.c_str(), po::value<std::string>());
        } else {
            description.add_options()(name.c_str(),
                                      po::value<std::vector<std::string>>()->multitoken()->composing());
        }
    }
    return description;
}

// The only short option is -h. A lone dash is a word: it names stdin.
std::pair<std::string, std::string> read_short(const std::string& token)
{
    if (token == "-h") {
        return {"help", ""};
    }
    if (token.size() > 1 && token[0] == '-' && token[1] != '-') {
        throw po::unknown_option(token);
    }
    return {};
}

po::parsed_options parse_tokens(std::span<const std::string> tokens, std::span<const Option> options)
{
    auto description = describe(options);
    description.add_options()(kWords, po::value<std::vector<std::string>>());
    po::positional_options_description words;
    words.add(kWords, -1);
    using namespace po::command_line_style;
    return po::command_line_parser({tokens.begin(), tokens.end()})
        .options(description)
        .positional(words)
        .style(allow_long | long_allow_adjacent | long_allow_next)
        .extra_parser(read_short)
        .run();
}

Error unknown_option(std::string name, std::span<const Option> options)
{
    name.erase(0, name.find_first_not_of('-'));
    std::vector<std::string> dashed;
    for (const auto& option : options) {
        dashed.push_back("--" + std::string(option.name));
    }
    const std::vector<std::string_view> candidates(dashed.begin(), dashed.end());
    const auto wrong = (name.size() == 1 ? "-" : "--") + name;
    return {ErrorCode::invalid, "unknown option '" + wrong + "'" + did_you_mean(wrong, candidates)};
}

// Program_options gives an option whatever token follows it, even another option.
Result<> check_value(const po::option& item)
{
    if (item.original_tokens.size() > 1 && item.original_tokens[1].starts_with("--")) {
        return fail(ErrorCode::invalid,
                    fmt::format("option '--{0}' needs a value (one that begins with dashes is "
                                "written --{0}=VALUE)",
                                item.string_key));
    }
    return {};
}

Result<> check_required(const Arguments& arguments, std::span<const Option> options)
{
    for (const auto& option : options) {
        if (option.required && !arguments.has(option.name) && !arguments.has("help")) {
            return fail(ErrorCode::invalid,
                        fmt::format("option '--{} {}' is missing", option.name, option.placeholder));
        }
    }
    return {};
}

} // namespace

Result<Arguments> Arguments::parse(std::span<const std::string> tokens, std::span<const Option> options)
{
    Arguments arguments;
    try {
        for (const auto& item : parse_tokens(tokens, options).options) {
            if (item.string_key == kWords || item.string_key.empty()) {
                arguments.words_.insert(arguments.words_.end(), item.value.begin(), item.value.end());
                continue;
            }
            TRY(check_value(item));
            const auto option = std::ranges::find(options, item.string_key, &Option::name);
            const bool several = option != options.end() && option->kind == Option::Kind::values;
            if (!several && arguments.has(item.string_key)) {
                return fail(ErrorCode::invalid, "option '--" + item.string_key + "' stands twice");
            }
            if (item.value.size() > 1 && arguments.greedy_.empty()) {
                arguments.greedy_ = item.string_key;
            }
            auto& values = arguments.values_[item.string_key];
            values.insert(values.end(), item.value.begin(), item.value.end());
        }
    } catch (const po::unknown_option& error) {
        return fail(unknown_option(error.get_option_name(), options));
    } catch (const po::error& error) {
        return fail(ErrorCode::invalid, error.what());
    }
    TRY(check_required(arguments, options));
    return arguments;
}

std::string Arguments::word(std::size_t position) const
{
    return position < words_.size() ? words_[position] : std::string{};
}

std::optional<std::string> Arguments::text(std::string_view option) const
{
    const auto it = values_.find(option);
    return it == values_.end() || it->second.empty() ? std::nullopt : std::optional(it->second.front());
}

std::vector<std::string> Arguments::texts(std::string_view option) const
{
    const auto it = values_.find(option);
    return it == values_.end() ? std::vector<std::string>{} : it->second;
}

std::vector<std::string> split_commas(std::span<const std::string> values)
{
    std::vector<std::string> parts;
    for (const auto& value : values) {
        for (std::size_t begin = 0; begin <= value.size();) {
            const auto end = std::min(value.find(',', begin), value.size());
            if (end > begin) {
                parts.push_back(value.substr(begin, end - begin));
            }
            begin = end + 1;
        }
    }
    return parts;
}

std::string options_help(std::span<const Option> options)
{
    const auto label = [](const Option& option) {
        const auto* several = option.kind == Option::Kind::values ? "..." : "";
        return fmt::format("--{}{}{}{}", option.name, option.placeholder.empty() ? "" : " ",
                           option.placeholder, several);
    };
    std::size_t width = 0;
    for (const auto& option : options) {
        width = std::max(width, label(option).size());
    }
    std::string text;
    for (const auto& option : options) {
        text += fmt::format("  {:<{}}  {}\n", label(option), width, option.help);
    }
    return text;
}

} // namespace meetfence::ctl
