// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <ostream>

#include "ctl/geo_view.h"
#include "ctl/rule_view.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

constexpr std::size_t kMostRows = 20;

bool under_rule(const Json& change)
{
    return text_of(change, "under_rule") == "true";
}

std::string extent_sentence(const Json& extent)
{
    return fmt::format("{} in {} and {} in {}",
                       count_of(number_of(extent, "ipv4_addresses"), "IPv4 address", "IPv4 addresses"),
                       count_of(number_of(extent, "ipv4_prefixes"), "prefix", "prefixes"),
                       count_of(number_of(extent, "ipv6_48s"), "IPv6 /48", "IPv6 /48s"),
                       count_of(number_of(extent, "ipv6_prefixes"), "prefix", "prefixes"));
}

void print_summary(std::ostream& out, const Json& diff, const std::string& file)
{
    const auto change = member_of(diff, "changes").empty()
                            ? std::string("no address would change its country")
                            : extent_sentence(member_of(diff, "total")) + " would change their country";
    out << printable(fmt::format("{} in place of {}: {}", file, text_of(diff, "replaces"), change)) << '\n';
}

std::string prefixes(const Json& counts)
{
    return fmt::format("{} IPv4, {} IPv6", grouped(number_of(counts, "ipv4")),
                       grouped(number_of(counts, "ipv6")));
}

void print_now_and_then(std::ostream& out, const Json& diff, Time now)
{
    const auto& build = member_of(diff, "build");
    const auto& counts = member_of(diff, "prefixes");
    Table table({{""}, {"NOW"}, {"THEN"}});
    table.add({"built", with_relative_time(text_of(build, "now"), now),
               with_relative_time(text_of(build, "then"), now)});
    table.add({"prefixes", prefixes(member_of(counts, "now")), prefixes(member_of(counts, "then"))});
    table.print(out);
}

// Largest first. Of those that no rule concerns, only as many as there is room for.
std::vector<const Json*> shown_changes(const Json& changes)
{
    std::vector<const Json*> sorted;
    for (const auto& change : changes) {
        sorted.push_back(&change);
    }
    std::ranges::stable_sort(sorted, std::greater<>(), [](const Json* change) {
        return std::pair(number_of(*change, "ipv4_addresses"), number_of(*change, "ipv6_48s"));
    });
    const auto concerned =
        static_cast<std::size_t>(std::ranges::count_if(changes, [](const Json& c) { return under_rule(c); }));
    auto room = kMostRows - std::min(kMostRows, concerned);
    std::erase_if(sorted, [&](const Json* change) {
        if (under_rule(*change)) {
            return false;
        }
        const bool cut_off = room == 0;
        room -= cut_off ? 0 : 1;
        return cut_off;
    });
    return sorted;
}

std::string country_at(const Json& change, std::string_view key)
{
    const auto code = text_of(change, key);
    return code.empty() ? "no country" : country_with_name(code);
}

void print_change_table(std::ostream& out, const Json& changes)
{
    Table table({{"FROM"},
                 {"TO"},
                 {"IPv4 ADDRESSES", Align::right},
                 {"PREFIXES", Align::right},
                 {"IPv6 /48s", Align::right},
                 {"PREFIXES", Align::right},
                 {""}});
    const auto shown = shown_changes(changes);
    for (const auto* change : shown) {
        table.add({country_at(*change, "from"), country_at(*change, "to"),
                   grouped(number_of(*change, "ipv4_addresses")),
                   grouped(number_of(*change, "ipv4_prefixes")), grouped(number_of(*change, "ipv6_48s")),
                   grouped(number_of(*change, "ipv6_prefixes")), under_rule(*change) ? "under a rule" : ""});
    }
    table.print(out);
    if (const auto more = changes.size() - shown.size(); more > 0) {
        out << fmt::format("… and {} (--json shows all)\n", count_of(more, "more pair", "more pairs"));
    }
}

void print_participants(std::ostream& out, const Json& participants)
{
    if (!participants.is_object()) {
        out << "participants: no flows are known yet, so nobody can tell who would be blocked\n";
        return;
    }
    out << fmt::format("participants: {} known, {} would be newly blocked, {} no longer blocked\n",
                       grouped(number_of(participants, "known")),
                       grouped(number_of(participants, "newly_blocked")),
                       grouped(number_of(participants, "no_longer_blocked")));
}

} // namespace

void print_geo_diff(std::ostream& out, const Json& diff, const std::string& file, Time now)
{
    print_summary(out, diff, file);
    out << '\n';
    print_now_and_then(out, diff, now);
    if (const auto& changes = member_of(diff, "changes"); !changes.empty()) {
        out << '\n';
        print_change_table(out, changes);
    }
    out << '\n';
    print_participants(out, member_of(diff, "participants"));
}

} // namespace meetfence::ctl
