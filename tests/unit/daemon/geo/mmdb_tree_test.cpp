// SPDX-License-Identifier: Apache-2.0
// Trees as writers differ in them: record sizes, and where IPv4 is in a tree of IPv6.
#include <gtest/gtest.h>

#include "daemon/geo/mmdb_file.h"
#include "tests/unit/daemon/geo/written_mmdb.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::AddressNumber;
using geo::PlacedRange;
using mmdb::File;
using mmdb::iso_record;
using mmdb::kData;
using mmdb::kNothing;
using Ranges = std::vector<PlacedRange>;

const std::string kChina = iso_record("CN");
const std::uint64_t kHongKong = kData + kChina.size(); // behind it

geo::Database read(const File& file)
{
    return value_of(geo::read_mmdb(file.bytes(), "tree.mmdb"));
}

// A way of so many 0 branches from the root, which is added to as it is continued.
File way(std::size_t zeros)
{
    File file{.data = kChina + iso_record("HK"), .version = 6};
    for (std::size_t i = 1; i <= zeros; ++i) {
        file.nodes.emplace_back(i, kNothing);
    }
    return file;
}

// IPv4 where it belongs: the lower half in one country, the upper one in another.
File both_halves()
{
    auto file = way(96);
    file.nodes.emplace_back(kData, kHongKong);
    return file;
}

const Ranges kHalves{{0, 0x7fffffffU, country("CN")}, {0x80000000U, 0xffffffffU, country("HK")}};

TEST(MmdbTree, IsReadInEveryRecordSize)
{
    for (const unsigned bits : {24U, 28U, 32U}) {
        auto file = both_halves();
        file.record_bits = bits;
        EXPECT_EQ(read(file).v4, kHalves) << bits;
        EXPECT_TRUE(read(file).v6.empty()) << bits;
    }
}

TEST(MmdbTree, HasAllBitsOfItsRecords)
{
    // Far behind: 28 bits have more than the 24 of which all but four bits are.
    for (const unsigned bits : {28U, 32U}) {
        constexpr std::size_t kFar = (1U << 24) + 12345;
        File file{.nodes = {{kData + kFar, kData}}, .data = iso_record("HK"), .record_bits = bits};
        file.data.resize(kFar, '\0');
        file.data += iso_record("CN");
        EXPECT_EQ(read(file).v4,
                  (Ranges{{0, 0x7fffffffU, country("CN")}, {0x80000000U, 0xffffffffU, country("HK")}}));
    }
}

TEST(MmdbTree, IsReadOnceWhereIpv4IsAliased)
{
    // ::ffff:0:0/96 and 8000::/1 lead to the same node.
    auto file = both_halves();
    file.nodes[0].second = 96;
    file.nodes[80].second = file.nodes.size();
    for (std::size_t i = 0; i < 15; ++i) {
        file.nodes.emplace_back(kNothing, i == 14 ? 96 : file.nodes.size() + 1);
    }
    EXPECT_EQ(read(file).v4, kHalves);
    EXPECT_TRUE(read(file).v6.empty());
}

TEST(MmdbTree, IsReadAsItStandsWhereIpv4IsThereTwice)
{
    auto file = both_halves();
    file.nodes[0].second = file.nodes.size();
    file.nodes.emplace_back(kData, kHongKong);
    EXPECT_EQ(read(file).v4, kHalves);
    const auto half = AddressNumber{1} << 127;
    EXPECT_EQ(read(file).v6, (Ranges{{half, half + (half >> 1) - 1, country("CN")},
                                     {half + (half >> 1), ~AddressNumber{0}, country("HK")}}));
}

TEST(MmdbTree, HasNoIpv4WhereThatIsMissing)
{
    auto file = way(1);
    file.nodes[0] = {kNothing, 1};
    file.nodes.emplace_back(kData, kNothing);
    const auto database = read(file);
    EXPECT_TRUE(database.v4.empty());
    EXPECT_EQ(database.v6.size(), 1U);
}

TEST(MmdbTree, PlacesAllOfIpv4WhereOneRecordAboveIsIt)
{
    for (const std::size_t depth : {0U, 40U, 94U, 95U}) {
        auto file = way(depth);
        file.nodes.emplace_back(kData, kNothing);
        EXPECT_EQ(read(file).v4, (Ranges{{0, 0xffffffffU, country("CN")}})) << depth;
        EXPECT_EQ(read(file).v6.size(), 1U) << depth;
    }
}

TEST(MmdbTree, OfOneFamilyIsNotTheOther)
{
    File file{.nodes = {{kData, kHongKong}}, .data = kChina + iso_record("HK")};
    EXPECT_EQ(read(file).v4, kHalves);
    EXPECT_TRUE(read(file).v6.empty());
}

} // namespace
} // namespace meetfence::test
