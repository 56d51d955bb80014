// SPDX-License-Identifier: Apache-2.0
// The packets the daemon builds to ask about, byte by byte. The answers are tests/bpf's.
#include "daemon/dataplane/explain.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

SocketAddress socket_address(std::string_view text)
{
    return value_of(SocketAddress::parse(text));
}

TEST(BuiltFrame, CarriesUdpOverIpv4)
{
    const Bytes wanted{
        0,    0,    0,    0,    0, 0, 0, 0, 0,  0,  0, 0, 0x08, 0x00,                         // Ethernet
        0x45, 0,    0,    28,   0, 0, 0, 0, 64, 17, 0, 0, 203,  0,    113, 10, 198, 18, 0, 1, // IPv4
        0xc7, 0x38, 0x9c, 0x40, 0, 8, 0, 0,                                                   // UDP
    };
    EXPECT_EQ(dataplane::build_frame(socket_address("203.0.113.10:51000"), Transport::udp,
                                     socket_address("198.18.0.1:40000")),
              wanted);
}

TEST(BuiltFrame, CarriesTcpOverIpv4)
{
    const Bytes wanted{
        0,    0,    0,    0,    0, 0, 0, 0, 0,  0, 0, 0, 0x08, 0x00,                         // Ethernet
        0x45, 0,    0,    40,   0, 0, 0, 0, 64, 6, 0, 0, 203,  0,    113, 10, 198, 18, 0, 1, // IPv4
        0xc7, 0x38, 0x01, 0xbb, 0, 0, 0, 0, 0,  0, 0, 0, 0x50, 0x02, 0,   0,  0,   0,  0, 0, // TCP, SYN
    };
    EXPECT_EQ(dataplane::build_frame(socket_address("203.0.113.10:51000"), Transport::tcp,
                                     socket_address("198.18.0.1:443")),
              wanted);
}

TEST(BuiltFrame, CarriesUdpOverIpv6)
{
    const Bytes wanted{
        0,    0,    0,    0,    0, 0,    0,  0,  0, 0, 0, 0, 0x86, 0xdd,          // Ethernet
        0x60, 0,    0,    0,    0, 8,    17, 64,                                  // IPv6
        0x20, 0x01, 0x0d, 0xb8, 0, 0x0c, 0,  0,  0, 0, 0, 0, 0,    0,    0, 0x10, // from
        0x20, 0x01, 0x0d, 0xb8, 0, 0,    0,  0,  0, 0, 0, 0, 0,    0,    0, 1,    // to
        0xc7, 0x38, 0x9c, 0x40, 0, 8,    0,  0,                                   // UDP
    };
    EXPECT_EQ(dataplane::build_frame(socket_address("[2001:db8:c::10]:51000"), Transport::udp,
                                     socket_address("[2001:db8::1]:40000")),
              wanted);
}

TEST(BuiltFrame, CarriesTcpOverIpv6)
{
    const auto frame = dataplane::build_frame(socket_address("[2001:db8:c::10]:51000"), Transport::tcp,
                                              socket_address("[2001:db8::1]:443"));
    ASSERT_EQ(frame.size(), 14U + 40 + 20);
    EXPECT_EQ(Bytes(frame.begin() + 14, frame.begin() + 22), (Bytes{0x60, 0, 0, 0, 0, 20, 6, 64}));
    EXPECT_EQ(Bytes(frame.end() - 20, frame.end() - 4),
              (Bytes{0xc7, 0x38, 0x01, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0, 0}));
}

TEST(AskedFrame, HasASizeTheKernelTakes)
{
    for (const std::size_t size : {0UL, 13UL, 3073UL, 65536UL}) {
        const auto answer = dataplane::ask_program(-1, Bytes(size));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::invalid) << size;
        EXPECT_MENTIONS(answer.error().message, std::to_string(size));
    }
    for (const std::size_t size : {14UL, 3072UL}) { // asked, of a program that is none
        const auto answer = dataplane::ask_program(-1, Bytes(size));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::internal) << size;
    }
}

} // namespace
} // namespace meetfence::test
