// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/place_table.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::AddressNumber;
using geo::Agreement;
using geo::Family;
using geo::PlacedPrefix;
using geo::PlacedRange;
using geo::Places;
using Ranges = std::vector<PlacedRange>;

constexpr AddressNumber kLast4 = 0xffffffffU;
constexpr AddressNumber kLast6 = ~AddressNumber{0};

AddressNumber number(std::string_view address)
{
    return geo::to_number(value_of(IpAddress::parse(address)));
}

PlacedRange range(std::string_view first, std::string_view last, std::string_view code)
{
    return {number(first), number(last), country(code)};
}

std::vector<std::string> split(AddressNumber first, AddressNumber last, Family family)
{
    std::vector<PlacedPrefix> prefixes;
    geo::split({first, last, country("CN")}, family, prefixes);
    std::vector<std::string> texts;
    for (const auto& placed : prefixes) {
        EXPECT_EQ(placed.country, country("CN"));
        texts.push_back(placed.prefix.text());
    }
    return texts;
}

using Texts = std::vector<std::string>;

TEST(SplitRange, MakesTheFewestPrefixes)
{
    EXPECT_EQ(split(number("203.0.113.0"), number("203.0.113.255"), Family::v4), (Texts{"203.0.113.0/24"}));
    EXPECT_EQ(split(number("203.0.113.1"), number("203.0.113.6"), Family::v4),
              (Texts{"203.0.113.1/32", "203.0.113.2/31", "203.0.113.4/31", "203.0.113.6/32"}));
    EXPECT_EQ(split(number("198.18.0.0"), number("198.20.0.0"), Family::v4),
              (Texts{"198.18.0.0/15", "198.20.0.0/32"}));
    EXPECT_EQ(split(number("2001:db8::"), number("2001:db8::2:ffff"), Family::v6),
              (Texts{"2001:db8::/111", "2001:db8::2:0/112"}));
}

TEST(SplitRange, OfOneAddressIsThatAddress)
{
    EXPECT_EQ(split(0, 0, Family::v4), (Texts{"0.0.0.0/32"}));
    EXPECT_EQ(split(kLast4, kLast4, Family::v4), (Texts{"255.255.255.255/32"}));
    EXPECT_EQ(split(number("2001:db8::1"), number("2001:db8::1"), Family::v6), (Texts{"2001:db8::1/128"}));
    EXPECT_EQ(split(kLast6, kLast6, Family::v6), (Texts{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"}));
}

TEST(SplitRange, OfTheWholeSpaceIsOnePrefix)
{
    EXPECT_EQ(split(0, kLast4, Family::v4), (Texts{"0.0.0.0/0"}));
    EXPECT_EQ(split(0, kLast6, Family::v6), (Texts{"::/0"}));
}

TEST(SplitRange, OfAllButTheEndsHasTwoPrefixesALength)
{
    EXPECT_EQ(split(1, kLast4 - 1, Family::v4).size(), 62U);
    EXPECT_EQ(split(1, kLast6 - 1, Family::v6).size(), 254U);
    EXPECT_EQ(split(1, kLast6, Family::v6).size(), 128U);
}

TEST(ToPlaces, BeginAtZeroAndSayWhereCountriesEnd)
{
    EXPECT_EQ(geo::to_places({}, Family::v6), (Places{{0, {}}}));
    EXPECT_EQ(geo::to_places(Ranges{{5, 9, country("CN")}}, Family::v6),
              (Places{{0, {}}, {5, country("CN")}, {10, {}}}));
    EXPECT_EQ(geo::to_places(Ranges{{0, 9, country("CN")}, {20, 29, country("HK")}}, Family::v6),
              (Places{{0, country("CN")}, {10, {}}, {20, country("HK")}, {30, {}}}));
}

TEST(ToPlaces, JoinNeighboursOfOneCountryOnly)
{
    EXPECT_EQ(geo::to_places(Ranges{{5, 9, country("CN")}, {10, 14, country("CN")}, {15, 15, country("HK")}},
                             Family::v6),
              (Places{{0, {}}, {5, country("CN")}, {15, country("HK")}, {16, {}}}));
    EXPECT_EQ(geo::to_places(Ranges{{5, 9, country("CN")}, {11, 14, country("CN")}}, Family::v6),
              (Places{{0, {}}, {5, country("CN")}, {10, {}}, {11, country("CN")}, {15, {}}}));
}

TEST(ToPlaces, ReachTheEndOfTheSpace)
{
    EXPECT_EQ(geo::to_places(Ranges{{0, kLast6, country("CN")}}, Family::v6), (Places{{0, country("CN")}}));
    EXPECT_EQ(geo::to_places(Ranges{{kLast6, kLast6, country("CN")}}, Family::v6),
              (Places{{0, {}}, {kLast6, country("CN")}}));
    EXPECT_EQ(
        geo::to_places(Ranges{{0, kLast6 - 1, country("CN")}, {kLast6, kLast6, country("CN")}}, Family::v6),
        (Places{{0, country("CN")}}));
}

TEST(Overlay, LetsTheUpperLayerCountWhereTheyMeet)
{
    const Ranges bottom{range("198.18.0.0", "198.18.0.99", "CN"),
                        range("198.18.0.200", "198.18.0.255", "US")};
    const Ranges top{range("198.18.0.50", "198.18.0.210", "HK")};
    EXPECT_EQ(
        geo::overlay(bottom, top),
        (Ranges{range("198.18.0.0", "198.18.0.49", "CN"), range("198.18.0.50", "198.18.0.99", "HK"),
                range("198.18.0.100", "198.18.0.199", "HK"), range("198.18.0.200", "198.18.0.210", "HK"),
                range("198.18.0.211", "198.18.0.255", "US")}));
    EXPECT_EQ(geo::overlay(bottom, {}), bottom);
    EXPECT_EQ(geo::overlay({}, top), top);
    EXPECT_TRUE(geo::overlay({}, {}).empty());
}

TEST(Overlay, TakesCountriesAwayWhereTheUpperLayerHasNone)
{
    const Ranges bottom{range("198.18.0.0", "198.18.0.255", "CN")};
    const Ranges top{{number("198.18.0.16"), number("198.18.0.31"), Country()}};
    EXPECT_EQ(geo::overlay(bottom, top),
              (Ranges{range("198.18.0.0", "198.18.0.15", "CN"), range("198.18.0.32", "198.18.0.255", "CN")}));
}

TEST(Overlay, ReachesBothEndsOfTheSpace)
{
    const Ranges bottom{{0, kLast6, country("CN")}};
    const Ranges top{{0, 0, country("HK")}, {kLast6, kLast6, country("US")}};
    EXPECT_EQ(
        geo::overlay(bottom, top),
        (Ranges{{0, 0, country("HK")}, {1, kLast6 - 1, country("CN")}, {kLast6, kLast6, country("US")}}));
}

const Ranges kOne{range("198.18.0.0", "198.18.0.99", "CN")};
const Ranges kTwo{range("198.18.0.50", "198.18.0.149", "HK")};
const Ranges kThree{range("198.18.0.90", "198.18.0.199", "HK")};

TEST(MergedDatabases, HaveACountryWhereAllThatKnowTheAddressAgree)
{
    const Ranges* two[] = {&kOne, &kTwo};
    EXPECT_EQ(geo::merge(two, Agreement::all), (Ranges{range("198.18.0.0", "198.18.0.49", "CN"),
                                                       range("198.18.0.100", "198.18.0.149", "HK")}));
    const Ranges* three[] = {&kOne, &kTwo, &kThree};
    EXPECT_EQ(geo::merge(three, Agreement::all),
              (Ranges{range("198.18.0.0", "198.18.0.49", "CN"), range("198.18.0.100", "198.18.0.149", "HK"),
                      range("198.18.0.150", "198.18.0.199", "HK")}));
    // A majority is not enough, in whichever order they come.
    const Ranges* other_order[] = {&kThree, &kTwo, &kOne};
    EXPECT_EQ(geo::merge(other_order, Agreement::all), geo::merge(three, Agreement::all));
}

TEST(MergedDatabases, GoByTheFirstThatKnowsTheAddressWhereAsked)
{
    const Ranges* three[] = {&kOne, &kTwo, &kThree};
    EXPECT_EQ(geo::merge(three, Agreement::first),
              (Ranges{range("198.18.0.0", "198.18.0.49", "CN"), range("198.18.0.50", "198.18.0.89", "CN"),
                      range("198.18.0.90", "198.18.0.99", "CN"), range("198.18.0.100", "198.18.0.149", "HK"),
                      range("198.18.0.150", "198.18.0.199", "HK")}));
    const Ranges* two[] = {&kTwo, &kOne};
    EXPECT_EQ(geo::merge(two, Agreement::first).front(), range("198.18.0.0", "198.18.0.49", "CN"));
    EXPECT_EQ(geo::merge(two, Agreement::first).at(1), range("198.18.0.50", "198.18.0.99", "HK"));
}

// Which country the built table places an address in.
std::string place(const geo::PlaceTable& table, std::string_view text)
{
    return std::string(geo::country_of(table, value_of(IpAddress::parse(text))).code());
}

geo::Database database(Ranges v4, Ranges v6, std::string_view build = "2026-01-01T00:00:00Z")
{
    return {.path = {}, .type = {}, .build = at(build), .v4 = std::move(v4), .v6 = std::move(v6)};
}

TEST(BuiltTable, HasTheLongestOverrideInWhicheverOrderTheyStand)
{
    const geo::Database one[] = {database({range("198.18.0.0", "198.18.255.255", "US")}, {})};
    std::vector<PlacedPrefix> overrides{{prefix("198.18.7.128/25"), country("HK")},
                                        {prefix("198.18.7.0/24"), country("CN")},
                                        {prefix("198.18.7.129/32"), country("MO")},
                                        {prefix("203.0.113.0/24"), country("TW")}};
    for (int i = 0; i < 4; ++i) {
        std::ranges::rotate(overrides, overrides.begin() + 1);
        const auto table = geo::build_table(one, Agreement::all, overrides);
        EXPECT_EQ(place(table, "198.18.6.255"), "US");
        EXPECT_EQ(place(table, "198.18.7.0"), "CN");
        EXPECT_EQ(place(table, "198.18.7.127"), "CN");
        EXPECT_EQ(place(table, "198.18.7.128"), "HK");
        EXPECT_EQ(place(table, "198.18.7.129"), "MO");
        EXPECT_EQ(place(table, "198.18.7.130"), "HK");
        EXPECT_EQ(place(table, "198.18.8.0"), "US");
        EXPECT_EQ(place(table, "203.0.113.1"), "TW");
        EXPECT_EQ(place(table, "192.0.2.1"), "--");
    }
}

TEST(BuiltTable, PlacesNoAddressThatCarriesSomebodyElsesIpv4Address)
{
    const geo::Database one[] = {database({}, {{0, kLast6, country("CN")}})};
    const auto table = geo::build_table(one, Agreement::all, {});
    EXPECT_EQ(place(table, "2001:db8::1"), "CN");
    EXPECT_EQ(place(table, "2001:1::"), "CN");
    EXPECT_EQ(place(table, "2003::"), "CN");
    EXPECT_EQ(place(table, "2002::"), "--"); // 6to4
    EXPECT_EQ(place(table, "2002:cb00:710a::1"), "--");
    EXPECT_EQ(place(table, "2001::1"), "--"); // Teredo
    EXPECT_EQ(place(table, "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"), "--");
    EXPECT_EQ(place(table, "::1"), "--");
    EXPECT_EQ(place(table, "::203.0.113.10"), "--");
    EXPECT_EQ(place(table, "203.0.113.10"), "--"); // IPv4-mapped is IPv4, which this database does not know
    EXPECT_EQ(place(table, "::1:0:0"), "CN");
}

TEST(BuiltTable, LetsAnOverridePlaceATunnelAllTheSame)
{
    const PlacedPrefix overrides[] = {{prefix("2002:cb00:7100::/40"), country("HK")}};
    const geo::Database one[] = {database({}, {{0, kLast6, country("CN")}})};
    const auto table = geo::build_table(one, Agreement::all, overrides);
    EXPECT_EQ(place(table, "2002:cb00:710a::1"), "HK");
    EXPECT_EQ(place(table, "2002:cb00:7000::1"), "--");
}

TEST(BuiltTable, HasTheDateOfTheNewestDatabase)
{
    const geo::Database two[] = {database({}, {}, "2026-03-01T00:00:00Z"),
                                 database({}, {}, "2026-02-01T00:00:00Z")};
    EXPECT_EQ(geo::build_table(two, Agreement::all, {}).build, at("2026-03-01T00:00:00Z"));
}

TEST(BuiltTable, NeedsNoDatabase)
{
    const PlacedPrefix overrides[] = {{prefix("203.0.113.0/24"), country("CN")},
                                      {prefix("2001:db8:c::/48"), country("CN")}};
    const auto table = geo::build_table({}, Agreement::all, overrides);
    EXPECT_EQ(table.v4,
              (Places{{0, {}}, {number("203.0.113.0"), country("CN")}, {number("203.0.114.0"), {}}}));
    EXPECT_EQ(table.v6,
              (Places{{0, {}}, {number("2001:db8:c::"), country("CN")}, {number("2001:db8:d::"), {}}}));
    EXPECT_EQ(table.prefixes_v4, 1U);
    EXPECT_EQ(table.prefixes_v6, 1U);
    for (const auto agreement : {Agreement::all, Agreement::first}) {
        const auto nothing = geo::build_table({}, agreement, {});
        EXPECT_EQ(nothing.v4, (Places{{}}));
        EXPECT_EQ(nothing.v6, (Places{{}}));
        EXPECT_EQ(nothing.prefixes_v4 + nothing.prefixes_v6, 0U);
    }
}

TEST(BuiltTable, CoversEverythingWhereAnOverrideDoes)
{
    const PlacedPrefix overrides[] = {{prefix("0.0.0.0/0"), country("CN")}, {prefix("::/0"), country("CN")}};
    const auto table = geo::build_table({}, Agreement::all, overrides);
    EXPECT_EQ(table.v4, (Places{{0, country("CN")}}));
    EXPECT_EQ(table.v6, (Places{{0, country("CN")}}));
    EXPECT_EQ(table.prefixes_v4, 1U);
    EXPECT_EQ(table.prefixes_v6, 1U);
}

TEST(BuiltTable, CountsPrefixesAsTheDatabaseHasThem)
{
    // Two of three neighbours are in one country: one place, but two prefixes.
    const geo::Database one[] = {
        database({range("198.18.0.0", "198.18.0.255", "CN"), range("198.18.1.0", "198.18.1.127", "CN"),
                  range("198.18.1.128", "198.18.1.255", "HK")},
                 {range("2001:db8:1::", "2001:db8:3:ffff:ffff:ffff:ffff:ffff", "CN")})};
    const auto table = geo::build_table(one, Agreement::all, {});
    EXPECT_EQ(table.prefixes_v4, 3U);
    EXPECT_EQ(table.prefixes_v6, 2U); // …1::/48 and …2::/47
    EXPECT_EQ(table.v4.size(), 4U);
    // An override cuts the /24 around it into eight prefixes and is one itself.
    const PlacedPrefix overrides[] = {{prefix("198.18.0.77/32"), country("HK")}};
    EXPECT_EQ(geo::build_table(one, Agreement::all, overrides).prefixes_v4, 3U - 1 + 8 + 1);
}

TEST(BuiltTable, CountsNoPrefixWhereDatabasesDisagree)
{
    const geo::Database two[] = {database({range("198.18.0.0", "198.18.0.255", "CN")}, {}),
                                 database({range("198.18.0.128", "198.18.1.255", "HK")}, {})};
    EXPECT_EQ(geo::build_table(two, Agreement::all, {}).prefixes_v4, 2U);
    EXPECT_EQ(geo::build_table(two, Agreement::first, {}).prefixes_v4, 3U);
}

TEST(BuiltTable, KnowsAddressesAtBothEndsOfAFamily)
{
    const PlacedPrefix overrides[] = {{prefix("0.0.0.0/32"), country("CN")},
                                      {prefix("255.255.255.255/32"), country("HK")},
                                      {prefix("::/128"), country("MO")},
                                      {prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), country("TW")}};
    const auto table = geo::build_table({}, Agreement::all, overrides);
    EXPECT_EQ(place(table, "0.0.0.0"), "CN");
    EXPECT_EQ(place(table, "0.0.0.1"), "--");
    EXPECT_EQ(place(table, "255.255.255.254"), "--");
    EXPECT_EQ(place(table, "255.255.255.255"), "HK");
    EXPECT_EQ(place(table, "::"), "MO");
    EXPECT_EQ(place(table, "::1"), "--");
    EXPECT_EQ(place(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), "--");
    EXPECT_EQ(place(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "TW");
}

} // namespace
} // namespace meetfence::test
