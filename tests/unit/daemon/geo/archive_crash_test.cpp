// SPDX-License-Identifier: Apache-2.0
// What a crash between any two steps of a change leaves on the disk: read as the sets before or after, and
// put in order by the next change.
#include <algorithm>
#include <cctype>
#include <gtest/gtest.h>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/geo/archive.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/temp_dir.h"

namespace meetfence::test {
namespace {

using geo::Archive;
using geo::Database;

/// Each set is one file, its content one letter. "*" behind it: it bears the mark of the rejected.
/// "-" is a set that was not finished: a directory without the file.
using Directories = std::map<std::string, std::string>;

struct State {
    const char* what;
    Directories directories;
    std::string current, previous; // as they are read, "" for none
    std::string rejected;

    friend void PrintTo(const State& state, std::ostream* out) { *out << state.what; }
};

const State kStates[] = {
    {"before the first set", {}, "", "", ""},
    {"the first set, half written", {{"making", "-"}}, "", "", ""},
    {"the first set, written", {{"making", "C"}}, "", "", ""},
    {"the first set, decided", {{"next", "C"}}, "C", "", ""},
    {"the second set, decided", {{"current", "A"}, {"next", "C"}}, "C", "A", ""},
    {"the second set, the first moved", {{"previous", "A"}, {"next", "C"}}, "C", "A", ""},
    {"a third set, half written", {{"current", "A"}, {"previous", "B"}, {"making", "-"}}, "A", "B", ""},
    {"written", {{"current", "A"}, {"previous", "B"}, {"making", "C"}}, "A", "B", ""},
    {"decided", {{"current", "A"}, {"previous", "B"}, {"next", "C"}}, "C", "A", ""},
    {"the previous moved", {{"current", "A"}, {"old", "B"}, {"next", "C"}}, "C", "A", ""},
    {"the current moved", {{"previous", "A"}, {"old", "B"}, {"next", "C"}}, "C", "A", ""},
    {"the next moved", {{"current", "C"}, {"previous", "A"}, {"old", "B"}}, "C", "A", ""},
    {"the old half removed", {{"current", "C"}, {"previous", "A"}, {"old", "-"}}, "C", "A", ""},
    {"over a rejected set, written", {{"current", "A"}, {"previous", "B*"}, {"making", "C"}}, "A", "B", "B"},
    {"decided", {{"current", "A"}, {"previous", "B*"}, {"next", "C"}}, "C", "A", ""},
    {"the rejected moved", {{"current", "A"}, {"old", "B*"}, {"next", "C"}}, "C", "A", ""},
    {"the old left behind by an error, decided",
     {{"current", "A"}, {"previous", "B"}, {"old", "D"}, {"next", "C"}},
     "C",
     "A",
     ""},
    {"a rollback, marked", {{"current", "A*"}, {"previous", "B"}}, "A", "B", ""},
    {"a rollback, decided", {{"current", "A*"}, {"next", "B"}}, "B", "A", "A"},
    {"a rollback, the current moved", {{"previous", "A*"}, {"next", "B"}}, "B", "A", "A"},
    {"a rollback, the next moved", {{"previous", "A*"}, {"current", "B"}}, "B", "A", "A"},
    {"its rollback, marked", {{"previous", "A*"}, {"current", "B*"}}, "B", "A", "A"},
    {"its rollback, decided", {{"next", "A*"}, {"current", "B*"}}, "A", "B", "B"},
    {"its rollback, the current moved", {{"next", "A*"}, {"previous", "B*"}}, "A", "B", "B"},
    {"its rollback, the next moved", {{"current", "A*"}, {"previous", "B*"}}, "A", "B", "B"},
};

std::string content(const std::vector<std::string>& paths)
{
    std::string all;
    for (const auto& path : paths) {
        all += read_file(path);
    }
    return all;
}

std::vector<Database> set(const std::string& letter)
{
    UniqueFd copy(memfd_create("meetfence-test", MFD_CLOEXEC));
    EXPECT_EQ(write(copy.get(), letter.data(), letter.size()), static_cast<ssize_t>(letter.size()));
    return {{.path = "test", .copy = std::make_shared<const UniqueFd>(std::move(copy))}};
}

class ArchiveCrash : public testing::TestWithParam<State> {
protected:
    void SetUp() override
    {
        std::filesystem::create_directory(root);
        for (const auto& [name, letters] : GetParam().directories) {
            std::filesystem::create_directory(root + "/" + name);
            if (letters != "-") {
                write_file(root + "/" + name + "/0.mmdb", letters.substr(0, 1));
            }
            if (letters.ends_with('*')) {
                write_file(root + "/" + name + "/rejected", "");
            }
        }
    }
    void expect(const std::string& current, const std::string& previous, const std::string& rejected) const
    {
        EXPECT_EQ(content(archive.current()), current);
        EXPECT_EQ(content(archive.previous()), previous);
        for (const std::string letter : {"A", "B", "C", "X"}) {
            EXPECT_EQ(archive.is_rejected(set(letter)), letter == rejected) << letter;
        }
    }
    void expect_order() const
    {
        for (const auto* name : {"making", "next", "old", "current/rejected"}) {
            EXPECT_FALSE(std::filesystem::exists(root + "/" + name)) << name;
        }
    }

    TempDir directory;
    const std::string root = directory.path("geo");
    Archive archive{root};
};

TEST_P(ArchiveCrash, IsReadAsBeforeOrAfter)
{
    const auto& state = GetParam();
    expect(state.current, state.previous, state.rejected);
}

TEST_P(ArchiveCrash, IsFollowedByAnotherSet)
{
    const auto kept = archive.keep(set("X"));
    ASSERT_TRUE(kept) << error_of(kept);
    expect("X", GetParam().current, "");
    expect_order();
}

TEST_P(ArchiveCrash, IsFollowedByTheSameSet)
{
    const auto& state = GetParam();
    if (state.current.empty()) {
        return;
    }
    ASSERT_TRUE(archive.keep(set(state.current)));
    expect(state.current, state.previous, state.rejected);
}

TEST_P(ArchiveCrash, IsFollowedByARollback)
{
    const auto& state = GetParam();
    const auto back = archive.roll_back();
    if (state.previous.empty()) {
        ASSERT_FALSE(back);
        expect(state.current, "", "");
        return;
    }
    ASSERT_TRUE(back) << error_of(back);
    expect(state.previous, state.current, state.current);
    expect_order();
}

std::string name_of(const testing::TestParamInfo<State>& state)
{
    std::string name = std::to_string(state.index) + "_" + state.param.what;
    std::ranges::replace_if(
        name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(AtEveryStep, ArchiveCrash, testing::ValuesIn(kStates), name_of);

} // namespace
} // namespace meetfence::test
