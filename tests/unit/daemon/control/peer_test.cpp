// SPDX-License-Identifier: Apache-2.0
// Users and groups are those every Debian has: daemon (1:1), games (5:60), nobody (65534:65534).
#include "daemon/control/peer.h"

#include <cstdlib>
#include <grp.h>
#include <gtest/gtest.h>
#include <initializer_list>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "pins/unique_fd.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using control::Groups;
using control::Role;

constexpr uid_t kDaemonUser = 1, kGamesUser = 5, kNobody = 65534, kNameless = 987654321;
constexpr gid_t kDaemonGroup = 1, kGamesGroup = 60, kNogroup = 65534;

control::Peer judge(uid_t uid, std::initializer_list<gid_t> member_of, const Groups& groups)
{
    return control::judge_peer(uid, std::vector<gid_t>(member_of), groups);
}

TEST(Peer, OfRootIsAlwaysAnOperator)
{
    EXPECT_EQ(judge(0, {0}, {"", ""}).role, Role::operator_);
    EXPECT_EQ(judge(0, {}, {"", ""}).role, Role::operator_);
    EXPECT_EQ(judge(0, {kGamesGroup}, {"no-such-group", "games"}).role, Role::operator_);
    EXPECT_EQ(judge(0, {}, {}).user, "root");
}

TEST(Peer, IsJudgedByEveryGroupItIsIn)
{
    const Groups groups{.operators = "daemon", .viewers = "games"};
    EXPECT_EQ(judge(kDaemonUser, {kDaemonGroup}, groups).role, Role::operator_);
    EXPECT_EQ(judge(kGamesUser, {kGamesGroup}, groups).role, Role::viewer);
    EXPECT_EQ(judge(kNobody, {kNogroup}, groups).role, Role::none);
    EXPECT_EQ(judge(kNobody, {kNogroup, 4, 5, kDaemonGroup}, groups).role, Role::operator_);
    EXPECT_EQ(judge(kNobody, {kGamesGroup, kNogroup}, groups).role, Role::viewer);
}

TEST(Peer, IsAnOperatorWhereItIsBoth)
{
    EXPECT_EQ(judge(kNobody, {kGamesGroup, kDaemonGroup}, {"daemon", "games"}).role, Role::operator_);
    EXPECT_EQ(judge(kGamesUser, {kGamesGroup}, {"games", "games"}).role, Role::operator_);
}

TEST(Peer, NeedsNoName)
{
    EXPECT_EQ(judge(kNameless, {kGamesGroup}, {"daemon", "games"}).role, Role::viewer);
    EXPECT_EQ(judge(kNameless, {kNameless}, {"daemon", "games"}).role, Role::none);
    EXPECT_EQ(judge(kNameless, {}, {}).text(), "uid 987654321");
    EXPECT_EQ(judge(kGamesUser, {}, {}).text(), "uid 5 (games)");
}

TEST(Peer, IsNobodyWhereTheGroupsDoNotExist)
{
    EXPECT_EQ(judge(kDaemonUser, {kDaemonGroup}, {"no-such-group", "none-either"}).role, Role::none);
    EXPECT_EQ(judge(kDaemonUser, {kDaemonGroup, 0}, {"", ""}).role, Role::none);
    // A missing group of operators must not hide that one may look.
    EXPECT_EQ(judge(kGamesUser, {kGamesGroup}, {"no-such-group", "games"}).role, Role::viewer);
}

// What the kernel tells of the other end of a socket.
Result<control::Peer> identify_pair(const Groups& groups)
{
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail(ErrorCode::internal, "socketpair");
    }
    const UniqueFd first(ends[0]);
    const UniqueFd second(ends[1]);
    return control::identify(first.get(), groups);
}

TEST(Peer, OfASocketIsWhoTheKernelSaysItIs)
{
    const auto peer = identify_pair({});
    ASSERT_TRUE(peer) << error_of(peer);
    EXPECT_EQ(peer->uid, getuid());
    EXPECT_FALSE(control::identify(-1, {}));
}

// In a process of its own: the role that the user has, with these groups, as its exit status.
[[noreturn]] void exit_with_role(uid_t uid, gid_t primary, std::vector<gid_t> supplementary,
                                 const Groups& groups)
{
    if (setgroups(supplementary.size(), supplementary.data()) != 0 || setgid(primary) != 0 ||
        setuid(uid) != 0) {
        std::_Exit(77);
    }
    const auto peer = identify_pair(groups);
    std::_Exit(peer && peer->uid == uid ? static_cast<int>(peer->role) : 78);
}

TEST(Peer, OfASocketIsInTheGroupsOfItsProcess)
{
    ASSERT_EQ(getuid(), 0U) << "becoming another user needs root";
    const Groups groups{.operators = "daemon", .viewers = "games"};
    const auto role = [](Role value) { return testing::ExitedWithCode(static_cast<int>(value)); };
    EXPECT_EXIT(exit_with_role(kNobody, kNogroup, {}, groups), role(Role::none), "");
    EXPECT_EXIT(exit_with_role(kNobody, kGamesGroup, {}, groups), role(Role::viewer), "");
    EXPECT_EXIT(exit_with_role(kNobody, kNogroup, {kGamesGroup, kDaemonGroup}, groups), role(Role::operator_),
                "");
    EXPECT_EXIT(exit_with_role(kDaemonUser, kDaemonGroup, {}, groups), role(Role::operator_), "");
    // More groups than anybody reserves room for.
    std::vector<gid_t> many(300);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i] = static_cast<gid_t>(100000 + i);
    }
    EXPECT_EXIT(exit_with_role(kNobody, kNogroup, many, groups), role(Role::none), "");
    many.push_back(kDaemonGroup);
    EXPECT_EXIT(exit_with_role(kNobody, kNogroup, many, groups), role(Role::operator_), "");
    // What a process gave up it has no more, whatever the user database says.
    EXPECT_EXIT(exit_with_role(kDaemonUser, kNogroup, {}, groups), role(Role::none), "");
}

} // namespace
} // namespace meetfence::test
