// SPDX-License-Identifier: Apache-2.0
// How answers look to people: tables, times with what remains of them, byte counts, colour.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/time.h"

namespace meetfence::ctl {

/// Colour, or none: for programs, for NO_COLOR (no-color.org) and for TERM=dumb.
class Style {
public:
    [[nodiscard]] static Style for_output(bool is_terminal);

    [[nodiscard]] std::string good(std::string_view text) const { return wrap("\033[1;32m", text); }
    [[nodiscard]] std::string bad(std::string_view text) const { return wrap("\033[1;31m", text); }
    [[nodiscard]] std::string warning(std::string_view text) const { return wrap("\033[1;33m", text); }
    [[nodiscard]] std::string strong(std::string_view text) const { return wrap("\033[1m", text); }
    [[nodiscard]] std::string faint(std::string_view text) const { return wrap("\033[2m", text); }

private:
    [[nodiscard]] std::string wrap(std::string_view code, std::string_view text) const;
    bool colour_ = false;
};

/// Whether lines can be drawn over: not where TERM is "dumb" or not set.
[[nodiscard]] bool understands_escapes();

/// Whether the locale (LC_ALL, LC_CTYPE, LANG) has more than ASCII.
[[nodiscard]] bool speaks_utf8();

struct Column {
    std::string_view header;
    enum class Align { left, right } align = Align::left;
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<std::string> cells); // as many as there are columns
    void print(std::ostream& out) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// One label and value a line, aligned; empty values are left out.
using Details = std::vector<std::pair<std::string_view, std::string>>;
void print_details(std::ostream& out, const Details& details);

/// Without control characters, bidirectional overrides and bytes that are no UTF-8: free text of somebody
/// else must not steer a terminal, nor change the order in which a line reads.
[[nodiscard]] std::string printable(std::string_view text);
/// The same for JSON, whose value it leaves as it is: they are written as \uXXXX.
[[nodiscard]] std::string printable_json(std::string_view text);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
/// Terminal columns of UTF-8 text. Wide scripts occur in names of files only; see `shorten`.
[[nodiscard]] std::size_t width_of(std::string_view text);
/// At most so many columns; what is too much is left out of the middle: "/var/lib/…/country.mmdb".
[[nodiscard]] std::string shorten(std::string_view text, std::size_t columns);
/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "1 prefix", "1,234 prefixes"
[[nodiscard]] std::string count_of(std::uint64_t number, std::string_view one, std::string_view many);
/// "512 B", "1.5 MiB"
[[nodiscard]] std::string byte_count(std::uint64_t bytes);
/// "12 packets, 1.5 KiB"
[[nodiscard]] std::string traffic(std::uint64_t packets, std::uint64_t bytes);
/// "in 2h", "in 1d 3h", "5m ago", "now"
[[nodiscard]] std::string relative_time(Time time, Time now);
/// "2026-11-22T18:00:00Z (in 2h)"; what is no time is given back as it is.
[[nodiscard]] std::string with_relative_time(const std::string& time, Time now);

} // namespace meetfence::ctl
