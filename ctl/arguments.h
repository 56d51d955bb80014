// SPDX-License-Identifier: Apache-2.0
// The command line after the command's name: words and long options in any order. Boost's
// Program_options reads it; its types stay behind this header.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace meetfence::ctl {

struct Option {
    enum class Kind { flag, value, values };

    std::string_view name; // without dashes
    Kind kind = Kind::flag;
    std::string_view placeholder; // of the value, in help
    std::string_view help;
    bool required = false;
};

class Arguments {
public:
    /// Errors are wrong usage. Option names are never guessed from their beginning.
    [[nodiscard]] static Result<Arguments> parse(std::span<const std::string> tokens,
                                                 std::span<const Option> options);

    [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
    /// The word at `position`, or "".
    [[nodiscard]] std::string word(std::size_t position) const;
    [[nodiscard]] bool has(std::string_view option) const { return values_.contains(option); }
    [[nodiscard]] std::optional<std::string> text(std::string_view option) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view option) const;
    /// The first option that took several values, or "": it may have taken a word as well.
    [[nodiscard]] const std::string& greedy() const { return greedy_; }

private:
    std::vector<std::string> words_;
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::string greedy_;
};

/// Values that may be joined by commas, one by one.
[[nodiscard]] std::vector<std::string> split_commas(std::span<const std::string> values);

/// Two aligned columns, as in --help.
[[nodiscard]] std::string options_help(std::span<const Option> options);

} // namespace meetfence::ctl
