// SPDX-License-Identifier: Apache-2.0
// Whatever is done to a log of twenty entries is found, at the line where it was done.
#include <algorithm>
#include <gtest/gtest.h>

#include "audit/sha256.h"
#include "tests/unit/audit/made_log.h"

namespace meetfence::test {
namespace {

using audit::Chain;
using audit::Head;

constexpr std::size_t kEntries = 20;

class AuditChain : public testing::Test {
protected:
    const Lines lines = made_lines(kEntries);
};

void expect_wrong(const Lines& lines, std::size_t line, const std::string& done)
{
    const auto verified = verify(lines);
    EXPECT_EQ(verified.wrong_line, line) << done << ": " << verified.error;
    EXPECT_EQ(verified.head.sequence, line - 1) << done;
    const auto place = "line " + std::to_string(line) + " (entry " + std::to_string(line) + "): ";
    EXPECT_EQ(verified.error.compare(0, place.size(), place), 0) << done << ": " << verified.error;
}

TEST_F(AuditChain, HoldsAndComesToTheLastEntry)
{
    const auto verified = verify(lines);
    EXPECT_EQ(verified.error, "");
    EXPECT_EQ(verified.head, (Head{kEntries, value_of(audit::parse_line(lines.back())).hash}));
    EXPECT_EQ(verify({}).head, Head{});
}

TEST_F(AuditChain, FindsEveryByteThatIsFlipped)
{
    for (std::size_t i = 0; i < kEntries; ++i) {
        for (std::size_t byte = 0; byte < lines[i].size(); ++byte) {
            const unsigned flip = byte % 3 == 0 ? 0x01 : byte % 3 == 1 ? 0x20 : 0x80;
            auto touched = lines;
            auto& c = touched[i][byte];
            c = static_cast<char>(static_cast<unsigned char>(c) ^ flip);
            expect_wrong(touched, i + 1, "byte " + std::to_string(byte));
        }
    }
}

TEST_F(AuditChain, FindsEveryLineThatIsRemoved)
{
    for (std::size_t i = 0; i + 1 < kEntries; ++i) { // of the last one only the head tells
        for (std::size_t count = 1; i + count < kEntries; ++count) {
            auto touched = lines;
            const auto begin = touched.begin() + static_cast<std::ptrdiff_t>(i);
            touched.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
            expect_wrong(touched, i + 1, "removed");
            EXPECT_MENTIONS(verify(touched).error, "missing");
        }
    }
    Lines shortened(lines.begin(), lines.end() - 1);
    EXPECT_NE(verify(shortened).head, verify(lines).head);
}

TEST_F(AuditChain, FindsEveryPairThatIsSwapped)
{
    for (std::size_t i = 0; i < kEntries; ++i) {
        for (std::size_t j = i + 1; j < kEntries; ++j) {
            auto touched = lines;
            std::swap(touched[i], touched[j]);
            expect_wrong(touched, i + 1, "swapped with " + std::to_string(j + 1));
        }
    }
}

TEST_F(AuditChain, FindsEveryLineThatIsRepeatedAnywhere)
{
    for (std::size_t i = 0; i < kEntries; ++i) {
        for (std::size_t to = 0; to <= kEntries; ++to) {
            auto touched = lines;
            touched.insert(touched.begin() + static_cast<std::ptrdiff_t>(to), lines[i]);
            // In front of itself it is the right one, and the one behind is the repetition.
            expect_wrong(touched, to == i ? i + 2 : to + 1, "repeated");
        }
    }
}

TEST_F(AuditChain, FindsEveryLineThatIsCut)
{
    for (std::size_t i = 0; i < kEntries; ++i) {
        for (std::size_t bytes = 0; bytes < lines[i].size(); ++bytes) {
            auto touched = lines;
            touched[i].resize(bytes);
            expect_wrong(touched, i + 1, "cut to " + std::to_string(bytes));
        }
    }
}

TEST_F(AuditChain, FindsAnEntryThatWasForgedWithAHashOfItsOwn)
{
    for (std::size_t i = 0; i + 1 < kEntries; ++i) {
        auto touched = lines;
        auto before = i == 0 ? Head{} : Head{i, value_of(audit::parse_line(lines[i - 1])).hash};
        touched[i] = audit::make_line(before, at("2026-11-22T12:00:00Z"), draft(i + 500));
        ASSERT_TRUE(audit::parse_line(touched[i]));
        expect_wrong(touched, i + 2, "forged"); // the one behind no longer follows
        EXPECT_MENTIONS(verify(touched).error, "replaced");
    }
}

TEST_F(AuditChain, DoesNotMindAClockThatWasSetBack)
{
    Head head;
    const Lines odd{audit::make_line(head, at("2026-11-22T12:00:00Z"), draft(1)),
                    audit::make_line(head, at("2020-01-01T00:00:00Z"), draft(2))};
    EXPECT_EQ(verify(odd).error, "");
}

TEST_F(AuditChain, GoesOnFromAKnownHead)
{
    const auto middle = verify({lines.begin(), lines.begin() + 7}).head;
    Chain chain(middle);
    EXPECT_FALSE(chain.take(lines[8]));
    EXPECT_TRUE(chain.take(lines[7])) << "an error leaves the head where it was";
    EXPECT_EQ(chain.head().sequence, 8U);
    Chain other(Head{7, std::string(64, 'f')});
    EXPECT_FALSE(other.take(lines[7]));
}

TEST_F(AuditChain, NamesTheFileAndItsOwnLine)
{
    Chain chain;
    chain.begin_file("a.jsonl");
    for (std::size_t i = 0; i < 12; ++i) {
        ASSERT_TRUE(chain.take(lines[i]));
    }
    chain.begin_file("b.jsonl");
    ASSERT_TRUE(chain.take(lines[12]));
    const auto wrong = chain.take(lines[14]);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(
        wrong.error().message,
        "b.jsonl, line 2 (entry 14): entry 14 is missing here, where entry 15 stands: removed, or moved to "
        "another place");
}

} // namespace
} // namespace meetfence::test
