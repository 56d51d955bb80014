// SPDX-License-Identifier: Apache-2.0
#include "audit/report_words.h"

#include <algorithm>
#include <fmt/format.h>

#include "model/country.h"

namespace meetfence::audit {
namespace {

using namespace std::chrono;

constexpr auto kDefinitions = std::to_array<Definition>({
    {"Order",
     "What an authority demanded: to keep participants in its own country out of named meetings. Its "
     "jurisdiction is that country. CN, HK, MO and TW are four countries."},
    {"Rule",
     "One restriction in one meeting: made under an order, or asked for by the meeting’s host. In force "
     "means that it drops packets; rules that only count are left out."},
    {"Period",
     "From its beginning up to, not including, its end, in UTC. An event belongs to the period in "
     "which it was written to the log; an order that ends by time, to the one in which that time lies. "
     "What happens exactly at the end belongs to the next period."},
    {"Received",
     "Recorded in the log in the period, whenever the letter is dated. Orders recorded before, and "
     "undecided when the period began, are counted apart as carried over."},
    {"Approved, narrowed", "The last approval that was needed fell into the period. Narrowed: less was done "
                           "than was asked, in scope or in time. Approved as asked: all others."},
    {"Rejected, withdrawn, lapsed", "Rejected: turned down, with a reason of a closed list. Withdrawn: taken "
                                    "back. Lapsed: its time ran out before anybody had decided."},
    {"Running",
     "Approved and not ended when the period ended, including orders that begin later or whose rules "
     "are not in force. An order has one end, the first: by time, by withdrawal, or by suspension."},
    {"Time to decide",
     "From the receipt, as recorded with the order, to the approval or rejection. The median "
     "is the middle one."},
    {"Duration asked", "From the order’s beginning to the end that the authority asked for. “None named”: it "
                       "asked for no end. Every order is given one nevertheless."},
    {"Duration applied",
     "The time in which at least one rule of the order was in force, up to the end of the "
     "period. It is compared with what was asked once an order has ended."},
    {"Participants affected",
     "People kept out of a meeting by a rule, counted for each rule when it ends. One "
     "to four are shown as “<5”, since a country, a meeting and one person are an "
     "identity. Sums add what is shown, and are a range where one of their parts is "
     "“<5”, so that no subtraction tells more."},
    {"Packets",
     "Dropped by a rule, both directions, counted when the rule ends. Those of rules still in force "
     "are in the report of the period in which they end."},
    {"In a country", "Located there by the network address that packets come from or go to, as the country "
                     "databases have it. Behind a relay or a VPN, that is the relay’s. An address that no "
                     "database places is in no country, and is not kept out by country."},
    {"Meeting",
     "Shown as a keyed hash: the same in every report of this publisher, and of no use to others."},
    {"Gag",
     "A ban to speak of an order. While it is in force, the order is in all sums; its row is withheld."},
});

constexpr std::string_view kMeasurement =
    "Of the packets that rules drop, a sample is judged a second time while rules are in force: the first "
    "that a "
    "rule drops in each country, and then up to ten a second. This check shares no code and no tables with "
    "the "
    "filter. It looks the address up in the country databases themselves, and reads the rule from the record "
    "of "
    "what was granted. A drop that it cannot account for is counted here, and suspends the rule at once: "
    "from then "
    "on the rule drops nothing. Figures are those of rules that ended in the period.";

constexpr std::string_view kTight = "\u00a0"; // a blank at which no line ends

using Words = std::pair<std::string_view, std::string_view>;
constexpr auto kIncidentWords = std::to_array<Words>({
    {"rule_suspended", "Rules suspended, because a drop could not be accounted for"},
    {"geo_refused", "Country databases refused; the one before stayed in use"},
    {"change_failed", "Changes that failed and did not take effect"},
    {"changes_undone", "Crashes that undid changes before they took effect"},
    {"log_recovered", "Torn ends of the log mended after a crash"},
    {"log_truncated", "Times the log was found shorter than it had been"},
});
constexpr auto kRefusalWords = std::to_array<Words>({
    {"approved_twice", "An approver cannot approve twice"},
    {"basis_fixed", "A host’s rule is not widened by an order, nor the reverse"},
    {"collateral", "Somebody outside the order’s country would have been affected"},
    {"oral_only", "What was only said is not approved"},
    {"order_country", "An order reaches its own country only"},
    {"order_duration", "Longer than the order or the policy allows"},
    {"order_ended", "The order had ended"},
    {"order_exists", "An order’s name is given once"},
    {"order_meetings", "The order does not name the meeting"},
    {"order_not_approved", "The order was not approved"},
    {"order_one_country", "A rule under an order names exactly one country"},
    {"order_oral", "What was only said is not approved"},
    {"order_state", "Not possible in the order’s state"},
    {"order_times", "Times that contradict each other or lie in the past"},
    {"order_whom", "An order does not keep out all but some"},
    {"own_approval", "Nobody approves what they recorded"},
    {"participant_elsewhere", "The participant was not in the order’s country"},
    {"text_has_address", "A text held an IP address"},
    {"text_length", "A text was empty or too long"},
    {"text_unprintable", "A text held characters that do not print"},
});

std::string_view look_up(std::span<const Words> table, std::string_view key)
{
    const auto it = std::ranges::find(table, key, &Words::first);
    return it == table.end() ? std::string_view{} : it->second;
}

constexpr auto kMonths =
    std::to_array<std::string_view>({"January", "February", "March", "April", "May", "June", "July", "August",
                                     "September", "October", "November", "December"});

std::string_view month_name(const year_month_day& date)
{
    return kMonths.at(static_cast<unsigned>(date.month()) - 1);
}

std::string long_day(const year_month_day& date, bool with_month, bool with_year)
{
    auto text = std::to_string(static_cast<unsigned>(date.day()));
    if (with_month) {
        text.append(" ").append(month_name(date));
    }
    return with_year ? fmt::format("{} {}", text, static_cast<int>(date.year())) : text;
}

bool is_midnight(Time time)
{
    return time == floor<days>(time);
}

} // namespace

std::span<const Definition> definitions()
{
    return kDefinitions;
}

std::string_view scope_measurement()
{
    return kMeasurement;
}

std::string_view to_text(Decision decision)
{
    constexpr auto kWords = std::to_array<std::string_view>(
        {"undecided", "approved", "narrowed", "rejected", "withdrawn", "lapsed"});
    return kWords.at(static_cast<std::size_t>(decision));
}

std::string_view to_text(Ending ending)
{
    constexpr auto kWords = std::to_array<std::string_view>({"", "expired", "withdrawn", "suspended"});
    return kWords.at(static_cast<std::size_t>(ending));
}

std::string in_words(std::string_view code)
{
    std::string words(code);
    std::ranges::replace(words, '_', ' ');
    if (!words.empty() && words.front() >= 'a' && words.front() <= 'z') {
        words.front() = static_cast<char>(words.front() - 'a' + 'A');
    }
    return words;
}

std::string_view incident_words(std::string_view what)
{
    return look_up(kIncidentWords, what);
}

std::string_view refusal_words(std::string_view code)
{
    return look_up(kRefusalWords, code);
}

std::string duration_words(seconds duration)
{
    const auto whole_days = duration / days(1);
    const auto whole_hours = duration % days(1) / hours(1);
    const auto whole_minutes = duration % hours(1) / minutes(1);
    const auto rest = (duration % minutes(1)).count();
    const auto two = [](auto large, std::string_view unit, auto small, std::string_view small_unit) {
        return small == 0
                   ? fmt::format("{}{}{}", large, kTight, unit)
                   : fmt::format("{}{}{}{}{}{}{}", large, kTight, unit, kTight, small, kTight, small_unit);
    };
    if (whole_days > 0) {
        return two(whole_days, "d", whole_hours, "h");
    }
    if (whole_hours > 0) {
        return two(whole_hours, "h", whole_minutes, "min");
    }
    return whole_minutes > 0 ? two(whole_minutes, "min", rest, "s") : fmt::format("{}{}s", rest, kTight);
}

std::string day_words(Time time)
{
    const year_month_day date(floor<days>(time));
    return fmt::format("{} {} {}", static_cast<unsigned>(date.day()), month_name(date).substr(0, 3),
                       static_cast<int>(date.year()));
}

std::string time_words(Time time)
{
    const hh_mm_ss clock(time - floor<days>(time));
    const auto day = day_words(time);
    return clock.seconds().count() == 0
               ? fmt::format("{}, {:02}:{:02}", day, clock.hours().count(), clock.minutes().count())
               : fmt::format("{}, {:02}:{:02}:{:02}", day, clock.hours().count(), clock.minutes().count(),
                             clock.seconds().count());
}

std::string period_words(const Report& report)
{
    const bool from_start = report.since == Time{};
    if (!is_midnight(report.since) || !is_midnight(report.until) || report.since >= report.until) {
        return fmt::format("{} to {}", from_start ? "Beginning of the log" : time_words(report.since),
                           time_words(report.until));
    }
    const year_month_day last(floor<days>(report.until) - days(1));
    if (from_start) {
        return "Beginning of the log to " + long_day(last, true, true);
    }
    const year_month_day first(floor<days>(report.since));
    if (first == last) {
        return long_day(last, true, true);
    }
    const bool same_year = first.year() == last.year();
    const bool same_month = same_year && first.month() == last.month();
    return fmt::format("{} to {}", long_day(first, !same_month, !same_year), long_day(last, true, true));
}

std::string grouped(std::uint64_t number)
{
    auto text = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
        text.insert(static_cast<std::size_t>(at), ",");
    }
    return text;
}

std::string country_words(std::string_view code)
{
    const auto country = Country::from_database(code);
    return country.none() ? "Unknown" : fmt::format("{} ({})", country.name(), country.code());
}

} // namespace meetfence::audit
