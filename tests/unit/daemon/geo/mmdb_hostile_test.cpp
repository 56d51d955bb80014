// SPDX-License-Identifier: Apache-2.0
// Files made to do harm: to crash the reader, to keep it busy, to fill the memory. Each ends in a table or
// in an error that names the file and the cause; a hang is found by the test's time limit.
#include <gtest/gtest.h>

#include "daemon/geo/mmdb_file.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/geo/written_mmdb.h"
#include "tests/unit/daemon/temp_dir.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using mmdb::File;
using mmdb::half;
using mmdb::iso_record;
using mmdb::kData;
using mmdb::kNothing;
using mmdb::map;
using mmdb::number;
using mmdb::pointer;
using mmdb::text;

Result<geo::Database> read(const std::string& bytes)
{
    return geo::read_mmdb(bytes, "hostile.mmdb");
}

geo::Database good(const File& file)
{
    return value_of(read(file.bytes()));
}

void expect_refused(const std::string& bytes, std::string_view cause)
{
    const auto loaded = read(bytes);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::invalid);
    EXPECT_MENTIONS(loaded.error().message, "hostile.mmdb");
    EXPECT_MENTIONS(loaded.error().message, cause);
}

File with(const std::string& key, const std::string& value)
{
    auto file = half(iso_record("CN"));
    file.changed = {{key, value}};
    return file;
}

TEST(HostileMetadata, IsNoneInTheFileTheOthersAreMadeFrom)
{
    const auto database = good(half(iso_record("CN")));
    ASSERT_EQ(database.v4.size(), 1U);
    EXPECT_EQ(database.v4[0], (geo::PlacedRange{0x80000000U, 0xffffffffU, country("CN")}));
    EXPECT_EQ(database.build, at("2023-11-14T22:13:20Z"));
    EXPECT_EQ(database.type, "Test");
}

TEST(HostileMetadata, WithoutAFieldIsRefused)
{
    for (const auto* field : {"binary_format_major_version", "build_epoch", "database_type", "ip_version",
                              "node_count", "record_size"}) {
        SCOPED_TRACE(field);
        expect_refused(with(field, "").bytes(), "no MaxMind DB");
        expect_refused(with(field, map({})).bytes(), "no MaxMind DB");
    }
}

TEST(HostileMetadata, OfANumberOfNodesThatTheFileHasNotIsRefused)
{
    // The last two are few bytes in the 32 bits that libmaxminddb counts in.
    for (const std::uint64_t nodes : {2U, 100U, 65536U, 0x7fffffffU, 0xffffffffU, 0x2aaaaaabU, 0x55555556U}) {
        SCOPED_TRACE(nodes);
        expect_refused(with("node_count", number(mmdb::u32, nodes)).bytes(), "hostile.mmdb");
    }
    auto wide = half(iso_record("CN"));
    wide.record_bits = 32;
    wide.nodes = {{0x10000000, 0x10000000}};
    for (const unsigned version : {4U, 6U}) {
        wide.changed = {{"node_count", number(mmdb::u32, 0x20000001)},
                        {"ip_version", number(mmdb::u16, version)}};
        expect_refused(wide.bytes(), "search tree");
    }
    expect_refused(with("node_count", number(mmdb::u32, 0)).bytes(), "metadata");
}

TEST(HostileMetadata, OfSizesThatAreNoneIsRefused)
{
    for (const unsigned bits : {0U, 1U, 23U, 25U, 64U, 65535U}) {
        expect_refused(with("record_size", number(mmdb::u16, bits)).bytes(), "hostile.mmdb");
    }
    for (const unsigned version : {0U, 1U, 5U, 46U, 65535U}) {
        expect_refused(with("ip_version", number(mmdb::u16, version)).bytes(), "metadata");
    }
}

TEST(HostileMetadata, OfATimeThatNoCalendarHasIsRefused)
{
    expect_refused(with("build_epoch", number(mmdb::u64, 0)).bytes(), "metadata");
    EXPECT_EQ(good(with("build_epoch", number(mmdb::u64, 1))).build, at("1970-01-01T00:00:01Z"));
    EXPECT_EQ(good(with("build_epoch", number(mmdb::u64, 253402300799))).build, at("9999-12-31T23:59:59Z"));
    for (const std::uint64_t second :
         {std::uint64_t{253402300800}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        expect_refused(with("build_epoch", number(mmdb::u64, second)).bytes(), std::to_string(second));
    }
}

TEST(HostileMetadata, IsNotPassedOnAsItIs)
{
    EXPECT_EQ(good(with("database_type", text("a\n\x1b[31m\xff\xfe"))).type, "a??[31m??");
    EXPECT_EQ(good(with("database_type", text(std::string(60000, 'x')))).type, std::string(100, 'x'));
    EXPECT_EQ(good(with("database_type", text(""))).type, "");
}

TEST(HostileMetadata, ThatIsNestedOrEndlessIsRefused)
{
    expect_refused(with("extra", mmdb::nested(60000)).bytes(), "nested too deep");
    expect_refused(with("description", mmdb::nested(17)).bytes(), "nested too deep");
    EXPECT_TRUE(read(with("extra", mmdb::nested(10)).bytes()));
    // Forty arrays, each of which names the next one twice: 2^40 values in 500 bytes.
    auto file = half(iso_record("CN"));
    const auto fields = static_cast<std::uint32_t>(file.metadata().size());
    std::string doubling;
    for (std::uint32_t i = 0; i < 40; ++i) {
        const auto next = fields + 6 + (i + 1) * 12; // text "extra", then 12 bytes each
        doubling += mmdb::head(mmdb::array_type, 2) + pointer(next) + pointer(next);
    }
    file.changed = {{"extra", doubling + text("x")}};
    expect_refused(file.bytes(), "nested too deep");
    // Itself.
    expect_refused(with("description", map({{"en", pointer(0)}})).bytes(), "nested too deep");
}

TEST(HostileMetadata, MayPointToATextAsWritersDo)
{
    auto file = half(iso_record("CN"));
    const auto metadata = file.metadata();
    const auto offset = static_cast<std::uint32_t>(metadata.find(text("en")));
    file.changed = {{"languages", mmdb::array({pointer(offset)})}};
    EXPECT_TRUE(read(file.bytes()));
}

TEST(HostileTree, ThatLeadsInACircleIsRefused)
{
    for (const auto& root : {std::pair{std::uint64_t{0}, kData}, std::pair{kData, std::uint64_t{0}},
                             std::pair{std::uint64_t{0}, std::uint64_t{0}}}) {
        for (const unsigned version : {4U, 6U}) {
            File file{.nodes = {root}, .data = iso_record("CN"), .version = version};
            expect_refused(file.bytes(), "cycle");
        }
    }
}

File shared(std::size_t levels, unsigned version)
{
    File file{.data = iso_record("CN"), .version = version};
    for (std::size_t i = 1; i < levels; ++i) {
        file.nodes.emplace_back(i, i);
    }
    file.nodes.emplace_back(kData, kNothing);
    return file;
}

TEST(HostileTree, MayShareNodesAsLongAsItHasAnEnd)
{
    const auto database = good(shared(5, 4)); // 31 ways to five nodes
    EXPECT_EQ(database.v4.size(), 16U);
    for (std::size_t i = 0; i < database.v4.size(); ++i) {
        EXPECT_EQ(database.v4[i].first, geo::AddressNumber{i} << 28);
        EXPECT_EQ(database.v4[i].last, (geo::AddressNumber{i} << 28 | 0x07ffffffU));
    }
    expect_refused(shared(32, 4).bytes(), "shares too many");
    expect_refused(shared(128, 6).bytes(), "shares too many");
}

TEST(HostileTree, ThatIsDeeperThanAnAddressIsRefused)
{
    File file{.data = iso_record("CN")};
    for (std::size_t i = 1; i <= 32; ++i) {
        file.nodes.emplace_back(i, kNothing);
    }
    file.nodes.emplace_back(kData, kNothing);
    expect_refused(file.bytes(), "deeper than an address");
    file.nodes.back() = {kNothing, kNothing};
    expect_refused(file.bytes(), "deeper than an address");
    file.nodes.pop_back();
    file.nodes.back() = {kData, kNothing};
    EXPECT_EQ(good(file).v4.at(0), (geo::PlacedRange{0, 0, country("CN")}));
}

TEST(HostileTree, WithARecordThatLeadsNowhereIsRefused)
{
    for (std::uint64_t i = 1; i < 16; ++i) {
        File file{.nodes = {{kData, kNothing + i}}, .data = iso_record("CN")};
        expect_refused(file.bytes(), "between tree and data");
    }
    const auto size = iso_record("CN").size();
    for (const std::uint64_t beyond :
         {std::uint64_t{size + 14}, std::uint64_t{1000}, std::uint64_t{0xffff00}}) {
        File file{.nodes = {{kData, kData + beyond}}, .data = iso_record("CN")};
        expect_refused(file.bytes(), "a data record is damaged");
        file.record_bits = 32;
        expect_refused(file.bytes(), "a data record is damaged");
    }
}

TEST(HostileRecords, OfOtherTypesPlaceNothing)
{
    const std::string others[] = {text("CN"),
                                  number(mmdb::u32, 77),
                                  mmdb::array({text("CN")}),
                                  map({}),
                                  map({{"country", number(mmdb::u32, 1)}}),
                                  map({{"country", mmdb::array({text("CN")})}}),
                                  map({{"country", map({{"iso_code", map({})}})}}),
                                  map({{"country", map({{"names", text("CN")}})}}),
                                  map({{"country_code", number(mmdb::u16, 86)}}),
                                  mmdb::head(14, 1)}; // true
    for (const auto& other : others) {
        expect_refused(half(other).bytes(), "no address");
        File file{.nodes = {{kData, kData + other.size()}}, .data = other + iso_record("CN")};
        EXPECT_EQ(good(file).v4.size(), 1U);
    }
}

TEST(HostileRecords, WithNonsenseForACodePlaceNothing)
{
    for (const auto& code :
         {std::string("\xff\xfe"), std::string("\0\0", 2), std::string("C\0", 2), std::string(),
          std::string("C"), std::string(16'000'000, 'C'), std::string("CN "), std::string("\xd0\xa1N")}) {
        expect_refused(half(iso_record(code)).bytes(), "no address");
    }
}

TEST(HostileRecords, ThatAreDamagedAreRefused)
{
    const std::string others[] = {
        mmdb::head(mmdb::text_type, 1000),                          // beyond the data
        mmdb::head(mmdb::map_type, 16'000'000),                     // of no elements
        mmdb::head(mmdb::map_type, 1) + number(mmdb::u16, 7) + "a", // a key that is no text
        std::string("\0\0", 2),                                     // an extended type that is not extended
        std::string("\0\xff", 2),                                   // and one beyond all types
        pointer(0),                                                 // to itself
        pointer(5) + pointer(10) + iso_record("CN"),                // to a pointer
        pointer(0xffffffffU),
        map({{"country", pointer(1000000)}}),
        mmdb::head(mmdb::map_type, 1) + pointer(77777) + text("CN"),
    };
    for (const auto& other : others) {
        expect_refused(half(other).bytes(), "a data record is damaged");
    }
    expect_refused(half("").bytes(), "hostile.mmdb");
}

TEST(HostileRecords, MayBeNestedAsDeepAsTheyLike)
{
    const auto deep = mmdb::nested(2'000'000);
    EXPECT_EQ(good(half(map({{"a", deep}, {"country", text("CN")}}))).v4.size(), 1U);
    expect_refused(half(map({{"country", deep}})).bytes(), "no address");
    // The country itself is where it was asked for: a map that contains itself is not endless.
    expect_refused(half(map({{"country", pointer(0)}})).bytes(), "no address");
}

TEST(HostileRecords, MayPointToWhatOthersHaveAsWritersDo)
{
    const auto names = map({{"iso_code", text("CN")}});
    const auto key = text("country");
    File file{.nodes = {{kData + names.size() + key.size(), kNothing}}, .data = names + key};
    file.data +=
        mmdb::head(mmdb::map_type, 1) + pointer(static_cast<std::uint32_t>(names.size())) + pointer(0);
    EXPECT_EQ(good(file).v4.at(0).country, country("CN"));
}

TEST(HostileRecords, ThatOverlapToMakeWorkAreRefused)
{
    // Each record is a map around all the following ones: with n of them, n²/2 values are passed.
    File file{.record_bits = 32};
    constexpr std::size_t kRecords = 1U << 14;
    for (std::size_t i = 0; i < kRecords; ++i) {
        file.data += mmdb::head(mmdb::map_type, 1) + text("");
    }
    file.data += text("x");
    for (std::size_t i = 1; i < kRecords; ++i) {
        const auto child = [&](std::size_t node) {
            return node < kRecords ? std::uint64_t{node - 1} : kData + 2 * (node - kRecords);
        };
        file.nodes.emplace_back(child(2 * i), child(2 * i + 1));
    }
    expect_refused(file.bytes(), "overlap");
}

TEST(HostileRecords, ThatKeepTheCountryInDifferentFieldsAreRefused)
{
    const std::string layouts[] = {iso_record("CN"), map({{"country_code", text("CN")}}),
                                   map({{"country", text("CN")}})};
    for (const auto& one : layouts) {
        for (const auto& other : layouts) {
            File file{.nodes = {{kData, kData + one.size()}}, .data = one + other};
            if (one == other) {
                EXPECT_EQ(good(file).v4.size(), 2U);
            } else {
                expect_refused(file.bytes(), "different fields");
            }
        }
    }
}

} // namespace
} // namespace meetfence::test
