// SPDX-License-Identifier: Apache-2.0
#include "model/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace meetfence {
namespace {

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The part before the separator; the rest stays in `text`.
std::string_view take(std::string_view& text, char separator)
{
    const auto end = text.find(separator);
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return trimmed(part);
}

bool same(std::string_view one, std::string_view other)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return one.size() == other.size() && std::equal(one.begin(), one.end(), other.begin(),
                                                    [&](char a, char b) { return lower(a) == lower(b); });
}

struct MediaRange {
    std::string_view type;
    std::string_view version; // asked for; empty: any
    double quality = 1;
};

MediaRange parse_range(std::string_view text)
{
    MediaRange range{.type = take(text, ';')};
    while (!text.empty()) {
        auto value = take(text, ';');
        const auto name = take(value, '=');
        if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
            value = value.substr(1, value.size() - 2);
        }
        if (same(name, "q")) {
            const auto [end, error] = std::from_chars(value.begin(), value.end(), range.quality);
            const bool valid =
                error == std::errc{} && end == value.end() && range.quality >= 0 && range.quality <= 1;
            range.quality = valid ? range.quality : 0; // what nobody understands was not asked for
        } else if (same(name, "version")) {
            range.version = value;
        }
    }
    return range;
}

struct Wish {
    int precision = 0; // 3 the type itself, 2 its kind, 1 anything
    double quality = 0;
};

// How much a type of this version is wished for: the range that names it most precisely counts.
Wish wish_for(std::string_view accept, std::string_view type, std::string_view version)
{
    Wish wish;
    const auto kind = std::string(type.substr(0, type.find('/'))) + "/*";
    while (!accept.empty()) {
        const auto range = parse_range(take(accept, ','));
        const int precision = same(range.type, type)   ? 3
                              : same(range.type, kind) ? 2
                              : range.type == "*/*"    ? 1
                                                       : 0;
        if (precision == 0 || (!range.version.empty() && range.version != version) ||
            precision < wish.precision) {
            continue;
        }
        wish.quality = precision > wish.precision ? range.quality : std::max(wish.quality, range.quality);
        wish.precision = precision;
    }
    return wish;
}

template <class Number> void append_number(std::string& text, Number value)
{
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
    text.append(digits.begin(), end);
}

// As Go writes it, and as OpenMetrics wants bounds of buckets: 1.0, not 1.
std::string bound_text(double bound)
{
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), bound, std::chars_format::fixed).ptr;
    std::string text(digits.begin(), end);
    return text.find('.') == std::string::npos ? text + ".0" : text;
}

} // namespace

// Equally wished for, it is the text format, unless OpenMetrics was named and the other was not.
Format format_for(std::string_view accept)
{
    const auto text = wish_for(accept, "text/plain", "0.0.4");
    const auto open = wish_for(accept, "application/openmetrics-text", "1.0.0");
    const bool more =
        open.quality > text.quality || (open.quality == text.quality && open.precision > text.precision);
    return open.quality > 0 && more ? Format::openmetrics : Format::prometheus;
}

const char* content_type(Format format)
{
    return format == Format::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
}

void Exposition::counter(std::string_view name, std::string_view help, std::string_view unit)
{
    begin_family(name, "counter", help, unit, "_total");
    is_counter_ = true;
}

void Exposition::gauge(std::string_view name, std::string_view help, std::string_view unit)
{
    begin_family(name, "gauge", help, unit);
}

void Exposition::histogram(std::string_view name, std::string_view help, std::string_view unit)
{
    begin_family(name, "histogram", help, unit);
}

void Exposition::info(std::string_view name, std::string_view help, Labels labels)
{
    begin_family(name, format_ == Format::openmetrics ? "info" : "gauge", help, {}, "_info");
    begin_sample(labels, "_info");
    end_sample(std::uint64_t{1});
}

// The text format knows samples by the name they are written with, OpenMetrics by their family's.
void Exposition::begin_family(std::string_view name, std::string_view type, std::string_view help,
                              std::string_view unit, std::string_view suffix)
{
    family_ = "meetfence_" + std::string(name);
    is_counter_ = false;
    const bool open = format_ == Format::openmetrics;
    const auto title = family_ + std::string(open ? "" : suffix);
    text_.append("# HELP ").append(title).append(" ");
    escape(help, open);
    text_.append("\n# TYPE ").append(title).append(" ").append(type).append("\n");
    if (open && !unit.empty()) {
        text_.append("# UNIT ").append(title).append(" ").append(unit).append("\n");
    }
}

void Exposition::begin_sample(Labels labels, std::string_view suffix, std::string_view bound)
{
    text_.append(family_).append(suffix);
    char before = '{';
    const auto add_label = [&](std::string_view name, std::string_view value) {
        text_.append(1, before).append(name).append("=\"");
        escape(value, true);
        text_.append(1, '"');
        before = ',';
    };
    for (const auto& [name, value] : labels) {
        add_label(name, value);
    }
    if (!bound.empty()) {
        add_label("le", bound);
    }
    text_.append(before == ',' ? "} " : " ");
}

void Exposition::end_sample(std::int64_t value)
{
    append_number(text_, value);
    text_.append(1, '\n');
}

void Exposition::end_sample(std::uint64_t value)
{
    append_number(text_, value);
    text_.append(1, '\n');
}

void Exposition::end_sample(double value)
{
    append_number(text_, value);
    text_.append(1, '\n');
}

void Exposition::add(Labels labels, std::span<const double> bounds, std::span<const std::uint64_t> counts,
                     double sum)
{
    std::uint64_t up_to = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        up_to += counts[i];
        begin_sample(labels, "_bucket", i < bounds.size() ? bound_text(bounds[i]) : "+Inf");
        end_sample(up_to);
    }
    begin_sample(labels, "_sum");
    end_sample(sum);
    begin_sample(labels, "_count");
    end_sample(up_to);
}

void Exposition::escape(std::string_view text, bool quotes)
{
    constexpr std::string_view kSpecial = "\\\n\"";
    while (!text.empty()) {
        const auto plain = text.substr(0, text.find_first_of(quotes ? kSpecial : kSpecial.substr(0, 2)));
        text_.append(plain);
        text.remove_prefix(plain.size());
        if (!text.empty()) {
            text_.append(1, '\\').append(1, text.front() == '\n' ? 'n' : text.front());
            text.remove_prefix(1);
        }
    }
}

std::string Exposition::finish() &&
{
    if (format_ == Format::openmetrics) {
        text_.append("# EOF\n");
    }
    return std::move(text_);
}

} // namespace meetfence
