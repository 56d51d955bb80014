// SPDX-License-Identifier: Apache-2.0
// One address, asked of the files themselves; and that this agrees with the table, however it is asked.
#include <gtest/gtest.h>

#include "daemon/geo/second_opinion.h"
#include "tests/support/two_opinions.h"
#include "tests/unit/daemon/geo/made_mmdb.h"
#include "tests/unit/daemon/geo/written_mmdb.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::Agreement;
using geo::Opinion;
using Paths = std::vector<std::string>;

IpAddress address(std::string_view text)
{
    return value_of(IpAddress::parse(text));
}

std::vector<geo::PlacedPrefix>
overrides(std::initializer_list<std::pair<std::string_view, std::string_view>> places)
{
    std::vector<geo::PlacedPrefix> result;
    for (const auto& [text, code] : places) {
        result.push_back({prefix(text), country(code)});
    }
    return result;
}

geo::SecondOpinion open(const Paths& paths, Agreement agreement = Agreement::all,
                        std::vector<geo::PlacedPrefix> placed = {})
{
    return value_of(geo::SecondOpinion::open(paths, agreement, std::move(placed)));
}

std::string said(const geo::SecondOpinion& opinion, std::string_view text)
{
    const auto answer = value_of(opinion.of(address(text)));
    return std::string(answer.country.code()) + (answer.disputed ? " disputed" : "");
}

class SecondOpinionTest : public testing::Test {
protected:
    [[nodiscard]] std::string make(const std::string& name, const std::string& options,
                                   std::string_view places) const
    {
        return make_mmdb(directory, name, options, places);
    }
    TempDir directory;
};

class InEachLayout : public SecondOpinionTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Everywhere, InEachLayout, testing::Values("iso", "code", "flat"));

TEST_P(InEachLayout, FindsTheCountryOfBothFamilies)
{
    for (const auto* aliased : {"", " --alias"}) {
        const auto path = make("places", std::string(GetParam()) + " 6" + aliased,
                               "203.0.113.0/24 CN\n198.51.100.0/24 EU\n2001:db8:c::/48 HK\n192.0.2.0/24 -\n");
        const auto opinion = open({path});
        EXPECT_EQ(said(opinion, "203.0.113.7"), "CN");
        EXPECT_EQ(said(opinion, "2001:db8:c::7"), "HK");
        EXPECT_EQ(said(opinion, "198.51.100.7"), "--") << "EU is no country";
        EXPECT_EQ(said(opinion, "192.0.2.7"), "--");
        EXPECT_EQ(said(opinion, "203.0.114.7"), "--");
        EXPECT_EQ(said(opinion, "203.0.113.8"), "CN") << "a record that is known already";
    }
}

TEST_F(SecondOpinionTest, NeverTakesARegisteredCountry)
{
    const auto path = make("registered", "iso 4", "203.0.113.0/24 CN US\n198.51.100.0/24 - US\n");
    const auto opinion = open({path});
    EXPECT_EQ(said(opinion, "203.0.113.7"), "CN");
    EXPECT_EQ(said(opinion, "198.51.100.7"), "--");
}

TEST_F(SecondOpinionTest, PrefersTheCodeToTheName)
{
    using mmdb::map;
    using mmdb::text;
    const auto path = directory.path("both.mmdb");
    write_file(path, mmdb::half(map({{"country", text("US")}, {"country_code", text("CN")}})).bytes());
    EXPECT_EQ(said(open({path}), "200.2.3.4"), "CN");
}

TEST_F(SecondOpinionTest, HasNoIpv6WhereTheFileHasNone)
{
    EXPECT_EQ(said(open({make("four", "iso 4", "203.0.113.0/24 CN\n")}), "2001:db8::1"), "--");
}

TEST_F(SecondOpinionTest, PlacesNoTunnel)
{
    const auto path = make("aliased", "iso 6 --alias", "203.0.113.0/24 CN\n");
    const auto opinion = open({path});
    EXPECT_EQ(said(opinion, "::ffff:203.0.113.7"), "CN") << "another spelling of the IPv4 address";
    for (const auto* text : {"2002:cb00:7107::1", "2001:0:cb00:7107::1", "::203.0.113.7"}) {
        EXPECT_EQ(said(opinion, text), "--") << text;
    }
    const auto placed = open({path}, Agreement::all, overrides({{"2002::/16", "US"}}));
    EXPECT_EQ(said(placed, "2002:cb00:7107::1"), "US") << "overrides win";
}

TEST_F(SecondOpinionTest, TakesTheLongestOverride)
{
    const auto path = make("places", "iso 6", "203.0.113.0/24 CN\n2001:db8::/32 CN\n");
    const auto opinion = open({path}, Agreement::all,
                              overrides({{"203.0.113.64/26", "HK"},
                                         {"203.0.113.0/25", "US"},
                                         {"203.0.113.96/27", "MO"},
                                         {"::/0", "TW"}}));
    EXPECT_EQ(said(opinion, "203.0.113.200"), "CN");
    EXPECT_EQ(said(opinion, "203.0.113.1"), "US");
    EXPECT_EQ(said(opinion, "203.0.113.65"), "HK");
    EXPECT_EQ(said(opinion, "203.0.113.97"), "MO");
    EXPECT_EQ(said(opinion, "2001:db8::1"), "TW");
}

TEST_F(SecondOpinionTest, SaysWhereDatabasesDisagree)
{
    const Paths paths{make("one", "iso 6", "203.0.113.0/24 CN\n198.51.100.0/24 CN\n"),
                      make("other", "code 6", "203.0.113.0/24 HK\n192.0.2.0/24 US\n198.51.100.0/24 CN\n")};
    const auto all = open(paths);
    EXPECT_EQ(said(all, "203.0.113.7"), "-- disputed");
    EXPECT_EQ(said(all, "198.51.100.7"), "CN");
    EXPECT_EQ(said(all, "192.0.2.7"), "US") << "the other does not know it";
    EXPECT_EQ(said(open(paths, Agreement::first), "203.0.113.7"), "CN disputed");
    EXPECT_EQ(said(open({paths[1], paths[0]}, Agreement::first), "203.0.113.7"), "HK disputed");
    EXPECT_EQ(said(open(paths, Agreement::all, overrides({{"203.0.113.7/32", "TW"}})), "203.0.113.7"), "TW");
}

TEST_F(SecondOpinionTest, OutlivesTheFilesName)
{
    const auto path = make("places", "iso 6", "203.0.113.0/24 CN\n");
    const auto opinion = open({path});
    std::filesystem::remove(path);
    EXPECT_EQ(said(opinion, "203.0.113.7"), "CN");
}

TEST_F(SecondOpinionTest, NeedsReadableFiles)
{
    const auto missing = directory.path("missing.mmdb");
    EXPECT_NE(geo::SecondOpinion::open({missing}, Agreement::all, {}).error().message.find(missing),
              std::string::npos);
    const auto nonsense = directory.path("nonsense.mmdb");
    write_file(nonsense, "no database");
    EXPECT_FALSE(geo::SecondOpinion::open({nonsense}, Agreement::all, {}));
}

// Such a record is good for the daemon's own walk; libmaxminddb would end with the stack.
TEST_F(SecondOpinionTest, LeavesDeepRecordsAlone)
{
    using mmdb::map;
    using mmdb::text;
    const auto deep = mmdb::nested(2'000'000);
    const std::vector<std::string> records{
        map({{"a", deep}, {"country", text("CN")}}),
        map({{"country", map({{"a", deep}, {"iso_code", text("CN")}})}}),
        map({{"country", deep}, {"country_code", text("CN")}}),
    };
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto path = directory.path("deep" + std::to_string(i) + ".mmdb");
        write_file(path, mmdb::half(records[i]).bytes());
        const auto answer = open({path}).of(address("200.2.3.4"));
        ASSERT_FALSE(answer) << i;
        EXPECT_NE(answer.error().message.find("nested too deep"), std::string::npos);
    }
    const auto path = directory.path("shallow.mmdb");
    write_file(path, mmdb::half(map({{"a", mmdb::nested(10)}, {"country", text("CN")}})).bytes());
    EXPECT_EQ(said(open({path}), "200.2.3.4"), "CN");
}

TEST_F(SecondOpinionTest, AgreesWithThePlaceTable)
{
    const auto places = read_file(MEETFENCE_SOURCE_DIR "/tests/data/places-v4.txt") +
                        read_file(MEETFENCE_SOURCE_DIR "/tests/data/places-v6.txt");
    const Paths paths{make("one", "iso 6 --alias", places),
                      make("other", "code 6",
                           "203.0.113.128/25 HK\n198.18.0.0/17 US\n198.18.7.128/26 TW\n192.0.2.0/24 US\n"
                           "10.0.0.0/8 FR\n2001:db8:c::/50 HK\n2001:db8:200::/40 FR\n"),
                      make("third", "flat 4", "10.1.0.0/16 DE\n203.0.113.192/26 CN\n")};
    const auto some = overrides({{"203.0.113.64/26", "US"},
                                 {"203.0.113.96/27", "MO"},
                                 {"2002:cb00::/24", "FR"},
                                 {"2001:db8:c:4000::/50", "JP"}});
    for (const auto agreement : {Agreement::all, Agreement::first}) {
        for (const auto& placed : {some, {}}) {
            expect_one_opinion(paths, agreement, placed, 200'000);
            expect_one_opinion({paths[0]}, agreement, placed, 50'000);
        }
    }
    expect_one_opinion({}, Agreement::all,
                       overrides({{"203.0.113.0/24", "CN"},
                                  {"198.51.100.0/24", "HK"},
                                  {"192.0.2.0/24", "US"},
                                  {"2001:db8::/32", "CN"}}),
                       1000);
}

} // namespace
} // namespace meetfence::test
