// SPDX-License-Identifier: Apache-2.0
// `top` in a pipe, against a daemon that counts on with every answer.
#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>

#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/ctl/top_samples.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

class CountingServer {
public:
    /// Answers so many rounds, and no more.
    explicit CountingServer(int rounds = 1000)
        : server_([=, this](const Asked& asked) { return answer(asked, rounds); })
    {
    }
    [[nodiscard]] const TinyServer& server() const { return server_; }

private:
    Reply answer(const Asked& asked, int rounds)
    {
        if (asked.target.starts_with("/v1/rules?state=active")) {
            return {200, Json::array({rule_against_cn("r1", "A", dropped_)}).dump()};
        }
        dropped_ += 1000;
        return {.body = status_of(dropped_, 0).dump(), .break_off = ++round_ > rounds};
    }

    std::atomic<int> round_ = 0;
    std::atomic<std::uint64_t> dropped_ = 0;
    TinyServer server_;
};

TEST(TopCommand, EndsAfterSoManyRounds)
{
    const CountingServer counting;
    const auto ran = run_tool(counting.server(), {"top", "--count", "1"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(ran.err, "");
    EXPECT_MENTIONS(ran.out, "  country    CN  ");
    EXPECT_EQ(ran.out.find('\033'), std::string::npos);
    const auto asked = counting.server().asked();
    ASSERT_EQ(asked.size(), 4U) << "two moments of two answers";
    EXPECT_EQ(asked[1].target, "/v1/rules?state=active&counted=true");
    EXPECT_EQ(asked[3].target, "/v1/rules?state=active") << "there are few of them";
    EXPECT_EQ(counting.server().connections(), 1);
}

TEST(TopCommand, WritesAnObjectALineForPrograms)
{
    const CountingServer counting;
    const auto ran = run_tool(counting.server(), {"top", "--count", "1", "--json"});
    EXPECT_EQ(ran.status, ctl::kDone);
    EXPECT_EQ(std::ranges::count(ran.out, '\n'), 1);
    const auto json = value_of(parse_json(ran.out, "line"));
    const auto seconds = json.at("seconds").get<double>();
    EXPECT_GE(seconds, 0.9);
    EXPECT_NEAR(json.at("total").at("dropped").at("packets_per_s").get<double>() * seconds, 1000, 1);
    EXPECT_NEAR(json.at("countries").at("CN").at("dropped").at("packets_per_s").get<double>() * seconds, 1000,
                1);
}

TEST(TopCommand, EndsWith3WhereTheDaemonIsGone)
{
    EXPECT_EQ(run_tool({"top", "--socket", "/nonexistent/socket"}).status, ctl::kUnreachable);
    const CountingServer counting(1);
    const auto ran = run_tool(counting.server(), {"top"});
    EXPECT_EQ(ran.status, ctl::kUnreachable);
    EXPECT_MENTIONS(ran.err, "broke");
}

TEST(TopCommand, EndsWith1WhereItIsRefused)
{
    const TinyServer server([](const Asked&) { return Reply{403, R"({"detail": "viewers only"})"}; });
    const auto ran = run_tool(server, {"top"});
    EXPECT_EQ(ran.status, ctl::kFailed);
    EXPECT_MENTIONS(ran.err, "viewers only");
}

TEST(TopCommand, ReadsAnswersInPieces)
{
    // Each answer ends with its connection: the next request makes another one.
    const TinyServer server([](const Asked& asked) {
        return Reply{.body = asked.target == "/v1/status" ? status_of(1, 1).dump() : "[]", .close = true};
    });
    EXPECT_EQ(run_tool(server, {"top", "--count", "1"}).status, ctl::kDone);
    EXPECT_GE(server.connections(), 4);
}

TEST(TopCommand, TakesWholePositiveNumbersOnly)
{
    for (const auto* option : {"--count=0", "--count=x", "--count=1x", "--count=-1", "--interval=0s",
                               "--interval=1", "--interval=x"}) {
        EXPECT_EQ(run_tool({"top", option}).status, ctl::kUsage) << option;
    }
}

} // namespace
} // namespace meetfence::test
