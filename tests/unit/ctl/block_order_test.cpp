// SPDX-License-Identifier: Apache-2.0
// `block` under an order, who is met by it, and rules in the states that orders bring.
#include <gtest/gtest.h>

#include "ctl/command.h"
#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using Words = std::vector<std::string>;

Json parsed(const std::string& text)
{
    return value_of(parse_json(text, "text"));
}

Json rule_json(const std::string& more)
{
    auto rule = parsed(R"({"id": "r1", "meeting": "A", "countries": ["CN"], "allow_only": [],
        "participant": null, "basis": "order", "order": "O1", "mode": "enforce", "state": "active",
        "from": "2026-11-22T12:00:00Z", "until": "2036-11-25T12:00:00Z", "armed": false,
        "suspended": false, "packets_dropped": 7, "bytes_dropped": 2048})");
    rule.update(parsed(more));
    return rule;
}

// `more` is laid over a preview with two of four affected.
std::string with_preview(const std::string& more, const std::string& rule = "{}")
{
    auto preview = parsed(R"({"registered": true, "participants": 5, "connected": 4,
        "by_country": {"CN": 2, "US": 1}, "unplaced": 1, "affected": 2, "disputed": 1, "collateral": 0})");
    preview.update(parsed(more));
    auto json = rule_json(rule);
    json["preview"] = preview;
    return json.dump();
}

const Words kBlock{"block", "A", "--country", "CN", "--order", "O1"};

Words with(Words words, std::initializer_list<std::string> more)
{
    words.insert(words.end(), more);
    return words;
}

TEST(BlockUnderAnOrder, NamesIt)
{
    const TinyServer server([](const Asked&) { return Reply{201, rule_json("{}").dump()}; });
    EXPECT_EQ(run_tool(server, kBlock).status, ctl::kDone);
    EXPECT_EQ(parsed(server.asked().at(0).body).at("order"), "O1");
    EXPECT_EQ(run_tool(server, {"block", "A", "--country", "CN"}).status, ctl::kDone);
    EXPECT_FALSE(parsed(server.asked().at(1).body).contains("order")) << "the host asks";
}

TEST(BlockUnderAnOrder, ShowsWhomItWouldMeetBeforeItAsksAndInADryRun)
{
    const TinyServer server([](const Asked&) { return Reply{200, with_preview("{}")}; });
    const auto dry = run_tool(server, with(kBlock, {"--dry-run"}));
    const auto asked = run_tool(server, kBlock, {.input = "n\n", .can_ask = true});
    for (const auto& text : {dry.out, asked.err}) {
        EXPECT_MENTIONS(text, "keeps CN (China) out of meeting A\nmeeting    A\norder      O1\n");
        EXPECT_MENTIONS(text, "\n\nCOUNTRY             THERE NOW\n"
                              "CN (China)                  2\n"
                              "US (United States)          1\n"
                              "\n"
                              "participants  5 handed over, 4 connected\n"
                              "affected      2\n"
                              "unplaced      1 (no database places them)\n"
                              "disputed      1 (the databases disagree)\n"
                              "collateral    0 (some database places them elsewhere)\n");
        EXPECT_FALSE(mentions(text, "undisturbed"));
    }
    EXPECT_EQ(asked.status, ctl::kFailed);
    EXPECT_EQ(parsed(run_tool(server, with(kBlock, {"--dry-run", "--json"})).out),
              parsed(with_preview("{}")));
}

TEST(BlockUnderAnOrder, SaysPlainlyThatNobodyIsThere)
{
    const struct {
        const char *preview, *rule, *says;
    } cases[] = {
        {R"({"affected": 0})", "{}",
         "Nobody from CN (China) is there: the meeting stays undisturbed; the rule is armed.\n"},
        {R"({"affected": 0})", R"({"countries": ["CN", "HK"]})",
         "Nobody from CN (China) or HK (Hong Kong) is there: the meeting stays undisturbed; the rule is "
         "armed.\n"},
        {R"({"affected": 0})", R"({"state": "pending"})",
         "Nobody from CN (China) is there: the meeting stays undisturbed; the rule is armed once its order "
         "is "
         "approved.\n"},
        {R"({"affected": 0})", R"({"countries": [], "allow_only": ["US"]})",
         "Nobody whom it keeps out is there: the meeting stays undisturbed; the rule is armed.\n"},
        {R"({"affected": 0})", R"({"countries": [], "participant": "p7"})",
         "Participant p7 is not there: the meeting stays undisturbed; the rule is armed.\n"},
        {R"({"affected": 0, "connected": 0})", "{}",
         "As far as is known, the meeting stays undisturbed; the rule is armed, and judges whoever "
         "comes.\n"},
        {R"({"registered": false})", R"({"armed": true})",
         "meeting A is not registered yet: the rule waits for it\n"},
    };
    for (const auto& [preview, rule, says] : cases) {
        const TinyServer server([&, preview = preview, rule = rule](const Asked&) {
            return Reply{201, with_preview(preview, rule)};
        });
        EXPECT_MENTIONS(run_tool(server, with(kBlock, {"--dry-run"})).out, says);
        EXPECT_MENTIONS(run_tool(server, kBlock).out, says);
        EXPECT_MENTIONS(run_tool(server, kBlock, {.can_ask = true}).err, says);
    }
    const TinyServer server([](const Asked&) {
        return Reply{200, with_preview(R"({"registered": false})")};
    });
    EXPECT_FALSE(mentions(run_tool(server, with(kBlock, {"--dry-run"})).out, "participants"))
        << "there is nobody to count yet";
}

TEST(BlockUnderAnOrder, SaysThatTheRuleWaitsForItsApproval)
{
    const TinyServer server([](const Asked&) {
        return Reply{201, with_preview("{}", R"({"state": "pending"})")};
    });
    const auto ran = run_tool(server, kBlock);
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_MENTIONS(ran.out,
                    "r1 waits for the approval of order O1, and then keeps CN (China) out of meeting A "
                    "until 2036-11-25T12:00:00Z (in ");
    EXPECT_EQ(ran.err, "meetfencectl: who may approve order O1: meetfencectl order show O1\n");
}

TEST(BlockUnderAnOrder, IsRefusedWithTheGuardrailsWord)
{
    const TinyServer server([](const Asked&) {
        return Reply{409, R"({"detail": "2 people of other countries would be met", "code": "collateral"})"};
    });
    const auto ran = run_tool(server, kBlock);
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.err, "meetfencectl: 2 people of other countries would be met (collateral)\n");
}

TEST(RuleState, IsToldInTableDetailsAndSentence)
{
    const struct {
        const char *rule, *state, *sentence;
    } cases[] = {
        {R"({"state": "pending"})", "pending",
         "r1 waits for the approval of order O1, and then keeps CN (China) out of meeting A until "},
        {R"({"state": "pending", "mode": "monitor"})", "pending",
         "r1 waits for the approval of order O1, and then watches CN (China) in meeting A until "},
        {R"({"armed": true})", "armed", "r1 is armed: it keeps CN (China) out of meeting A until "},
        {R"({"state": "scheduled", "armed": true})", "scheduled",
         "r1 is armed: it will keep CN (China) out of meeting A from "},
        {R"({"state": "withdrawn", "suspended": true})", "suspended",
         "r1 kept CN (China) out of meeting A, and is suspended\n"},
        {"{}", "active", "r1 keeps CN (China) out of meeting A until "},
    };
    for (const auto& [rule, state, sentence] : cases) {
        const auto json = rule_json(rule);
        const TinyServer server([&](const Asked& asked) {
            return Reply{200, asked.target == "/v1/rules" ? Json::array({json}).dump() : json.dump()};
        });
        EXPECT_MENTIONS(run_tool(server, {"rule", "list"}).out, "  " + std::string(state));
        EXPECT_MENTIONS(run_tool(server, {"rule", "show", "r1"}).out,
                        "state       " + std::string(state) + "\n");
        EXPECT_MENTIONS(run_tool(server, {"rule", "enforce", "r1"}).out, sentence);
    }
}

TEST(RuleList, HasAColumnOfOrdersWhereThereAreSome)
{
    const auto hosts = rule_json(R"({"id": "r2", "basis": "host", "order": null, "until": "u"})");
    const auto ordered = rule_json(R"({"until": "u"})");
    const TinyServer both([&](const Asked&) { return Reply{200, Json::array({ordered, hosts}).dump()}; });
    EXPECT_EQ(run_tool(both, {"rule", "list"}).out,
              "RULE  MEETING  KEEPS OUT  MODE     STATE   UNTIL  ORDER  DROPPED  WOULD DROP\n"
              "r1    A        CN         enforce  active  u      O1           7           0\n"
              "r2    A        CN         enforce  active  u                   7           0\n");
    const TinyServer none([&](const Asked&) { return Reply{200, Json::array({hosts}).dump()}; });
    EXPECT_EQ(run_tool(none, {"rule", "list"}).out,
              "RULE  MEETING  KEEPS OUT  MODE     STATE   UNTIL  DROPPED  WOULD DROP\n"
              "r2    A        CN         enforce  active  u            7           0\n");
    EXPECT_MENTIONS(run_tool(TinyServer([&](const Asked&) {
                                 return Reply{200, ordered.dump()};
                             }),
                             {"rule", "show", "r1"})
                        .out,
                    "basis       order\norder       O1\n");
}

} // namespace
} // namespace meetfence::test
