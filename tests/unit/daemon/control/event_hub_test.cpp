// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/event_hub.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using control::EventHub;

const Time kNow = at("2026-11-22T12:00:00Z");

std::string line(const std::string& event, const std::string& time = "2026-11-22T12:00:00Z")
{
    return R"({"time":")" + time + R"(","event":")" + event + "\"}\n";
}

TEST(EventHub, GivesAnEventTheTimeWhereItHasNone)
{
    EventHub hub;
    hub.publish({{"event", "a"}}, kNow);
    hub.publish({{"time", "2026-11-22T11:00:00Z"}, {"event", "b"}}, kNow);
    EXPECT_EQ(hub.recent(), line("a") + line("b", "2026-11-22T11:00:00Z"));
}

TEST(EventHub, TellsEverySubscriberInOrder)
{
    EventHub hub;
    std::vector<std::string> first;
    std::vector<std::string> second;
    hub.subscribe([&](const std::string& told) { first.push_back(told); });
    hub.publish({{"event", "a"}}, kNow);
    const auto id = hub.subscribe([&](const std::string& told) { second.push_back(told); });
    hub.publish({{"event", "b"}}, kNow);
    hub.unsubscribe(id);
    hub.unsubscribe(id);
    hub.publish({{"event", "c"}}, kNow);
    EXPECT_EQ(first, (std::vector{line("a"), line("b"), line("c")}));
    EXPECT_EQ(second, (std::vector{line("b")}));
}

TEST(EventHub, KeepsTheLastThousand)
{
    EventHub hub;
    EXPECT_EQ(hub.recent(), "");
    for (int i = 0; i < 1500; ++i) {
        hub.publish({{"event", std::to_string(i)}}, kNow);
    }
    const auto recent = hub.recent();
    EXPECT_EQ(std::ranges::count(recent, '\n'), 1000);
    EXPECT_TRUE(recent.starts_with(line("500")));
    EXPECT_TRUE(recent.ends_with(line("1499")));
}

TEST(EventHub, LetsASubscriberLeaveWhileItIsTold)
{
    EventHub hub;
    int told_first = 0;
    int told_second = 0;
    std::uint64_t first = 0;
    first = hub.subscribe([&](const std::string&) {
        ++told_first;
        hub.unsubscribe(first);
    });
    hub.subscribe([&](const std::string&) { ++told_second; });
    hub.publish({{"event", "a"}}, kNow);
    hub.publish({{"event", "b"}}, kNow);
    EXPECT_EQ(told_first, 1);
    EXPECT_EQ(told_second, 2);
}

TEST(EventHub, LetsASubscriberJoinWhileOthersAreTold)
{
    EventHub hub;
    int told = 0;
    hub.subscribe([&](const std::string&) {
        if (told == 0) {
            hub.subscribe([&](const std::string&) { ++told; });
            ++told;
        }
    });
    hub.publish({{"event", "a"}}, kNow);
    EXPECT_EQ(told, 1) << "it came after the event";
    hub.publish({{"event", "b"}}, kNow);
    EXPECT_EQ(told, 2);
}

TEST(EventHub, IsNotStoppedByTextThatIsNoUtf8)
{
    EventHub hub;
    hub.publish({{"event", "a\xff\nb"}}, kNow);
    EXPECT_EQ(hub.recent(), line("a\xef\xbf\xbd\\nb")); // and one event stays one line
}

} // namespace
} // namespace meetfence::test
