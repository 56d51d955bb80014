// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/handles.h"

#include <gtest/gtest.h>

namespace meetfence::bridges::janus {
namespace {

const Moment kStart{std::chrono::seconds(1'800'000'000)};
const Room kRoom{Plugin::videoroom, "1234"}, kOther{Plugin::videoroom, "5678"},
    kAudio{Plugin::audiobridge, "1234"};
constexpr HandleId kA{1, 10}, kB{1, 11}, kC{2, 20};

Moment at(int milliseconds)
{
    return kStart + std::chrono::milliseconds(milliseconds);
}

Described described(const std::string& ufrag, const std::string& session = "-", unsigned port = 20000)
{
    return {parse_sdp("v=0\ns=" + session + "\nm=audio 9 x 96\na=ice-ufrag:" + ufrag +
                      "\na=candidate:1 1 udp 1 198.18.0.1 " + std::to_string(port) + " typ host\n")
                .value()};
}

class HandlesTest : public testing::Test {
protected:
    std::string take(int when, HandleId who, decltype(Fact::what) what)
    {
        return std::string(handles.take({at(when), who, std::move(what)}, at(5000)));
    }

    // "meeting/participant ufrag", or why it is not bound.
    std::string standing(HandleId who)
    {
        for (const auto& [changed, transport] : handles.take_changes()) {
            transports.erase(changed);
            if (transport) {
                transports.emplace(changed, *transport);
            }
        }
        const auto it = transports.find(who);
        if (it == transports.end()) {
            std::string why;
            for (const auto& [reason, count] : handles.unbound()) {
                why += count > 0 ? reason : "";
            }
            return why;
        }
        std::string text = it->second.person.meeting + "/" + it->second.person.id;
        for (const auto& ufrag : it->second.ufrags) {
            text += " " + ufrag.ufrag;
        }
        return text;
    }

    Handles handles{Naming{}, LocalAddresses{}};
    std::map<HandleId, MediaTransport> transports;
};

// Names of rooms and participants are their makers' where Janus has string_ids.
TEST_F(HandlesTest, BindsNobodyToARoomOfTheOtherPluginByItsName)
{
    const Room named{Plugin::videoroom, "audiobridge-1234", true};
    take(1, kA, InRoom{named, "mallory", ""});
    take(2, kA, described("aaaa", "VideoRoom audiobridge-1234"));
    EXPECT_EQ(standing(kA), "ambiguous_name");
    take(3, kB, InRoom{kAudio, "7", ""});
    take(4, kB, described("bbbb", "AudioBridge 1234"));
    EXPECT_EQ(standing(kB), "audiobridge-1234/janus-7 bbbb");
}

TEST_F(HandlesTest, TakesNobodyForAnotherHandleByTheirName)
{
    const Room named{Plugin::videoroom, "room", true};
    take(1, kA, InRoom{named, "handle-11", ""});
    take(2, kA, described("aaaa"));
    take(3, kB, InRoom{named, "", ""});
    take(4, kB, described("bbbb"));
    EXPECT_EQ(standing(kA), "room/janus-handle-10 aaaa");
    EXPECT_EQ(standing(kB), "room/janus-handle-11 bbbb");
}

TEST_F(HandlesTest, BindAPublisher)
{
    take(1, kA, Attached{Plugin::videoroom});
    EXPECT_EQ(standing(kA), "");
    take(2, kA, InRoom{kRoom, "77", "1"});
    take(3, kA, described("abcd"));
    EXPECT_EQ(standing(kA), "1234/janus-77 abcd");
    take(4, kA, HungUp{});
    EXPECT_EQ(standing(kA), "");
    take(5, kA, described("efgh"));
    EXPECT_EQ(standing(kA), "1234/janus-77 efgh");
    take(6, kA, HandleEnd{});
    EXPECT_EQ(standing(kA), "");
    EXPECT_EQ(take(5, kA, described("late")), "late");
    EXPECT_EQ(handles.size(), 0U);
}

TEST_F(HandlesTest, BindASubscriberWhoseOfferComesFirst)
{
    take(1, kB, described("abcd"));
    EXPECT_EQ(standing(kB), "no_room");
    take(2, kB, InRoom{kRoom, "", "1"});
    EXPECT_EQ(standing(kB), "1234/janus-handle-11 abcd");
    take(0, kA, InRoom{kRoom, "77", "1"});
    EXPECT_EQ(standing(kB), "1234/janus-77 abcd") << "by its private_id";
    take(3, kA, HandleEnd{});
    take(4, kB, described("abcd"));
    EXPECT_EQ(standing(kB), "1234/janus-77 abcd") << "who it is stays known";
}

TEST_F(HandlesTest, TieByPrivateIdWithinOneRoomOnly)
{
    take(1, kA, InRoom{kOther, "77", "1"});
    take(2, kB, InRoom{kRoom, "", "1"});
    take(3, kB, described("abcd"));
    EXPECT_EQ(standing(kB), "1234/janus-handle-11 abcd");
}

TEST_F(HandlesTest, KeepRoomsOfTwoPluginsApart)
{
    take(1, kA, InRoom{kAudio, "77", ""});
    take(2, kA, described("abcd", "AudioBridge 1234"));
    EXPECT_EQ(standing(kA), "audiobridge-1234/janus-77 abcd");
}

TEST_F(HandlesTest, BindNobodyWhoseRoomIsAnotherThanTheDescriptions)
{
    take(1, kA, InRoom{kRoom, "77", ""});
    take(2, kA, described("abcd", "VideoRoom 5678"));
    EXPECT_EQ(standing(kA), "room_uncertain");
    take(1, kB, InRoom{kAudio, "78", ""});
    take(2, kB, described("abcd", "VideoRoom 1234", 20002));
    standing(kA);
    EXPECT_EQ(standing(kB), "room_uncertain");
}

// Of a Janus that does not name the room in its descriptions.
TEST_F(HandlesTest, BindNoConnectionOfTheRoomBefore)
{
    take(1, kA, InRoom{kRoom, "77", ""});
    take(2, kA, described("abcd"));
    take(3, {}, LeftRoom{kRoom, "77"});
    EXPECT_EQ(standing(kA), "no_room");
    take(4, kA, InRoom{kOther, "78", ""});
    EXPECT_EQ(standing(kA), "room_uncertain");
    take(5, kA, described("efgh"));
    EXPECT_EQ(standing(kA), "5678/janus-78 efgh");
}

TEST_F(HandlesTest, BindAHandleThatWasSeenBeforeItJoined)
{
    take(1, kB, InNoRoom{});
    take(2, kB, described("abcd"));
    take(3, kB, InRoom{kRoom, "", ""});
    EXPECT_EQ(standing(kB), "1234/janus-handle-11 abcd");
}

TEST_F(HandlesTest, KnowWhoLeftBeforeWhoJoined)
{
    take(3, {}, LeftRoom{kRoom, "77"});
    take(1, kA, InRoom{kRoom, "77", ""});
    take(2, kA, described("abcd"));
    EXPECT_EQ(standing(kA), "no_room");
    take(4, kA, InRoom{kRoom, "77", ""});
    take(5, kA, described("efgh"));
    EXPECT_EQ(standing(kA), "1234/janus-77 efgh");
}

TEST_F(HandlesTest, LeaveOthersWhereOneLeaves)
{
    take(1, kA, InRoom{kRoom, "77", ""});
    take(2, kA, described("abcd"));
    take(1, kC, InRoom{kRoom, "78", ""});
    take(2, kC, described("efgh", "-", 20002));
    take(3, {}, LeftRoom{kRoom, "77"});
    EXPECT_EQ(standing(kC), "1234/janus-78 efgh");
    take(3, {}, LeftRoom{kOther, ""});
    EXPECT_EQ(standing(kC), "1234/janus-78 efgh");
    take(3, {}, LeftRoom{kRoom, ""});
    EXPECT_EQ(standing(kC), "no_room");
}

TEST_F(HandlesTest, EndWithTheirSessionAndWithJanus)
{
    for (const auto& who : {kA, kB, kC}) {
        take(1, who, InRoom{kRoom, std::to_string(who.handle), ""});
        take(2, who, described("abcd", "-", static_cast<unsigned>(20000 + who.handle)));
    }
    take(3, {1, 0}, SessionEnd{});
    EXPECT_EQ(standing(kA), "");
    EXPECT_EQ(standing(kC), "1234/janus-20 abcd");
    EXPECT_EQ(take(2, {1, 12}, InRoom{kRoom, "1", ""}), "late");
    take(4, {}, ServerEnd{});
    EXPECT_EQ(standing(kC), "");
    EXPECT_EQ(take(3, kC, described("abcd")), "late");
    take(5, {3, 30}, InRoom{kRoom, "79", ""});
    take(6, {3, 30}, described("ijkl"));
    EXPECT_EQ(standing({3, 30}), "1234/janus-79 ijkl");
}

TEST_F(HandlesTest, EndWhereTheAdminApiDoesNotListThem)
{
    for (const auto& who : {kA, kB, kC}) {
        take(1, who, InRoom{kRoom, std::to_string(who.handle), ""});
        take(2, who, described("abcd", "-", static_cast<unsigned>(20000 + who.handle)));
    }
    handles.take_handles(1, {kA.handle}, at(2));
    EXPECT_EQ(handles.size(), 3U) << "heard of since";
    handles.take_handles(1, {kA.handle}, at(3));
    EXPECT_EQ(handles.size(), 2U);
    EXPECT_TRUE(handles.knows(kA));
    handles.take_sessions({1}, at(3));
    EXPECT_FALSE(handles.knows(kC));
}

TEST_F(HandlesTest, RefuseTimesThatCannotBe)
{
    Handles these{Naming{}, LocalAddresses{}};
    EXPECT_EQ(these.take({kStart - kOldest - std::chrono::seconds(1), kA, HungUp{}}, kStart), "too_old");
    EXPECT_EQ(these.take({kStart + kMostAhead + std::chrono::seconds(1), {}, ServerEnd{}}, kStart),
              "from_the_future");
    EXPECT_EQ(these.size(), 0U);
}

TEST_F(HandlesTest, BindNoRoomWhoseNameIsNoMeetings)
{
    for (const auto* name : {"", "with space", "line\nbreak", "caf\xc3\xa9"}) {
        Handles these{Naming{.videoroom = "{room}"}, LocalAddresses{}};
        these.take({at(1), kA, InRoom{{Plugin::videoroom, name, true}, "77", ""}}, at(1));
        these.take({at(2), kA, described("abcd")}, at(2));
        EXPECT_FALSE(these.take_changes().at(0).transport) << name;
        EXPECT_TRUE(these.unbound().contains("bad_name") || these.unbound().contains("not_wanted")) << name;
    }
}

TEST_F(HandlesTest, CallSomebodyByTheHandleWhoseIdentifierIsNone)
{
    take(1, kA, InRoom{{Plugin::videoroom, "1234", true}, "Jane Doe", ""});
    take(2, kA, described("abcd"));
    EXPECT_EQ(standing(kA), "1234/janus-handle-10 abcd");
}

TEST_F(HandlesTest, CombineTrickledCandidates)
{
    take(1, kA, InRoom{kRoom, "77", ""});
    take(2, kA, Described{parse_sdp("v=0\nm=audio 9 x 96\na=ice-ufrag:abcd\n").value()});
    EXPECT_EQ(standing(kA), "no_candidates");
    take(3, kA, LocalCandidate{Endpoint::parse("udp:198.18.0.1:20000").value()});
    EXPECT_EQ(standing(kA), "1234/janus-77 abcd");
}

TEST_F(HandlesTest, FindTheSeatOfAPerson)
{
    take(1, kA, InRoom{kRoom, "77", ""});
    const auto seat = handles.seat_of({"1234", "janus-77"});
    ASSERT_TRUE(seat);
    EXPECT_EQ(seat->user, "77");
    EXPECT_FALSE(handles.seat_of({"5678", "janus-77"}));
    EXPECT_FALSE(handles.seat_of({"1234", "janus-handle-10"}));
}

TEST_F(HandlesTest, ForgetTheEndedInTime)
{
    take(1, kA, HandleEnd{});
    EXPECT_EQ(take(1, kA, described("abcd")), "late");
    handles.prune(at(1) + kOldest + std::chrono::seconds(1));
    EXPECT_EQ(take(1, kA, described("abcd")), "");
}

TEST_F(HandlesTest, GoOnWhereTheClockWasSetBack)
{
    const auto hour = std::chrono::hours(1);
    handles.take({at(0) + hour, {}, ServerEnd{}}, at(0) + hour);
    EXPECT_EQ(take(1, kA, InRoom{kRoom, "77", ""}), "late");
    handles.prune(at(1));
    EXPECT_EQ(take(1, kA, InRoom{kRoom, "77", ""}), "");
}

// Names that events repeat do not count as moves, however many there are.
TEST_F(HandlesTest, StayThroughManyUpdates)
{
    take(1, kB, described("abcd"));
    for (int i = 0; i < 200; ++i) {
        take(2 + i, kB, InRoom{kRoom, "", ""});
    }
    EXPECT_EQ(standing(kB), "1234/janus-handle-11 abcd");
}

} // namespace
} // namespace meetfence::bridges::janus
