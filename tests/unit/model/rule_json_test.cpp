// SPDX-License-Identifier: Apache-2.0
// Rules as JSON.
#include <gtest/gtest.h>

#include "model/json.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;

Json json(std::string_view text)
{
    const auto parsed = parse_json(text, "document");
    EXPECT_TRUE(parsed) << error_of(parsed);
    return parsed.value_or(Json());
}

Result<RuleRequest> rule(std::string_view text)
{
    return rule_request_from_json(json(text));
}

TEST(RuleJson, IsRead)
{
    const auto read =
        rule(R"({"meeting": "all-hands", "countries": ["HK", "CN"], "mode": "monitor", "order": null,
                               "from": "2020-06-04T12:34:56Z", "until": "2020-06-05T12:34:56Z",
                               "except": ["203.0.113.0/24", "2001:db8::/32", "203.0.113.0/24"]})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->meeting, "all-hands");
    EXPECT_EQ(read->countries.text(), "CN HK");
    EXPECT_EQ(read->mode, Mode::monitor);
    EXPECT_EQ(*read->until - *read->from, 24h);
    ASSERT_EQ(read->except.size(), 2U);
    EXPECT_EQ(read->except[0].text(), "203.0.113.0/24");
    EXPECT_EQ(read->order, "");
}

TEST(RuleJson, NamesItsOrder)
{
    const auto read = rule(R"({"meeting": "m", "countries": ["CN"], "order": "O-1/a"})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->order, "O-1/a");
}

TEST(RuleJson, SaysOnWhatGroundItStands)
{
    Rule rule{.number = 7, .meeting = "m"};
    rule.from = Time(100s);
    rule.until = Time(200s);
    auto written = to_json(rule, Time(0s), {});
    EXPECT_EQ(written["basis"], "host");
    EXPECT_TRUE(written.at("order").is_null());
    EXPECT_EQ(written.at("suspended"), false);

    rule.order = "O-1";
    rule.pending = true;
    written = to_json(rule, Time(0s), {});
    EXPECT_EQ(written["basis"], "order");
    EXPECT_EQ(written["order"], "O-1");
    EXPECT_EQ(written["state"], "pending");

    rule.pending = false;
    rule.withdrawn = Time(150s);
    rule.suspended = true;
    rule.why = "a drop was outside its scope";
    written = to_json(rule, Time(0s), {});
    EXPECT_EQ(written["state"], "withdrawn");
    EXPECT_EQ(written.at("suspended"), true);
    EXPECT_EQ(written["why"], rule.why);
}

TEST(RuleJson, OfAParticipantUnderAnOrderShowsThePersonAlone)
{
    Rule rule{.number = 7, .meeting = "m"};
    rule.whom = Whom::participant;
    rule.participant = "p-7";
    rule.order = "O-1";
    rule.countries.add(*Country::parse("CN"));
    const auto written = to_json(rule, Time(0s), {});
    EXPECT_EQ(written["participant"], "p-7");
    EXPECT_EQ(written["countries"], Json::array());
    EXPECT_EQ(written["allow_only"], Json::array());
}

TEST(RuleJson, HasDefaults)
{
    const auto read = rule(R"({"meeting": "m", "countries": ["CN"]})");
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->mode, Mode::enforce);
    EXPECT_FALSE(read->from);
    EXPECT_FALSE(read->until);
    EXPECT_TRUE(read->except.empty());
}

TEST(RuleJson, SaysWhomItKeepsOutInOneOfThreeWays)
{
    const auto allow_only = rule(R"({"meeting": "m", "allow_only": ["US", "CA"], "countries": []})");
    ASSERT_TRUE(allow_only) << error_of(allow_only);
    EXPECT_EQ(allow_only->whom, Whom::all_but);
    EXPECT_EQ(allow_only->countries.size(), 2U);
    EXPECT_EQ(allow_only->participant, "");
    const auto one = rule(R"({"meeting": "m", "participant": "p-7", "except": ["203.0.113.0/24"],
                              "countries": [], "allow_only": null})");
    ASSERT_TRUE(one) << error_of(one);
    EXPECT_EQ(one->whom, Whom::participant);
    EXPECT_TRUE(one->countries.empty());
    EXPECT_EQ(one->participant, "p-7");
    EXPECT_EQ(one->except.size(), 1U);
    EXPECT_EQ(rule(R"({"meeting": "m", "countries": ["CN"], "allow_only": [], "participant": null})")->whom,
              Whom::countries);
}

TEST(RuleJson, IsRefusedWhereItSaysWhomNotAtAllOrTwice)
{
    for (const auto* text : {R"({"meeting": "m"})", R"({"meeting": "m", "allow_only": []})",
                             R"({"meeting": "m", "participant": null, "countries": []})"}) {
        for (const auto* key : {"'countries'", "'allow_only'", "'participant'"}) {
            EXPECT_MENTIONS(error_of(rule(text)), key);
        }
    }
    const std::pair<const char*, const char*> cases[] = {
        {R"({"meeting": "m", "countries": ["CN"], "allow_only": ["US"]})",
         "'countries' and 'allow_only' exclude"},
        {R"({"meeting": "m", "countries": ["CN"], "participant": "p"})",
         "'countries' and 'participant' exclude"},
        {R"({"meeting": "m", "allow_only": ["CN"], "participant": ""})",
         "'allow_only' and 'participant' exclude"},
        {R"({"meeting": "m", "participant": ""})", "a participant's identifier has 1 to 128 bytes"},
        {R"({"meeting": "m", "participant": "p 7"})", "a participant's identifier is printable ASCII"},
        {R"({"meeting": "m", "participant": ["p"]})", "'participant' must be a string"},
        {R"({"meeting": "m", "allow_only": "US"})", "'allow_only' must be a list of strings"},
        {R"({"meeting": "m", "allow_only": ["USA"]})", "USA"},
        {R"({"meeting": "m", "participants": "p"})", "did you mean participant?"},
        {R"({"meeting": "m", "allowonly": ["US"]})", "did you mean allow_only?"},
    };
    for (const auto& [text, says] : cases) {
        EXPECT_MENTIONS(error_of(rule(text)), says);
    }
}

TEST(RuleJson, IsRefusedWithItsCause)
{
    EXPECT_MENTIONS(error_of(rule(R"({"countries": ["CN"]})")), "1 to 128 bytes");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m"})")), "at least one");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": []})")), "at least one");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["China"]})")), "did you mean CN");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": "CN"})")), "must be a list of strings");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "country": ["CN"]})")), "did you mean countries?");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "mode": "off"})")),
                    "neither enforce");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "until": "soon"})")),
                    "'until': 'soon'");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "except": ["203.0.113.7/24"]})")),
                    "did you mean 203.0.113.0/24?");
    EXPECT_MENTIONS(error_of(rule(R"({"meeting": "m", "countries": ["CN"], "order": 7})")),
                    "'order' must be a string");
    EXPECT_MENTIONS(error_of(rule_request_from_json(json(R"({"modes": 1})"), "rules[3]")),
                    "unknown key 'rules[3].modes'");
}

TEST(RuleJson, IsWrittenWithItsStateAndCounts)
{
    Rule granted;
    granted.number = 17;
    granted.meeting = "all-hands";
    granted.countries.add(*Country::parse("CN"));
    granted.from = Time(0s);
    granted.until = Time(60s);
    granted.except = {*IpPrefix::parse("203.0.113.0/24")};
    const std::vector<CountryCounts> split = {{*Country::parse("CN"),
                                               {.dropped_packets = 3, .dropped_bytes = 300},
                                               {.dropped_packets = 4, .dropped_bytes = 400}}};
    const auto written = to_json(granted, Time(59s), split);
    EXPECT_EQ(written["id"], "r17");
    EXPECT_EQ(written["state"], "active");
    EXPECT_EQ(written["mode"], "enforce");
    EXPECT_EQ(written["countries"], json(R"(["CN"])"));
    EXPECT_EQ(written["until"], "1970-01-01T00:01:00Z");
    EXPECT_EQ(written["except"], json(R"(["203.0.113.0/24"])"));
    EXPECT_EQ(written["allow_only"], Json::array());
    EXPECT_TRUE(written.at("participant").is_null());
    EXPECT_EQ(written["packets_dropped"], 7);
    EXPECT_EQ(written["by_country"]["CN"]["bytes_dropped"], 700);
    EXPECT_FALSE(written.contains("withdrawn"));

    granted.withdrawn = Time(30s);
    granted.why = "owner asked";
    const auto withdrawn = to_json(granted, Time(59s), {});
    EXPECT_EQ(withdrawn["state"], "withdrawn");
    EXPECT_EQ(withdrawn["why"], "owner asked");
    EXPECT_EQ(withdrawn["by_country"], Json::object());
    EXPECT_EQ(withdrawn["packets_dropped"], 0);
    EXPECT_EQ(withdrawn["egress"]["packets_dropped"], 0);
}

TEST(RuleJson, HasCountsByDirectionAndByCountry)
{
    const std::vector<CountryCounts> split = {
        {*Country::parse("CN"), {1, 2, 3, 4, 5, 6}, {10, 20, 30, 40, 50, 60}},
        {*Country::parse("HK"), {100, 0, 0, 0, 0, 0}, {}}};
    const auto written = to_json(Rule{}, Time(0s), split);
    EXPECT_EQ(written["packets_dropped"], 111);
    EXPECT_EQ(written["ingress"],
              json(R"({"packets_dropped": 101, "bytes_dropped": 2, "packets_would_drop": 3,
        "bytes_would_drop": 4, "packets_passed": 5, "bytes_passed": 6})"));
    EXPECT_EQ(written["egress"]["packets_dropped"], 10);
    EXPECT_EQ(written["egress"]["bytes_passed"], 60);
    const auto& china = written["by_country"]["CN"];
    EXPECT_EQ(china["bytes_passed"], 66);
    EXPECT_EQ(china["ingress"]["bytes_passed"], 6);
    EXPECT_EQ(china["egress"]["bytes_passed"], 60);
    EXPECT_EQ(written["by_country"]["HK"]["egress"]["packets_dropped"], 0);
}

TEST(RuleJson, SaysWhomItKeepsOut)
{
    Rule rule;
    rule.whom = Whom::all_but;
    rule.countries.add(*Country::parse("US"));
    const std::vector<CountryCounts> cell = {{Country(), {1, 2, 3, 4, 5, 6}, {1, 1, 1, 1, 1, 1}}};
    auto written = to_json(rule, Time(0s), cell);
    EXPECT_EQ(written["countries"], Json::array());
    EXPECT_EQ(written["allow_only"], json(R"(["US"])"));
    EXPECT_TRUE(written.at("participant").is_null());
    EXPECT_EQ(written["packets_dropped"], 2) << "it counts";
    EXPECT_EQ(written["by_country"], Json::object()) << "but stands at no country";

    rule.whom = Whom::participant;
    rule.countries = {};
    rule.participant = "p-7";
    written = to_json(rule, Time(0s), cell);
    EXPECT_EQ(written["countries"], Json::array());
    EXPECT_EQ(written["allow_only"], Json::array());
    EXPECT_EQ(written["participant"], "p-7");
}

} // namespace
} // namespace meetfence::test
