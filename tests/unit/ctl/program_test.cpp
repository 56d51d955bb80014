// SPDX-License-Identifier: Apache-2.0
// What the tool answers by itself: help, wrong usage, nobody there.
#include "ctl/program.h"

#include <gtest/gtest.h>

#include "ctl/command_table.h"
#include "tests/unit/ctl/tiny_server.h"

namespace meetfence::test {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kNowhere = "--socket=/nonexistent/control.sock";

TEST(Program, HelpsEverywhere)
{
    for (const auto* help : {"--help", "-h"}) {
        const auto general = run_tool({help});
        EXPECT_EQ(general.status, ctl::kDone);
        EXPECT_EQ(general.out, ctl::general_help());
        EXPECT_EQ(run_tool({"meeting", help}).out, ctl::group_help("meeting"));
        EXPECT_EQ(run_tool({help, "rule"}).out, ctl::group_help("rule"));
        for (const auto& command : ctl::commands()) {
            Words words;
            std::istringstream name{std::string(command.name)};
            for (std::string word; name >> word;) {
                words.push_back(word);
            }
            for (const bool first : {true, false}) {
                auto tokens = words;
                tokens.insert(first ? tokens.begin() : tokens.end(), help);
                const auto ran = run_tool(tokens);
                EXPECT_EQ(ran.status, ctl::kDone) << command.name;
                EXPECT_EQ(ran.out, ctl::command_help(command));
                EXPECT_EQ(ran.err, "");
            }
        }
    }
}

TEST(Program, TellsItsVersion)
{
    const auto ran = run_tool({"--version"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.out, "meetfencectl " MEETFENCE_VERSION "\n");
}

struct Misused {
    Words tokens;
    std::vector<const char*> says;
};

const Misused kWrongUsage[] = {
    {{"statsu"}, {"unknown command 'statsu'", "did you mean 'status'?"}},
    {{"meeting"}, {"'meeting' needs one word more", "add, list, show, remove"}},
    {{"meeting", "ad", "M"}, {"unknown command 'meeting ad'", "'meeting add'", "meeting --help"}},
    {{"meeting", "--json"}, {"'meeting' needs one word more"}},
    {{"meeting", "add"}, {"'meeting add' needs M", "meetfencectl meeting add --help"}},
    {{"meeting", "add", "M", "N"}, {"does not take 'N'"}},
    {{"status", "now"}, {"'status' does not take 'now'"}},
    {{"status", "--jsn"}, {"unknown option '--jsn'", "--json"}},
    {{"--jsn"}, {"unknown option '--jsn'"}},
    {{"-v"}, {"unknown option '-v'"}},
    {{"participant"}, {"'participant' needs one word more", "add, list, remove"}},
    {{"participant", "add"}, {"'participant add' needs M"}},
    {{"participant", "add", "M"}, {"'participant add' needs P"}},
    {{"participant", "add", "M", "--ufrag", "udp:*:1=abcd", "P"}, {"needs P", "before --ufrag"}},
    {{"participant", "add", "M", "P"}, {"give --ufrag or --flow"}},
    {{"participant", "add", "M", "P", "--ufrags", "udp:*:1=abcd"}, {"did you mean --ufrag?"}},
    {{"participant", "list"}, {"'participant list' needs M"}},
    {{"participant", "remove", "M"}, {"'participant remove' needs P"}},
    {{"participant", "remove", "M", "P", "Q"}, {"does not take 'Q'"}},
    {{"participant", "list", "M", "--show-addresses"}, {"--purpose TEXT go together"}},
    {{"participant", "list", "M", "--purpose", "a complaint"}, {"--show-addresses and", "go together"}},
    {{"participant", "list", "M", "--show-adresses"}, {"did you mean --show-addresses?"}},
    {{"impact"}, {"'impact' needs M"}},
    {{"impact", "M", "--contry", "CN"}, {"did you mean --country?"}},
    {{"block", "M"}, {"--country CC", "--participant P", "--allow-only CC"}},
    {{"block", "M", "--country", "CN", "--participant", "p7"}, {"give one of --country CC"}},
    {{"block", "M", "--country", "CN", "--allow-only", "US"}, {"give one of --country CC"}},
    {{"block", "M", "--participant", "p7", "--allow-only", "US", "--country", "CN"}, {"give one of"}},
    {{"block", "M", "--participant", "p7", "--participant", "p8"}, {"'--participant' stands twice"}},
    {{"block", "M", "--alow-only", "US"}, {"did you mean --allow-only?"}},
    {{"block", "M", "--contry", "CN"}, {"'--contry'", "--country"}},
    {{"block", "--country", "CN", "M"}, {"'block' needs M", "before --country"}},
    {{"block", "M", "--country", "CN", "--until", "2026-11-22T18:00:00Z", "--for", "2h"},
     {"--until and --for"}},
    {{"meeting", "add", "M", "--until", "2026-11-22T18:00:00Z", "--for", "2h"}, {"--until and --for"}},
    {{"block", "M", "--country", "CN", "--oder", "O"}, {"did you mean --order?"}},
    {{"order"}, {"'order' needs one word more", "add, approve, reject, withdraw, extend, list, show"}},
    {{"order", "aprove", "O"}, {"unknown command 'order aprove'", "did you mean 'order approve'?"}},
    {{"order", "add"}, {"option '--authority A' is missing"}},
    {{"order", "add", "O", "--authority", "A", "--jurisdiction", "CN", "--legal-basis", "L"},
     {"option '--received T' is missing"}},
    {{"order", "add", "O", "--authority", "A", "--jurisdiction", "CN", "--received", "2026-11-22T18:00:00Z"},
     {"option '--legal-basis TEXT' is missing"}},
    {{"order", "add", "O", "--authority", "A", "--legal-basis", "L", "--received", "2026-11-22T18:00:00Z"},
     {"option '--jurisdiction CC' is missing"}},
    {{"order", "add", "--authority", "A", "--jurisdiction", "CN", "--legal-basis", "L", "--received",
      "2026-11-22T18:00:00Z", "--meeting", "M", "O"},
     {"'order add' needs O", "before --meeting"}},
    {{"order", "add", "O", "--authority", "A", "--jurisdiction", "CN", "--legal-basis", "L", "--received",
      "2026-11-22T18:00:00Z", "--expires", "2026-11-23T18:00:00Z", "--for", "2h"},
     {"--expires and --for"}},
    {{"order", "add", "O", "--jurisdicton", "CN"}, {"did you mean --jurisdiction?"}},
    {{"order", "approve"}, {"'order approve' needs O"}},
    {{"order", "approve", "O", "--why", "x"}, {"unknown option '--why'"}},
    {{"order", "reject", "O"}, {"option '--why W' is missing"}},
    {{"order", "withdraw", "O"}, {"option '--why W' is missing"}},
    {{"order", "extend", "O", "--why", "w"}, {"--expires T or --for D"}},
    {{"order", "extend", "O", "--for", "2d"}, {"option '--why W' is missing"}},
    {{"order", "extend", "O", "--why", "w", "--for", "2d", "--expires", "2026-11-22T18:00:00Z"},
     {"--expires and --for"}},
    {{"order", "list", "active"}, {"does not take 'active'"}},
    {{"order", "show"}, {"'order show' needs O"}},
    {{"report", "now"}, {"'report' does not take 'now'"}},
    {{"report", "--audit", "/tmp"}, {"--audit DIR and --key FILE go together"}},
    {{"report", "--key", "/tmp/key"}, {"--audit DIR and --key FILE go together"}},
    {{"report", "--json", "--format", "csv"}, {"--json and --format csv contradict each other"}},
    {{"report", "--formt", "csv"}, {"did you mean --format?"}},
    {{"reprot"}, {"did you mean 'report'?"}},
    {{"unblock"}, {"'unblock' needs RULE"}},
    {{"rule", "show"}, {"needs RULE"}},
    {{"explain"}, {"--from", "--to", "--packet"}},
    {{"explain", "--from", "203.0.113.10:51000"}, {"--to"}},
    {{"explain", "--packet", "00", "--to", "udp:198.18.0.1:40000"}, {"--packet alone"}},
    {{"explain", "--packet", "00", "--ufrag", "abcd"}, {"--packet alone"}},
    {{"explain", "--ufrag", "abcd"}, {"--from together with --to"}},
    {{"geo", "lookup"}, {"'geo lookup' needs IP"}},
    {{"geo", "lookup", "-", "203.0.113.10"}, {"stands alone"}},
    {{"geo", "relod"}, {"unknown command 'geo relod'", "did you mean 'geo reload'?"}},
    {{"geo", "reload", "now"}, {"'geo reload' does not take 'now'"}},
    {{"geo", "reload", "--forec"}, {"unknown option '--forec'", "--force"}},
    {{"geo", "rollback", "--force"}, {"unknown option '--force'"}},
    {{"geo", "diff"}, {"'geo diff' needs FILE"}},
    {{"geo", "diff", "a.mmdb", "b.mmdb"}, {"does not take 'b.mmdb'"}},
    {{"geo", "diff", "a.mmdb", "--replaces"}, {"replaces"}},
    {{"apply"}, {"'apply' needs FILE"}},
    {{"status", "--socket"}, {"socket"}},
    {{"status", "--socket", "/a", "--socket", "/b"}, {"'--socket' stands twice"}},
};

TEST(Program, RefusesWrongUsageWithStatus2AndSaysWhereHelpIs)
{
    for (const auto& [tokens, says] : kWrongUsage) {
        const auto ran = run_tool(tokens);
        std::string line;
        for (const auto& token : tokens) {
            line += token + " ";
        }
        SCOPED_TRACE(line);
        EXPECT_EQ(ran.status, ctl::kUsage);
        EXPECT_EQ(ran.out, "");
        EXPECT_TRUE(ran.err.starts_with("meetfencectl: ")) << ran.err;
        EXPECT_MENTIONS(ran.err, "--help'");
        for (const auto* word : says) {
            EXPECT_MENTIONS(ran.err, word);
        }
    }
}

TEST(Program, TellsWithStatus3ThatNobodyListens)
{
    for (const auto& tokens : {Words{},
                               Words{"status"},
                               Words{"meeting", "list"},
                               Words{"rule", "list", "M"},
                               Words{"geo", "status"},
                               Words{"geo", "lookup", "203.0.113.10"},
                               Words{"geo", "reload"},
                               Words{"geo", "rollback"},
                               Words{"events"},
                               Words{"events", "--follow"},
                               Words{"export"},
                               Words{"participant", "list", "M"},
                               Words{"impact", "M"},
                               Words{"unblock", "r1"},
                               Words{"block", "M", "--country", "CN"},
                               Words{"order", "list"},
                               Words{"order", "show", "O"},
                               Words{"order", "approve", "O"},
                               Words{"order", "reject", "O", "--why", "overbroad"},
                               Words{"order", "withdraw", "O", "--why", "w"},
                               Words{"report"},
                               Words{"order", "extend", "O", "--for", "2d", "--why", "w"}}) {
        auto with_socket = tokens;
        with_socket.insert(with_socket.end(), {kNowhere, "--bpf-dir=/nonexistent"});
        const auto ran = run_tool(with_socket);
        EXPECT_EQ(ran.status, ctl::kUnreachable) << ran.err;
        EXPECT_EQ(ran.out, "");
        EXPECT_MENTIONS(ran.err, "/nonexistent/control.sock");
        EXPECT_MENTIONS(ran.err, "systemctl start meetfenced");
    }
}

TEST(Program, TellsWithStatus3ThatASocketPathIsTooLong)
{
    const auto ran = run_tool({"meeting", "list", "--socket=/" + std::string(200, 'x')});
    EXPECT_EQ(ran.status, ctl::kUnreachable);
    EXPECT_FALSE(ran.err.empty());
}

TEST(Program, RefusesWrongValuesBeforeItAsksTheDaemon)
{
    const Misused cases[] = {
        {{"block", "M", "--country", "China"}, {"CN (China)", "HK"}},
        {{"block", "M", "--country", "cn"}, {"CN (China)"}},
        {{"block", "M", "--country", "CN,CN"}, {"twice"}},
        {{"block", "M", "--country", ","}, {"at least one"}},
        {{"block", "M", "--country", "EU"}, {"no single country"}},
        {{"block", "a b", "--country", "CN"}, {"identifier"}},
        {{"block", std::string(129, 'm'), "--country", "CN"}, {"identifier"}},
        {{"block", "M", "--country", "CN", "--for", "2 hours"}, {"duration"}},
        {{"block", "M", "--country", "CN", "--until", "tomorrow"}, {"RFC 3339"}},
        {{"block", "M", "--country", "CN", "--from", "2026-11-22T18:00:00Z", "--until",
          "2026-11-22T17:00:00Z"},
         {"before it begins"}},
        {{"block", "M", "--country", "CN", "--except", "203.0.113.1/24"}, {"203.0.113.0/24"}},
        {{"meeting", "add", "M", "--endpoint", "udp:198.18.0.1:0"}, {"1 to 65535"}},
        {{"meeting", "add", "M", "--endpoint", "udp:198.18.0.1:65536"}, {"1 to 65535"}},
        {{"meeting", "add", "M", "--endpoint", "udp:198.18.0.1:1000-3000"}, {"1024"}},
        {{"block", "M", "--allow-only", "USA"}, {"USA"}},
        {{"block", "M", "--allow-only", ","}, {"at least one"}},
        {{"block", "M", "--participant", "p 7"}, {"a participant's identifier"}},
        {{"participant", "add", "M", "P", "--ufrag", "abcd"}, {"'abcd' is not of the form E=UFRAG"}},
        {{"participant", "add", "M", "P", "--ufrag", "udp:*:1=abc"}, {"ufrag 'abc' has 3 characters"}},
        {{"participant", "add", "M", "P", "--ufrag", "udp:*:0=abcd"}, {"1 to 65535"}},
        {{"participant", "add", "M", "P", "--ufrag", "udp:*:1=abcd=efgh"}, {"ufrag 'abcd=efgh'"}},
        {{"participant", "add", "M", "P", "--flow", "udp:198.18.0.1:1"}, {"not of the form LOCAL,REMOTE"}},
        {{"participant", "add", "M", "P", "--flow", "udp:*:1,203.0.113.10:5"}, {"one local address"}},
        {{"participant", "add", "M", "P", "--flow", "udp:198.18.0.1:1,[2001:db8::9]:5"}, {"IPv4", "IPv6"}},
        {{"participant", "add", "a b", "P", "--ufrag", "udp:*:1=abcd"}, {"a meeting's identifier"}},
        {{"participant", "remove", "M", "a b"}, {"a participant's identifier"}},
        {{"participant", "list", "a b"}, {"a meeting's identifier"}},
        {{"impact", "a b"}, {"a meeting's identifier"}},
        {{"impact", "M", "--country", "China"}, {"CN (China)"}},
        {{"explain", "--from", "203.0.113.10:51000", "--to", "udp:198.18.0.1:40000", "--ufrag", "a:b"},
         {"ufrag 'a:b'"}},
        {{"unblock", "7"}, {"r1, r2"}},
        {{"block", "M", "--country", "CN", "--order", "a b"}, {"an order's identifier"}},
        {{"order", "show", "a b"}, {"an order's identifier"}},
        {{"order", "approve", ""}, {"an order's identifier"}},
        {{"order", "list", "--state", "actve"}, {"'actve' is no state of an order", "did you mean active?"}},
        {{"order", "extend", "O", "--expires", "tomorrow", "--why", "w"}, {"RFC 3339"}},
        {{"order", "add", "O", "--authority", "A", "--jurisdiction", "CN", "--legal-basis", "L", "--received",
          "yesterday"},
         {"RFC 3339"}},
        {{"order", "add", "O", "--authority", "A", "--jurisdiction", "CN", "--legal-basis", "L", "--received",
          "2026-11-22T18:00:00Z", "--for", "2 days"},
         {"duration"}},
        {{"explain", "--from", "203.0.113.10", "--to", "udp:198.18.0.1:40000"}, {"no port"}},
        {{"explain", "--from", "203.0.113.10:51000", "--to", "udp:*:40000"}, {"one local address"}},
        {{"explain", "--packet", "0x00"}, {"hexadecimal"}},
        {{"apply", "/nonexistent"}, {"/nonexistent", "No such file"}},
        {{"apply", "/"}, {"cannot read /: Is a directory"}},
        {{"geo", "diff", "/nonexistent"}, {"cannot read /nonexistent: No such file", "give the path"}},
        {{"geo", "diff", "/"}, {"cannot read /: Is a directory", "give the path"}},
        {{"geo", "diff", "/dev/null"}, {"/dev/null is empty", "fetch it again"}},
        {{"geo", "diff", "/dev/zero"}, {"/dev/zero is larger than 64.0 MiB", "give a country database"}},
        {{"geo", "diff", "-"}, {"stdin is empty"}},
    };
    for (auto [tokens, says] : cases) {
        tokens.emplace_back(kNowhere);
        const auto ran = run_tool(tokens);
        EXPECT_EQ(ran.status, ctl::kFailed) << ran.err;
        EXPECT_EQ(ran.out, "");
        for (const auto* word : says) {
            EXPECT_MENTIONS(ran.err, word);
        }
    }
}

TEST(Program, KeepsWhatSomebodyTypedFromSteeringTheTerminal)
{
    const auto ran = run_tool({"a\033[2Jb\nc\u202ed\x9b"});
    EXPECT_EQ(ran.status, ctl::kUsage);
    EXPECT_TRUE(ran.err.starts_with("meetfencectl: unknown command 'a [2Jb c\ufffdd\ufffd'")) << ran.err;
}

} // namespace
} // namespace meetfence::test
