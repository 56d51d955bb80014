// SPDX-License-Identifier: Apache-2.0
// What a start makes of a log that a crash tore, or somebody touched: it goes on, says what it found, and
// leaves verification the place.
#include "tests/unit/daemon/audit/bad_disk.h"
#include "tests/unit/daemon/audit/log_fixture.h"

namespace meetfence::test {
namespace {

class AuditRecovery : public AuditLogTest {
protected:
    static constexpr std::size_t kEntries = 20;

    static Lines first(std::size_t count)
    {
        auto lines = made_lines(kEntries + 5);
        lines.resize(count);
        return lines;
    }
    static Head head_of(std::size_t count) { return verify(first(count)).head; }

    /// Opens what is there, appends an entry, and opens it once more: from then on all is normal.
    std::uint64_t open_and_go_on(const Head& known) const
    {
        auto log = open(known);
        const auto beyond = log.found_beyond();
        const auto head = value_of(log.append(drafts(1, 99), now));
        const auto again = open(head);
        EXPECT_EQ(again.head(), head);
        EXPECT_EQ(again.found_beyond(), 0U);
        return beyond;
    }
    void expect_recovered(std::size_t line, const std::string& torn) const
    {
        const auto found = entry(line);
        EXPECT_EQ(found.what, "log_recovered");
        EXPECT_EQ(found.actor, (Actor{0, "root"}));
        EXPECT_EQ(found.body, (Json{{"bytes", torn.size()}, {"sha256", audit::sha256_hex(torn)}}));
    }
    void expect_truncated(std::size_t line, const Head& known, const Head& found) const
    {
        const auto entry = this->entry(line);
        EXPECT_EQ(entry.what, "log_truncated");
        EXPECT_EQ(entry.sequence, known.sequence + 1);
        EXPECT_EQ(entry.prev, known.hash);
        EXPECT_EQ(entry.body, (Json{{"found_hash", found.hash},
                                    {"found_sequence", found.sequence},
                                    {"known_hash", known.hash},
                                    {"known_sequence", known.sequence}}));
    }

    const WithDisk fast{{.does_not_wait = true}};
};

TEST_F(AuditRecovery, CutsATornWriteOffAtEveryByte)
{
    const auto whole = joined(first(kEntries));
    const auto last = first(kEntries + 1).back();
    for (std::size_t bytes = 1; bytes <= last.size(); ++bytes) { // at the end only "\n" is missing
        const auto torn = last.substr(0, bytes);
        put(whole + torn);
        EXPECT_EQ(open_and_go_on(head_of(kEntries)), 0U);
        ASSERT_EQ(verified().error, "") << bytes;
        ASSERT_EQ(lines().size(), kEntries + 2);
        expect_recovered(kEntries + 1, torn);
        EXPECT_EQ(text().substr(0, whole.size()), whole);
    }
}

TEST_F(AuditRecovery, CutsTheVeryFirstWriteOff)
{
    const auto line = first(1).front();
    for (std::size_t bytes = 1; bytes <= line.size(); ++bytes) {
        put(line.substr(0, bytes));
        EXPECT_EQ(open_and_go_on({}), 0U);
        EXPECT_EQ(verified().error, "");
        expect_recovered(1, line.substr(0, bytes));
    }
}

TEST_F(AuditRecovery, CutsOffTheZerosThatAPowerFailureLeaves)
{
    const auto whole = joined(first(kEntries));
    const auto next = first(kEntries + 2);
    const auto zeros = std::string(3000, '\0');
    const auto behind = next[kEntries] + "\n" + next[kEntries + 1] + "\n";
    const struct {
        std::string torn;
        std::size_t beyond; // entries of the write that did arrive
    } cases[] = {
        {zeros, 0},
        {next[kEntries].substr(0, 100) + zeros, 0},
        {next[kEntries] + "\n" + zeros, 1},
        // A block in the middle that never arrived, and one behind it that did.
        {zeros + behind.substr(100), 0},
        {behind.substr(0, 50) + zeros + behind.substr(100), 0},
        {next[kEntries] + "\n" + zeros + "\n" + zeros + next[kEntries + 1] + "\n", 1},
    };
    for (const auto& [torn, beyond] : cases) {
        put(whole + torn);
        EXPECT_EQ(open_and_go_on(head_of(kEntries)), beyond);
        EXPECT_EQ(verified().error, "");
        expect_recovered(kEntries + beyond + 1, torn.substr(beyond == 0 ? 0 : next[kEntries].size() + 1));
    }
}

TEST_F(AuditRecovery, CutsNothingOffThatWasThereForGood)
{
    auto touched = joined(first(kEntries));
    std::fill_n(touched.begin() + static_cast<std::ptrdiff_t>(touched.size() / 2), 2000, '\0');
    put(touched);
    static_cast<void>(open_and_go_on(head_of(kEntries)));
    EXPECT_EQ(text().substr(0, touched.size()), touched) << "zeros somebody wrote are evidence";
    EXPECT_NE(verify(lines()).error, "");
}

// The state database knows all twenty: whoever cut the file cannot hide it.
TEST_F(AuditRecovery, RecordsEveryTruncationAtEveryByte)
{
    const auto whole = joined(first(kEntries));
    const auto known = head_of(kEntries);
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        const auto left = whole.substr(0, bytes);
        const auto kept = static_cast<std::size_t>(std::ranges::count(left, '\n'));
        const auto torn = left.substr(left.rfind('\n') + 1);
        put(left);
        ASSERT_EQ(open(known).head().sequence, known.sequence + (torn.empty() ? 1 : 2));
        const auto found = verified();
        ASSERT_EQ(found.wrong_line, kept + 1) << bytes;
        EXPECT_MENTIONS(found.error, "missing");
        if (bytes % 16 == 0 || torn.empty()) {
            expect_truncated(kept + 1, known, head_of(kept));
            torn.empty() ? void() : expect_recovered(kept + 2, torn);
            put(left);
            EXPECT_EQ(open_and_go_on(known), 0U);
            EXPECT_EQ(verified().wrong_line, kept + 1);
        }
    }
}

// And where the state database is lost together with what it knew, the whole lines still hold.
TEST_F(AuditRecovery, GoesOnWithoutAnythingKnownFromEveryTruncation)
{
    const auto whole = joined(first(kEntries));
    for (std::size_t bytes = 0; bytes <= whole.size(); bytes += bytes < 2000 ? 1 : 37) {
        const auto left = whole.substr(0, bytes);
        put(left);
        EXPECT_EQ(open_and_go_on({}), static_cast<std::size_t>(std::ranges::count(left, '\n')));
        EXPECT_EQ(verified().error, "") << bytes;
    }
}

TEST_F(AuditRecovery, TakesEntriesThatTheStateDatabaseDidNotGetToKnow)
{
    for (std::size_t known = 0; known <= kEntries; ++known) {
        put(joined(first(kEntries)));
        EXPECT_EQ(open_and_go_on(head_of(known)), kEntries - known);
        EXPECT_EQ(verified().error, "");
        EXPECT_EQ(lines().size(), kEntries + 1);
    }
}

TEST_F(AuditRecovery, LeavesAWholeInvalidLineWhereItIs)
{
    for (const std::size_t wrong : {1U, 10U, 19U, 20U, 21U}) {
        auto touched = first(kEntries + 1);
        touched[wrong - 1][50] ^= 1;
        put(joined(touched));
        static_cast<void>(open_and_go_on(head_of(kEntries)));
        EXPECT_EQ(text().substr(0, joined(touched).size()), joined(touched));
        const auto found = verified();
        EXPECT_EQ(found.wrong_line, wrong) << found.error;
        EXPECT_MENTIONS(found.error, "changed");
    }
}

TEST_F(AuditRecovery, RecordsALogThatIsAnother)
{
    // As long, shorter and longer than the known one.
    for (const std::size_t count : {20U, 15U, 24U}) {
        Lines other;
        Head head;
        Head in_its_place;
        for (std::size_t i = 0; i < count; ++i) {
            other.push_back(audit::make_line(head, now, draft(i + 1000)));
            in_its_place = i < kEntries ? head : in_its_place;
        }
        put(joined(other));
        EXPECT_EQ(open_and_go_on(head_of(kEntries)), 0U);
        expect_truncated(count + 1, head_of(kEntries), in_its_place);
        EXPECT_EQ(verified().wrong_line, count + 1);
    }
}

TEST_F(AuditRecovery, RecordsALogThatIsGone)
{
    EXPECT_EQ(open_and_go_on(head_of(kEntries)), 0U);
    EXPECT_EQ(files(), Lines{root + "/00000000000000000021.jsonl"});
    expect_truncated(1, head_of(kEntries), {});
    EXPECT_EQ(verified().wrong_line, 1U);
}

TEST_F(AuditRecovery, IsNotMisledByALineThatIsRepeatedAtTheEnd)
{
    for (const std::size_t repeated : {1U, 10U, 20U}) {
        auto touched = first(kEntries);
        touched.push_back(touched[repeated - 1]);
        put(joined(touched));
        static_cast<void>(open_and_go_on(head_of(kEntries)));
        EXPECT_EQ(lines().size(), kEntries + 2) << "nothing is missing, and nothing says so";
        EXPECT_EQ(verified().wrong_line, kEntries + 1);
    }
}

class AuditRecoveryOfFiles : public AuditRecovery {
protected:
    static constexpr std::uint64_t kMost = 1000; // three entries or so
    void SetUp() override
    {
        head = write(kEntries, kMost);
        whole = files();
        ASSERT_GT(whole.size(), 4U);
    }
    Head head;
    Lines whole;
};

TEST_F(AuditRecoveryOfFiles, FindsTheKnownEntryInAnEarlierFile)
{
    const auto before = text();
    for (std::size_t known = 1; known <= kEntries; ++known) {
        const auto log = open(head_of(known), kMost);
        EXPECT_EQ(log.head(), head);
        EXPECT_EQ(log.found_beyond(), kEntries - known);
    }
    EXPECT_EQ(text(), before);
}

TEST_F(AuditRecoveryOfFiles, GoesOnWhereEarlierFilesAreElsewhere)
{
    while (files().size() > 1) {
        std::filesystem::remove(files().front());
        EXPECT_EQ(open(head, kMost).head(), head);
    }
    EXPECT_EQ(verified().wrong_line, 1U);
    EXPECT_MENTIONS(verified().error, "missing");
}

TEST_F(AuditRecoveryOfFiles, EveryFileThatIsMissingIsFound)
{
    for (const auto& missing : whole) {
        const auto content = read_file(missing);
        std::filesystem::remove(missing);
        const auto first_missing = audit::sequence_of(content);
        if (missing != whole.back()) {
            EXPECT_EQ(open(head, kMost).head(), head);
            EXPECT_EQ(verified().wrong_line, first_missing) << verified().error;
        } else {
            EXPECT_EQ(verified().error, "");
            static_cast<void>(open(head, kMost));
            expect_truncated(first_missing, head, head_of(first_missing - 1));
        }
        write_file(missing, content);
    }
}

TEST_F(AuditRecoveryOfFiles, UsesTheEmptyFileThatACrashLeft)
{
    const auto next = root + "/00000000000000000021.jsonl";
    for (const auto* content : {"", "{\"seq\":21,\"ti"}) {
        write_file(next, content);
        auto log = open(head, kMost);
        EXPECT_EQ(log.found_beyond(), 0U);
        value_of(log.append(drafts(1, 21), now));
        EXPECT_EQ(verified().error, "");
        EXPECT_EQ(files().back(), next);
        std::filesystem::remove(next);
    }
}

} // namespace
} // namespace meetfence::test
