// SPDX-License-Identifier: Apache-2.0
// What a daemon's answers are taken for; and the command against a daemon that answers what a test wants.
#include <algorithm>
#include <array>
#include <gtest/gtest.h>

#include "audit/entry.h"
#include "ctl/judge_daemon.h"
#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using ctl::Judged;

const Time kNow = at("2026-11-22T12:00:00Z");

Judged worst(const ctl::Findings& findings)
{
    auto state = Judged::good;
    for (const auto& finding : findings) {
        EXPECT_EQ(finding.remedy.empty(), finding.state == Judged::good) << finding.check;
        state = std::max(state, finding.state);
    }
    return state;
}

TEST(DoctorDaemon, TellsWhetherItAnswersAndWhichOne)
{
    const Json status{{"version", "0.1.0"}};
    EXPECT_EQ(worst(ctl::judge_reachable(nullptr, false, status, "0.1.0")), Judged::good);
    EXPECT_EQ(worst(ctl::judge_reachable(nullptr, false, status, "0.2.0")), Judged::hint);
    const Error gone{ErrorCode::unreachable, "meetfenced does not answer"};
    EXPECT_EQ(worst(ctl::judge_reachable(&gone, true, {}, "0.1.0")), Judged::wrong);
    EXPECT_EQ(worst(ctl::judge_reachable(&gone, false, {}, "0.1.0")), Judged::wrong);
    const Error closed{ErrorCode::unreachable, "permission denied on /run/x"};
    EXPECT_EQ(worst(ctl::judge_reachable(&closed, false, {}, "0.1.0")), Judged::unknown);
    const Error refused{ErrorCode::forbidden, "viewers only"};
    EXPECT_EQ(worst(ctl::judge_reachable(&refused, false, {}, "0.1.0")), Judged::unknown);
}

TEST(DoctorPins, TellsWhatIsNotWhole)
{
    const Error none{ErrorCode::not_found, "no such file"};
    const Error layout{ErrorCode::conflict, "layout 3, this program knows layout 4"};
    const Error denied{ErrorCode::internal, "Permission denied"};
    EXPECT_EQ(ctl::judge_pins(nullptr, "/b", true, 2).state, Judged::good);
    EXPECT_EQ(ctl::judge_pins(&none, "/b", true, 0).state, Judged::wrong);
    EXPECT_EQ(ctl::judge_pins(&denied, "/b", true, 0).state, Judged::wrong);
    EXPECT_EQ(ctl::judge_pins(&denied, "/b", false, 0).state, Judged::unknown);
    const auto found = ctl::judge_pins(&layout, "/b", false, 0);
    EXPECT_EQ(found.state, Judged::wrong);
    EXPECT_MENTIONS(found.text, "layout 3");
}

Json geo(const char* build)
{
    return {{"prefixes_v4", 10U},
            {"prefixes_v6", 5U},
            {"build", build},
            {"problem", nullptr},
            {"databases", {{{"path", "/c.mmdb"}, {"build", build}}}}};
}

TEST(DoctorDatabase, GrowsOldIn45Days)
{
    EXPECT_EQ(worst(ctl::judge_database(geo("2026-11-01T00:00:00Z"), kNow)), Judged::good);
    EXPECT_EQ(worst(ctl::judge_database(geo("2026-10-09T00:00:00Z"), kNow)), Judged::good);
    EXPECT_EQ(worst(ctl::judge_database(geo("2026-10-07T00:00:00Z"), kNow)), Judged::hint);
    EXPECT_EQ(worst(ctl::judge_database(geo("2026-12-01T00:00:00Z"), kNow)), Judged::wrong);
}

TEST(DoctorDatabase, TellsWhatIsMissingAndWhatWasRefused)
{
    auto empty = geo("2026-11-01T00:00:00Z");
    empty["prefixes_v4"] = empty["prefixes_v6"] = 0U;
    EXPECT_EQ(worst(ctl::judge_database(empty, kNow)), Judged::wrong);
    auto overrides = geo("2026-11-01T00:00:00Z");
    overrides["databases"] = Json::array();
    EXPECT_EQ(worst(ctl::judge_database(overrides, kNow)), Judged::hint);
    auto refused = geo("2026-11-01T00:00:00Z");
    refused["problem"] = "too few countries";
    const auto findings = ctl::judge_database(refused, kNow);
    EXPECT_EQ(worst(findings), Judged::wrong);
    EXPECT_MENTIONS(findings.back().text, "too few countries");
}

TEST(DoctorTables, WarnsOf80AndOf95Percent)
{
    const auto with = [](std::uint64_t used) {
        return Json{{"tables", {{"meetings", {{"used", used}, {"room", 1000U}}}}},
                    {"flows", {{"confirmed", 1U}, {"room", 1000U}}}};
    };
    EXPECT_EQ(worst(ctl::judge_tables(with(800))), Judged::good);
    EXPECT_EQ(worst(ctl::judge_tables(with(801))), Judged::hint);
    EXPECT_EQ(worst(ctl::judge_tables(with(951))), Judged::wrong);
    EXPECT_MENTIONS(ctl::judge_tables(with(951)).at(0).text, "meetings 95 % full (951 of 1,000)");
    EXPECT_EQ(worst(ctl::judge_tables({{"flows", {{"confirmed", 96U}, {"room", 100U}}}})), Judged::wrong);
    EXPECT_TRUE(ctl::judge_tables(Json::object()).empty()) << "an older daemon tells nothing";
}

TEST(DoctorScope, IsWrongWhereADropIsNobodysRules)
{
    EXPECT_EQ(ctl::judge_scope({{"packets", {{"dropped_outside_scope", 0U}}}}).state, Judged::good);
    EXPECT_EQ(ctl::judge_scope({{"packets", {{"dropped_outside_scope", 1U}}}}).state, Judged::wrong);
}

TEST(DoctorSuspended, ConcernsRulesThatWouldStillBeInForce)
{
    const auto rule = [](const char* until) {
        return Json::array({{{"id", "r5"}, {"meeting", "A"}, {"suspended", true}, {"until", until}}});
    };
    const auto wanted = ctl::judge_suspended(rule("2026-11-22T13:00:00Z"), {}, kNow);
    EXPECT_EQ(worst(wanted), Judged::wrong);
    EXPECT_EQ(wanted.at(0).check, "rule.r5");
    EXPECT_TRUE(ctl::judge_suspended(rule("2026-11-22T11:00:00Z"), {}, kNow).empty());
    EXPECT_EQ(worst(ctl::judge_suspended(Json::array(), {{"orders", {{"suspended", 1U}}}}, kNow)),
              Judged::wrong);
}

TEST(DoctorAudit, FollowsTheLastEntries)
{
    audit::Head head;
    std::array<std::string, 4> lines;
    for (auto& line : lines) {
        line = audit::make_line(head, kNow, {{}, "meeting_added", {{"meeting", "A"}}}) + "\n";
    }
    const Json status{{"audit", {{"sequence", head.sequence}, {"hash", head.hash}}}};
    EXPECT_EQ(ctl::judge_audit(lines[0] + lines[1] + lines[2] + lines[3], status).state, Judged::good);
    EXPECT_EQ(ctl::judge_audit(lines[2] + lines[3], status).state, Judged::good) << "from the middle on";
    EXPECT_EQ(ctl::judge_audit(lines[1] + lines[3], status).state, Judged::wrong) << "one is missing";
    EXPECT_EQ(ctl::judge_audit(lines[1] + lines[2], status).state, Judged::wrong) << "the end is missing";
    EXPECT_EQ(ctl::judge_audit("nonsense\n", status).state, Judged::wrong);
    EXPECT_EQ(ctl::judge_audit("", status).state, Judged::wrong);
    EXPECT_EQ(ctl::judge_audit("", Json::object()).state, Judged::good) << "nothing was ever written";
}

Reply answer(const Asked& asked)
{
    if (asked.target == "/v1/status") {
        return {200, R"({"version": "0.1.0", "interfaces": [{"name": "no-such-if", "ingress": "native"}],
                         "packets": {"dropped_outside_scope": 3}})"};
    }
    return asked.target == "/v1/geo" ? Reply{500, R"({"detail": "geo\u001b[2J"})"} : Reply{200, "[]"};
}

TEST(DoctorCommand, EndsWith1WhereSomethingIsWrongAndGoesOnWhereAnAnswerIsMissing)
{
    const TinyServer server([](const Asked& asked) {
        return asked.target.starts_with("/v1/audit") ? Reply{200, ""} : answer(asked);
    });
    const auto ran = run_tool(server, {"doctor"});
    EXPECT_EQ(ran.status, ctl::kFailed);
    for (const auto* line :
         {"X scope", "X interface.no-such-if.exists", "+ daemon ", "? database", "+ audit"}) {
        EXPECT_MENTIONS(ran.out, line);
    }
    EXPECT_EQ(ran.out.find('\033'), std::string::npos);
    const auto json = value_of(parse_json(run_tool(server, {"doctor", "--json"}).out, "findings"));
    const auto scope =
        std::ranges::find_if(json, [](const Json& finding) { return finding["check"] == "scope"; });
    ASSERT_NE(scope, json.end());
    EXPECT_EQ((*scope)["state"], "wrong");
    EXPECT_EQ((*scope)["text"], "3 packets were dropped that no rule accounts for");
    EXPECT_TRUE((*scope)["remedy"].is_string());
}

} // namespace
} // namespace meetfence::test
