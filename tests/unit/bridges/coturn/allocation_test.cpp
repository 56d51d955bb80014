// SPDX-License-Identifier: Apache-2.0
#include "bridges/coturn/allocation.h"

#include <array>
#include <gtest/gtest.h>

namespace meetfence::bridges::coturn::test {
namespace {

constexpr std::string_view kValue =
    "new lifetime=600, type=UDP, local=198.18.0.1:3478, remote=203.0.113.10:41662, ssl=NONE, cipher=NONE";

std::string key_for(const std::string& username, const std::string& realm = "turn.example")
{
    return "turn/realm/" + realm + "/user/" + username + "/allocation/000000000000000001/status";
}

AllocationReading read(const std::string& key, std::string_view value = kValue,
                       const AllocationRules& rules = {})
{
    return read_allocation(key, value, rules, "coturn-");
}

// What a username is read as: "MEETING PARTICIPANT", or why it is nobody's.
std::string person(const std::string& username)
{
    const auto reading = read(key_for(username));
    return reading.unbound.empty() ? reading.allocation.meeting + " " + reading.allocation.participant
                                   : std::string(reading.unbound);
}

// "udp:198.18.0.1:3478 203.0.113.10:41662 …", or why there is none.
std::string flows(const std::string& type, const std::string& local, const std::string& remote,
                  const AllocationRules& rules = {})
{
    const auto reading =
        read(key_for("1795377933:m/p"),
             "refreshed lifetime=600, type=" + type + ", local=" + local + ", remote=" + remote, rules);
    std::string text(reading.unbound);
    for (const auto& flow : reading.allocation.flows) {
        text += (text.empty() ? "" : " ") + flow.local_text() + " " + flow.remote.text();
    }
    return text;
}

TEST(Allocation, IsReadWhole)
{
    const auto reading = read(key_for("1795377933:weekly-4711/p-1"));
    EXPECT_EQ(reading.unbound, "");
    EXPECT_FALSE(reading.ended);
    EXPECT_EQ(reading.allocation.meeting, "weekly-4711");
    EXPECT_EQ(reading.allocation.participant, "coturn-p-1");
    EXPECT_EQ(reading.allocation.lifetime, std::chrono::seconds(600));
    ASSERT_EQ(reading.allocation.flows.size(), 1U);
    EXPECT_EQ(reading.allocation.flows[0], make_flow("udp:198.18.0.1:3478", "203.0.113.10:41662").value());
}

TEST(Allocation, UsernameSaysMeetingAndParticipant)
{
    EXPECT_EQ(person("1:m/p"), "m coturn-p");
    EXPECT_EQ(person("1795378041:w:4711/p:1"), "w:4711 coturn-p:1");
    EXPECT_EQ(person("1:a~2Fb/c~25d~7e"), "a/b coturn-c%d~");
    EXPECT_EQ(person("1:~77/~70="), "w coturn-p=");
}

TEST(Allocation, WithoutACertainMeetingItIsNobodys)
{
    constexpr auto kUsernames = std::to_array<const char*>({"",
                                                            "plain",
                                                            "1795377953:plain",
                                                            "m/p",
                                                            "x:m/p",
                                                            ":m/p",
                                                            "1:/p",
                                                            "1:m/",
                                                            "1:m//p",
                                                            "1:a/b/c",
                                                            "1:/",
                                                            "1",
                                                            "1:",
                                                            "-1:m/p",
                                                            "1 :m/p",
                                                            "1:m/p/allocation/2/status",
                                                            "1:a~2Fb",
                                                            "1:a~/p",
                                                            "1:a~2/p",
                                                            "1:a~zz/p",
                                                            "1:a~+1/p",
                                                            "1:a%2Fb/p",
                                                            "1:m/100%"});
    for (const auto* username : kUsernames) {
        EXPECT_EQ(person(username), "no_meeting") << username;
    }
}

TEST(Allocation, IdentifiersAreWhatTheDaemonTakes)
{
    for (const auto& username : {std::string("1:\xe4\xb8\xad/p"), std::string("1:m m/p"),
                                 std::string("1:m/p\n"), std::string("1:m~00/p"), std::string("1:m/~0a"),
                                 "1:" + std::string(129, 'm') + "/p", "1:m/" + std::string(122, 'p')}) {
        EXPECT_EQ(person(username), "bad_name") << username;
    }
    EXPECT_EQ(person("1:" + std::string(128, 'm') + "/p"), std::string(128, 'm') + " coturn-p");
}

// Whatever a username contains, it does not become another one's key.
TEST(Allocation, KeyIsReadFromBothEnds)
{
    EXPECT_EQ(person("1:m/p/user/2:n/q"), "no_meeting");
    EXPECT_EQ(person("1:m/p/allocation/7/status/user/2:n"), "no_meeting");
    EXPECT_EQ(read("turn/user/1:m/p/allocation/0001/status").allocation.meeting, "m");
    for (const auto* key :
         {"", "turn/", "turn/realm/r/user/1:m/p/allocation/1/traffic", "turn/allocation/1/status",
          "turn/realm/r/user/1:m/p/allocation/x/status", "turn/realm/r/allocation/1/status",
          "turn/realm/r/user/1:m/p/allocation//status", "x/realm/r/user/1:m/p/allocation/1/status",
          "turn/realm/r/user/1:m/p/allocation/1/total_traffic/peer", "__XXX__"}) {
        EXPECT_FALSE(names_allocation(key)) << key;
        EXPECT_EQ(read(key).unbound, "malformed") << key;
    }
    EXPECT_TRUE(names_allocation(key_for("")));
}

TEST(Allocation, OfAnotherRealmIsNobodys)
{
    const AllocationRules rules{.realm = "turn.example"};
    EXPECT_EQ(read(key_for("1:m/p"), kValue, rules).unbound, "");
    EXPECT_EQ(read(key_for("1:m/p", "other.example"), kValue, rules).unbound, "other_realm");
    EXPECT_EQ(read(key_for("1:m/p", "turn.example/user/1:x"), kValue, rules).unbound, "no_meeting");
    EXPECT_EQ(read("turn/user/1:m/p/allocation/1/status", kValue, rules).unbound, "other_realm");
}

TEST(Allocation, FlowIsByTheKindOfTransport)
{
    EXPECT_EQ(flows("TCP", "198.18.0.1:3478", "203.0.113.10:4000"), "tcp:198.18.0.1:3478 203.0.113.10:4000");
    EXPECT_EQ(flows("TLS/TCP", "198.18.0.1:5349", "203.0.113.10:4000"),
              "tcp:198.18.0.1:5349 203.0.113.10:4000");
    EXPECT_EQ(flows("DTLS", "[2001:db8:e::1]:5349", "[2001:db8:c::10]:4000"),
              "udp:[2001:db8:e::1]:5349 [2001:db8:c::10]:4000");
    EXPECT_EQ(flows("SCTP", "198.18.0.1:3478", "203.0.113.10:4000"), "transport");
    EXPECT_EQ(flows("TLS/SCTP", "198.18.0.1:3478", "203.0.113.10:4000"), "transport");
    EXPECT_EQ(flows("", "198.18.0.1:3478", "203.0.113.10:4000"), "transport");
}

TEST(Allocation, WithoutItsAddressesItIsNobodys)
{
    EXPECT_EQ(flows("UDP", "198.18.0.1", "203.0.113.10:4000"), "malformed");
    EXPECT_EQ(flows("UDP", "198.18.0.1:3478", "203.0.113.10:0"), "malformed");
    EXPECT_EQ(flows("UDP", "198.18.0.1:3478", ""), "malformed");
    EXPECT_EQ(flows("UDP", "198.18.0.1:3478", "[2001:db8:c::10]:4000"), "local_address");
    EXPECT_EQ(read(key_for("1:m/p"), "refreshed lifetime=600").unbound, "transport");
}

// coturn that listens on 0.0.0.0 or [::] does not say which address a packet came to.
TEST(Allocation, AnyLocalAddressIsTheHostsOwn)
{
    const AllocationRules rules{.listen_addresses = {IpAddress::parse("198.18.0.1").value(),
                                                     IpAddress::parse("198.18.0.2").value(),
                                                     IpAddress::parse("2001:db8:e::1").value()}};
    EXPECT_EQ(flows("UDP", "0.0.0.0:3478", "203.0.113.10:4000"), "local_address");
    EXPECT_EQ(flows("UDP", "0.0.0.0:3478", "203.0.113.10:4000", rules),
              "udp:198.18.0.1:3478 203.0.113.10:4000 udp:198.18.0.2:3478 203.0.113.10:4000");
    EXPECT_EQ(flows("TCP", "[::]:3478", "[::ffff:203.0.113.10]:4000", rules),
              "tcp:198.18.0.1:3478 203.0.113.10:4000 tcp:198.18.0.2:3478 203.0.113.10:4000");
    EXPECT_EQ(flows("TCP", "[::]:3478", "[2001:db8:c::10]:4000", rules),
              "tcp:[2001:db8:e::1]:3478 [2001:db8:c::10]:4000");
    EXPECT_EQ(flows("UDP", "198.18.0.3:3478", "203.0.113.10:4000", rules),
              "udp:198.18.0.3:3478 203.0.113.10:4000");
}

TEST(Allocation, EndsByALifetimeOfNothing)
{
    EXPECT_TRUE(read(key_for("1:m/p"), "refreshed lifetime=0, type=UDP, local=198.18.0.1:3478").ended);
    EXPECT_TRUE(read(key_for("1:m/p"), "deleted").ended);
    EXPECT_FALSE(read(key_for("1:m/p")).ended);
}

TEST(Allocation, UnreadableValueIsNobodys)
{
    for (const auto* value : {"", "new", "new ", "new lifetime=", "new lifetime=x", "new lifetime=-1",
                              "new lifetime=99999999999", "newer lifetime=600", "lifetime=600",
                              "new lifetime", "new lifetime=600 type=UDP", "new lifetime=600, lifetime=600",
                              "refreshed lifetime=600, remote=1.2.3.4:5, remote=1.2.3.4:6", "DELETED"}) {
        const auto reading = read(key_for("1:m/p"), value);
        EXPECT_EQ(reading.unbound, "malformed") << value;
        EXPECT_FALSE(reading.ended) << value;
    }
    EXPECT_EQ(read(key_for("1:m/p"),
                   "new lifetime=600, type=UDP, local=198.18.0.1:3478, remote=203.0.113.10:41662, "
                   "ssl=NONE, cipher=NONE, of=a later version")
                  .unbound,
              "");
    EXPECT_EQ(read(key_for("1:m/p"), "new lifetime=4294967295, type=UDP").allocation.lifetime,
              std::chrono::hours(24));
}

} // namespace
} // namespace meetfence::bridges::coturn::test
