// SPDX-License-Identifier: Apache-2.0
// `order approve | reject | withdraw | extend`: what is shown before it is asked, and what is sent.
#include <gtest/gtest.h>

#include "ctl/command.h"
#include "tests/unit/ctl/order_answers.h"

namespace meetfence::test {
namespace {

TEST(OrderApprove, SendsNoBodyAndSaysWhatIsInForce)
{
    const TinyServer server([](const Asked&) {
        return Reply{200, order_text(R"({"state": "active", "rules": ["r1", "r2"], "approvals": )" +
                                     std::string(kByBob) + "}")};
    });
    const auto ran = run_tool(server, {"order", "approve", "O/1"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    ASSERT_EQ(server.asked().size(), 1U) << "nobody sits there who could be asked";
    EXPECT_EQ(server.asked()[0].method, "POST");
    EXPECT_EQ(server.asked()[0].target, "/v1/orders/O%2F1/approve");
    EXPECT_EQ(server.asked()[0].body, "");
    EXPECT_MENTIONS(ran.out, "is active; it ends 2036-11-25T12:00:00Z (in ");
    EXPECT_MENTIONS(ran.out, "\nits rules: r1, r2\n");
}

TEST(OrderApprove, ShowsOrderRulesAndImpactBeforeItAsks)
{
    const TinyServer server(answer_about_o1);
    const auto ran = run_tool(server, {"order", "approve", "O1"}, {.input = "y\n", .can_ask = true});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    std::vector<std::string> targets;
    for (const auto& asked : server.asked()) {
        targets.push_back(asked.target);
    }
    EXPECT_EQ(targets, (Words{"/v1/orders/O1", "/v1/rules/r1", "/v1/rules/r2",
                              "/v1/meetings/A/impact?country=CN", "/v1/orders/O1/approve"}));
    for (const auto* line :
         {"authority     District Court 3\n", "jurisdiction  CN (China)\n",
          "legal basis   Act 7, section 2\n", "received      2026-11-20T09:00:00Z (signed-pdf)\n",
          "approvals     0 of 1\n", "meetings      any that an operator names (the order names none)\n",
          "\nr1 waits for the approval of order O1, and then keeps CN (China) out of meeting A until "
          "2036-11-25",
          "COUNTRY             THERE NOW\n"
          "CN (China)                  2\n"
          "US (United States)          1\n"
          "\n"
          "participants  5 handed over, 4 connected\n"
          "affected      2\n"
          "unplaced      1 (no database places them)\n"
          "Approve? [y/N]"}) {
        EXPECT_MENTIONS(ran.err, line);
    }
    EXPECT_FALSE(mentions(ran.err, "r2 ")) << "that one has ended";
}

TEST(OrderApprove, IsNotDoneWithoutAYes)
{
    for (const auto* input : {"n\n", "\n", "", "yo\n"}) {
        const TinyServer server(answer_about_o1);
        const auto ran = run_tool(server, {"order", "approve", "O1"}, {.input = input, .can_ask = true});
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_EQ(ran.out, "");
        EXPECT_MENTIONS(ran.err, "nothing is approved");
        for (const auto& asked : server.asked()) {
            EXPECT_EQ(asked.method, "GET");
        }
    }
    const TinyServer server(answer_about_o1);
    EXPECT_EQ(run_tool(server, {"order", "approve", "O1", "--yes"}, {.can_ask = true}).status, ctl::kDone);
    EXPECT_EQ(server.asked().size(), 1U);
}

TEST(OrderApprove, SaysOfARuleThatItsMeetingIsStillToCome)
{
    const TinyServer server([](const Asked& asked) {
        return mentions(asked.target, "/impact") ? Reply{404, R"({"detail": "no such meeting"})"}
                                                 : answer_about_o1(asked);
    });
    const auto ran = run_tool(server, {"order", "approve", "O1"}, {.input = "n\n", .can_ask = true});
    EXPECT_MENTIONS(ran.err, "\nmeeting A is not registered yet: the rule waits for it\n");
}

TEST(OrderApprove, EndsWhereSomethingElseIsWrongWithTheMeeting)
{
    const TinyServer server([](const Asked& asked) {
        return mentions(asked.target, "/impact") ? Reply{500, R"({"detail": "out of order"})"}
                                                 : answer_about_o1(asked);
    });
    const auto ran = run_tool(server, {"order", "approve", "O1"}, {.input = "y\n", .can_ask = true});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_MENTIONS(ran.err, "meetfencectl: out of order\n");
    EXPECT_EQ(server.asked().back().method, "GET") << "nobody approves what could not be shown";
}

TEST(OrderApprove, AsksAboutAnExtensionAsSuch)
{
    const TinyServer server([](const Asked& asked) {
        return asked.target == "/v1/rules/r1" ? Reply{200, kPendingRule} : Reply{200, order_text(kExtension)};
    });
    const auto ran = run_tool(server, {"order", "approve", "O1"}, {.input = "n\n", .can_ask = true});
    EXPECT_MENTIONS(ran.err, "extension     until 2036-11-27T12:00:00Z (in ");
    EXPECT_MENTIONS(ran.err, "), asked by bob: the trial lasts longer; approvals 0 of 1\n");
    EXPECT_MENTIONS(ran.err, "Approve the extension? [y/N]");
}

TEST(OrderApprove, PassesOnTheDaemonsReasonAndItsCode)
{
    const TinyServer server([](const Asked&) {
        return Reply{409, R"({"detail": "order 'O1' was asked for by alice", "code": "own_approval"})"};
    });
    for (const auto& command : {Words{"order", "approve", "O1"}, Words{"order", "approve", "O1", "--json"}}) {
        const auto ran = run_tool(server, command);
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_EQ(ran.out, "");
        EXPECT_EQ(ran.err, "meetfencectl: order 'O1' was asked for by alice (own_approval)\n");
    }
}

TEST(OrderReject, SendsTheReasonAsItWasSaid)
{
    const TinyServer server([](const Asked&) {
        return Reply{200, order_text(R"({"state": "rejected", "ended": {"reason": "no_legal_basis"}})")};
    });
    const auto ran =
        run_tool(server, {"order", "reject", "O1", "--why", "no legal basis"}, {.can_ask = true});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(server.asked().at(0).target, "/v1/orders/O1/reject");
    EXPECT_EQ(server.asked().at(0).body, R"({"why":"no legal basis"})");
    EXPECT_EQ(ran.out, "order O1 of District Court 3 for CN (China) is rejected: no_legal_basis\n");
}

TEST(OrderWithdraw, AsksAndSaysWhichRulesEnd)
{
    const struct {
        const char* input;
        int status;
        std::size_t posts;
    } cases[] = {{"y\n", ctl::kDone, 1}, {"n\n", ctl::kFailed, 0}};
    for (const auto& [input, status, posts] : cases) {
        const TinyServer server([](const Asked& asked) {
            return asked.method == "POST" ? Reply{200, order_text(R"({"state": "withdrawn", "rules": ["r1"],
                                                   "ended": {"reason": "", "why": "lifted"}})")}
                                          : answer_about_o1(asked);
        });
        const auto ran = run_tool(server, {"order", "withdraw", "O1", "--why", "lifted"},
                                  {.input = input, .can_ask = true});
        EXPECT_EQ(ran.status, status);
        EXPECT_MENTIONS(ran.err, "would end: r1 waits for the approval of order O1");
        EXPECT_FALSE(mentions(ran.err, "r2 ")) << "that one has ended";
        EXPECT_MENTIONS(ran.err, "Withdraw? [y/N]");
        std::size_t posted = 0;
        for (const auto& asked : server.asked()) {
            posted += asked.method == "POST" ? 1 : 0;
        }
        EXPECT_EQ(posted, posts);
        EXPECT_EQ(ran.out, posts == 0 ? ""
                                      : "order O1 of District Court 3 for CN (China) is withdrawn: lifted\n"
                                        "its rules have ended: r1\n");
    }
    const TinyServer server(answer_about_o1);
    run_tool(server, {"order", "withdraw", "O1", "--why", "lifted", "--yes"}, {.can_ask = true});
    ASSERT_EQ(server.asked().size(), 1U);
    EXPECT_EQ(server.asked()[0].target, "/v1/orders/O1/withdraw");
    EXPECT_EQ(server.asked()[0].body, R"({"why":"lifted"})");
}

TEST(OrderExtend, CountsADurationFromThePresentEnd)
{
    const TinyServer server([](const Asked&) { return Reply{200, order_text(kExtension)}; });
    const auto ran = run_tool(server, {"order", "extend", "O1", "--for", "2d", "--why", "the trial lasts",
                                       "--review", "2036-11-26T12:00:00Z"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    ASSERT_EQ(server.asked().size(), 2U);
    EXPECT_EQ(server.asked()[0].target, "/v1/orders/O1");
    EXPECT_EQ(server.asked()[1].target, "/v1/orders/O1/extend");
    EXPECT_EQ(parsed(server.asked()[1].body),
              parsed(R"({"expires": "2036-11-27T12:00:00Z", "review": "2036-11-26T12:00:00Z",
                         "why": "the trial lasts"})"));
    EXPECT_MENTIONS(ran.out, "\nits extension until 2036-11-27T12:00:00Z (in ");
}

TEST(OrderExtend, AsksWhoeverSitsThere)
{
    const Words command{"order", "extend", "O1", "--expires", "2036-11-27T12:00:00Z", "--why", "w"};
    const TinyServer server([](const Asked&) { return Reply{200, order_text()}; });
    const auto no = run_tool(server, command, {.input = "n\n", .can_ask = true});
    EXPECT_EQ(no.status, ctl::kFailed);
    EXPECT_MENTIONS(no.err, "would end 2036-11-27T12:00:00Z (in ");
    EXPECT_MENTIONS(no.err, "Ask for the extension? [y/N]");
    EXPECT_EQ(server.asked().size(), 1U);
    EXPECT_EQ(run_tool(server, command, {.input = "y\n", .can_ask = true}).status, ctl::kDone);
    EXPECT_EQ(run_tool(server, with(command, {"--yes"}), {.can_ask = true}).status, ctl::kDone);
    EXPECT_EQ(server.asked().size(), 4U);
    EXPECT_EQ(server.asked().back().target, "/v1/orders/O1/extend");
}

} // namespace
} // namespace meetfence::test
