// SPDX-License-Identifier: Apache-2.0
// geo status, reload, rollback and diff against a daemon that answers what the test wants.
#include <filesystem>
#include <gtest/gtest.h>
#include <set>

#include "ctl/command.h"
#include "ctl/geo_view.h"
#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

const Time kNow = at("2026-11-22T12:00:00Z");

Json parsed(const std::string& text)
{
    return value_of(parse_json(text, "text"));
}

constexpr const char* kGeo = R"({"prefixes_v4": 342000, "prefixes_v6": 120000,
    "build": "2026-11-20T12:00:00Z", "generation": 7, "bytes": 39845888, "agreement": "all", "overrides": 1,
    "databases": [
        {"path": "/var/lib/meetfence/country.mmdb", "type": "Country", "build": "2026-11-20T12:00:00Z",
         "warning": null},
        {"path": "/srv/other.mmdb", "type": "Other", "build": "2026-06-25T12:00:00Z",
         "warning": "150 days old"}],
    "loaded": {"at": "2026-11-22T09:00:00Z", "read_ms": 412, "build_ms": 1204, "swap_ms": 0.25},
    "disagreement": [{"databases": ["/var/lib/meetfence/country.mmdb", "/srv/other.mmdb"],
        "ipv4_addresses": 1234567, "ipv6_48s": 12345,
        "under_rule": [{"countries": ["CN", "HK"], "ipv4_addresses": 1024, "ipv6_48s": 16}]}],
    "problem": null, "rolled_back": false, "previous": {"databases": 2}, "working": null})";

std::string shown(const Json& geo)
{
    std::ostringstream out;
    ctl::print_geo(out, geo, ctl::Style::for_output(false), kNow);
    return out.str();
}

TEST(GeoView, ShowsTablesDatabasesAndDisagreement)
{
    EXPECT_EQ(shown(parsed(kGeo)),
              "prefixes    342,000 IPv4, 120,000 IPv6\n"
              "built       2026-11-20T12:00:00Z (2d ago)\n"
              "generation  7\n"
              "memory      38.0 MiB\n"
              "agreement   all\n"
              "overrides   1\n"
              "loaded      2026-11-22T09:00:00Z (3h ago), read in 412 ms, built in 1,204 ms, put in force in "
              "0.2 ms\n"
              "rollback    possible, to the table before, of 2 databases\n"
              "\n"
              "DATABASE                         TYPE     BUILT                            WARNING\n"
              "/var/lib/meetfence/country.mmdb  Country  2026-11-20T12:00:00Z (2d ago)\n"
              "/srv/other.mmdb                  Other    2026-06-25T12:00:00Z (150d ago)  150 days old\n"
              "\n"
              "DATABASES THAT DISAGREE                              IPv4 ADDRESSES  IPv6 /48s\n"
              "/var/lib/meetfence/country.mmdb and /srv/other.mmdb       1,234,567     12,345\n"
              "  CN or HK, under a rule                                      1,024         16\n");
}

TEST(GeoView, ShowsTheLargestDisagreementsOnly)
{
    auto geo = parsed(kGeo);
    auto& parts = geo["disagreement"][0]["under_rule"];
    while (parts.size() < 7) {
        parts.push_back({{"countries", {"CN", "JP"}}, {"ipv4_addresses", 1}, {"ipv6_48s", 0}});
    }
    const auto text = shown(geo);
    EXPECT_MENTIONS(text, "… and 2 more under a rule (--json shows all)");
    EXPECT_EQ(std::count(text.begin(), text.end(), 'J'), 4);
}

TEST(GeoView, SaysFirstThatALoadWasRefusedOrTheTableRolledBack)
{
    auto geo = parsed(kGeo);
    geo["problem"] = "the new table has 90 % fewer prefixes";
    EXPECT_TRUE(shown(geo).starts_with("the last load was refused: the new table has 90 % fewer prefixes\n"
                                       "prefixes "))
        << shown(geo);
    geo["problem"] = nullptr;
    geo["rolled_back"] = true;
    geo["previous"] = nullptr;
    EXPECT_TRUE(shown(geo).starts_with("the table was rolled back: an earlier one is in force; "
                                       "'meetfencectl geo reload' reads the databases again\nprefixes "))
        << shown(geo);
    EXPECT_MENTIONS(shown(geo), "rollback    not possible: no earlier table is kept\n");
}

TEST(GeoView, ShowsWhatIsBeingDone)
{
    auto geo = parsed(kGeo);
    geo["working"] = {{"what", "reload"}, {"step", "reading /srv/other.mmdb"}, {"percent", 62U}};
    EXPECT_MENTIONS(shown(geo), "at work     reload: reading /srv/other.mmdb (62 %)\n");
}

TEST(GeoView, TakesAnAnswerThatLacksAlmostEverything)
{
    EXPECT_EQ(shown(parsed(R"({"prefixes_v4": 1, "generation": 2})")),
              "prefixes    1 IPv4, 0 IPv6\ngeneration  2\n");
    EXPECT_EQ(shown(Json()), "prefixes  0 IPv4, 0 IPv6\n");
}

TEST(GeoCommands, AskForWhatTheyAreCalled)
{
    const struct {
        std::vector<std::string> command;
        const char* method;
        const char* target;
    } cases[] = {
        {{"geo", "status"}, "GET", "/v1/geo"},
        {{"geo", "reload"}, "POST", "/v1/geo/reload"},
        {{"geo", "reload", "--force"}, "POST", "/v1/geo/reload?force=true"},
        {{"geo", "rollback"}, "POST", "/v1/geo/rollback"},
    };
    const TinyServer server([](const Asked&) { return Reply{200, kGeo}; });
    for (auto [command, method, target] : cases) {
        const auto ran = run_tool(server, command);
        EXPECT_EQ(ran.status, ctl::kDone);
        EXPECT_EQ(ran.err, "");
        EXPECT_MENTIONS(ran.out, "342,000 IPv4, 120,000 IPv6");
        EXPECT_EQ(server.asked().back().method, method);
        EXPECT_EQ(server.asked().back().target, target);
        EXPECT_EQ(server.asked().back().body, "");
        command.emplace_back("--json");
        EXPECT_EQ(parsed(run_tool(server, command).out), parsed(kGeo));
    }
}

constexpr const char* kDiff = R"({"replaces": "/var/lib/meetfence/country.mmdb",
    "build": {"now": "2026-11-01T12:00:00Z", "then": "2026-11-20T12:00:00Z"},
    "prefixes": {"now": {"ipv4": 342000, "ipv6": 120000}, "then": {"ipv4": 343000, "ipv6": 121000}},
    "changes": [
        {"from": "US", "to": null, "under_rule": false,
         "ipv4_prefixes": 1, "ipv4_addresses": 256, "ipv6_prefixes": 0, "ipv6_48s": 0},
        {"from": "CN", "to": "HK", "under_rule": true,
         "ipv4_prefixes": 4, "ipv4_addresses": 1280, "ipv6_prefixes": 1, "ipv6_48s": 1}],
    "total": {"ipv4_prefixes": 5, "ipv4_addresses": 1536, "ipv6_prefixes": 1, "ipv6_48s": 1},
    "participants": {"known": 1200, "newly_blocked": 3, "no_longer_blocked": 1}, "refusal": null})";

std::string shown_diff(const Json& diff)
{
    std::ostringstream out;
    ctl::print_geo_diff(out, diff, "new.mmdb", kNow);
    return out.str();
}

TEST(GeoDiffView, TellsWhatWouldChange)
{
    EXPECT_EQ(
        shown_diff(parsed(kDiff)),
        "new.mmdb in place of /var/lib/meetfence/country.mmdb: 1,536 IPv4 addresses in 5 prefixes and 1 "
        "IPv6 /48 in 1 prefix would change their country\n"
        "\n"
        "          NOW                             THEN\n"
        "built     2026-11-01T12:00:00Z (21d ago)  2026-11-20T12:00:00Z (2d ago)\n"
        "prefixes  342,000 IPv4, 120,000 IPv6      343,000 IPv4, 121,000 IPv6\n"
        "\n"
        "FROM                TO              IPv4 ADDRESSES  PREFIXES  IPv6 /48s  PREFIXES\n"
        "CN (China)          HK (Hong Kong)           1,280         4          1         1  under a rule\n"
        "US (United States)  no country                 256         1          0         0\n"
        "\n"
        "participants: 1,200 known, 3 would be newly blocked, 1 no longer blocked\n");
}

TEST(GeoDiffView, SaysThatNothingWouldChange)
{
    auto diff = parsed(kDiff);
    diff["changes"] = Json::array();
    diff["participants"] = nullptr;
    EXPECT_TRUE(
        shown_diff(diff).starts_with("new.mmdb in place of /var/lib/meetfence/country.mmdb: no address "
                                     "would change its country\n"));
    EXPECT_FALSE(mentions(shown_diff(diff), "FROM"));
    EXPECT_MENTIONS(shown_diff(diff), "no flows are known yet");
    EXPECT_MENTIONS(shown_diff(Json()), "no flows are known yet"); // and no crash
}

// `count` pairs, the smallest first; those of `under_rule` concern a rule.
Json many_changes(unsigned count, const std::set<unsigned>& under_rule)
{
    auto diff = parsed(kDiff);
    diff["changes"] = Json::array();
    for (unsigned i = 1; i <= count; ++i) {
        diff["changes"].push_back({{"from", "X" + std::to_string(i)},
                                   {"under_rule", under_rule.contains(i)},
                                   {"ipv4_addresses", i}});
    }
    return diff;
}

// Which pairs are shown, in their order.
std::vector<unsigned> shown_pairs(const Json& diff)
{
    std::vector<unsigned> pairs;
    std::istringstream lines(shown_diff(diff));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('X')) {
            pairs.push_back(static_cast<unsigned>(std::stoul(line.substr(1))));
        }
    }
    return pairs;
}

TEST(GeoDiffView, ShowsTheLargestTwentyPairs)
{
    const auto twenty = many_changes(20, {});
    EXPECT_EQ(shown_pairs(twenty).size(), 20U);
    EXPECT_FALSE(mentions(shown_diff(twenty), "more pair"));

    const auto more = many_changes(21, {});
    const auto pairs = shown_pairs(more);
    ASSERT_EQ(pairs.size(), 20U);
    EXPECT_EQ(pairs.front(), 21U);
    EXPECT_EQ(pairs.back(), 2U);
    EXPECT_MENTIONS(shown_diff(more), "\n… and 1 more pair (--json shows all)\n");
    EXPECT_MENTIONS(shown_diff(many_changes(1234, {})), "\n… and 1,214 more pairs (--json shows all)\n");
}

TEST(GeoDiffView, NeverCutsOffWhatConcernsARule)
{
    const auto pairs = shown_pairs(many_changes(100, {1, 2, 100}));
    ASSERT_EQ(pairs.size(), 20U);
    EXPECT_EQ(pairs.front(), 100U);
    EXPECT_EQ(pairs[17], 83U);
    EXPECT_EQ(pairs[18], 2U);
    EXPECT_EQ(pairs[19], 1U);

    std::set<unsigned> all;
    for (unsigned i = 1; i <= 30; ++i) {
        all.insert(i);
    }
    EXPECT_EQ(shown_pairs(many_changes(31, all)).size(), 30U);
    EXPECT_MENTIONS(shown_diff(many_changes(31, all)), "… and 1 more pair ");
}

TEST(GeoDiff, SendsTheFileAndItsName)
{
    const TinyServer server([](const Asked&) { return Reply{200, kDiff}; });
    const TempDir directory;
    const std::string bytes("\0\1\2\xff", 4);
    write_file(directory.path("a new&one.mmdb"), bytes);
    const auto ran = run_tool(server, {"geo", "diff", directory.path("a new&one.mmdb")});
    EXPECT_EQ(ran.status, ctl::kDone) << "a difference is no failure";
    EXPECT_EQ(ran.err, "");
    EXPECT_TRUE(ran.out.starts_with(directory.path("a new&one.mmdb") + " in place of /var/lib/"));
    const auto asked = server.asked().at(0);
    EXPECT_EQ(asked.method, "POST");
    EXPECT_EQ(asked.target, "/v1/geo/diff?name=a%20new%26one.mmdb");
    EXPECT_EQ(asked.type, "application/octet-stream");
    EXPECT_EQ(asked.body, bytes);
}

TEST(GeoDiff, ReadsStdinAndSaysWhatItReplaces)
{
    const TinyServer server([](const Asked&) { return Reply{200, kDiff}; });
    const auto ran =
        run_tool(server, {"geo", "diff", "-", "--replaces", "/srv/a b.mmdb", "--json"}, {.input = "bytes"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(parsed(ran.out), parsed(kDiff));
    EXPECT_EQ(server.asked().at(0).target, "/v1/geo/diff?name=stdin&replaces=%2Fsrv%2Fa%20b.mmdb");
    EXPECT_EQ(server.asked().at(0).body, "bytes");
}

TEST(GeoDiff, EndsWith1WhereAReloadWouldBeRefused)
{
    auto refused = parsed(kDiff);
    refused["refusal"] = "it has 90 % fewer prefixes";
    const TinyServer server([&](const Asked&) { return Reply{200, refused.dump()}; });
    for (const bool json : {false, true}) {
        std::vector<std::string> command{"geo", "diff", "-"};
        if (json) {
            command.emplace_back("--json");
        }
        const auto ran = run_tool(server, command, {.input = "bytes"});
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_EQ(ran.err,
                  "meetfencectl: a reload with this file would be refused: it has 90 % fewer prefixes\n");
        EXPECT_MENTIONS(ran.out, json ? "\"refusal\"" : "participants: ");
    }
}

TEST(GeoDiff, TakesFilesUpTo64MiB)
{
    const TinyServer server([](const Asked&) { return Reply{200, kDiff}; });
    const TempDir directory;
    const auto file = directory.path("large.mmdb");
    write_file(file, "");
    EXPECT_MENTIONS(run_tool(server, {"geo", "diff", file}).err, file + " is empty");
    std::filesystem::resize_file(file, (64UL << 20) + 1);
    const auto refused = run_tool(server, {"geo", "diff", file});
    EXPECT_EQ(refused.status, ctl::kFailed);
    EXPECT_MENTIONS(refused.err, file + " is larger than 64.0 MiB");
    EXPECT_TRUE(server.asked().empty());
    std::filesystem::resize_file(file, 64UL << 20);
    EXPECT_EQ(run_tool(server, {"geo", "diff", file}).status, ctl::kDone);
    EXPECT_EQ(server.asked().at(0).body.size(), 64UL << 20);
}

} // namespace
} // namespace meetfence::test
