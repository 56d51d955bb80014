// SPDX-License-Identifier: Apache-2.0
#include "bridges/coturn/allocation_table.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

namespace meetfence::bridges::test {
namespace {

using std::chrono::seconds;
using Bound = std::map<std::string, std::set<std::string>>; // "MEETING PARTICIPANT" by flow

std::string key_for(const std::string& username, unsigned number = 1)
{
    return "turn/realm/r/user/" + username + "/allocation/" + std::to_string(number) + "/status";
}

std::string value_for(unsigned port, unsigned lifetime = 600)
{
    return "refreshed lifetime=" + std::to_string(lifetime) +
           ", type=UDP, local=198.18.0.1:3478, remote=203.0.113.10:" + std::to_string(port) + ", ssl=NONE";
}

std::string flow_for(unsigned port)
{
    return "udp:198.18.0.1:3478 203.0.113.10:" + std::to_string(port);
}

class AllocationTableTest : public testing::Test {
protected:
    // What a daemon would have, told by the ledger's steps.
    Bound bound()
    {
        for (auto steps = ledger.take(64); !steps.empty(); steps = ledger.take(64)) {
            for (const auto& step : steps) {
                daemon[step.participant.meeting + " " + step.participant.id] = step.participant.flows;
                ledger.done(step);
            }
        }
        Bound result;
        for (const auto& [person, flows] : daemon) {
            for (const auto& flow : flows) {
                result[flow.local_text() + " " + flow.remote.text()].insert(person);
            }
        }
        return result;
    }
    std::map<std::string, std::uint64_t, std::less<>> unbound() const { return table.unbound(); }
    Moment after(seconds time) const { return start + time; }
    static Bound one(unsigned port, const std::string& person) { return {{flow_for(port), {person}}}; }

    const Moment start{std::chrono::hours(500000)};
    Ledger ledger;
    AllocationTable table{ledger, {}, "coturn-"};
    std::map<std::string, std::vector<Flow>> daemon;
    const std::string key = key_for("1:m/p"), other = key_for("1:n/q");
};

TEST_F(AllocationTableTest, BindsWhatItHears)
{
    table.heard(key, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.heard(key, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(bound(), Bound());
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(AllocationTableTest, EndsWithALifetimeOfNothing)
{
    table.heard(key, value_for(4000), start);
    table.heard(key, value_for(4000, 0), start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(AllocationTableTest, SameKeyIsAnotherAllocation)
{
    table.heard(key, value_for(4000), start);
    table.heard(key, value_for(4001), start);
    EXPECT_EQ(bound(), one(4001, "m coturn-p"));
    table.heard(key, "refreshed nonsense", start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(unbound(), (std::map<std::string, std::uint64_t, std::less<>>{{"malformed", 1}}));
}

TEST_F(AllocationTableTest, LaterOneHasTheFlow)
{
    table.heard(key, value_for(4000), start);
    table.heard(other, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
    EXPECT_EQ(unbound().at("superseded"), 1U);
    table.found({.values = {{key, value_for(4000)}, {other, value_for(4000)}}}, start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
    table.heard(key, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(bound(), Bound()); // the other's claim is the older one
}

TEST_F(AllocationTableTest, OfTwoFoundTogetherNeitherHasTheFlow)
{
    table.found({.values = {{key, value_for(4000)}, {other, value_for(4000)}}, .after_gap = true}, start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(ledger.contested(), 1U);
    table.heard(other, value_for(4000), start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
}

TEST_F(AllocationTableTest, TakesWhatIsFoundAndDropsWhatIsNot)
{
    table.heard(key, value_for(4000), start);
    table.found({.values = {{other, value_for(4001)}}}, start);
    EXPECT_EQ(bound(), one(4001, "n coturn-q"));
    table.found({}, start);
    EXPECT_EQ(bound(), Bound());
}

TEST_F(AllocationTableTest, MessagesAreNewerThanAListing)
{
    table.heard(key, value_for(4000), start);
    table.found({.values = {{other, value_for(4001)}}, .changing = {key, other}}, start);
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
}

TEST_F(AllocationTableTest, WhatIsNotRefreshedIsBoundNoLonger)
{
    table.heard(key, value_for(4000), start);
    const auto end = seconds(600) + AllocationTable::kMargin;
    table.forget_old(after(end));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.forget_old(after(end + seconds(1)));
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(unbound().at("expired"), 1U);
    // The key is still there, and says nothing new.
    table.found({.values = {{key, value_for(4000)}}, .after_gap = true}, after(end + seconds(2)));
    EXPECT_EQ(bound(), Bound());
    table.heard(key, value_for(4000), after(end + seconds(3)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
}

TEST_F(AllocationTableTest, RefreshProlongsIt)
{
    table.heard(key, value_for(4000), start);
    table.heard(key, value_for(4000), after(seconds(540)));
    table.forget_old(after(seconds(1100)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
}

// Its refresh may have been among the messages that were missed; a listing alone says nothing of that.
TEST_F(AllocationTableTest, GapProlongsItOnce)
{
    const Listing listing{.values = {{key, value_for(4000)}}};
    auto gap = listing;
    gap.after_gap = true;
    table.heard(key, value_for(4000), start);
    table.found(gap, after(seconds(500)));
    table.found(listing, after(seconds(1000)));
    table.forget_old(after(seconds(1100)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.forget_old(after(seconds(1131)));
    EXPECT_EQ(bound(), Bound());
}

TEST_F(AllocationTableTest, RedisMayForget)
{
    table.heard(key, value_for(4000), start);
    const Listing anew{.after_gap = true, .new_server = true};
    table.found(anew, after(seconds(10)));
    table.found({}, after(seconds(12)));
    EXPECT_EQ(bound(), one(4000, "m coturn-p"));
    table.forget_old(after(seconds(631)));
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(AllocationTableTest, WhatRedisForgotYieldsToWhatItHas)
{
    const Listing anew{.after_gap = true, .new_server = true};
    table.heard(key, value_for(4000), start);
    table.found(anew, start);
    table.found({.values = {{other, value_for(4000)}}}, start);
    EXPECT_EQ(bound(), one(4000, "n coturn-q"));
    EXPECT_EQ(table.size(), 1U);

    table.found({.values = {{other, value_for(4000)}}, .new_server = true}, start);
    table.found({}, start);
    EXPECT_EQ(bound(), Bound()); // it was there, and went
    table.heard(key, value_for(4001), start);
    table.found(anew, start);
    table.heard(key, std::nullopt, start);
    EXPECT_EQ(bound(), Bound());
}

TEST_F(AllocationTableTest, WhatIsNobodysIsCounted)
{
    table.heard(key_for("plain"), value_for(4000), start);
    table.heard(key_for("1:a/b/c"), value_for(4001), start);
    table.heard(key_for("1:\xff/p"), value_for(4002), start);
    EXPECT_EQ(bound(), Bound());
    EXPECT_EQ(unbound(),
              (std::map<std::string, std::uint64_t, std::less<>>{{"bad_name", 1}, {"no_meeting", 2}}));
    table.found({}, start);
    EXPECT_TRUE(unbound().empty());
}

struct Line {
    std::string key;
    std::optional<std::string> value;
};

// Of what coturn 4.6.1 wrote and published, all that is about allocations.
std::vector<Line> recorded()
{
    std::ifstream file(MEETFENCE_SOURCE_DIR "/tests/data/bridges/coturn-redis.txt");
    std::vector<Line> lines;
    for (std::string line; std::getline(file, line);) {
        std::vector<std::string> columns;
        for (std::size_t begin = 0; begin <= line.size();) {
            const auto end = std::min(line.find('\t', begin), line.size());
            columns.push_back(line.substr(begin, end - begin));
            begin = end + 1;
        }
        if (columns.size() >= 3 && names_allocation(columns[1])) {
            lines.push_back({columns[1], columns[2] == "deleted" ? std::nullopt : std::optional(columns[2])});
        }
    }
    return lines;
}

// Whom the log names for a flow, at any time.
Bound named_in(const std::vector<Line>& lines)
{
    Bound all;
    for (const auto& line : lines) {
        const auto reading = read_allocation(line.key, line.value.value_or(""), {}, "coturn-");
        for (const auto& flow : reading.allocation.flows) {
            all[flow.local_text() + " " + flow.remote.text()].insert(reading.allocation.meeting + " " +
                                                                     reading.allocation.participant);
        }
    }
    return all;
}

void expect_among(const Bound& bound, const Bound& allowed)
{
    for (const auto& [flow, persons] : bound) {
        ASSERT_EQ(persons.size(), 1U) << flow;
        const auto it = allowed.find(flow);
        ASSERT_TRUE(it != allowed.end()) << flow;
        ASSERT_TRUE(it->second.contains(*persons.begin())) << flow << ": " << *persons.begin();
    }
}

TEST_F(AllocationTableTest, RecordedLogInItsOrder)
{
    const auto lines = recorded();
    ASSERT_GT(lines.size(), 30U);
    std::set<std::string> seen;
    for (const auto& line : lines) {
        table.heard(line.key, line.value, start);
        for (const auto& [flow, persons] : bound()) {
            seen.insert(persons.begin(), persons.end());
        }
    }
    for (const auto* who :
         {"p-1", "p-udp6", "p-tcp4", "p-tcp6", "p-tls4", "p-tls6", "p-us", "p-dtls", "p-y"}) {
        EXPECT_TRUE(seen.contains("weekly-4711 coturn-" + std::string(who))) << who;
    }
    EXPECT_TRUE(seen.contains("w:4711 coturn-p:1"));
    EXPECT_EQ(unbound().at("bad_name"), 1U);
    EXPECT_GE(unbound().at("no_meeting"), 5U);
}

TEST_F(AllocationTableTest, RecordedLogInAnyOrder)
{
    auto lines = recorded();
    const auto allowed = named_in(lines);
    std::mt19937 random(7);
    for (int round = 0; round < 1000; ++round) {
        std::ranges::shuffle(lines, random);
        for (const auto& line : lines) {
            if (random() % 16 == 0) {
                table.found({.values = {{line.key, line.value.value_or("")}},
                             .after_gap = random() % 2 == 0,
                             .new_server = random() % 2 == 0},
                            start);
            } else if (random() % 8 != 0) {
                table.heard(line.key, line.value, start);
            }
            ASSERT_NO_FATAL_FAILURE(expect_among(bound(), allowed));
        }
    }
}

// A coturn and its Redis; messages may be lost, which is noticed, as a lost connection is.
class Server {
public:
    explicit Server(unsigned seed) : random_(seed) {}

    void act()
    {
        const auto port = 4000 + draw() % 4;
        const auto owner = owners_.find(port);
        if (owner == owners_.end()) {
            const auto user = "1:m" + std::to_string(draw() % 3) + "/p" + std::to_string(draw() % 3);
            owners_[port] = key_for(user, ++number_);
            set(owners_[port], value_for(port));
        } else if (draw() % 2 == 0) {
            set(owner->second, value_for(port));
        } else {
            values_.erase(owner->second);
            say(owner->second);
            owners_.erase(owner);
        }
    }
    void restart()
    {
        values_.clear();
        owners_.clear();
        number_ = 0;
    }
    void lose()
    {
        messages_.clear();
        gap_ = true;
    }
    void tell(AllocationTable& table, Moment at)
    {
        for (const auto& key : std::exchange(messages_, {})) {
            table.heard(key, values_.contains(key) ? std::optional(values_.at(key)) : std::nullopt, at);
        }
    }
    void list(AllocationTable& table, Moment at)
    {
        table.found({.values = values_,
                     .changing = {messages_.begin(), messages_.end()},
                     .after_gap = std::exchange(gap_, false)},
                    at);
    }
    [[nodiscard]] Bound truth() const
    {
        Bound result;
        for (const auto& [port, key] : owners_) {
            const auto allocation = read_allocation(key, values_.at(key), {}, "coturn-").allocation;
            result[flow_for(port)].insert(allocation.meeting + " " + allocation.participant);
        }
        return result;
    }
    unsigned draw() { return static_cast<unsigned>(random_()); }

private:
    void set(const std::string& key, const std::string& value)
    {
        values_[key] = value;
        say(key);
    }
    void say(const std::string& key)
    {
        for (auto times = 1 + draw() % 2; times > 0; --times) {
            messages_.push_back(key);
        }
    }

    std::mt19937 random_;
    std::map<std::string, std::string> values_;
    std::map<unsigned, std::string> owners_; // by port
    std::vector<std::string> messages_;
    unsigned number_ = 0;
    bool gap_ = false;
};

TEST_F(AllocationTableTest, ComesToWhatTheServerHas)
{
    for (unsigned seed = 0; seed < 1000; ++seed) {
        Server server(seed);
        for (int step = 0; step < 60; ++step) {
            switch (server.draw() % 16) {
            case 0:
                server.restart();
                break;
            case 1:
                server.lose();
                break;
            case 2:
                server.list(table, start);
                break;
            case 3:
                server.tell(table, start);
                break;
            default:
                server.act();
            }
        }
        server.list(table, start);
        server.tell(table, start);
        ASSERT_EQ(bound(), server.truth()) << "seed " << seed;
    }
}

} // namespace
} // namespace meetfence::bridges::test
