// SPDX-License-Identifier: Apache-2.0
// The line that tells how far long work is: what it looks like, when it is drawn, that it is erased.
#include "ctl/progress.h"

#include <gtest/gtest.h>

#include "tests/unit/ctl/environment.h"
#include "tests/unit/ctl/tally.h"
#include "tests/unit/ctl/tiny_server.h"

namespace meetfence::test {
namespace {

Json working(const char* step, unsigned percent)
{
    return {{"what", "reload"}, {"step", step}, {"percent", percent}};
}

TEST(ProgressLine, HasAStepABarAndAPercentage)
{
    EXPECT_EQ(ctl::progress_line(working("reading /a.mmdb", 0), 80), "reading /a.mmdb  ░░░░░░░░░░░░    0 %");
    EXPECT_EQ(ctl::progress_line(working("reading /a.mmdb", 62), 80), "reading /a.mmdb  ███████░░░░░   62 %");
    EXPECT_EQ(ctl::progress_line(working("building", 99), 80), "building  ███████████░   99 %");
    EXPECT_EQ(ctl::progress_line(working("building", 100), 80), "building  ████████████  100 %");
    EXPECT_EQ(ctl::progress_line(working("building", 250), 80), "building  ████████████  100 %");
}

TEST(ProgressLine, FitsIntoTheTerminal)
{
    const auto work = working("reading /var/lib/meetfence/some/where/country.mmdb", 62);
    EXPECT_EQ(ctl::progress_line(work, 60), "reading /var…e/some/where/country.mmdb  ███████░░░░░   62 %");
    EXPECT_EQ(ctl::progress_line(work, 30), "reading…e/country.mmdb   62 %");
    EXPECT_EQ(ctl::progress_line(work, 8), "");
    for (std::size_t columns = 0; columns < 100; ++columns) {
        EXPECT_LE(ctl::width_of(ctl::progress_line(work, columns)) + 1, std::max(columns, 1UL)) << columns;
    }
}

TEST(ProgressLine, IsEmptyWhereNothingIsBeingDone)
{
    EXPECT_EQ(ctl::progress_line(Json(), 80), "");
    EXPECT_EQ(ctl::progress_line(Json("reload"), 80), "");
}

TEST(ProgressLine, DoesNotLetAFilesNameSteerTheTerminal)
{
    const auto line = ctl::progress_line(working("reading a\033[2J\n.mmdb", 1), 80);
    EXPECT_EQ(line.find_first_of("\033\n"), std::string::npos);
}

// A daemon that is busy until it was asked `asks` times how far it is.
class BusyServer {
public:
    explicit BusyServer(int asks, unsigned status = 200)
        : server_(
              [=, this](const Asked& asked) { return asked.method == "GET" ? tell() : finish(asks, status); })
    {
    }
    [[nodiscard]] const TinyServer& server() const { return server_; }

private:
    Reply tell()
    {
        const int asked = asked_.add();
        const auto work = asked == 1   ? working("reading /a.mmdb", 25)
                          : asked == 2 ? Json() // between two steps
                                       : working("building", 75);
        return {200, Json{{"generation", 1U}, {"working", work}}.dump()};
    }
    Reply finish(int asks, unsigned status)
    {
        return {asked_.reaches(asks) ? status : 504, R"({"detail": "not now", "generation": 2})"};
    }

    Tally asked_;
    TinyServer server_;
};

constexpr const char* kReading = "\r\033[Kreading /a.mmdb  ███░░░░░░░░░   25 %";
constexpr const char* kBuilding = "\r\033[Kbuilding  █████████░░░   75 %";
constexpr const char* kErased = "\r\033[K";
const std::string kDrawn = std::string(kReading) + kErased + kBuilding + kErased;

TEST(Progress, IsDrawnAndErased)
{
    const Environment term("TERM", "xterm");
    const std::vector<std::vector<std::string>> commands{
        {"geo", "reload"}, {"geo", "rollback"}, {"geo", "diff", MEETFENCE_SOURCE_DIR "/README.md"}};
    for (const auto& command : commands) {
        const BusyServer busy(5);
        const auto ran = run_tool(busy.server(), command, {.err_columns = 80});
        EXPECT_EQ(ran.status, ctl::kDone);
        EXPECT_EQ(ran.err, kDrawn) << "the same line is not drawn twice";
        EXPECT_EQ(ran.out.find('\033'), std::string::npos);
    }
}

TEST(Progress, IsErasedBeforeARefusalIsTold)
{
    const Environment term("TERM", "xterm");
    const BusyServer busy(5, 409);
    const auto ran = run_tool(busy.server(), {"geo", "reload"}, {.err_columns = 80});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_EQ(ran.err, kDrawn + "meetfencectl: not now\n");
}

TEST(Progress, IsThereWithoutColourToo)
{
    const Environment term("TERM", "xterm");
    const Environment no_color("NO_COLOR", "1");
    const BusyServer busy(5);
    EXPECT_EQ(run_tool(busy.server(), {"geo", "reload"}, {.err_columns = 80}).err, kDrawn);
}

// Whether the daemon is asked how far it is, while it takes its time.
bool asks(std::vector<std::string> command, const Seat& seat)
{
    constexpr auto kLong = 4 * ctl::Client::kWatchInterval;
    Tally asked_for;
    const TinyServer server([&](const Asked& asked) {
        if (asked.method == "GET") {
            asked_for.add();
        } else {
            asked_for.reaches(1, kLong);
        }
        return Reply{200, R"({"working": {"step": "x", "percent": 1}})"};
    });
    EXPECT_EQ(run_tool(server, std::move(command), seat).status, ctl::kDone);
    return server.connections() > 1;
}

TEST(Progress, IsNotAskedForWhereNobodyWouldSeeIt)
{
    {
        const Environment term("TERM", "xterm");
        EXPECT_TRUE(asks({"geo", "reload"}, {.err_columns = 80}));
        EXPECT_FALSE(asks({"geo", "reload"}, {})) << "a pipe";
        EXPECT_FALSE(asks({"geo", "reload"}, {.out_is_terminal = true})) << "2>file";
        EXPECT_FALSE(asks({"geo", "reload", "--json"}, {.err_columns = 80}));
    }
    for (const auto* dumb : {"dumb", static_cast<const char*>(nullptr)}) {
        const Environment term("TERM", dumb);
        EXPECT_FALSE(asks({"geo", "reload"}, {.err_columns = 80}));
    }
}

TEST(Progress, IsNotMissedWhereTheDaemonDoesNotTell)
{
    const Environment term("TERM", "xterm");
    Tally asked_for;
    Tally over;
    const TinyServer server([&](const Asked& asked) {
        if (asked.method == "GET") {
            asked_for.add();
            over.reaches(1);
        } else {
            asked_for.reaches(1);
        }
        return Reply{200, R"({"generation": 2})"};
    });
    const auto ran = run_tool(server, {"geo", "reload"}, {.err_columns = 80});
    over.add();
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.err, "");
    EXPECT_MENTIONS(ran.out, "generation  2");
}

} // namespace
} // namespace meetfence::test
