// SPDX-License-Identifier: Apache-2.0
// `report`, from the daemon and from the files of an audit log.
#include <gtest/gtest.h>

#include "audit/report.h"
#include "ctl/command.h"
#include "ctl/log_reader.h"
#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kNowhere = "--socket=/nonexistent/control.sock";
constexpr const char* kFirst = "00000000000000000001.jsonl";
constexpr const char* kThird = "00000000000000000003.jsonl";

std::string entry(audit::Head& head, const std::string& what, const char* time)
{
    return audit::make_line(head, at(time), {{1000, "alice"}, what, Json{{"version", "1"}}}) + "\n";
}

// A log of three entries in two files, and a key.
struct Log {
    TempDir directory;
    std::string first, second, third;

    Log()
    {
        audit::Head head;
        first = entry(head, "daemon_started", "2020-11-22T12:00:00Z");
        second = entry(head, "daemon_stopped", "2020-11-22T13:00:00Z");
        third = entry(head, "daemon_started", "2020-11-22T14:00:00Z");
        write_file(directory.path(kFirst), first + second);
        write_file(directory.path(kThird), third);
        write_file(directory.path("key"), "0123456789abcdef");
        write_file(directory.path("notes.txt"), "no part of the log\n");
    }
    [[nodiscard]] Words report(std::initializer_list<std::string> more = {}) const
    {
        Words words{"report", "--audit", directory.path(), "--key", directory.path("key"), kNowhere};
        words.insert(words.end(), more);
        return words;
    }
};

TEST(ReportCommand, PrintsTheDaemonsReportByteForByte)
{
    const std::string body = "<!doctype html>\r\n\u202e\xff no newline at the end";
    const TinyServer server([&](const Asked&) { return Reply{200, body}; });
    const auto ran = run_tool(server, {"report", "--format", "html", "--since", "2026-10-01T02:00:00+02:00",
                                       "--until", "2027-01-01T00:00:00Z"});
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    EXPECT_EQ(ran.out, body);
    EXPECT_EQ(server.asked().at(0).method, "GET");
    EXPECT_EQ(server.asked().at(0).target,
              "/v1/report?format=html&since=2026-10-01T00:00:00Z&until=2027-01-01T00:00:00Z");
}

TEST(ReportCommand, IsJsonWhereNothingElseIsSaid)
{
    const TinyServer server([](const Asked&) { return Reply{200, "{\"orders\":1}"}; });
    for (const auto& command :
         {Words{"report"}, Words{"report", "--json"}, Words{"report", "--format", "json"},
          Words{"report", "--json", "--format", "json"}}) {
        EXPECT_EQ(run_tool(server, command).out, "{\"orders\":1}");
        EXPECT_EQ(server.asked().back().target, "/v1/report?format=json");
    }
    EXPECT_EQ(run_tool(server, {"report"}, {.out_is_terminal = true}).out, "{\n  \"orders\": 1\n}\n");
}

TEST(ReportCommand, DoesNotSteerATerminal)
{
    const TinyServer server([](const Asked&) { return Reply{200, "a,\033[2J\u202eb\nc"}; });
    EXPECT_EQ(run_tool(server, {"report", "--format", "csv"}, {.out_is_terminal = true}).out,
              "a, [2J\ufffdb\nc\n");
}

TEST(ReportCommand, PassesOnARefusal)
{
    const TinyServer server([](const Asked&) { return Reply{403, R"({"detail": "not for you"})"}; });
    const auto ran = run_tool(server, {"report"});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "meetfencectl: not for you\n");
}

TEST(ReportCommand, RefusesAPeriodAndAFormatThatThereAreNot)
{
    const std::pair<Words, const char*> cases[] = {
        {{"report", "--format", "htm"}, "format 'htm' is not json, csv or html (did you mean html?)"},
        {{"report", "--since", "yesterday"}, "RFC 3339"},
        {{"report", "--since", "2027-01-01T00:00:00Z", "--until", "2026-10-01T00:00:00Z"},
         "the report would end (2026-10-01T00:00:00Z) before it begins (2027-01-01T00:00:00Z)"},
        {{"report", "--since", "2027-01-01T00:00:00Z", "--until", "2027-01-01T00:00:00Z"},
         "before it begins"},
    };
    for (auto [command, says] : cases) {
        command.emplace_back(kNowhere);
        const auto ran = run_tool(command);
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_MENTIONS(ran.err, says);
    }
}

TEST(ReportFromFiles, IsTheOneThatTheEntriesMake)
{
    const Log log;
    audit::ReportBuilder builder(at("2020-11-22T12:30:00Z"), at("2020-11-22T13:30:00Z"), "0123456789abcdef");
    value_of(ctl::read_log(log.directory.path(), [&](const audit::Entry& e) { builder.take(e); }));
    const auto report = builder.finish();
    const std::pair<std::string, std::string> cases[] = {{"json", audit::to_json(report).dump() + "\n"},
                                                         {"csv", audit::to_csv(report)},
                                                         {"html", audit::to_html(report)}};
    for (const auto& [format, wanted] : cases) {
        const auto ran = run_tool(log.report(
            {"--since", "2020-11-22T12:30:00Z", "--until", "2020-11-22T13:30:00Z", "--format", format}));
        EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
        EXPECT_EQ(ran.out, wanted);
        EXPECT_EQ(ran.err, "");
    }
}

TEST(ReportFromFiles, HoldsEverythingUpToNowWhereNoPeriodIsSaid)
{
    const Log log;
    const auto ran = run_tool(log.report());
    EXPECT_EQ(ran.status, ctl::kDone) << ran.err;
    const auto report = value_of(parse_json(ran.out, "report"));
    EXPECT_EQ(report.at("log").at("entries"), 3);
}

TEST(ReportFromFiles, IsNotMadeOfALogThatDoesNotHold)
{
    const struct {
        const char* what;
        std::function<void(const Log&)> harm;
        const char* says;
    } cases[] = {
        {"changed",
         [](const Log& log) {
             auto text = log.first + log.second;
             text.replace(text.find("alice"), 5, "mabel");
             write_file(log.directory.path(kFirst), text);
         },
         "00000000000000000001.jsonl, line 1 (entry 1)"},
        {"removed", [](const Log& log) { write_file(log.directory.path(kFirst), log.first); },
         "00000000000000000003.jsonl, line 1 (entry 2): entry 2 is missing"},
        {"reordered", [](const Log& log) { write_file(log.directory.path(kFirst), log.second + log.first); },
         "00000000000000000001.jsonl, line 1 (entry 1)"},
        {"the first file gone", [](const Log& log) { std::filesystem::remove(log.directory.path(kFirst)); },
         "00000000000000000003.jsonl, line 1 (entry 1)"},
        {"torn before its end",
         [](const Log& log) { write_file(log.directory.path(kFirst), log.first + log.second.substr(0, 40)); },
         "00000000000000000001.jsonl, line 2 (entry 2)"},
    };
    for (const auto& [what, harm, says] : cases) {
        const Log log;
        harm(log);
        const auto ran = run_tool(log.report());
        EXPECT_EQ(ran.status, ctl::kFailed) << what;
        EXPECT_EQ(ran.out, "") << what;
        EXPECT_MENTIONS(ran.err, " does not hold: ");
        EXPECT_MENTIONS(ran.err, says);
    }
}

TEST(ReportFromFiles, LeavesOutALineThatIsBeingWritten)
{
    const Log log;
    write_file(log.directory.path(kThird), log.third + R"({"seq":4)");
    const auto ran = run_tool(log.report());
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.err, "meetfencectl: the last line of the log is not whole (8 bytes) and left out\n");
    EXPECT_EQ(value_of(parse_json(ran.out, "report")).at("log").at("entries"), 3);
}

TEST(ReportFromFiles, SaysWhatItCannotRead)
{
    const Log log;
    const TempDir empty;
    const std::pair<Words, const char*> cases[] = {
        {{"report", "--audit", empty.path(), "--key", log.directory.path("key")},
         "there is no audit log in "},
        {{"report", "--audit", "/nonexistent", "--key", log.directory.path("key")},
         "cannot read /nonexistent: No such file"},
        {{"report", "--audit", log.directory.path(), "--key", "/nonexistent"},
         "cannot read /nonexistent: No such file"},
        {{"report", "--audit", log.directory.path(), "--key", "/dev/null"}, "/dev/null is no key"},
        {{"report", "--audit", log.directory.path(), "--key", "/dev/zero"}, "/dev/zero is no key"},
    };
    for (const auto& [command, says] : cases) {
        const auto ran = run_tool(command);
        EXPECT_EQ(ran.status, ctl::kFailed);
        EXPECT_MENTIONS(ran.err, says);
    }
}

TEST(ReadLog, YieldsTheEntriesInTheirOrderAndItsHead)
{
    const Log log;
    std::vector<std::uint64_t> sequences;
    const auto read = value_of(
        ctl::read_log(log.directory.path(), [&](const audit::Entry& e) { sequences.push_back(e.sequence); }));
    EXPECT_EQ(sequences, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(read.head.sequence, 3U);
    EXPECT_MENTIONS(log.third, R"("hash":")" + read.head.hash + "\"");
    EXPECT_EQ(read.files, 2U);
    EXPECT_EQ(read.torn_bytes, 0U);
}

} // namespace
} // namespace meetfence::test
