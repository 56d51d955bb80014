// SPDX-License-Identifier: Apache-2.0
// Dedicated endpoints against shared ones: who may have which; and when something is next to be done.
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "daemon/policy/registry.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using policy::EndpointImage;
using policy::PlaceChange;
using policy::Registry;

const Time kNow = at("2026-11-22T12:00:00Z");

Meeting sharing(std::string id, std::string_view shared, bool turn = false)
{
    auto result = meeting(std::move(id), {});
    (turn ? result.turn_endpoints : result.shared_endpoints).push_back(endpoint(shared));
    return result;
}

EndpointImage place(std::string_view text)
{
    std::vector<EndpointImage> images;
    policy::expand(endpoint(text), images);
    return images.at(0);
}

struct Pair {
    std::string_view dedicated, shared;
    bool overlaps;
};

constexpr Pair kPairs[] = {
    {"udp:198.18.0.1:40000", "udp:198.18.0.1:40000", true},
    {"udp:198.18.0.1:40000", "udp:*:40000", true},
    {"udp:*:40000", "udp:198.18.0.1:40000", true},
    {"udp:*:40000", "udp:*:40000", true},
    {"tcp:[2001:db8::1]:443", "tcp:*:443", true},
    {"udp:198.18.0.1:40000-40009", "udp:198.18.0.1:40009-40018", true},
    {"udp:198.18.0.1:40000", "udp:198.18.0.2:40000", false},
    {"udp:198.18.0.1:40000", "tcp:198.18.0.1:40000", false},
    {"udp:*:40000", "udp:*:40001", false},
    {"udp:198.18.0.1:40000", "udp:[2001:db8::1]:40000", false},
};

TEST(RegistryPlace, IsSharedOrDedicatedAndNotBoth)
{
    for (const auto& [dedicated, shared, overlaps] : kPairs) {
        for (const bool turn : {false, true}) {
            const auto alone = meeting("A", {dedicated});
            const auto with_others = sharing("B", shared, turn);
            for (const auto& [first, second] : {std::pair(alone, with_others), {with_others, alone}}) {
                Registry registry({});
                registry.put(1, first);
                const auto checked = registry.check(second, kNow);
                EXPECT_EQ(!checked, overlaps) << dedicated << " and " << shared;
                if (!checked) {
                    EXPECT_EQ(checked.error().code, ErrorCode::conflict);
                    EXPECT_MENTIONS(checked.error().message, "'" + first.id + "'");
                }
                registry.remove(first.id, kNow, "");
                EXPECT_TRUE(registry.check(second, kNow)) << "nobody has it any more";
            }
        }
    }
}

TEST(RegistryPlace, IsSharedByAsManyAsLike)
{
    Registry registry({});
    registry.put(1, sharing("A", "udp:*:40000"));
    EXPECT_TRUE(registry.check(sharing("B", "udp:*:40000"), kNow));
    EXPECT_TRUE(registry.check(sharing("B", "udp:198.18.0.1:40000", true), kNow));
    EXPECT_EQ(registry.places().all().at(0).flags, MF_ENDPOINT_LEARNS);
    registry.put(2, sharing("B", "udp:*:40000", true));
    EXPECT_EQ(registry.places().all().at(0).flags, MF_ENDPOINT_LEARNS | MF_ENDPOINT_TURN);
    registry.remove("B", kNow, "");
    EXPECT_EQ(registry.places().all().at(0).flags, MF_ENDPOINT_LEARNS);
    registry.put(1, meeting("A", {}));
    EXPECT_TRUE(registry.places().all().empty());
}

TEST(RegistryPlace, OfAMeetingMayLieOnItsOwnDedicatedEndpoint)
{
    for (const auto& [dedicated, shared, overlaps] : kPairs) {
        Registry registry({});
        registry.put(1, meeting("A", {dedicated}));
        EXPECT_TRUE(registry.check_place("A", place(shared))) << dedicated << " and " << shared;
        const auto others = registry.check_place("B", place(shared));
        if (!overlaps || shared == kPairs[5].shared) { // of that one the last port, which is free
            EXPECT_EQ(others.has_value(), !overlaps || place(shared).port_slot > 40009) << shared;
            continue;
        }
        ASSERT_FALSE(others) << dedicated << " and " << shared;
        EXPECT_EQ(others.error().code, ErrorCode::conflict);
        EXPECT_MENTIONS(others.error().message, "'A'");
    }
}

TEST(RegistryPlace, ThatAParticipantNamesIsNobodysAlone)
{
    Registry registry({});
    registry.put(1, meeting("A", {}));
    registry.put(2, meeting("B", {}));
    const std::vector<PlaceChange> named{{place("udp:198.18.0.1:40000"), 1}};
    registry.apply(named);
    for (const auto* wanted : {"udp:198.18.0.1:40000", "udp:*:40000", "udp:198.18.0.1:39990-40010"}) {
        const auto checked = registry.check(meeting("B", {wanted}), kNow);
        ASSERT_FALSE(checked) << wanted;
        EXPECT_EQ(checked.error().code, ErrorCode::conflict);
        EXPECT_MENTIONS(checked.error().message, "'A'");
        EXPECT_TRUE(registry.check(meeting("A", {wanted}), kNow)) << "its own participant is there";
    }
    EXPECT_TRUE(registry.check(meeting("B", {"udp:198.18.0.2:40000"}), kNow));
    const std::vector<PlaceChange> gone{{place("udp:198.18.0.1:40000"), 1, false, -1}};
    registry.apply(gone);
    EXPECT_TRUE(registry.check(meeting("B", {"udp:*:40000"}), kNow));
}

TEST(RegistryPlace, ChangesWithWhatAMeetingDeclares)
{
    Registry registry({});
    registry.put(1, sharing("A", "udp:*:40000-40001"));
    auto next = sharing("A", "udp:*:40001");
    next.turn_endpoints = {endpoint("udp:*:40002")};
    const auto after = registry.places().after(registry.place_changes(1, next));
    registry.put(1, next);
    for (const auto& named : after) {
        const auto all = registry.places().all();
        const auto it = std::ranges::find(all, named.at, &policy::NamedEndpoint::at);
        EXPECT_EQ(named.flags, it == all.end() ? 0 : it->flags) << named.at.port_slot;
    }
    EXPECT_EQ(after.size(), 3U);
    EXPECT_EQ(registry.places().all().size(), 2U);
    EXPECT_EQ(registry.place_changes(9, next).size(), 2U) << "of a new meeting";
}

class RegistryDeadline : public testing::TestWithParam<unsigned> {
protected:
    /// By looking at everything.
    std::optional<Time> next_by_hand(Time now) const
    {
        std::optional<Time> next;
        const auto consider = [&](Time time) {
            if (time > now && (!next || time < *next)) {
                next = time;
            }
        };
        for (const auto& [id, entry] : registry.meetings()) {
            if (entry.meeting.until) {
                consider(*entry.meeting.until);
            }
            for (const auto* rule : registry.rules_of(entry)) {
                consider(rule->from);
                consider(rule->until);
            }
        }
        return next;
    }

    Time some_time() { return kNow + std::chrono::seconds(random() % 40); }

    void put_meeting()
    {
        const auto id = std::string(1, static_cast<char>('A' + random() % 4));
        const auto known = registry.find_meeting(id);
        auto entry = meeting(id, {});
        if (random() % 2 == 0) {
            entry.until = some_time();
        }
        registry.put(known ? (*known)->number : registry.next_meeting_number(), entry);
    }

    void put_rule()
    {
        Rule rule{.meeting = std::string(1, static_cast<char>('A' + random() % 4))};
        rule.number = registry.next_rule_number();
        if (random() % 2 == 0 && rule.number > 1) { // one that is there, or was
            rule = *value_of(registry.find_rule(1 + random() % (rule.number - 1)));
        }
        if (!registry.find_meeting(rule.meeting)) {
            return;
        }
        rule.from = some_time();
        rule.until = some_time();
        if (random() % 5 == 0) {
            rule.withdrawn = some_time();
        }
        registry.put(rule);
    }

    std::mt19937 random{GetParam()};
    Registry registry{{}};
};

TEST_P(RegistryDeadline, IsTheNextTimeOfWhateverIsThere)
{
    for (int step = 0; step < 5000; ++step) {
        const auto what = random() % 10;
        if (what < 3) {
            put_meeting();
        } else if (what < 7) {
            put_rule();
        } else if (what == 7) {
            registry.remove(std::string(1, static_cast<char>('A' + random() % 4)), some_time(), "");
        } else if (registry.next_rule_number() > 1) {
            registry.end_rule(1 + random() % (registry.next_rule_number() - 1));
        }
        const auto now = some_time();
        ASSERT_EQ(registry.next_deadline(now), next_by_hand(now)) << "step " << step;
        ASSERT_EQ(registry.next_deadline(kNow - std::chrono::seconds(1)),
                  next_by_hand(kNow - std::chrono::seconds(1)))
            << "step " << step;
    }
}

INSTANTIATE_TEST_SUITE_P(Seed, RegistryDeadline, testing::Values(1U, 2U, 3U));

} // namespace
} // namespace meetfence::test
