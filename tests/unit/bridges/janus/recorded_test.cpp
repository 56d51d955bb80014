// SPDX-License-Identifier: Apache-2.0
// The events of a real Janus 1.1.2 (tests/data/bridges), in any order, with losses and doubles.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "bridges/janus/handles.h"
#include "bridges/janus/reader.h"
#include "bridges/ledger/ledger.h"

namespace meetfence::bridges::janus {
namespace {

const auto kFolder = std::string(MEETFENCE_SOURCE_DIR) + "/tests/data/bridges/";

std::vector<Json> recorded_events()
{
    std::vector<Json> events;
    std::ifstream file(kFolder + "janus-events.jsonl");
    for (std::string line; std::getline(file, line);) {
        events.push_back(parse_json(line, "event").value());
    }
    return events;
}

Json recorded_answer(const std::string& name)
{
    std::ifstream file(kFolder + "janus-admin-" + name + ".json");
    return Json::parse(file);
}

struct Recording {
    std::vector<Fact> facts;
    // In which meeting each ufrag is, as Janus itself writes into the description: not what the reader goes
    // by.
    std::map<UfragBinding, std::string> truth;
};

const Recording& recording()
{
    static const auto made = [] {
        Recording result;
        for (const auto& event : recorded_events()) {
            auto fact = read_event(event).value();
            if (!fact) {
                continue;
            }
            if (const auto* described = std::get_if<Described>(&fact->what)) {
                auto& name = described->sdp.session_name;
                const auto room = name.substr(name.find(' ') + 1);
                for (const auto& ufrag : bindings_of(described->sdp, {})) {
                    result.truth[ufrag] = name.starts_with("AudioBridge") ? "audiobridge-" + room : room;
                }
            }
            result.facts.push_back(std::move(*fact));
        }
        return result;
    }();
    return made;
}

using State = std::map<HandleId, MediaTransport>;

// Up to where Janus was told to end: what comes after makes everything before it late.
std::vector<Fact> before_the_end()
{
    const auto& facts = recording().facts;
    const auto end = std::ranges::find_if(std::next(facts.begin()), facts.end(), [](const Fact& fact) {
        return std::holds_alternative<ServerEnd>(fact.what);
    });
    return {facts.begin(), end};
}

// Plays the facts; fails where a ufrag is bound to another meeting than the true one.
State play(const std::vector<Fact>& facts, bool forget_names)
{
    const auto now = recording().facts.back().at;
    Handles handles{Naming{}, LocalAddresses{}};
    Ledger ledger;
    State state;
    for (const auto& fact : facts) {
        auto played = fact;
        if (auto* described = std::get_if<Described>(&played.what); described != nullptr && forget_names) {
            described->sdp.session_name.clear();
        }
        handles.take(played, now);
        for (auto& [who, transport] : handles.take_changes()) {
            state.erase(who);
            if (!transport) {
                continue;
            }
            for (const auto& ufrag : transport->ufrags) {
                EXPECT_EQ(recording().truth.at(ufrag), transport->person.meeting) << ufrag.ufrag;
            }
            state.emplace(who, std::move(*transport));
        }
    }
    return state;
}

TEST(RecordedEvents, AreAllRead)
{
    for (const auto& event : recorded_events()) {
        const auto read = read_event(event);
        EXPECT_TRUE(read) << to_line(event) << (read ? "" : read.error().message);
    }
    EXPECT_GT(recording().facts.size(), 300U);
    EXPECT_GT(recording().truth.size(), 50U);
}

TEST(RecordedEvents, BindEverybodyWhoIsThere)
{
    // Before Janus ends; afterwards only who came back.
    const auto& facts = recording().facts;
    const auto end = std::ranges::find_if(facts.rbegin(), facts.rend(), [](const Fact& fact) {
        return std::holds_alternative<ServerEnd>(fact.what);
    });
    const auto after = play({end.base(), facts.end()}, false);
    EXPECT_FALSE(after.empty());
    EXPECT_EQ(play(facts, false), after);
    std::size_t most = 0;
    std::set<std::string> meetings;
    for (std::size_t i = 0; i < facts.size(); i += 10) {
        const auto state = play({facts.begin(), facts.begin() + static_cast<std::ptrdiff_t>(i)}, false);
        most = std::max(most, state.size());
        for (const auto& [who, transport] : state) {
            meetings.insert(transport.person.meeting);
        }
    }
    EXPECT_GE(most, 8U);
    EXPECT_TRUE(meetings.contains("1234") && meetings.contains("5678") &&
                meetings.contains("audiobridge-1234"));
}

TEST(RecordedEvents, LeadToTheSameInAnyOrderAndNeverToAWrongMeeting)
{
    const auto as_recorded = before_the_end();
    const auto in_order = play(as_recorded, false);
    EXPECT_GE(in_order.size(), 3U);
    for (unsigned seed = 0; seed < 1000; ++seed) {
        auto facts = seed % 10 == 0 ? recording().facts : as_recorded;
        std::shuffle(facts.begin(), facts.end(), std::mt19937(seed));
        const auto state = play(facts, false);
        ASSERT_TRUE(seed % 10 == 0 || state == in_order) << "seed " << seed;
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    }
}

// Some twice, a fifth of them never, and in an order that is a little wrong or wholly.
TEST(RecordedEvents, NeverLeadToAWrongMeetingWhereSomeAreLost)
{
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 random(seed);
        std::vector<Fact> facts;
        for (const auto& fact : before_the_end()) {
            for (auto copies = random() % 10; copies < 9; copies += 8) {
                facts.push_back(fact);
            }
        }
        if (seed % 2 == 0) {
            std::shuffle(facts.begin(), facts.end(), random);
        }
        play(facts, seed % 3 == 0);
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    }
}

TEST(RecordedAnswers, SayWhoIsWhere)
{
    constexpr HandleId kWho{1, 2};
    const auto bound = [&](const std::string& name) {
        const auto asked = recording().facts.back().at;
        Handles handles{Naming{}, LocalAddresses{}};
        const auto facts = read_handle_info(kWho, recorded_answer(name).at("info"), asked).value();
        for (const auto& fact : facts) {
            handles.take(fact, asked);
        }
        const auto changes = handles.take_changes();
        const auto& transport = changes.at(0).transport;
        return transport ? transport->person.meeting + "/" + transport->person.id + " " +
                               std::to_string(transport->ufrags.size())
                         : std::string();
    };
    EXPECT_TRUE(bound("handle_info_pub").starts_with("1234/janus-") &&
                bound("handle_info_pub").ends_with(" 2"));
    EXPECT_EQ(bound("handle_info_sub"), "1234/janus-handle-2 2");
    EXPECT_TRUE(bound("handle_info_audiobridge").starts_with("audiobridge-1234/janus-"));
    for (const auto* name :
         {"handle_info_fresh", "handle_info_joined", "handle_info_hungup", "handle_info_kicked"}) {
        EXPECT_EQ(bound(name), "") << name;
    }
    EXPECT_EQ(read_numbers(recorded_answer("list_sessions"), "sessions")->size(), 4U);
    EXPECT_FALSE(read_numbers(recorded_answer("error_wrong_secret"), "sessions"));
}

// What a broken or hostile sender could make of an event: never a crash, never a binding.
TEST(HostileEvents, AreRefusedOrOfNoUse)
{
    const std::vector<Json> values{nullptr,
                                   true,
                                   -1,
                                   1.5,
                                   "",
                                   "x",
                                   Json::array(),
                                   Json::object(),
                                   UINT64_MAX,
                                   std::string(1U << 20, 'a'),
                                   "\xff\xfe",
                                   Json::array({Json::array()})};
    std::mt19937 random(1);
    const auto events = recorded_events();
    for (std::size_t i = 0; i < events.size(); i += 7) {
        const auto flat = events[i].flatten();
        for (const auto& [pointer, original] : flat.items()) {
            auto changed = events[i];
            changed[Json::json_pointer(pointer)] = values[random() % values.size()];
            const auto fact = read_event(changed);
            if (fact && *fact) {
                Handles handles{Naming{}, LocalAddresses{}};
                handles.take(**fact, recording().facts.back().at);
                for (const auto& change : handles.take_changes()) {
                    EXPECT_FALSE(change.transport) << pointer;
                }
            }
        }
    }
    for (const auto& value : values) {
        EXPECT_FALSE(read_event(value));
        EXPECT_FALSE(read_handle_info({1, 2}, value, {}).has_value() && !value.is_object());
    }
}

} // namespace
} // namespace meetfence::bridges::janus
