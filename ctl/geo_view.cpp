// SPDX-License-Identifier: Apache-2.0
#include "ctl/geo_view.h"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

#include "model/fields.h"

namespace meetfence::ctl {
namespace {

using Align = Column::Align;

constexpr std::size_t kMostPairs = 5; // of countries, for each pair of databases

std::string milliseconds(const Json& loaded, std::string_view key)
{
    const auto& value = member_of(loaded, key);
    return value.is_number_float() ? fmt::format("{:.1f} ms", value.get<double>())
                                   : grouped(number_of(loaded, key)) + " ms";
}

std::string last_load(const Json& geo, Time now)
{
    const auto& loaded = member_of(geo, "loaded");
    if (!loaded.is_object()) {
        return {};
    }
    return fmt::format("{}, read in {}, built in {}, put in force in {}",
                       with_relative_time(text_of(loaded, "at"), now), milliseconds(loaded, "read_ms"),
                       milliseconds(loaded, "build_ms"), milliseconds(loaded, "swap_ms"));
}

std::string rollback(const Json& geo)
{
    if (!geo.contains("previous")) {
        return {}; // a daemon that knows no rollback
    }
    const auto& previous = member_of(geo, "previous");
    return previous.is_null()
               ? "not possible: no earlier table is kept"
               : fmt::format("possible, to the table before, of {}",
                             count_of(number_of(previous, "databases"), "database", "databases"));
}

std::string present_work(const Json& geo)
{
    const auto& working = member_of(geo, "working");
    if (!working.is_object()) {
        return {};
    }
    return fmt::format("{}: {} ({} %)", text_of(working, "what"), text_of(working, "step"),
                       number_of(working, "percent"));
}

// What somebody must know before anything else: the table in force is not the one they may think it is.
void print_notices(std::ostream& out, const Json& geo, Style style)
{
    if (const auto problem = text_of(geo, "problem"); !problem.empty()) {
        out << style.bad("the last load was refused:") << ' ' << printable(problem) << '\n';
    }
    if (text_of(geo, "rolled_back") == "true") {
        out << style.bad("the table was rolled back:")
            << " an earlier one is in force; 'meetfencectl geo reload' reads the databases again\n";
    }
}

void print_databases(std::ostream& out, const Json& databases, Time now)
{
    const bool warns = std::ranges::any_of(
        databases, [](const Json& database) { return !text_of(database, "warning").empty(); });
    std::vector<Column> columns{{"DATABASE"}, {"TYPE"}, {"BUILT"}};
    if (warns) {
        columns.push_back({"WARNING"});
    }
    Table table(std::move(columns));
    for (const auto& database : databases) {
        table.add({text_of(database, "path"), text_of(database, "type"),
                   with_relative_time(text_of(database, "build"), now), text_of(database, "warning")});
    }
    table.print(out);
}

void print_disagreement(std::ostream& out, const Json& pairs)
{
    Table table({{"DATABASES THAT DISAGREE"}, {"IPv4 ADDRESSES", Align::right}, {"IPv6 /48s", Align::right}});
    const auto add = [&](std::string name, const Json& extent) {
        table.add({std::move(name), grouped(number_of(extent, "ipv4_addresses")),
                   grouped(number_of(extent, "ipv6_48s"))});
    };
    for (const auto& pair : pairs) {
        add(join(texts_of(pair, "databases"), " and "), pair);
        const auto& parts = member_of(pair, "under_rule"); // largest first
        for (std::size_t i = 0; i < std::min(parts.size(), kMostPairs); ++i) {
            add(fmt::format("  {}, under a rule", join(texts_of(parts[i], "countries"), " or ")), parts[i]);
        }
        if (parts.size() > kMostPairs) {
            table.add(
                {fmt::format("  … and {} more under a rule (--json shows all)", parts.size() - kMostPairs),
                 "", ""});
        }
    }
    table.print(out);
}

} // namespace

void print_geo(std::ostream& out, const Json& geo, Style style, Time now)
{
    print_notices(out, geo, style);
    print_details(out, {{"prefixes", fmt::format("{} IPv4, {} IPv6", grouped(number_of(geo, "prefixes_v4")),
                                                 grouped(number_of(geo, "prefixes_v6")))},
                        {"built", with_relative_time(text_of(geo, "build"), now)},
                        {"generation", text_of(geo, "generation")},
                        {"memory", geo.contains("bytes") ? byte_count(number_of(geo, "bytes")) : ""},
                        {"agreement", text_of(geo, "agreement")},
                        {"overrides", text_of(geo, "overrides")},
                        {"loaded", last_load(geo, now)},
                        {"rollback", rollback(geo)},
                        {"at work", present_work(geo)}});
    if (const auto& databases = member_of(geo, "databases"); !databases.empty()) {
        out << '\n';
        print_databases(out, databases, now);
    }
    if (const auto& pairs = member_of(geo, "disagreement"); !pairs.empty()) {
        out << '\n';
        print_disagreement(out, pairs);
    }
}

} // namespace meetfence::ctl
