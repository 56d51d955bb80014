// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/places.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using policy::EndpointImage;
using policy::NamedEndpoint;
using policy::PlaceChange;
using policy::Places;
using Changes = std::vector<PlaceChange>;

constexpr std::uint32_t kTurn = MF_ENDPOINT_LEARNS | MF_ENDPOINT_TURN;

EndpointImage at(std::uint32_t port_slot, std::string_view local = "*")
{
    return {port_slot, local == "*" ? IpAddress::Bytes{} : value_of(IpAddress::parse(local)).bytes()};
}

/// After this change alone, and what `after` said it would be.
std::vector<NamedEndpoint> applied(Places& places, const PlaceChange& change)
{
    const Changes changes{change};
    const auto after = places.after(changes);
    places.apply(changes);
    const auto all = places.all();
    EXPECT_EQ(after.size(), 1U);
    const auto it = std::ranges::find(all, change.at, &NamedEndpoint::at);
    EXPECT_EQ(after.at(0), it == all.end() ? (NamedEndpoint{change.at, 0}) : *it);
    return all;
}

TEST(Places, AreNamedFromTheFirstWhoNamesThemToTheLast)
{
    Places places;
    EXPECT_TRUE(places.all().empty());
    const std::vector<NamedEndpoint> named{{at(1), MF_ENDPOINT_LEARNS}};
    EXPECT_EQ(applied(places, {at(1), 7}), named);
    EXPECT_EQ(applied(places, {at(1), 7}), named); // two participants of one meeting
    EXPECT_EQ(applied(places, {at(1), 8}), named);
    EXPECT_EQ(applied(places, {at(1), 7, false, -1}), named);
    EXPECT_EQ(applied(places, {at(1), 7, false, -1}), named);
    EXPECT_TRUE(applied(places, {at(1), 8, false, -1}).empty());
}

TEST(Places, HaveTurnWhileSomebodySaysSo)
{
    Places places;
    EXPECT_EQ(applied(places, {at(1), 7}).at(0).flags, MF_ENDPOINT_LEARNS);
    EXPECT_EQ(applied(places, {at(1), 8, true}).at(0).flags, kTurn);
    EXPECT_EQ(applied(places, {at(1), 9, true}).at(0).flags, kTurn);
    EXPECT_EQ(applied(places, {at(1), 8, true, -1}).at(0).flags, kTurn);
    EXPECT_EQ(applied(places, {at(1), 7, false, -1}).at(0).flags, kTurn);
    EXPECT_EQ(applied(places, {at(1), 7}).at(0).flags, kTurn);
    EXPECT_EQ(applied(places, {at(1), 9, true, -1}).at(0).flags, MF_ENDPOINT_LEARNS);
}

TEST(Places, AreToldApartByPortAndByAddress)
{
    Places places;
    places.apply(Changes{{at(1), 7}, {at(1, "198.18.0.1"), 7}, {at(2), 7, true}});
    const std::vector<NamedEndpoint> all{
        {at(1), MF_ENDPOINT_LEARNS}, {at(1, "198.18.0.1"), MF_ENDPOINT_LEARNS}, {at(2), kTurn}};
    EXPECT_EQ(places.all(), all);
    places.apply(Changes{{at(1), 7, false, -1}});
    EXPECT_EQ(places.all(), (std::vector{all[1], all[2]}));
}

TEST(Places, ChangeInOneGoWhateverTheOrder)
{
    Places places;
    places.apply(Changes{{at(1), 7}, {at(2), 7}});
    // A participant moves from one to the other; and a third is named and let go again.
    const Changes changes{{at(1), 7, false, -1}, {at(3), 7, true, -1}, {at(2), 7}, {at(3), 7, true, 1}};
    const std::vector<NamedEndpoint> after{{at(1), 0}, {at(2), MF_ENDPOINT_LEARNS}, {at(3), 0}};
    EXPECT_EQ(places.after(changes), after);
    EXPECT_EQ(places.all().size(), 2U) << "`after` changes nothing";
    places.apply(changes);
    EXPECT_EQ(places.all(), (std::vector{after[1]}));
    EXPECT_TRUE(places.after({}).empty());
}

TEST(Places, SayWhoElseNamesWhatOverlaps)
{
    Places places;
    places.apply(Changes{{at(1), 7}, {at(2, "198.18.0.1"), 8}, {at(2, "2001:db8::1"), 9}});
    EXPECT_EQ(places.other_than(7, at(1)), std::nullopt);
    EXPECT_EQ(places.other_than(8, at(1)), 7U);
    EXPECT_EQ(places.other_than(8, at(1, "198.18.0.1")), 7U) << "any address is this one too";
    EXPECT_EQ(places.other_than(0, at(1, "2001:db8::1")), 7U);
    EXPECT_EQ(places.other_than(8, at(2)), 9U);
    EXPECT_EQ(places.other_than(9, at(2)), 8U);
    EXPECT_EQ(places.other_than(9, at(2, "198.18.0.1")), 8U);
    EXPECT_EQ(places.other_than(8, at(2, "198.18.0.1")), std::nullopt);
    EXPECT_EQ(places.other_than(7, at(2, "198.18.0.2")), std::nullopt);
    EXPECT_EQ(places.other_than(7, at(0)), std::nullopt);
    EXPECT_EQ(places.other_than(7, at(3)), std::nullopt);
    places.apply(Changes{{at(1), 5}});
    EXPECT_EQ(places.other_than(5, at(1)), 7U);
    EXPECT_EQ(places.other_than(7, at(1)), 5U);
    places.apply(Changes{{at(1), 7, false, -1}});
    EXPECT_EQ(places.other_than(5, at(1)), std::nullopt);
}

TEST(Places, AgreeWithASimpleCount)
{
    std::mt19937 random(3);
    std::map<std::tuple<EndpointImage, std::uint64_t, bool>, int> counts;
    Places places;
    for (int step = 0; step < 3000; ++step) {
        Changes changes;
        while (changes.size() < 1 + random() % 4) {
            const PlaceChange change{at(random() % 2, random() % 2 == 0 ? "*" : "198.18.0.1"),
                                     1 + random() % 3, random() % 2 == 0, random() % 5 < 3 ? -1 : 1};
            auto& count = counts[{change.at, change.meeting, change.turn}];
            if (count + change.by >= 0) {
                count += change.by;
                changes.push_back(change);
            }
        }
        std::map<EndpointImage, std::uint32_t> wanted;
        for (const auto& [key, count] : counts) {
            if (count > 0) {
                wanted[std::get<0>(key)] |= std::get<bool>(key) ? kTurn : MF_ENDPOINT_LEARNS;
            }
        }
        for (const auto& named : places.after(changes)) {
            ASSERT_EQ(named.flags, wanted.contains(named.at) ? wanted[named.at] : 0) << step;
        }
        places.apply(changes);
        ASSERT_EQ(places.all().size(), wanted.size());
        for (const auto& named : places.all()) {
            ASSERT_EQ(named.flags, wanted[named.at]) << step;
        }
    }
}

} // namespace
} // namespace meetfence::test
