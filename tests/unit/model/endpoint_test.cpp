// SPDX-License-Identifier: Apache-2.0
#include "model/endpoint.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "tests/support/addresses.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

Endpoint endpoint(std::string_view text)
{
    const auto parsed = Endpoint::parse(text);
    EXPECT_TRUE(parsed) << text << ": " << error_of(parsed);
    return parsed.value_or(Endpoint{});
}

TEST(EndpointText, IsReadAndWritten)
{
    for (const auto* text :
         {"udp:198.18.0.1:40000", "tcp:[2001:db8::1]:443", "udp:198.18.0.1:40000-40009", "udp:*:10000",
          "tcp:*:1-1024", "udp:198.18.0.1:1", "udp:198.18.0.1:65535", "udp:[2001:db8::1]:64512-65535"}) {
        EXPECT_EQ(endpoint(text).text(), text);
    }
}

TEST(EndpointText, NamesItsParts)
{
    const auto range = endpoint("tcp:[2001:db8::1]:443-450");
    EXPECT_EQ(range.transport, Transport::tcp);
    EXPECT_EQ(range.address, address("2001:db8::1"));
    EXPECT_EQ(range.first_port, 443);
    EXPECT_EQ(range.last_port, 450);
    EXPECT_FALSE(endpoint("udp:*:10000").address);
}

TEST(EndpointText, IsCanonical)
{
    EXPECT_EQ(endpoint("udp:198.18.0.1:40000-40000").text(), "udp:198.18.0.1:40000");
    EXPECT_EQ(endpoint("udp:[2001:DB8:0::1]:1").text(), "udp:[2001:db8::1]:1");
    EXPECT_EQ(endpoint("udp:[::ffff:198.18.0.1]:1").text(), "udp:198.18.0.1:1");
}

struct Bad {
    const char* text;
    const char* cause;
};

TEST(EndpointText, IsRefusedWithItsCause)
{
    for (const auto& [text, cause] :
         std::initializer_list<Bad>{{"", "neither udp: nor tcp:"},
                                    {"198.18.0.1:40000", "neither udp: nor tcp:"},
                                    {"UDP:198.18.0.1:40000", "neither udp: nor tcp:"},
                                    {"sctp:198.18.0.1:40000", "neither udp: nor tcp:"},
                                    {"udp:", "no port"},
                                    {"udp:198.18.0.1", "no port"},
                                    {"udp:198.18.0.1:", "port ''"},
                                    {"udp:198.18.0.1:0", "1 to 65535"},
                                    {"udp:198.18.0.1:65536", "1 to 65535"},
                                    {"udp:198.18.0.1:99999999999999999999", "1 to 65535"},
                                    {"udp:198.18.0.1:-1", "1 to 65535"},
                                    {"udp:198.18.0.1:+1", "1 to 65535"},
                                    {"udp:198.18.0.1: 1", "1 to 65535"},
                                    {"udp:198.18.0.1:1 ", "1 to 65535"},
                                    {"udp:198.18.0.1:http", "port 'http'"},
                                    {"udp:198.18.0.1:1-", "port ''"},
                                    {"udp:198.18.0.1:1-2-3", "port '2-3'"},
                                    {"udp:198.18.0.1:0-5", "1 to 65535"},
                                    {"udp:198.18.0.1:65530-65536", "1 to 65535"},
                                    {"udp:198.18.0.1:41000-40000", "ends before it begins"},
                                    {"udp:198.18.0.1:1-1025", "range of 1025 ports is larger than 1024"},
                                    {"udp:198.18.0.1:1-65535", "range of 65535 ports"},
                                    {"udp:2001:db8::1:443", "in brackets"},
                                    {"udp:[2001:db8::1:443", "in brackets"},
                                    {"udp:[2001:db8::1]", "in brackets"},
                                    {"udp:[]:443", "not an IPv4 or IPv6 address"},
                                    {"udp::443", "not an IPv4 or IPv6 address"},
                                    {"udp:host.example:443", "not an IPv4 or IPv6 address"},
                                    {"udp:198.18.0.0/24:443", "not an IPv4 or IPv6 address"},
                                    {"udp:**:443", "not an IPv4 or IPv6 address"},
                                    {"udp:0.0.0.0:443", "is written *"},
                                    {"udp:[::]:443", "is written *"},
                                    {"udp:[::ffff:0.0.0.0]:443", "is written *"}}) {
        const auto parsed = Endpoint::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
        EXPECT_MENTIONS(parsed.error().message, cause);
        EXPECT_MENTIONS(parsed.error().message, "endpoint '" + std::string(text) + "'");
    }
}

TEST(EndpointText, HasBracketsForIpv6AddressesOnly)
{
    EXPECT_FALSE(Endpoint::parse("udp:[*]:443"));
    EXPECT_FALSE(Endpoint::parse("udp:[198.18.0.1]:443"));
}

TEST(EndpointText, SurvivesARoundTrip)
{
    std::mt19937 random(3);
    for (unsigned i = 0; i < 5000; ++i) {
        Endpoint value;
        value.transport = random() % 2 == 0 ? Transport::udp : Transport::tcp;
        switch (random() % 3) {
        case 0:
            value.address = IpAddress::v4(static_cast<std::uint32_t>(random()) | 1U);
            break;
        case 1:
            value.address = address("2001:db8::" + std::to_string(random() % 10000));
            break;
        default:
            break;
        }
        value.first_port = static_cast<std::uint16_t>(1 + random() % 65535);
        value.last_port =
            static_cast<std::uint16_t>(std::min<unsigned>(65535, value.first_port + random() % 1024U));
        ASSERT_EQ(Endpoint::parse(value.text()), value) << value.text();
    }
}

struct Pair {
    const char *a, *b;
    bool overlap;
};

TEST(EndpointOverlap, IsWhereOnePacketCouldBeAddressedToBoth)
{
    for (const auto& [a, b, overlap] :
         std::initializer_list<Pair>{{"udp:198.18.0.1:40000", "udp:198.18.0.1:40000", true},
                                     {"udp:198.18.0.1:40000", "udp:198.18.0.1:40001", false},
                                     {"udp:198.18.0.1:40000", "udp:198.18.0.2:40000", false},
                                     {"udp:198.18.0.1:40000", "tcp:198.18.0.1:40000", false},
                                     {"udp:198.18.0.1:40000", "udp:*:40000", true},
                                     {"udp:[2001:db8::1]:40000", "udp:*:40000", true},
                                     {"udp:198.18.0.1:40000", "tcp:*:40000", false},
                                     {"udp:*:40000", "udp:*:40000", true},
                                     {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40009-40020", true},
                                     {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40010-40020", false},
                                     {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40003", true},
                                     {"udp:198.18.0.1:40000-40009", "udp:*:39990-40000", true},
                                     {"udp:198.18.0.1:40000", "udp:[2001:db8::1]:40000", false}}) {
        EXPECT_EQ(endpoint(a).overlaps(endpoint(b)), overlap) << a << " and " << b;
        EXPECT_EQ(endpoint(b).overlaps(endpoint(a)), overlap) << b << " and " << a;
    }
}

TEST(SocketAddressText, IsReadAndWritten)
{
    for (const auto* text : {"203.0.113.10:51000", "[2001:db8::1]:51000", "203.0.113.10:1", "[::]:65535"}) {
        ASSERT_TRUE(SocketAddress::parse(text)) << text;
        EXPECT_EQ(SocketAddress::parse(text)->text(), text);
    }
    for (const auto* text :
         {"", ":", "203.0.113.10", "203.0.113.10:", "203.0.113.10:0", "203.0.113.10:65536",
          "203.0.113.10:1-2", "2001:db8::1:443", "[2001:db8::1]", "*:443", "udp:203.0.113.10:1"}) {
        EXPECT_FALSE(SocketAddress::parse(text)) << text;
    }
}

} // namespace
} // namespace meetfence::test
