// SPDX-License-Identifier: Apache-2.0
// Damaged databases: the reader returns what it can stand for, or an error. It never crashes, never hangs,
// and what it returns is in order.
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "daemon/geo/mmdb_file.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/geo/made_mmdb.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

class MmdbDamage : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        const TempDir directory;
        const auto data = std::string(MEETFENCE_SOURCE_DIR "/tests/data/");
        for (const auto* options : {"iso 6 --alias", "flat 4", "code 6"}) {
            auto places = read_file(data + "places-v4.txt");
            if (std::string_view(options).find('6') != std::string_view::npos) {
                places += read_file(data + "places-v6.txt");
            }
            good.push_back(read_file(make_mmdb(directory, "good", options, places)));
        }
    }

    /// Returns whether it was accepted. A file and its bytes in memory are the same to the reader.
    bool load(const std::string& content)
    {
        // A new file: to truncate one makes ext4 write it to the disk.
        std::filesystem::remove(path);
        write_file(path, content);
        const auto loaded = geo::load_mmdb(path);
        const auto again = geo::read_mmdb(content, path);
        EXPECT_EQ(error_of(again), error_of(loaded));
        if (!loaded || !again) {
            EXPECT_MENTIONS(error_of(loaded), "country database " + path + ": ");
            EXPECT_EQ(loaded.error().code, ErrorCode::invalid);
            return false;
        }
        EXPECT_TRUE(loaded->v4 == again->v4 && loaded->v6 == again->v6);
        EXPECT_TRUE(std::ranges::all_of(loaded->type, [](char c) { return c >= ' ' && c <= '~'; }));
        EXPECT_EQ(value_of(parse_time(format_time(loaded->build))), loaded->build);
        EXPECT_FALSE(loaded->v4.empty() && loaded->v6.empty());
        for (const auto* ranges : {&loaded->v4, &loaded->v6}) {
            const auto limit =
                ranges == &loaded->v4 ? geo::AddressNumber{0xffffffffU} : ~geo::AddressNumber{0};
            for (std::size_t i = 0; i < ranges->size(); ++i) {
                const auto& range = ranges->at(i);
                EXPECT_LE(range.first, range.last);
                EXPECT_LE(range.last, limit);
                EXPECT_FALSE(range.country.none());
                EXPECT_TRUE(i == 0 || ranges->at(i - 1).last < range.first);
            }
        }
        return true;
    }

    static std::size_t metadata_at(const std::string& content)
    {
        return content.rfind("\xab\xcd\xefMaxMind.com");
    }

    TempDir directory;
    const std::string path = directory.path("damaged.mmdb");
    static inline std::vector<std::string> good;
};

TEST_F(MmdbDamage, IsNoneInTheGoodFiles)
{
    for (const auto& content : good) {
        EXPECT_TRUE(load(content));
        EXPECT_NE(metadata_at(content), std::string::npos);
    }
}

TEST_F(MmdbDamage, ByTruncationIsAnErrorAtEveryLength)
{
    for (const auto& content : good) {
        const auto metadata = metadata_at(content);
        const auto step = std::max<std::size_t>(1, metadata / 150);
        for (std::size_t size = 0; size < content.size(); size += size < metadata ? step : 1) {
            EXPECT_FALSE(load(content.substr(0, size))) << size << " of " << content.size();
        }
    }
}

TEST_F(MmdbDamage, ByAppendedBytesIsToldOrHarmless)
{
    load(good[0] + std::string(1000, '\0'));
    load(good[0] + good[1]);
}

TEST_F(MmdbDamage, OfAnyByteNeverCrashesTheReader)
{
    std::mt19937 random(20261122);
    std::size_t accepted = 0;
    for (int i = 0; i < 4000; ++i) {
        auto content = good[random() % good.size()];
        const auto metadata = metadata_at(content);
        // Half of the damage goes to the metadata, where it does most.
        const auto at = i % 2 == 0 ? metadata + random() % (content.size() - metadata) : random() % metadata;
        content[at] = static_cast<char>(random());
        accepted += load(content) ? 1 : 0;
        if (HasFailure()) {
            FAIL() << "mutation " << i << " at " << at;
        }
    }
    EXPECT_GT(accepted, 0U); // much of a file is descriptions
}

TEST_F(MmdbDamage, OfManyBytesNeverCrashesTheReader)
{
    std::mt19937 random(42);
    for (int i = 0; i < 500; ++i) {
        auto content = good[random() % good.size()];
        for (auto count = 1 + random() % 40; count > 0; --count) {
            content[random() % metadata_at(content)] = static_cast<char>(random());
        }
        load(content);
        if (HasFailure()) {
            FAIL() << "mutation " << i;
        }
    }
}

TEST_F(MmdbDamage, ByATreeThatLeadsInACircleIsAnError)
{
    // Record size 24: six bytes a node. Every record of every node leads to the root.
    auto content = good[1];
    const auto root = content.substr(0, 6);
    std::fill_n(content.begin(), 600, '\0');
    EXPECT_FALSE(load(content));
    // Only the first node's right record: the left half is still good.
    content = good[1];
    std::fill_n(content.begin() + 3, 3, '\0');
    EXPECT_FALSE(load(content));
}

} // namespace
} // namespace meetfence::test
