// SPDX-License-Identifier: Apache-2.0
#include "model/time.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace meetfence {
namespace {

using namespace std::chrono;

struct Unit {
    char letter;
    long seconds;
};
constexpr auto kUnits = std::to_array<Unit>({{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}});
constexpr long kMaxDuration = 10L * 366 * 86400;

// Reads exactly `width` digits at `position` and moves on.
std::optional<int> digits(std::string_view text, std::size_t& position, std::size_t width)
{
    if (position + width > text.size()) {
        return std::nullopt;
    }
    int value = 0;
    const auto* begin = text.data() + position;
    const auto [end, error] = std::from_chars(begin, begin + width, value);
    if (error != std::errc{} || end != begin + width || *begin == '-') {
        return std::nullopt;
    }
    position += width;
    return value;
}

bool skip(std::string_view text, std::size_t& position, std::string_view any_of)
{
    if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos) {
        return false;
    }
    ++position;
    return true;
}

// RFC 3339 section 5.6, date-time. Fractions of a second are cut off.
std::optional<Time> parse_rfc3339(std::string_view text)
{
    std::size_t at = 0;
    const auto year_number = digits(text, at, 4);
    const bool dash1 = skip(text, at, "-");
    const auto month_number = digits(text, at, 2);
    const bool dash2 = skip(text, at, "-");
    const auto day_number = digits(text, at, 2);
    const bool t = skip(text, at, "Tt ");
    const auto hour = digits(text, at, 2);
    const bool colon1 = skip(text, at, ":");
    const auto minute = digits(text, at, 2);
    const bool colon2 = skip(text, at, ":");
    const auto second = digits(text, at, 2);
    if (!year_number || !month_number || !day_number || !hour || !minute || !second || !dash1 || !dash2 ||
        !t || !colon1 || !colon2 || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    const year_month_day date{year(*year_number), month(static_cast<unsigned>(*month_number)),
                              day(static_cast<unsigned>(*day_number))};
    if (!date.ok()) {
        return std::nullopt;
    }
    if (skip(text, at, ".")) {
        const auto before = at;
        while (digits(text, at, 1)) {
        }
        if (at == before) {
            return std::nullopt;
        }
    }
    Time time = sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second);
    if (skip(text, at, "Zz")) {
        return at == text.size() ? std::optional(time) : std::nullopt;
    }
    if (at >= text.size() || (text[at] != '+' && text[at] != '-')) {
        return std::nullopt;
    }
    const int sign = text[at++] == '+' ? 1 : -1;
    const auto offset_hours = digits(text, at, 2);
    const bool colon3 = skip(text, at, ":");
    const auto offset_minutes = digits(text, at, 2);
    if (!offset_hours || !colon3 || !offset_minutes || *offset_hours > 23 || *offset_minutes > 59 ||
        at != text.size()) {
        return std::nullopt;
    }
    return time - sign * (hours(*offset_hours) + minutes(*offset_minutes));
}

} // namespace

Result<Time> parse_time(std::string_view text)
{
    // By its offset it can leave the years that can be written, 0000 to 9999, and could not be read again.
    constexpr Time kFirst = sys_days(year(0) / 1 / 1);
    constexpr Time kEnd = sys_days(year(10000) / 1 / 1);
    if (const auto time = parse_rfc3339(text); time && *time >= kFirst && *time < kEnd) {
        return *time;
    }
    return fail(ErrorCode::invalid,
                "'" + std::string(text) + "' is not a time in RFC 3339, such as 2026-11-22T18:00:00Z");
}

std::string format_time(Time time)
{
    const auto day_start = floor<days>(time);
    const year_month_day date(day_start);
    const hh_mm_ss clock(time - day_start);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<seconds> parse_duration(std::string_view text)
{
    const auto wrong =
        fail(ErrorCode::invalid, "'" + std::string(text) + "' is not a duration: write 90s, 45m, 2h or 7d");
    long count = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), count);
    if (error != std::errc{} || end + 1 != text.end() || count < 1) {
        return wrong;
    }
    for (const auto& unit : kUnits) {
        if (*end == unit.letter) {
            if (count > kMaxDuration / unit.seconds) {
                return fail(ErrorCode::invalid, "'" + std::string(text) + "' is longer than ten years");
            }
            return seconds(count * unit.seconds);
        }
    }
    return wrong;
}

std::string format_duration(seconds duration)
{
    for (const auto& unit : kUnits) {
        if (duration.count() % unit.seconds == 0) {
            return std::to_string(duration.count() / unit.seconds) + unit.letter;
        }
    }
    return {};
}

} // namespace meetfence
