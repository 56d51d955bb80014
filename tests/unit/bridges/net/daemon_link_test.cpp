// SPDX-License-Identifier: Apache-2.0
#include "bridges/net/daemon_link.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/unit/bridges/net/fake_daemon.h"

namespace meetfence::bridges {
namespace {

const Moment kNow{std::chrono::seconds(1'800'000'000)};

class DaemonLinkTest : public testing::Test {
protected:
    DaemonLinkTest()
        : folder(std::filesystem::temp_directory_path() / ("meetfence-link-" + std::to_string(getpid()))),
          socket((folder / "control.sock").string())
    {
        std::filesystem::create_directories(folder);
        daemon = std::make_unique<test::FakeDaemon>(socket);
    }
    ~DaemonLinkTest() override
    {
        link.reset();
        daemon.reset();
        std::filesystem::remove_all(folder);
    }

    void start(bool register_meetings = true)
    {
        link = std::make_unique<DaemonLink>(
            io.get_executor(),
            DaemonSettings{
                .socket = socket, .prefix = "test-", .register_meetings = register_meetings, .ports = ports},
            ledger,
            DaemonLink::Hooks{.now = [this] { return now; },
                              .on_event = [this](const Json& event) { events.push_back(event); },
                              .on_found = [this](const Participant& one) { found.push_back(one); }});
        boost::asio::co_spawn(io, link->run(), boost::asio::detached);
    }

    void put(const std::string& key, const std::string& meeting, const std::string& ufrag)
    {
        ledger.put(key, {{meeting, "test-" + key}, {{Endpoint::parse("udp:*:10000").value(), ufrag}}, {}},
                   now);
        if (link) {
            link->wake();
        }
    }

    // Runs until it holds, for at most ten seconds.
    bool until(const std::function<bool()>& holds)
    {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            io.run_one_for(std::chrono::milliseconds(10));
        }
        return true;
    }
    bool until_there(const std::string& meeting, const std::string& participant)
    {
        return until([&] { return daemon->meetings()[meeting].contains(participant); });
    }

    std::filesystem::path folder;
    std::string socket;
    std::unique_ptr<test::FakeDaemon> daemon;
    std::vector<Endpoint> ports;
    Moment now = kNow;
    Ledger ledger;
    std::vector<Json> events;
    std::vector<Participant> found;
    boost::asio::io_context io;
    std::unique_ptr<DaemonLink> link;
};

TEST_F(DaemonLinkTest, TellsWhatTheLedgerHas)
{
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until_there("M", "test-p"));
    const auto told = daemon->meetings()["M"]["test-p"];
    EXPECT_EQ(told.dump(), R"({"ufrags":[{"endpoint":"udp:*:10000","ufrag":"abcd"}],"flows":[]})");
    ASSERT_TRUE(until([&] { return link->figures().told == 1; }));
    EXPECT_EQ(ledger.bindings(), 1U);
    EXPECT_EQ(link->figures().refused, 0U) << "a meeting that was not there is no refusal";

    ledger.remove("p", now);
    link->wake();
    EXPECT_TRUE(until([&] { return daemon->meetings()["M"].empty(); }));
}

TEST_F(DaemonLinkTest, LeavesMeetingsToTheOperatorWhereToldSo)
{
    start(false);
    put("p", "M", "abcd");
    ASSERT_TRUE(until([&] { return ledger.waiting() == 1; }));
    EXPECT_FALSE(daemon->meetings().contains("M"));
    daemon->change([](auto& meetings) { meetings["M"]; });
    daemon->tell(R"({"time": "2027-01-15T08:00:00Z", "event": "meeting_added", "meeting": "M"})");
    EXPECT_TRUE(until_there("M", "test-p"));
}

TEST_F(DaemonLinkTest, RemovesItsOwnWhoAreNotThere)
{
    daemon->change([](auto& meetings) {
        meetings["M"]["test-old"] = Json{{"ufrags", {{{"endpoint", "udp:*:10000"}, {"ufrag", "wxyz"}}}}};
        meetings["M"]["somebody"] = Json::object();
        meetings["M"]["testy"] = Json::object();
    });
    put("p", "M", "abcd");
    start();
    ASSERT_TRUE(until([&] { return !daemon->meetings()["M"].contains("test-old"); }));
    ASSERT_TRUE(until_there("M", "test-p"));
    EXPECT_TRUE(daemon->meetings()["M"].contains("somebody") && daemon->meetings()["M"].contains("testy"));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].ufrags.at(0).ufrag, "wxyz");
}

TEST_F(DaemonLinkTest, TellsEverythingAgainToADaemonThatCameBack)
{
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until_there("M", "test-p"));
    daemon.reset();
    ASSERT_TRUE(until([&] { return !link->figures().connected; }));
    put("q", "M", "efgh");
    daemon = std::make_unique<test::FakeDaemon>(socket);
    EXPECT_TRUE(until_there("M", "test-p"));
    EXPECT_TRUE(until_there("M", "test-q"));
    EXPECT_TRUE(until([&] { return link->figures().resyncs == 2; }));
    EXPECT_TRUE(found.empty()) << "only at the first connection";
}

TEST_F(DaemonLinkTest, TellsAMeetingAgainThatSomebodyRemoved)
{
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until_there("M", "test-p"));
    ASSERT_TRUE(until([&] { return link->figures().told == 1; }));
    daemon->change([](auto& meetings) { meetings.erase("M"); });
    daemon->tell(R"({"time": "2027-01-15T08:00:00Z", "event": "meeting_removed", "meeting": "M"})");
    EXPECT_TRUE(until_there("M", "test-p"));
}

TEST_F(DaemonLinkTest, GoesOnWhereOneIsRefused)
{
    daemon->refuse("A");
    start();
    put("p", "A", "abcd");
    put("q", "M", "efgh");
    EXPECT_TRUE(until_there("M", "test-q"));
    EXPECT_TRUE(until([&] { return link->figures().refused >= 2; })) << "tried again after a second";
    EXPECT_EQ(ledger.bindings(), 1U);
}

TEST_F(DaemonLinkTest, TriesAgainHoweverMuchGoesOn)
{
    daemon->refuse("A");
    daemon->change([](auto& meetings) { meetings["M"]; });
    start();
    put("p", "A", "abcd");
    unsigned changes = 0;
    EXPECT_TRUE(until([&] {
        put("q", "M", ++changes % 2 == 0 ? "efgh" : "ijkl");
        return link->figures().refused >= 2;
    }));
}

TEST_F(DaemonLinkTest, RemovesMeetingsItRegisteredOnceTheyAreEmpty)
{
    daemon->change([](auto& meetings) { meetings["theirs"]; });
    start();
    put("p", "M", "abcd");
    put("q", "theirs", "efgh");
    ASSERT_TRUE(until([&] { return link->figures().told == 2; }));
    ledger.remove("p", now);
    ledger.remove("q", now);
    link->wake();
    ASSERT_TRUE(until([&] { return link->figures().told == 4; }));
    EXPECT_TRUE(daemon->meetings().contains("M"));
    now += DaemonLink::kForgetAfter;
    link->wake();
    EXPECT_TRUE(until([&] { return !daemon->meetings().contains("M"); }));
    EXPECT_TRUE(daemon->meetings().contains("theirs"));
}

TEST_F(DaemonLinkTest, LeavesAMeetingThatSomebodyHasAddedAgain)
{
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until_there("M", "test-p"));
    ledger.remove("p", now);
    link->wake();
    ASSERT_TRUE(until([&] { return link->figures().told == 2; }));
    daemon->tell(R"({"time": "2027-01-15T08:00:00Z", "event": "meeting_removed", "meeting": "M"})");
    daemon->tell(R"({"time": "2027-01-15T08:00:00Z", "event": "meeting_added", "meeting": "M"})");
    ASSERT_TRUE(until([&] { return events.size() == 2; }));
    now += DaemonLink::kForgetAfter;
    put("q", "M2", "efgh");
    ASSERT_TRUE(until([&] { return link->figures().told == 3; }));
    put("r", "M2", "ijkl");
    ASSERT_TRUE(until([&] { return link->figures().told == 4; }));
    EXPECT_TRUE(daemon->meetings().contains("M"));
}

TEST_F(DaemonLinkTest, RemovesAMeetingOnceNobodyElseNeedsIt)
{
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until_there("M", "test-p"));
    daemon->change([](auto& meetings) { meetings["M"]["another-bridges"] = Json::object(); });
    ledger.remove("p", now);
    link->wake();
    ASSERT_TRUE(until([&] { return link->figures().told == 2; }));
    const auto refusals = [&] {
        return std::ranges::count(daemon->requests(), "DELETE /v1/meetings/M?unused=true");
    };
    now += DaemonLink::kForgetAfter;
    link->wake();
    ASSERT_TRUE(until([&] { return refusals() == 1; }));
    daemon->change([](auto& meetings) { meetings["M"].clear(); });
    EXPECT_TRUE(until([&] {
        now += DaemonLink::kForgetAfter;
        link->wake();
        return !daemon->meetings().contains("M");
    }));
}

TEST_F(DaemonLinkTest, RegistersPortsBeforeAnybodyIsBoundThere)
{
    ports = {Endpoint::parse("udp:*:20000-20009").value()};
    put("p", "M", "abcd");
    start();
    ASSERT_TRUE(until_there("M", "test-p"));
    const auto requests = daemon->requests();
    EXPECT_LT(std::ranges::find(requests, "PUT /v1/meetings/test-ports"),
              std::ranges::find(requests, "POST /v1/batch"));
    EXPECT_TRUE(daemon->meetings().contains("test-ports"));
}

TEST_F(DaemonLinkTest, LeavesAMeetingThatTheOperatorHasMadeHis)
{
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until([&] { return link->figures().told == 1; }));
    daemon->document("M", Json{{"endpoints", {"udp:198.18.0.1:40000"}}});
    ledger.remove("p", now);
    link->wake();
    ASSERT_TRUE(until([&] { return link->figures().told == 2; }));
    now += DaemonLink::kForgetAfter;
    link->wake();
    ASSERT_TRUE(until([&] { return std::ranges::count(daemon->requests(), "GET /v1/meetings/M") >= 2; }));
    put("q", "N", "efgh"); // something that comes after it
    ASSERT_TRUE(until_there("N", "test-q"));
    EXPECT_TRUE(daemon->meetings().contains("M"));
}

// In the group of viewers by mistake: lists and events work.
TEST_F(DaemonLinkTest, IsNotConnectedWhereItMayChangeNothing)
{
    daemon->forbid(true);
    start();
    put("p", "M", "abcd");
    ASSERT_TRUE(until([&] {
        return std::ranges::count(daemon->requests(), "POST /v1/batch") >= 1 && !link->figures().connected;
    }));
    daemon->forbid(false);
    EXPECT_TRUE(until_there("M", "test-p"));
}

TEST_F(DaemonLinkTest, PassesOnNewEventsOnly)
{
    start();
    ASSERT_TRUE(until([&] { return link->figures().connected; }));
    daemon->tell(R"({"time": "2027-01-15T07:59:59Z", "event": "participant_blocked", "participant": "old"})");
    daemon->tell("{broken");
    daemon->tell("[]");
    daemon->tell(R"({"event": "participant_blocked", "participant": "timeless"})");
    daemon->tell(R"({"time": "2027-01-15T08:00:00Z", "event": "participant_blocked", "participant": "new"})");
    ASSERT_TRUE(until([&] { return !events.empty(); }));
    EXPECT_EQ(events.at(0).at("participant"), "new");
    EXPECT_TRUE(link->figures().connected);
}

} // namespace
} // namespace meetfence::bridges
