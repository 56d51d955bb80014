// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/mmdb_file.h"

#include <algorithm>
#include <ctime>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/geo/made_mmdb.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::PlacedRange;

constexpr const char* kPlaces = R"(203.0.113.0/24 CN
198.51.100.0/24 HK
198.18.0.0/16 US
198.18.7.0/24 CN
198.18.7.129/32 MO
)";
constexpr const char* kPlaces6 = R"(203.0.113.0/24 CN
198.51.100.0/24 HK
2001:db8:c::/48 CN
2001:db8:c:8000::/49 TW
2400::/12 US
)";

class MmdbFile : public testing::Test {
protected:
    geo::Database load(const std::string& options, std::string_view places)
    {
        return value_of(geo::load_mmdb(make_mmdb(directory, "country", options, places)));
    }

    static std::string place(const std::vector<PlacedRange>& ranges, std::string_view text)
    {
        const auto number = geo::to_number(value_of(IpAddress::parse(text)));
        for (const auto& range : ranges) {
            if (range.first <= number && number <= range.last) {
                return std::string(range.country.code());
            }
        }
        return "--";
    }

    static void expect_in_order(const std::vector<PlacedRange>& ranges)
    {
        for (std::size_t i = 0; i < ranges.size(); ++i) {
            EXPECT_LE(ranges[i].first, ranges[i].last);
            EXPECT_FALSE(ranges[i].country.none());
            EXPECT_TRUE(i == 0 || ranges[i - 1].last < ranges[i].first);
        }
    }

    TempDir directory;
};

TEST_F(MmdbFile, IsReadInEveryLayoutAndOfEitherVersion)
{
    for (const auto* layout : {"iso", "code", "flat"}) {
        for (const auto* version : {" 4", " 6", " 6 --alias"}) {
            const auto database = load(std::string(layout) + version, kPlaces);
            SCOPED_TRACE(database.type + version);
            EXPECT_EQ(database.type, std::string("Test-Country-") + layout);
            EXPECT_EQ(database.path, directory.path("country.mmdb"));
            EXPECT_EQ(place(database.v4, "203.0.113.0"), "CN");
            EXPECT_EQ(place(database.v4, "203.0.113.255"), "CN");
            EXPECT_EQ(place(database.v4, "203.0.112.255"), "--");
            EXPECT_EQ(place(database.v4, "203.0.114.0"), "--");
            EXPECT_EQ(place(database.v4, "198.51.100.77"), "HK");
            EXPECT_EQ(place(database.v4, "198.18.6.255"), "US");
            EXPECT_EQ(place(database.v4, "198.18.7.128"), "CN");
            EXPECT_EQ(place(database.v4, "198.18.7.129"), "MO");
            EXPECT_EQ(place(database.v4, "198.18.7.130"), "CN");
            EXPECT_EQ(place(database.v4, "198.18.255.255"), "US");
            expect_in_order(database.v4);
            // Each IPv4 network once, whatever ways lead there.
            EXPECT_TRUE(database.v6.empty());
        }
    }
}

TEST_F(MmdbFile, IsReadInBothFamiliesWithoutAliases)
{
    for (const auto* options : {"iso 6", "iso 6 --alias"}) {
        const auto database = load(options, kPlaces6);
        SCOPED_TRACE(options);
        EXPECT_EQ(place(database.v4, "203.0.113.10"), "CN");
        EXPECT_EQ(place(database.v6, "2001:db8:c::1"), "CN");
        EXPECT_EQ(place(database.v6, "2001:db8:c:7fff:ffff:ffff:ffff:ffff"), "CN");
        EXPECT_EQ(place(database.v6, "2001:db8:c:8000::"), "TW");
        EXPECT_EQ(place(database.v6, "2001:db8:d::"), "--");
        EXPECT_EQ(place(database.v6, "240f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "US");
        EXPECT_EQ(place(database.v6, "2410::"), "--");
        expect_in_order(database.v4);
        expect_in_order(database.v6);
        for (const auto* alias : {"::cb00:710a", "2002:cb00:710a::1", "2001:0:cb00:710a::"}) {
            EXPECT_EQ(place(database.v6, alias), "--") << alias;
        }
        EXPECT_EQ(database.v4.size(), 2U);
        EXPECT_EQ(database.v6.size(), 3U);
    }
}

TEST_F(MmdbFile, HasNoCountryWhereThePublisherWritesAPseudoCode)
{
    const auto database = load("code 4", "203.0.113.0/24 CN\n198.19.0.0/24 EU\n198.19.1.0/24 AP\n"
                                         "198.19.2.0/24 A1\n198.19.3.0/24 A2\n198.19.4.0/24 ZZ\n"
                                         "198.19.5.0/24 cn\n198.19.6.0/24 CHN\n198.19.7.0/24 -\n");
    ASSERT_EQ(database.v4.size(), 1U);
    EXPECT_EQ(place(database.v4, "203.0.113.10"), "CN");
}

TEST_F(MmdbFile, KeepsFourCountriesApart)
{
    const auto database =
        load("iso 4", "198.18.0.0/24 CN\n198.18.1.0/24 HK\n198.18.2.0/24 MO\n198.18.3.0/24 TW\n");
    EXPECT_EQ(place(database.v4, "198.18.0.1"), "CN");
    EXPECT_EQ(place(database.v4, "198.18.1.1"), "HK");
    EXPECT_EQ(place(database.v4, "198.18.2.1"), "MO");
    EXPECT_EQ(place(database.v4, "198.18.3.1"), "TW");
}

TEST_F(MmdbFile, DoesNotCareWhereABlockIsRegistered)
{
    const auto database = load("iso 4", "203.0.113.0/24 HK CN\n198.51.100.0/24 - CN\n");
    ASSERT_EQ(database.v4.size(), 1U);
    EXPECT_EQ(place(database.v4, "203.0.113.10"), "HK");
    EXPECT_EQ(place(database.v4, "198.51.100.10"), "--");
}

TEST_F(MmdbFile, PlacesTheWholeOfIpv4WhereOneRecordIsIt)
{
    // In a file with both families the IPv4 tree is then a single record, and no node.
    const auto database = load("iso 6", "0.0.0.0/0 US\n2001:db8::/32 CN\n");
    EXPECT_EQ(place(database.v4, "203.0.113.10"), "US");
    EXPECT_EQ(place(database.v6, "2001:db8::1"), "CN");
}

TEST_F(MmdbFile, KnowsWhenItWasBuilt)
{
    const auto before = std::time(nullptr);
    const auto build = load("iso 4", kPlaces).build.time_since_epoch().count();
    EXPECT_GE(build, before);
    EXPECT_LE(build, std::time(nullptr));
}

TEST_F(MmdbFile, IsNotAffectedByWhatHappensToTheFileAfterwards)
{
    const auto path = make_mmdb(directory, "country", "iso 6 --alias", kPlaces6);
    const auto before = value_of(geo::load_mmdb(path));
    const auto v4 = before.v4;
    write_file(path, "x"); // in place, as a careless publisher does
    EXPECT_EQ(before.v4, v4);
    EXPECT_FALSE(geo::load_mmdb(path));
    std::filesystem::remove(path);
    EXPECT_EQ(before.v4, v4);
}

TEST_F(MmdbFile, IsReadFromMemoryAsFromTheDisk)
{
    const auto path = make_mmdb(directory, "country", "iso 6 --alias", kPlaces6);
    const auto loaded = value_of(geo::load_mmdb(path));
    const auto read = value_of(geo::read_mmdb(read_file(path), "upload"));
    EXPECT_EQ(read.path, "upload");
    EXPECT_EQ(read.type, loaded.type);
    EXPECT_EQ(read.build, loaded.build);
    EXPECT_EQ(read.v4, loaded.v4);
    EXPECT_EQ(read.v6, loaded.v6);
    for (const auto& bytes : {std::string(), std::string("x"), std::string(100000, 'x')}) {
        const auto refused = geo::read_mmdb(bytes, "upload");
        ASSERT_FALSE(refused);
        EXPECT_MENTIONS(refused.error().message, "country database upload: ");
    }
}

TEST_F(MmdbFile, IsKeptAsItWasRead)
{
    const auto path = make_mmdb(directory, "country", "iso 4", kPlaces);
    const auto bytes = read_file(path);
    const auto loaded = value_of(geo::load_mmdb(path));
    write_file(path, "x");
    for (const auto& database : {loaded, value_of(geo::read_mmdb(bytes, "upload"))}) {
        std::string copy(bytes.size() + 1, '\0');
        const auto got = pread(database.copy->get(), copy.data(), copy.size(), 0);
        ASSERT_EQ(got, static_cast<ssize_t>(bytes.size()));
        copy.pop_back();
        EXPECT_TRUE(copy == bytes);
    }
}

TEST_F(MmdbFile, IsRefusedWithItsNameAndTheCause)
{
    const auto empty = directory.path("empty");
    write_file(empty, "");
    const auto garbage = directory.path("garbage");
    write_file(garbage, std::string(100000, 'x'));
    const auto no_country = make_mmdb(directory, "none", "iso 4", "198.19.7.0/24 - CN\n");
    const auto pipe = directory.path("pipe");
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0); // to which nobody will ever write
    const auto large = directory.path("large");
    write_file(large, "x");
    std::filesystem::resize_file(large, (1ULL << 30) + 1);
    const struct {
        std::string path;
        ErrorCode code;
        const char* says;
    } cases[] = {
        {directory.path("missing"), ErrorCode::not_found, "No such file"},
        {directory.path(), ErrorCode::invalid, "regular file"},
        {"/dev/zero", ErrorCode::invalid, "regular file"},
        {pipe, ErrorCode::invalid, "regular file"},
        {large, ErrorCode::invalid, "1 GiB"},
        {empty, ErrorCode::invalid, "empty"},
        {garbage, ErrorCode::invalid, "no MaxMind DB"},
        {no_country, ErrorCode::invalid, "no address"},
    };
    for (const auto& [path, code, says] : cases) {
        const auto loaded = geo::load_mmdb(path);
        ASSERT_FALSE(loaded) << path;
        EXPECT_EQ(loaded.error().code, code) << path;
        EXPECT_MENTIONS(loaded.error().message, path);
        EXPECT_MENTIONS(loaded.error().message, says);
    }
}

} // namespace
} // namespace meetfence::test
