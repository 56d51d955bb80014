// SPDX-License-Identifier: Apache-2.0
// `audit show` and `audit verify`, against a daemon and against files.
#include <algorithm>
#include <gtest/gtest.h>

#include "ctl/command.h"
#include "tests/unit/audit/made_log.h"
#include "tests/unit/ctl/tiny_server.h"

namespace meetfence::test {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kNowhere = "--socket=/nonexistent/control.sock";

std::string joined(const Lines& lines)
{
    std::string text;
    for (const auto& line : lines) {
        text += line + "\n";
    }
    return text;
}

std::string head_text(const Lines& lines)
{
    const auto head = verify(lines).head;
    return std::to_string(head.sequence) + ":" + head.hash;
}

std::uint64_t number_in(const std::string& target, const std::string& key)
{
    const auto at = target.find(key + "=");
    return at == std::string::npos ? 0 : std::stoull(target.substr(at + key.size() + 1));
}

// A daemon with a log of these lines; `head` is what its state database remembers.
TinyServer::Handler daemon_with(const Lines& lines, const audit::Head& head)
{
    return [=](const Asked& asked) {
        if (asked.target == "/v1/audit/head") {
            return Reply{200, Json{{"sequence", head.sequence}, {"hash", head.hash}}.dump()};
        }
        const auto from = number_in(asked.target, "from");
        const auto begin = std::min<std::size_t>(from - 1, lines.size());
        const auto end = std::min<std::size_t>(begin + number_in(asked.target, "limit"), lines.size());
        return Reply{200, joined({lines.begin() + static_cast<std::ptrdiff_t>(begin),
                                  lines.begin() + static_cast<std::ptrdiff_t>(end)})};
    };
}
TinyServer::Handler daemon_with(const Lines& lines)
{
    return daemon_with(lines, verify(lines).head);
}

class AuditFiles : public testing::Test {
protected:
    void put(const Lines& lines, const char* name = "00000000000000000001.jsonl") const
    {
        write_file(directory.path(name), joined(lines));
    }
    [[nodiscard]] Ran verify_here(Words more = {}) const
    {
        more.insert(more.begin(), {"audit", "verify", directory.path(), kNowhere});
        return run_tool(more);
    }

    const TempDir directory;
    const Lines lines = made_lines(20);
};

TEST(AuditVerify, SaysWhatHolds)
{
    const auto lines = made_lines(20);
    const TinyServer server(daemon_with(lines));
    const auto ran = run_tool(server, {"audit", "verify"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(ran.out, "20 entries, 2026-11-22T12:00:00Z to 2026-11-22T12:00:00Z, head " + head_text(lines) +
                           ": nothing changed, removed or reordered\n");
    EXPECT_EQ(server.asked().at(0).target, "/v1/audit/head") << "what is written meanwhile is no error";
    EXPECT_EQ(server.asked().at(1).target, "/v1/audit?from=1&limit=10000");

    const auto json = run_tool(server, {"audit", "verify", "--json"});
    const auto answer = value_of(parse_json(json.out, "answer"));
    EXPECT_EQ(answer.at("entries"), 20);
    EXPECT_EQ(answer.at("head").at("hash"), verify(lines).head.hash);
}

TEST(AuditVerify, TakesALogWithoutEntries)
{
    const TinyServer server(daemon_with({}));
    const auto ran = run_tool(server, {"audit", "verify"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.out, "no entries: nothing to verify\n");
}

TEST(AuditVerify, ReadsPageByPage)
{
    for (const std::size_t count : {9999U, 10000U, 10001U, 20001U}) {
        const auto lines = made_lines(count);
        const TinyServer server(daemon_with(lines));
        const auto ran = run_tool(server, {"audit", "verify"});
        EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
        EXPECT_MENTIONS(ran.out, "head " + head_text(lines));
        EXPECT_EQ(server.asked().size(), 2 + count / 10000);
        EXPECT_EQ(server.asked().back().target,
                  "/v1/audit?from=" + std::to_string(count / 10000 * 10000 + 1) + "&limit=10000");
        EXPECT_EQ(run_tool(server, {"audit", "show", "--json"}).out, joined(lines));
    }
}

TEST(AuditVerify, SaysWhereItBreaks)
{
    const auto lines = made_lines(20);
    const auto touched = [&](auto touch) {
        auto other = lines;
        touch(other);
        const TinyServer server(daemon_with(other, verify(lines).head));
        const auto ran = run_tool(server, {"audit", "verify"});
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_EQ(ran.out, "");
        return ran.err;
    };
    EXPECT_MENTIONS(touched([](Lines& l) { l[6][60] ^= 1; }),
                    "the daemon's audit log does not hold: line 7 (entry 7): it was changed");
    EXPECT_MENTIONS(touched([](Lines& l) { l.erase(l.begin() + 4); }),
                    "line 5 (entry 5): entry 5 is missing");
    EXPECT_MENTIONS(touched([](Lines& l) { std::swap(l[2], l[3]); }), "line 3 (entry 3): entry 3 is missing");
    EXPECT_MENTIONS(touched([](Lines& l) { l.insert(l.begin() + 9, l[1]); }), "line 10 (entry 10): entry 2 ");
    EXPECT_MENTIONS(touched([](Lines& l) { l.resize(17); }),
                    "the log ends with entry 17, and the daemon's state database knows entry 20");
    EXPECT_MENTIONS(touched([](Lines& l) { l.clear(); }), "the log ends with entry 0");
}

TEST(AuditVerify, ComparesWithTheHeadsThatAreKnown)
{
    const auto lines = made_lines(20);
    const TinyServer server(daemon_with(lines));
    for (std::size_t known = 1; known <= 20; ++known) {
        const auto head = head_text({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(known)});
        EXPECT_EQ(run_tool(server, {"audit", "verify", "--head", head}).status, ctl::kDone);
        const auto other = std::to_string(known) + ":" + std::string(64, 'a');
        const auto ran = run_tool(server, {"audit", "verify", "--head", other});
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_MENTIONS(ran.err, "entry " + std::to_string(known) + " has the hash");
        EXPECT_MENTIONS(ran.err, "--head knows it as " + std::string(64, 'a'));
    }
    const auto ahead = run_tool(server, {"audit", "verify", "--head", "21:" + std::string(64, 'a')});
    EXPECT_EQ(ahead.status, ctl::kFailed);
    EXPECT_MENTIONS(ahead.err, "the log ends with entry 20, and --head knows entry 21");
}

TEST(AuditVerify, FindsThatTheStateDatabaseKnowsAnotherLog)
{
    const auto lines = made_lines(20);
    const TinyServer server(daemon_with(lines, {20, std::string(64, 'b')}));
    const auto ran = run_tool(server, {"audit", "verify"});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_MENTIONS(ran.err, "entry 20 has the hash");
    EXPECT_MENTIONS(ran.err, "the log was replaced");
}

TEST(AuditVerify, RefusesAHeadThatIsNone)
{
    for (const auto& head :
         {std::string("20"), std::string(":"), "20:" + std::string(63, 'a'), "0:" + std::string(64, 'a'),
          "x:" + std::string(64, 'a'), "-1:" + std::string(64, 'a'), "20:" + std::string(64, 'A'),
          "20:" + std::string(65, 'a'), "20 :" + std::string(64, 'a')}) {
        const auto ran = run_tool({"audit", "verify", "--head=" + head, kNowhere});
        EXPECT_EQ(ran.status, ctl::kUsage) << head;
        EXPECT_MENTIONS(ran.err, "SEQ:HASH");
    }
}

TEST(AuditVerify, SaysThatFilesCanBeVerifiedWithoutTheDaemon)
{
    const auto ran = run_tool({"audit", "verify", kNowhere});
    EXPECT_EQ(ran.status, ctl::kUnreachable);
    EXPECT_MENTIONS(ran.err, "'meetfencectl audit verify DIR' needs no daemon");
    const TinyServer server([](const Asked&) { return Reply{403, R"({"detail": "not for you"})"}; });
    EXPECT_EQ(run_tool(server, {"audit", "verify"}).err, "meetfencectl: not for you\n");
}

TEST_F(AuditFiles, HoldWithoutADaemon)
{
    put({lines.begin(), lines.begin() + 12});
    put({lines.begin() + 12, lines.end()}, "00000000000000000013.jsonl");
    write_file(directory.path("notes"), "no part of the log\n");
    const auto ran = verify_here();
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_MENTIONS(ran.out, "20 entries, ");
    EXPECT_MENTIONS(ran.out, "head " + head_text(lines) + ": nothing changed, removed or reordered\n");
    EXPECT_MENTIONS(ran.err, "--head SEQ:HASH");
    EXPECT_EQ(verify_here({"--head", head_text(lines)}).err, "");
}

TEST_F(AuditFiles, AreTakenInTheOrderGiven)
{
    put({lines.begin(), lines.begin() + 5}, "old");
    put({lines.begin() + 5, lines.begin() + 8}, "newer");
    put({lines.begin() + 8, lines.end()}, "00000000000000000009.jsonl");
    const auto old = directory.path("old");
    const auto newer = directory.path("newer");
    EXPECT_EQ(run_tool({"audit", "verify", old, newer, directory.path(), kNowhere}).status, ctl::kDone);
    const auto wrong = run_tool({"audit", "verify", newer, old, kNowhere});
    EXPECT_EQ(wrong.status, ctl::kFailed);
    EXPECT_MENTIONS(wrong.err, "newer, line 1 (entry 1): entries 1 to 5 are missing");
    EXPECT_EQ(run_tool({"audit", "verify", old, directory.path(), kNowhere}).status, ctl::kFailed);
    EXPECT_EQ(run_tool({"audit", "verify", old, old, kNowhere}).status, ctl::kFailed);
}

TEST_F(AuditFiles, BreakAtTheLineOfTheFile)
{
    put({lines.begin(), lines.begin() + 12});
    auto second = Lines(lines.begin() + 12, lines.end());
    second[2][60] ^= 1;
    put(second, "00000000000000000013.jsonl");
    const auto ran = verify_here();
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.out, "");
    EXPECT_MENTIONS(ran.err, directory.path().substr(0, directory.path().size() - 1));
    EXPECT_MENTIONS(ran.err, "00000000000000000013.jsonl, line 3 (entry 15): it was changed");
}

TEST_F(AuditFiles, DoNotHoldWhereTheyAreCutAnywhere)
{
    const auto whole = joined({lines.begin(), lines.begin() + 3});
    const auto head = head_text({lines.begin(), lines.begin() + 3});
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        write_file(directory.path("00000000000000000001.jsonl"), whole.substr(0, bytes));
        const auto ran = verify_here({"--head", head});
        EXPECT_EQ(ran.status, ctl::kFailed) << bytes;
        const bool between_lines = bytes == 0 || whole[bytes - 1] == '\n';
        EXPECT_MENTIONS(ran.err, between_lines ? "its end was cut off" : "has no end") << bytes;
        EXPECT_EQ(verify_here().status, between_lines ? ctl::kDone : ctl::kFailed)
            << "only a head tells of whole lines that are missing at the end";
    }
}

TEST_F(AuditFiles, SayWhatIsNotThere)
{
    EXPECT_MENTIONS(verify_here().err, "there is no audit log in");
    EXPECT_EQ(verify_here().status, ctl::kFailed);
    const auto missing = run_tool({"audit", "verify", directory.path("missing"), kNowhere});
    EXPECT_EQ(missing.status, ctl::kFailed);
    EXPECT_MENTIONS(missing.err, directory.path("missing"));
}

TEST(AuditShow, IsATable)
{
    const Json order{{"order", "O-1"}, {"case", nullptr}, {"meetings", {"A", "B"}}, {"gag", false}};
    const auto noon = at("2026-11-22T12:00:00Z");
    audit::Head head;
    const Lines lines{audit::make_line(head, noon, {{1000, "alice"}, "order_recorded", order}),
                      audit::make_line(head, noon, {{1001, ""}, "order_approved", Json{{"needed", 1}}})};
    const TinyServer server(daemon_with(lines));
    EXPECT_EQ(run_tool(server, {"audit", "show"}).out,
              "SEQ  TIME                  WHO       WHAT            DETAILS\n"
              "  1  2026-11-22T12:00:00Z  alice     order_recorded  order O-1  gag false  meetings A,B\n"
              "  2  2026-11-22T12:00:00Z  uid 1001  order_approved  needed 1\n");
    EXPECT_EQ(run_tool(server, {"audit", "show", "--json"}).out, joined(lines));
}

TEST(AuditShow, LetsNothingSteerTheTerminal)
{
    audit::Head head;
    const Lines lines{audit::make_line(
        head, at("2026-11-22T12:00:00Z"),
        {{1, "a\x1b[31m"}, "x\u202e", {{"text", "\x1b]0;title\x07 \u2066 \xc2\x9b line\nbreak"}}})};
    const TinyServer server(daemon_with(lines));
    for (const auto& command : {Words{"audit", "show"}, Words{"audit", "show", "--json"}}) {
        const auto out = run_tool(server, command, {.out_is_terminal = true}).out;
        for (const auto* steering : {"\x1b", "\x07", "\u202e", "\u2066", "\xc2\x9b"}) {
            EXPECT_FALSE(mentions(out, steering)) << out;
        }
    }
    EXPECT_EQ(run_tool(server, {"audit", "show", "--json"}).out, joined(lines)) << "programs get the bytes";
}

TEST(AuditShow, CutsWhatIsLong)
{
    audit::Head head;
    std::string text;
    for (int i = 0; i < 500; ++i) {
        text += "ü";
    }
    const TinyServer server(
        daemon_with({audit::make_line(head, at("2026-11-22T12:00:00Z"), {{1, "a"}, "x", {{"text", text}}})}));
    const auto out = run_tool(server, {"audit", "show"}).out;
    EXPECT_LT(ctl::width_of(out), 250U);
    EXPECT_MENTIONS(out, "üü…\n");
}

TEST(AuditShow, BeginsWhereItIsToldTo)
{
    const auto lines = made_lines(20);
    const TinyServer server(daemon_with(lines));
    const auto last = [&](std::size_t count) {
        return joined({lines.end() - static_cast<std::ptrdiff_t>(count), lines.end()});
    };
    EXPECT_EQ(run_tool(server, {"audit", "show", "--json", "--from", "18"}).out, last(3));
    EXPECT_EQ(run_tool(server, {"audit", "show", "--json", "--last", "1"}).out, last(1));
    EXPECT_EQ(run_tool(server, {"audit", "show", "--json", "--last", "20"}).out, last(20));
    EXPECT_EQ(run_tool(server, {"audit", "show", "--json", "--last", "1000"}).out, last(20));
    const auto beyond = run_tool(server, {"audit", "show", "--from", "21"});
    EXPECT_EQ(beyond.out, "");
    EXPECT_EQ(beyond.err, "meetfencectl: no entries\n");
    EXPECT_EQ(beyond.status, ctl::kDone);
}

TEST(AuditShow, RefusesNumbersThatAreNone)
{
    for (const auto& words : {Words{"--from", "0"}, Words{"--from", "x"}, Words{"--from=-1"},
                              Words{"--last", "0"}, Words{"--last", "1.5"},
                              Words{"--last", "18446744073709551616"}, Words{"--from", "1", "--last", "1"}}) {
        Words command{"audit", "show", kNowhere};
        command.insert(command.end(), words.begin(), words.end());
        EXPECT_EQ(run_tool(command).status, ctl::kUsage) << words[0];
    }
}

TEST(AuditShow, ShowsWhatIsNotValidAndSaysSo)
{
    auto lines = made_lines(3);
    lines[1] = "{\"seq\":2,\"\x1b";
    const TinyServer server(daemon_with(lines, {3, ""}));
    const auto ran = run_tool(server, {"audit", "show"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_MENTIONS(ran.out, "(invalid)");
    EXPECT_FALSE(mentions(ran.out, "\x1b"));
    EXPECT_MENTIONS(ran.err, "1 line is not valid: 'meetfencectl audit verify'");
}

TEST(AuditShow, EndsWhateverTheDaemonAnswers)
{
    // A full page each time, of lines that lead nowhere.
    for (const auto* line : {"garbage", "{\"seq\":5,", "{\"seq\":18446744073709551615,"}) {
        int pages = 0;
        const TinyServer server([&](const Asked&) {
            return Reply{200, ++pages > 3 ? "" : joined(Lines(10000, line))};
        });
        EXPECT_EQ(run_tool(server, {"audit", "show", "--from", "3"}).status, ctl::kDone);
        EXPECT_LE(pages, 4);
    }
}

} // namespace
} // namespace meetfence::test
