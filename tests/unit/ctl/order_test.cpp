// SPDX-License-Identifier: Apache-2.0
// `order add | list`, and how orders are shown and put into sentences.
#include <gtest/gtest.h>

#include "ctl/command.h"
#include "ctl/order_view.h"
#include "tests/unit/ctl/order_answers.h"

namespace meetfence::test {
namespace {

const Time kNow = at("2026-11-22T12:00:00Z");

TEST(OrderAdd, SendsWhatWasSaidAndNothingElse)
{
    const TinyServer server([](const Asked&) { return Reply{201, order_text()}; });
    const auto ran = run_tool(server, kAdd);
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    const auto asked = server.asked();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].method, "POST");
    EXPECT_EQ(asked[0].target, "/v1/orders");
    EXPECT_EQ(parsed(asked[0].body),
              parsed(R"({"id": "O1", "authority": "District Court 3", "jurisdiction": "CN",
                         "legal_basis": "Act 7", "received": "2026-11-20T09:00:00Z"})"));
    EXPECT_MENTIONS(
        ran.out,
        "order O1 of District Court 3 for CN (China) is recorded; it ends 2036-11-25T12:00:00Z (in ");
    EXPECT_MENTIONS(ran.out,
                    "\nit needs 1 approval by another user than alice: meetfencectl order approve O1\n");
    EXPECT_EQ(
        ran.err,
        "meetfencectl: order O1 names no meeting, so any operator may name one: meetfencectl block M "
        "--country CN --order O1; an order that is about certain meetings is recorded with --meeting M: "
        "withdraw this one, and record it anew\n");
}

TEST(OrderAdd, SendsEveryFieldUnderItsKey)
{
    const TempDir directory;
    write_file(directory.path("letter.pdf"), "abc");
    const TinyServer server([](const Asked&) { return Reply{201, order_text(R"({"meetings": ["A,1"]})")}; });
    const auto ran = run_tool(server, with(kAdd, {"--authority-type",
                                                  "court",
                                                  "--office",
                                                  "Judge 4",
                                                  "--case",
                                                  "12/34",
                                                  "--issued",
                                                  "2026-11-19T00:00:00Z",
                                                  "--channel",
                                                  "signed-pdf",
                                                  "--category",
                                                  "assembly",
                                                  "--requested",
                                                  "all meetings",
                                                  "--requested-until",
                                                  "2026-12-31T00:00:00Z",
                                                  "--narrowing",
                                                  "one meeting only",
                                                  "--from",
                                                  "2036-11-22T12:00:00Z",
                                                  "--for",
                                                  "2d",
                                                  "--review",
                                                  "2036-11-23T12:00:00Z",
                                                  "--gag",
                                                  "--gag-until",
                                                  "2036-12-01T00:00:00Z",
                                                  "--document",
                                                  directory.path("letter.pdf"),
                                                  "--meeting",
                                                  "A,1",
                                                  "B"}));
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    const std::string hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // of abc
    EXPECT_EQ(parsed(server.asked().at(0).body),
              parsed(R"({"id": "O1", "authority": "District Court 3", "authority_type": "court",
                  "office": "Judge 4", "jurisdiction": "CN", "legal_basis": "Act 7", "case": "12/34",
                  "channel": "signed-pdf", "category": "assembly", "requested": "all meetings",
                  "narrowing": "one meeting only", "issued": "2026-11-19T00:00:00Z",
                  "received": "2026-11-20T09:00:00Z", "from": "2036-11-22T12:00:00Z",
                  "review": "2036-11-23T12:00:00Z", "requested_until": "2026-12-31T00:00:00Z",
                  "gag_until": "2036-12-01T00:00:00Z", "expires": "2036-11-24T12:00:00Z",
                  "meetings": ["A,1", "B"], "gag": true, "document": ")" +
                     hash + R"("})"));
    EXPECT_MENTIONS(ran.err, "letter.pdf has the SHA-256 " + hash + "; only that is sent");
    EXPECT_FALSE(mentions(ran.err, "names no meeting"));
}

TEST(OrderAdd, LeavesToTheDaemonWhatAnOrderMaySay)
{
    const TinyServer server([](const Asked&) {
        return Reply{422, R"({"detail": "'EU' names no single country", "code": "order_country"})"};
    });
    auto command = kAdd;
    command[6] = "EU";
    const auto ran = run_tool(server, with(command, {"--channel", "fax"}));
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "meetfencectl: 'EU' names no single country (order_country)\n");
    EXPECT_EQ(parsed(server.asked().at(0).body).at("jurisdiction"), "EU") << "its refusal is written down";
    EXPECT_EQ(parsed(server.asked().at(0).body).at("channel"), "fax");
}

TEST(OrderAdd, IsForProgramsToo)
{
    const TinyServer server([](const Asked&) { return Reply{201, order_text(R"({"meetings": ["A"]})")}; });
    const auto ran = run_tool(server, with(kAdd, {"--json"}));
    EXPECT_EQ(parsed(ran.out), order_json(R"({"meetings": ["A"]})"));
    EXPECT_EQ(ran.err, "");
}

TEST(OrderAdd, RefusesADocumentThatCannotBeTheOne)
{
    const TempDir directory;
    write_file(directory.path("empty"), "");
    const std::pair<std::string, const char*> cases[] = {
        {directory.path("empty"), "is empty"},
        {directory.path("none"), "No such file"},
        {directory.path(), "Is a directory"},
        {"/dev/zero", "larger than 256.0 MiB"},
    };
    const TinyServer server([](const Asked&) { return Reply{201, order_text()}; });
    for (const auto& [path, says] : cases) {
        const auto ran = run_tool(server, with(kAdd, {"--document", path}));
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_MENTIONS(ran.err, says);
    }
    EXPECT_TRUE(server.asked().empty());
}

TEST(OrderNextStep, SaysWhoMayDoWhat)
{
    const struct {
        std::string more;
        const char* says;
    } cases[] = {
        {R"({"approvals_needed": 3})",
         "it needs 3 approvals by other users than alice: meetfencectl order approve O1"},
        {R"({"approvals_needed": 2, "approvals": )" + std::string(kByBob) + "}",
         "it needs 1 approval by another user than alice, bob: meetfencectl order approve O1"},
        {R"({"recorded": {"uid": 1007, "user": ""}})",
         "it needs 1 approval by another user than uid 1007: meetfencectl order approve O1"},
        {R"({"channel": "oral"})", "nobody can approve what was received only orally: ask for it in writing, "
                                   "record that, and: meetfencectl order reject O1 --why 'oral only'"},
        {R"({"state": "approved"})", "to carry it out: meetfencectl block M --country CN --order O1"},
        {R"({"state": "approved", "meetings": ["A"]})",
         "to carry it out: meetfencectl block A --country CN --order O1"},
        {R"({"state": "approved", "meetings": ["A", "B"]})",
         "to carry it out: meetfencectl block M --country CN --order O1"},
        {R"({"state": "approved", "rules": ["r1"]})", ""},
        {R"({"state": "active", "rules": ["r1"]})", ""},
        {R"({"state": "rejected"})", ""},
        {R"({"state": "withdrawn"})", ""},
        {R"({"state": "expired"})", ""},
        {R"({"state": "suspended"})", ""},
        {kExtension, "its extension until 2036-11-27T12:00:00Z (in 3658d) needs 1 approval by another user "
                     "than bob: meetfencectl order approve O1"},
    };
    for (const auto& [more, says] : cases) {
        EXPECT_EQ(ctl::next_step(order_json(more), kNow), says) << more;
    }
}

TEST(OrderSentence, GoesWithTheState)
{
    const std::pair<const char*, const char*> cases[] = {
        {R"({"state": "expired", "expires": "2026-11-22T11:00:00Z"})",
         "expired; it ended 2026-11-22T11:00:00Z (1h ago)"},
        {R"({"state": "active", "expires": "2026-11-22T13:00:00Z"})",
         "active; it ends 2026-11-22T13:00:00Z (in 1h)"},
        {R"({"state": "rejected", "ended": {"reason": "overbroad", "why": ""}})", "rejected: overbroad"},
        {R"({"state": "rejected", "ended": {"reason": "other", "why": "no signature"}})",
         "rejected: other (no signature)"},
        {R"({"state": "withdrawn", "ended": {"reason": "", "why": "lifted on appeal"}})",
         "withdrawn: lifted on appeal"},
        {R"({"state": "suspended", "ended": {"reason": null, "why": "a drop outside its scope"}})",
         "suspended: a drop outside its scope"},
        {R"({"state": "withdrawn"})", "withdrawn"},
    };
    for (const auto& [more, says] : cases) {
        EXPECT_EQ(ctl::order_sentence(order_json(more), kNow),
                  std::string("order O1 of District Court 3 for CN (China) is ") + says);
    }
}

TEST(OrderList, ShowsThemAndWhatIsDue)
{
    const auto late = order_json(R"({"id": "O2", "state": "active", "review_due": true, "rules": ["r1", "r2"],
        "authority": "A ministry with a name so long that no table has room for it", "approvals": )" +
                                 std::string(kByBob) + R"(, "expires": "soon"})");
    const auto list = Json::array({order_json(R"({"expires": "soon"})"), late});
    const TinyServer server([&](const Asked&) { return Reply{200, list.dump()}; });
    EXPECT_EQ(run_tool(server, {"order", "list"}).out,
              "ORDER  COUNTRY  AUTHORITY                                 STATE               EXPIRES  "
              "APPROVALS  RULES\n"
              "O1     CN       District Court 3                          recorded            soon           "
              "0/1\n"
              "O2     CN       A ministry wi…t no table has room for it  active, review due  soon           "
              "1/1  r1,r2\n");
    EXPECT_EQ(server.asked().at(0).target, "/v1/orders");
    EXPECT_EQ(parsed(run_tool(server, {"order", "list", "--state", "active", "--json"}).out), list);
    EXPECT_EQ(server.asked().at(1).target, "/v1/orders?state=active");
    const TinyServer none([](const Asked&) { return Reply{200, "[]"}; });
    const auto ran = run_tool(none, {"order", "list"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.err, "meetfencectl: no orders\n");
}

TEST(OrderShow, ShowsEverythingThatWasRecordedAndItsRules)
{
    const auto full = R"({"office": "Judge 4", "issued": "2026-11-19T00:00:00Z", "document": "ba78",
        "requested": "all meetings", "requested_until": "2036-12-31T00:00:00Z",
        "narrowing": "one meeting only", "meetings": ["A", "B"], "gag": true, "gag_without_end": true,
        "rules": ["r1"], "review": "2036-11-23T12:00:00Z", "from": "x", "expires": "y"})";
    const TinyServer server([&](const Asked& asked) {
        return asked.target == "/v1/rules/r1" ? Reply{200, kPendingRule} : Reply{200, order_text(full)};
    });
    const auto out = run_tool(server, {"order", "show", "O1"}).out;
    for (const auto* line : {"order         O1\n",
                             "state         recorded\n",
                             "type          court\n",
                             "office        Judge 4\n",
                             "case          12/34\n",
                             "issued        2026-11-19T00:00:00Z\n",
                             "document      ba78\n",
                             "requested     all meetings\n",
                             "until then    2036-12-31T00:00:00Z\n",
                             "narrowed      one meeting only\n",
                             "gag           without an end\n",
                             "meetings      A, B\n",
                             "from          x\n",
                             "expires       y\n",
                             "review        2036-11-23T12:00:00Z (in ",
                             "recorded      alice, 2026-11-20T10:00:00Z (",
                             "rules         r1\n",
                             "\nRULE  MEETING  KEEPS OUT  MODE     STATE    UNTIL ",
                             "\nr1    A        CN         enforce  pending  ",
                             "\n\nit needs 1 approval by another user than alice"}) {
        EXPECT_MENTIONS(out, line);
    }
    EXPECT_EQ(parsed(run_tool(server, {"order", "show", "O1", "--json"}).out), order_json(full));
}

TEST(OrderShow, DoesNotLetTheAuthoritysWordsSteerTheTerminal)
{
    const auto hostile = order_json(R"({"authority": "<b>Court</b>\u001b[2J\u202Etruoc\u2066x\u009b31m",
        "legal_basis": "a\nstate         approved", "meetings": ["A\u200fB"], "rules": ["r\u202e1"],
        "recorded": {"user": "al\u001bice", "at": "2026-11-20T10:00:00Z"}})");
    const TinyServer server([&](const Asked& asked) {
        return asked.target.starts_with("/v1/rules") ? Reply{200, kPendingRule} : Reply{200, hostile.dump()};
    });
    for (const auto& command : {Words{"order", "show", "O1"}, Words{"order", "reject", "O1", "--why", "x"},
                                Words{"order", "show", "O1", "--json"}, kAdd}) {
        const auto ran = run_tool(server, command, {.out_is_terminal = true});
        for (const auto* steering : {"\033", "\u202e", "\u2066", "\u200f", "\u009b"}) {
            EXPECT_FALSE(mentions(ran.out + ran.err, steering)) << command[1];
        }
        EXPECT_FALSE(mentions(ran.out, "\nstate         approved")) << "a line that nobody wrote";
    }
    EXPECT_EQ(parsed(run_tool(server, {"order", "show", "O1", "--json"}).out), hostile);
    EXPECT_MENTIONS(run_tool(server, {"order", "show", "O1"}).out,
                    "authority     <b>Court</b> [2J\ufffdtruoc\ufffdx\ufffd31m\n");
}

} // namespace
} // namespace meetfence::test
