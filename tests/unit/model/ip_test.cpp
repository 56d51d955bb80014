// SPDX-License-Identifier: Apache-2.0
#include "model/ip.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/support/addresses.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

constexpr unsigned kRounds = 5000;

IpAddress random_address(std::mt19937& random)
{
    if (random() % 2 == 0) {
        return IpAddress::v4(static_cast<std::uint32_t>(random()));
    }
    IpAddress::Bytes bytes{};
    for (auto& byte : bytes) { // zeros are what text forms shorten
        byte = random() % 3 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(random());
    }
    return IpAddress(bytes);
}

IpPrefix prefix(std::string_view text)
{
    const auto parsed = IpPrefix::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(IpPrefix{});
}

TEST(Address, IsReadAndWrittenAsPeopleWriteIt)
{
    for (const auto* text : {"198.18.0.1", "0.0.0.0", "255.255.255.255", "192.0.2.1", "::", "::1",
                             "2001:db8::", "2001:db8::1", "2001:db8:1:2:3:4:5:6", "2001:db8:0:1::"}) {
        ASSERT_TRUE(IpAddress::parse(text)) << text;
        EXPECT_EQ(IpAddress::parse(text)->text(), text);
    }
    EXPECT_EQ(IpAddress::parse("2001:DB8:0:0:0:0:0:1")->text(), "2001:db8::1");
}

TEST(Address, IsHeldAsTheKernelHoldsIt)
{
    const auto v4 = address("198.18.0.1");
    const IpAddress::Bytes mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1};
    EXPECT_EQ(v4.bytes(), mapped);
    EXPECT_TRUE(v4.is_v4());
    EXPECT_EQ(v4.v4_host_order(), 0xC6120001U);
    EXPECT_EQ(IpAddress::v4(0xC6120001U), v4);
    EXPECT_EQ(address("::ffff:198.18.0.1"), v4);
    EXPECT_FALSE(address("2001:db8::1").is_v4());
    EXPECT_FALSE(address("::198.18.0.1").is_v4()); // IPv4-compatible, not mapped
}

TEST(Address, RefusesWhatIsNone)
{
    for (const auto* text : {"",
                             " ",
                             "198.18.0",
                             "198.18.0.1.2",
                             "198.18.0.256",
                             "198.18.0.-1",
                             "198.18.0.01",
                             "0x7f.1",
                             "198.18.0.1 ",
                             " 198.18.0.1",
                             "198.18.0.1/32",
                             "198.18.0.1:80",
                             "2001:db8::1::",
                             "2001:db8:::1",
                             "12345::",
                             "g::",
                             "1:2:3:4:5:6:7:8:9",
                             "[2001:db8::1]",
                             "2001:db8::1%eth0",
                             "localhost",
                             "*"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
    EXPECT_MENTIONS(error_of(IpAddress::parse("198.18.0.256")),
                    "'198.18.0.256' is not an IPv4 or IPv6 address");
}

TEST(Address, IsNotReadUpToAZeroByte)
{
    EXPECT_FALSE(IpAddress::parse(std::string_view("198.18.0.1\0", 11)));
    EXPECT_FALSE(IpAddress::parse(std::string_view("2001:db8::1\0rest", 16)));
}

TEST(Address, SurvivesItsText)
{
    std::mt19937 random(1);
    for (unsigned i = 0; i < kRounds; ++i) {
        const auto value = random_address(random);
        ASSERT_EQ(IpAddress::parse(value.text()), value) << value.text();
    }
}

TEST(Address, OrdersIpv4BeforeGlobalIpv6)
{
    EXPECT_LT(address("198.18.0.1"), address("198.18.0.2"));
    EXPECT_LT(address("198.18.0.255"), address("198.18.1.0"));
    EXPECT_LT(address("203.0.113.1"), address("2001:db8::1"));
}

TEST(Prefix, IsReadAndWritten)
{
    for (const auto* text :
         {"0.0.0.0/0", "203.0.113.0/24", "203.0.113.128/25", "203.0.113.7/32", "::/0", "2001:db8::/32",
          "2001:db8::/33", "2001:db8::1/128", "128.0.0.0/1", "8000::/1"}) {
        EXPECT_EQ(prefix(text).text(), text);
    }
    EXPECT_EQ(prefix("203.0.113.7").text(), "203.0.113.7/32");
    EXPECT_EQ(prefix("2001:db8::1").text(), "2001:db8::1/128");
}

TEST(Prefix, RefusesWhatIsNone)
{
    for (const auto* text :
         {"", "/", "/24", "203.0.113.0/", "203.0.113.0/33", "203.0.113.0/-1", "203.0.113.0/+24",
          "203.0.113.0/24 ", "203.0.113.0/ 24", "203.0.113.0/24/24", "203.0.113.0/x", "203.0.113/24",
          "2001:db8::/129", "2001:db8::/99999999999999999999", "::ffff:203.0.113.0/120"}) {
        EXPECT_FALSE(IpPrefix::parse(text)) << text;
    }
    EXPECT_MENTIONS(error_of(IpPrefix::parse("203.0.113.0/33")), "0 to 32");
    EXPECT_MENTIONS(error_of(IpPrefix::parse("2001:db8::/129")), "0 to 128");
}

TEST(Prefix, RefusesHostBitsAndNamesThePrefixThatIsMeant)
{
    EXPECT_MENTIONS(error_of(IpPrefix::parse("203.0.113.7/24")), "did you mean 203.0.113.0/24?");
    EXPECT_MENTIONS(error_of(IpPrefix::parse("2001:db8::1/127")), "did you mean 2001:db8::/127?");
    EXPECT_MENTIONS(error_of(IpPrefix::parse("0.0.0.1/0")), "did you mean 0.0.0.0/0?");
}

TEST(Prefix, ContainsItsFirstAndLastAddressAndNoneBeyond)
{
    struct Edge {
        const char *prefix, *before, *first, *last, *behind;
    };
    for (const auto& edge : std::initializer_list<Edge>{
             {"203.0.113.0/24", "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
             {"203.0.113.64/27", "203.0.113.63", "203.0.113.64", "203.0.113.95", "203.0.113.96"},
             {"203.0.113.7/32", "203.0.113.6", "203.0.113.7", "203.0.113.7", "203.0.113.8"},
             {"2001:db8::/33", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
              "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "2001:db8:8000::"},
             {"2001:db8::1/128", "2001:db8::", "2001:db8::1", "2001:db8::1", "2001:db8::2"}}) {
        EXPECT_FALSE(prefix(edge.prefix).contains(address(edge.before))) << edge.prefix;
        EXPECT_TRUE(prefix(edge.prefix).contains(address(edge.first))) << edge.prefix;
        EXPECT_TRUE(prefix(edge.prefix).contains(address(edge.last))) << edge.prefix;
        EXPECT_FALSE(prefix(edge.prefix).contains(address(edge.behind))) << edge.prefix;
    }
}

TEST(Prefix, OfLengthZeroContainsItsWholeFamilyAndNoOther)
{
    EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("255.255.255.255")));
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("2001:db8::1")));
    EXPECT_TRUE(prefix("::/0").contains(address("2001:db8::1")));
    EXPECT_FALSE(prefix("::/0").contains(address("198.18.0.1")));
}

TEST(Prefix, CountsIpv4BitsFrom96InTheKernel)
{
    EXPECT_EQ(prefix("0.0.0.0/0").mapped_bits(), 96U);
    EXPECT_EQ(prefix("203.0.113.0/24").mapped_bits(), 120U);
    EXPECT_EQ(prefix("203.0.113.7").mapped_bits(), 128U);
    EXPECT_EQ(prefix("2001:db8::/32").mapped_bits(), 32U);
}

TEST(Prefix, AroundAnAddressContainsItAtEveryLength)
{
    std::mt19937 random(2);
    for (unsigned i = 0; i < kRounds; ++i) {
        const auto value = random_address(random);
        const auto bits = static_cast<std::uint8_t>(random() % (value.is_v4() ? 33 : 129));
        const auto around = IpPrefix::around(value, bits);
        if (around.is_v4() != value.is_v4()) {
            continue; // a short IPv6 prefix can't lie inside the mapped addresses
        }
        ASSERT_TRUE(around.contains(value)) << value.text() << " " << around.text();
        ASSERT_EQ(IpPrefix::parse(around.text()), around) << around.text();
        if (bits > 0) { // the address that differs in the last bit of the prefix
            auto bytes = value.bytes();
            const unsigned bit = around.mapped_bits() - 1;
            bytes.at(bit / 8) = static_cast<std::uint8_t>(bytes.at(bit / 8) ^ 0x80U >> bit % 8);
            ASSERT_FALSE(around.contains(IpAddress(bytes))) << value.text() << " " << around.text();
        }
    }
}

} // namespace
} // namespace meetfence::test
