// SPDX-License-Identifier: Apache-2.0
#include "ctl/render.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <ostream>

namespace meetfence::ctl {
namespace {

bool continues_character(char c)
{
    return (c & 0xC0) == 0x80;
}

// The bytes at the beginning of `text` that fill at most `columns`. Every character that might be a wide
// one counts as such: a line that wraps could not be erased again.
std::size_t bytes_within(std::string_view text, std::size_t columns)
{
    std::size_t used = 0;
    std::size_t i = 0;
    while (i < text.size()) {
        const std::size_t width = static_cast<unsigned char>(text[i]) >= 0xE0 ? 2 : 1;
        if (used + width > columns) {
            break;
        }
        used += width;
        for (++i; i < text.size() && continues_character(text[i]); ++i) {
        }
    }
    return i;
}

// Where the last `columns` of `text` begin.
std::size_t last_columns(std::string_view text, std::size_t columns)
{
    std::size_t begin = 0;
    while (bytes_within(text.substr(begin), columns) < text.size() - begin) {
        for (++begin; begin < text.size() && continues_character(text[begin]); ++begin) {
        }
    }
    return begin;
}

} // namespace

std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

std::string shorten(std::string_view text, std::size_t columns)
{
    if (bytes_within(text, columns) == text.size()) {
        return std::string(text);
    }
    if (columns == 0) {
        return {};
    }
    // The end of a path, its file, says more than the beginning.
    const auto kept = columns - 1;
    const auto tail = last_columns(text, kept - kept / 3);
    return fmt::format("{}…{}", text.substr(0, bytes_within(text, kept / 3)), text.substr(tail));
}

bool understands_escapes()
{
    const char* term = std::getenv("TERM");
    return term != nullptr && std::string_view(term) != "dumb";
}

bool speaks_utf8()
{
    for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
            const std::string_view locale(value);
            return std::ranges::any_of(
                std::array{"UTF-8", "utf-8", "UTF8", "utf8"},
                [&](const char* codeset) { return locale.find(codeset) != std::string_view::npos; });
        }
    }
    return false;
}

Style Style::for_output(bool is_terminal)
{
    const char* no_color = std::getenv("NO_COLOR");
    Style style;
    style.colour_ = is_terminal && (no_color == nullptr || *no_color == '\0') && understands_escapes();
    return style;
}

std::string Style::wrap(std::string_view code, std::string_view text) const
{
    return colour_ ? fmt::format("{}{}\033[0m", code, text) : std::string(text);
}

void Table::add(std::vector<std::string> cells)
{
    cells.resize(columns_.size());
    std::ranges::transform(cells, cells.begin(), [](const std::string& cell) { return printable(cell); });
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const
{
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        widths.push_back(width_of(columns_[i].header));
        for (const auto& row : rows_) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    const auto print_row = [&](auto cell_at) {
        std::string line;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string_view cell = cell_at(i);
            const std::string padding(widths[i] - width_of(cell), ' ');
            const bool right = columns_[i].align == Column::Align::right;
            line += i == 0 ? "" : "  ";
            line.append(right ? padding : "").append(cell).append(right ? "" : padding);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    };
    print_row([&](std::size_t i) { return columns_[i].header; });
    for (const auto& row : rows_) {
        print_row([&](std::size_t i) { return std::string_view(row[i]); });
    }
}

void print_details(std::ostream& out, const Details& details)
{
    std::size_t width = 0;
    for (const auto& [label, value] : details) {
        width = std::max(width, value.empty() ? 0 : label.size());
    }
    for (const auto& [label, value] : details) {
        if (!value.empty()) {
            out << fmt::format("{:<{}}  {}\n", label, width, printable(value));
        }
    }
}

std::string join(std::span<const std::string> parts, std::string_view separator)
{
    return fmt::format("{}", fmt::join(parts, separator));
}

std::string grouped(std::uint64_t number)
{
    auto digits = std::to_string(number);
    for (auto i = digits.size(); i > 3;) {
        i -= 3;
        digits.insert(i, 1, ',');
    }
    return digits;
}

std::string count_of(std::uint64_t number, std::string_view one, std::string_view many)
{
    return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

std::string byte_count(std::uint64_t bytes)
{
    constexpr auto kUnits = std::to_array<std::string_view>({"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"});
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    auto amount = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; amount >= 1023.95 && unit + 1 < kUnits.size(); ++unit) {
        amount /= 1024;
    }
    return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string traffic(std::uint64_t packets, std::uint64_t bytes)
{
    return fmt::format("{} packet{}, {}", packets, packets == 1 ? "" : "s", byte_count(bytes));
}

std::string relative_time(Time time, Time now)
{
    struct Unit {
        char letter;
        long seconds;
    };
    constexpr auto kUnits = std::to_array<Unit>({{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}});
    const long distance = (time - now).count();
    if (distance == 0) {
        return "now";
    }
    // The two largest units say enough: "1d 3h", and not "1d 3h 12m 5s".
    std::string amount;
    long rest = std::abs(distance);
    for (int left = 2; const auto& unit : kUnits) {
        if (left == 0 || (amount.empty() && rest < unit.seconds)) {
            continue;
        }
        if (rest >= unit.seconds) {
            amount += fmt::format("{}{}{}", amount.empty() ? "" : " ", rest / unit.seconds, unit.letter);
        }
        rest %= unit.seconds;
        --left;
    }
    return distance > 0 ? "in " + amount : amount + " ago";
}

std::string with_relative_time(const std::string& time, Time now)
{
    const auto parsed = parse_time(time);
    return parsed ? fmt::format("{} ({})", time, relative_time(*parsed, now)) : time;
}

} // namespace meetfence::ctl
