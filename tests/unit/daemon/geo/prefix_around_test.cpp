// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "daemon/geo/place_table.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::PlaceTable;

struct Placed {
    const char* text;
    const char* code;
};

PlaceTable table(std::initializer_list<Placed> list)
{
    std::vector<geo::PlacedPrefix> overrides;
    for (const auto& [text, code] : list) {
        overrides.push_back({prefix(text), country(code)});
    }
    return geo::build_table({}, geo::Agreement::all, overrides);
}

std::string around(const PlaceTable& table, std::string_view text)
{
    return geo::prefix_around(table, value_of(IpAddress::parse(text))).text();
}

TEST(PrefixAround, IsTheWholeFamilyWhereAllOfItLiesInOnePlace)
{
    for (const auto& one : {PlaceTable{}, table({{"0.0.0.0/0", "CN"}, {"::/0", "HK"}})}) {
        EXPECT_EQ(around(one, "203.0.113.10"), "0.0.0.0/0");
        EXPECT_EQ(around(one, "255.255.255.255"), "0.0.0.0/0");
        EXPECT_EQ(around(one, "2001:db8::1"), "::/0");
        EXPECT_EQ(around(one, "::"), "::/0");
        EXPECT_EQ(around(one, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
        // IPv4-mapped is IPv4.
        EXPECT_EQ(around(one, "::ffff:203.0.113.10"), "0.0.0.0/0");
    }
}

TEST(PrefixAround, IsThePrefixOfTheCountryAndThoseBesideIt)
{
    const auto one = table({{"203.0.113.0/24", "CN"}, {"2001:db8:c::/48", "CN"}});
    EXPECT_EQ(around(one, "203.0.113.0"), "203.0.113.0/24");
    EXPECT_EQ(around(one, "203.0.113.255"), "203.0.113.0/24");
    EXPECT_EQ(around(one, "203.0.112.255"), "203.0.112.0/24");
    EXPECT_EQ(around(one, "203.0.114.0"), "203.0.114.0/23");
    EXPECT_EQ(around(one, "1.2.3.4"), "0.0.0.0/1");
    EXPECT_EQ(around(one, "2001:db8:c::1"), "2001:db8:c::/48");
    EXPECT_EQ(around(one, "2001:db8:d::1"), "2001:db8:d::/48");
    EXPECT_EQ(around(one, "8000::"), "8000::/1");
}

TEST(PrefixAround, IsTheHostWhereItIsAlone)
{
    const auto one = table({{"198.18.7.129/32", "MO"},
                            {"0.0.0.0/32", "CN"},
                            {"255.255.255.255/32", "CN"},
                            {"2001:db8::1/128", "MO"},
                            {"::/128", "CN"},
                            {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "CN"}});
    for (const auto* host : {"198.18.7.129", "0.0.0.0", "255.255.255.255", "198.18.7.128", "0.0.0.1"}) {
        EXPECT_EQ(around(one, host), std::string(host) + "/32");
    }
    for (const auto* host : {"2001:db8::1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::"}) {
        EXPECT_EQ(around(one, host), std::string(host) + "/128");
    }
    EXPECT_EQ(around(one, "0.0.0.2"), "0.0.0.2/31");
    EXPECT_EQ(around(one, "255.255.255.252"), "255.255.255.252/31");
}

TEST(PrefixAround, IsOneForNeighboursOfTheSameCountry)
{
    const auto one = table(
        {{"198.18.0.0/24", "CN"}, {"198.18.1.0/24", "CN"}, {"198.18.2.0/24", "CN"}, {"198.18.3.0/24", "HK"}});
    EXPECT_EQ(around(one, "198.18.0.77"), "198.18.0.0/23");
    EXPECT_EQ(around(one, "198.18.1.77"), "198.18.0.0/23");
    EXPECT_EQ(around(one, "198.18.2.77"), "198.18.2.0/24");
    EXPECT_EQ(around(one, "198.18.3.77"), "198.18.3.0/24");
    EXPECT_EQ(around(one, "198.18.4.77"), "198.18.4.0/22");
}

TEST(PrefixAround, DoesNotReachIntoAnOverrideWithinIt)
{
    const auto one = table({{"198.18.0.0/16", "US"}, {"198.18.7.0/24", "CN"}});
    EXPECT_EQ(around(one, "198.18.200.1"), "198.18.128.0/17");
    EXPECT_EQ(around(one, "198.18.6.1"), "198.18.6.0/24");
    EXPECT_EQ(around(one, "198.18.7.1"), "198.18.7.0/24");
}

} // namespace
} // namespace meetfence::test
