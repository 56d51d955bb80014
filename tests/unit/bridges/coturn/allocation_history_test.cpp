// SPDX-License-Identifier: Apache-2.0
// What coturn wrote, in its order and in others; and what it might.
#include <algorithm>
#include <fstream>
#include <random>

#include "tests/unit/bridges/coturn/allocation_table_fixture.h"

namespace meetfence::bridges::coturn::test {
namespace {

using AllocationHistoryTest = AllocationTableTest;

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

TEST_F(AllocationHistoryTest, RecordedLogInItsOrder)
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

TEST_F(AllocationHistoryTest, RecordedLogInAnyOrder)
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

TEST_F(AllocationHistoryTest, ComesToWhatTheServerHas)
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
} // namespace meetfence::bridges::coturn::test
