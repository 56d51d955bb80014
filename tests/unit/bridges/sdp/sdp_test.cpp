// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "bridges/sdp/sdp.h"

namespace meetfence::bridges {
namespace {

std::vector<std::string> bound(const std::string& lines, const LocalAddresses& addresses = {})
{
    const auto sdp = parse_sdp("v=0\r\n" + lines);
    std::vector<std::string> texts;
    for (const auto& [endpoint, ufrag] : bindings_of(sdp.value(), addresses)) {
        texts.push_back(endpoint.text() + " " + ufrag);
    }
    return texts;
}

using Texts = std::vector<std::string>;

constexpr const char* kHost = "a=candidate:1 1 udp 2015365631 198.18.0.1 20084 typ host\r\n";
constexpr const char* kHost6 = "a=candidate:2 1 udp 2015363327 2001:db8::1 20527 typ host\r\n";

TEST(Sdp, HasTheUfragAtEachCandidate)
{
    EXPECT_EQ(
        bound(std::string("s=VideoRoom 1234\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:xDT8\r\n") +
              kHost + kHost6 + "a=end-of-candidates\r\n"),
        (Texts{"udp:198.18.0.1:20084 xDT8", "udp:[2001:db8::1]:20527 xDT8"}));
}

TEST(Sdp, TakesTheSessionsUfragWhereASectionHasNone)
{
    EXPECT_EQ(bound(std::string("a=ice-ufrag:sess\nm=audio 9 x 96\n") + kHost +
                    "m=video 9 x 96\na=ice-ufrag:mine\na=candidate:1 1 udp 1 198.18.0.1 20086 typ host\n"),
              (Texts{"udp:198.18.0.1:20084 sess", "udp:198.18.0.1:20086 mine"}));
}

TEST(Sdp, BundledSectionsShareTheFirstOnesCandidates)
{
    EXPECT_EQ(bound(std::string("m=audio 9 x 96\na=ice-ufrag:same\n") + kHost +
                    "m=video 9 x 96\na=ice-ufrag:same\n"),
              (Texts{"udp:198.18.0.1:20084 same"}));
}

TEST(Sdp, LeavesOutRejectedSections)
{
    EXPECT_TRUE(bound(std::string("m=video 0 x 96\na=ice-ufrag:gone\n") + kHost).empty());
}

TEST(Sdp, KeepsNoUfragThatIsNone)
{
    const auto sdp = parse_sdp("v=0\na=ice-ufrag:" + std::string(1000, 'a') + "\nm=audio 9 x 96\n");
    EXPECT_EQ(sdp.value().sections.at(0).ufrag, "") << "of a thousand sections, each would have it";
}

TEST(Sdp, LeavesOutUfragsThatAreNone)
{
    for (const auto* ufrag : {"", "abc", "with space", "semi;colon", "012345678901234567890123456789012"}) {
        EXPECT_TRUE(bound("m=audio 9 x 96\na=ice-ufrag:" + std::string(ufrag) + "\n" + kHost).empty())
            << ufrag;
    }
}

TEST(Sdp, CanBeTakenByPortAloneOrByEndpointsOfTheConfiguration)
{
    const auto lines = std::string("m=audio 9 x 96\na=ice-ufrag:abcd\n") + kHost;
    EXPECT_EQ(bound(lines, {.any = true}), (Texts{"udp:*:20084 abcd"}));
    const auto mux = Endpoint::parse("udp:*:7882").value();
    EXPECT_EQ(bound(lines, {.instead = {mux}}), (Texts{"udp:*:7882 abcd"}));
    EXPECT_EQ(bound("m=audio 9 x 96\na=ice-ufrag:abcd\n", {.instead = {mux}}), (Texts{"udp:*:7882 abcd"}))
        << "trickled candidates are not needed";
}

TEST(Sdp, HasNoMoreBindingsThanAServerCouldHave)
{
    std::string lines;
    for (int port = 20000; port < 20060; ++port) {
        lines += "a=candidate:1 1 udp 1 198.18.0.1 " + std::to_string(port) + " typ host\n";
    }
    for (int section = 0; section < 100; ++section) {
        lines += "m=audio 9 x 96\na=ice-ufrag:abcd" + std::to_string(section) + "\n";
    }
    EXPECT_EQ(bound(lines).size(), kMostBindings);
}

TEST(Sdp, IsRefusedWhereItIsNone)
{
    EXPECT_FALSE(parse_sdp(""));
    EXPECT_FALSE(parse_sdp("{\"sdp\": \"v=0\"}"));
    EXPECT_FALSE(parse_sdp("v=0\n" + std::string(kLongestSdp, 'a')));
    EXPECT_TRUE(parse_sdp("v=0\n" + std::string(kLongestSdp - 10, '\n')));
    EXPECT_TRUE(parse_sdp("v=0\nm=\nm=audio\na=\na=candidate:\na=ice-ufrag"));
}

std::string candidate(const std::string& text)
{
    const auto parsed = parse_candidate(text);
    return parsed ? parsed->text() : "";
}

TEST(Candidate, IsWhereTheServerIsReached)
{
    EXPECT_EQ(candidate("1 1 udp 2015364095 198.18.0.1 20687 typ host"), "udp:198.18.0.1:20687");
    EXPECT_EQ(candidate("candidate:1 1 UDP 2015364095 2001:db8::1 20687 typ host\r\n"),
              "udp:[2001:db8::1]:20687");
    EXPECT_EQ(candidate("1 1 tcp 1015021823 198.18.0.1 20085 typ host tcptype passive"),
              "tcp:198.18.0.1:20085");
    EXPECT_EQ(candidate("1 1 udp 1 203.0.113.9 9999 typ srflx raddr 198.18.0.1 rport 20687"),
              "udp:198.18.0.1:20687");
}

TEST(Candidate, IsRefusedWhereNoPacketArrives)
{
    for (const auto* text :
         {"", "1 1 udp 1 198.18.0.1 20687", "1 1 udp 1 name.local 20687 typ host",
          "1 1 udp 1 198.18.0.1 0 typ host", "1 1 udp 1 198.18.0.1 65536 typ host",
          "1 1 udp 1 198.18.0.1 20687x typ host", "1 1 tcp 1 198.18.0.1 9 typ host tcptype active",
          "1 1 udp 1 198.18.0.1 20687 typ relay raddr 198.18.0.1 rport 1",
          "1 1 udp 1 203.0.113.9 9999 typ srflx", "1 1 sctp 1 198.18.0.1 20687 typ host",
          "1 1 udp 1 198.18.0.1 20687 host typ"}) {
        EXPECT_EQ(candidate(text), "") << text;
    }
}

} // namespace
} // namespace meetfence::bridges
