// SPDX-License-Identifier: Apache-2.0
// Thousands of random changes in tables so small that they are full all the time, compared after every
// step with a simple model: verdicts, counters, what packets on their way may see, and what is refused.
#include <array>
#include <gtest/gtest.h>
#include <random>

#include "tests/unit/daemon/dataplane/in_flight.h"
#include "tests/unit/daemon/dataplane/table_fixture.h"
#include "tests/unit/daemon/dataplane/table_model.h"

namespace meetfence::test {
namespace {

constexpr TableSizes kSizes{.meetings = 6, .policies = 8, .rules = 14, .endpoints = 17, .cells = 24};
constexpr std::uint32_t kPorts = 5;
constexpr std::array kCodes{"CN", "HK", "MO", "TW", "US"};
constexpr std::array kLocals{"*", "198.18.0.1", "198.18.0.2", "2001:db8::1"};
constexpr std::array kRemotes{"203.0.113.10", "203.0.113.200", "2001:db8:c::10"};
constexpr std::array kPrefixes{"203.0.113.0/28", "203.0.113.128/25", "2001:db8:c::/48", "203.0.113.0/24"};

class TableSequence : public TableFixture, public testing::WithParamInterface<unsigned> {
protected:
    TableSequence() : TableFixture(kSizes), random(GetParam())
    {
        tables.prefix_room = 24;
        for (const auto* local : {"198.18.0.1", "198.18.0.2", "198.18.0.3", "2001:db8::1"}) {
            for (const auto* remote : kRemotes) {
                for (std::uint32_t port = 0; port < kPorts; ++port) {
                    packets.push_back({port, value_of(IpAddress::parse(local)),
                                       value_of(IpAddress::parse(remote)), Country(), 100});
                }
            }
        }
    }

    std::uint32_t dice(std::size_t sides) { return static_cast<std::uint32_t>(random() % sides); }

    RuleImage new_rule()
    {
        auto rule = rule_image(++last_rule, {});
        while (policy::country_count(rule.countries) == 0 || dice(2) == 0) {
            const auto one = country(kCodes.at(dice(kCodes.size())));
            rule.countries.at(one.number() / 64U) |= 1ULL << one.number() % 64U;
        }
        vary(rule);
        return rule;
    }

    /// All that may change in a rule: not its countries.
    void vary(RuleImage& rule)
    {
        rule.mode = dice(3) == 0 ? MF_MONITOR : MF_ENFORCE;
        rule.from_ns = dice(5) == 0 ? 101 : dice(100);
        rule.until_ns = dice(5) == 0 ? 100 : MF_NO_END;
        rule.except.clear();
        for (const auto* text : kPrefixes) {
            if (dice(6) == 0) {
                rule.except.push_back(prefix(text));
            }
        }
        std::ranges::sort(rule.except);
    }

    MeetingImage vary(MeetingImage image)
    {
        if (dice(2) == 0) {
            const EndpointImage wanted = on_port(dice(kPorts), kLocals.at(dice(kLocals.size())));
            const auto it = std::ranges::find(image.endpoints, wanted);
            if (it != image.endpoints.end()) {
                image.endpoints.erase(it);
            } else if (model.is_free(wanted, image.number)) {
                image.endpoints.push_back(wanted);
            }
        }
        std::ranges::sort(image.endpoints);
        const auto what = dice(4);
        if (what == 0) {
            image.rules.push_back(new_rule());
        } else if (what == 1 && !image.rules.empty()) {
            image.rules.erase(image.rules.begin() + dice(image.rules.size()));
        } else if (what == 2 && !image.rules.empty()) {
            vary(image.rules.at(dice(image.rules.size())));
        }
        return image;
    }

    struct Change {
        Images images;
        Numbers removed;
    };

    Change random_change()
    {
        Change change;
        for (const auto& [number, image] : model.meetings) {
            const auto what = dice(8);
            if (what == 0) {
                change.removed.push_back(number);
            } else if (what < 4) {
                change.images.push_back(vary(image));
            }
        }
        if (dice(3) == 0) {
            change.images.push_back(vary(vary(meeting_image(++last_meeting, {}))));
            drop_shared_endpoints(change.images);
        }
        return change;
    }

    // Two meetings of one change may have taken the same free endpoint.
    static void drop_shared_endpoints(Images& images)
    {
        TableModel taken;
        for (auto& image : images) {
            std::erase_if(image.endpoints,
                          [&](const auto& endpoint) { return !taken.is_free(endpoint, image.number); });
            taken.meetings[image.number] = image;
        }
    }

    void change()
    {
        auto [images, removed] = random_change();
        drop_shared_endpoints(images);
        auto staged = stage(images, removed);
        if (!staged) {
            ++refusals;
            expect_full(images, removed, staged.error());
            return;
        }
        const auto fate = dice(10);
        if (fate == 0) {
            writer->discard(std::move(*staged));
        } else if (fate == 1) {
            take_over(); // died in between
        } else {
            writer->publish(std::move(*staged));
            model.apply(images, removed);
        }
    }

    void take_over()
    {
        in_flight.forget();
        adopt();
        Numbers unknown;
        for (const auto& [number, meeting] : writer->meetings()) {
            if (!model.meetings.contains(number)) {
                unknown.push_back(number);
            }
        }
        put({}, unknown);
    }

    // Refused only where it really cannot be done.
    void expect_full(const Images& images, const Numbers& removed, const Error& error)
    {
        ASSERT_EQ(error.code, ErrorCode::exhausted) << error.message;
        const auto needed = model.needed(images, removed);
        if (mentions(error.message, "prefixes")) {
            EXPECT_GT(tables.prefix_count() + images.size() * 8 * kPrefixes.size(), tables.prefix_room);
        } else if (mentions(error.message, "counters")) {
            // Neighbours are needed: with holes it is full before the last cell is used.
            EXPECT_GT(needed.cells + 8 * kCodes.size(), kSizes.cells) << error.message;
        } else {
            EXPECT_TRUE(needed.meetings > kSizes.meetings || needed.policies > kSizes.policies ||
                        needed.rules > kSizes.rules || needed.endpoints > kSizes.endpoints)
                << error.message;
        }
    }

    void exempt()
    {
        std::vector<IpPrefix> prefixes;
        if (dice(3) == 0) {
            prefixes.push_back(prefix(kPrefixes.at(dice(kPrefixes.size()))));
        }
        if (writer->set_exempt(prefixes)) {
            model.exempt = prefixes;
        }
    }

    void send_packets()
    {
        const PacketView view(tables);
        for (auto packet : packets) {
            packet.country = country(kCodes.at(dice(kCodes.size())));
            const auto seen = view.judge(packet);
            if (seen.reason == MF_DROP_COUNTRY) {
                ++tables.cells[view.cell_of(seen.rule, packet.country)].dropped_packets;
                ++model.drops[seen.rule][packet.country];
                ++model.all_drops;
            }
        }
    }

    void expect_as_the_model_says()
    {
        const PacketView view(tables);
        for (auto packet : packets) {
            for (const auto* code : kCodes) {
                packet.country = country(code);
                ASSERT_EQ(view.judge(packet), model.judge(packet))
                    << "port " << packet.port_slot << " " << code;
            }
        }
        ASSERT_EQ(view.accounted_drops(), model.all_drops);
        ASSERT_EQ(writer->meetings().size(), model.meetings.size());
        for (const auto& [number, meeting] : model.meetings) {
            for (const auto& rule : meeting.rules) {
                const auto* linked = writer->find_rule(number, rule.number);
                ASSERT_NE(linked, nullptr);
                for (const auto& [country, counts] : value_of(writer->counts(*linked))) {
                    ASSERT_EQ(counts.dropped_packets, model.drops[rule.number][country]);
                }
            }
        }
        const auto complaint = in_flight.check();
        ASSERT_TRUE(complaint.empty()) << complaint;
    }

    std::mt19937 random;
    TableModel model;
    InFlight in_flight{tables};
    std::vector<Packet> packets;
    std::uint64_t last_meeting = 0, last_rule = 0;
    std::size_t refusals = 0;
};

TEST_P(TableSequence, AgreesWithTheModelAfterEveryStep)
{
    for (int step = 0; step < 5000; ++step) {
        const auto what = dice(20);
        if (what == 0) {
            ASSERT_TRUE(writer->reclaim());
        } else if (what == 1) {
            take_over();
        } else if (what == 2) {
            exempt();
        } else if (what < 6) {
            send_packets();
        } else {
            change();
        }
        ASSERT_NO_FATAL_FAILURE(expect_as_the_model_says()) << "step " << step;
        if (HasFailure()) {
            FAIL() << "at step " << step;
        }
    }
    EXPECT_GT(refusals, 100U) << "the tables were never full";

    // Nothing is lost: the whole room is there again.
    Numbers all;
    for (const auto& [number, meeting] : model.meetings) {
        all.push_back(number);
    }
    put({}, all);
    ASSERT_TRUE(writer->set_exempt({}));
    ASSERT_TRUE(writer->reclaim());
    EXPECT_EQ(tables.prefix_count(), 0U);
    EXPECT_EQ(tables.control.memory[0].retired_drops, model.all_drops);
    Images full;
    for (std::uint64_t i = 0; i < kSizes.meetings - 1; ++i) {
        full.push_back(meeting_image(1000 + i, {on_port(static_cast<std::uint32_t>(i))}));
    }
    for (std::uint32_t i = 0; full[0].endpoints.size() + kSizes.meetings - 2 < kSizes.endpoints - 1; ++i) {
        full[0].endpoints.push_back(on_port(20 + i));
    }
    for (std::uint64_t i = 0; i < kSizes.rules - 1; ++i) {
        full[i % full.size()].rules.push_back(i < 11 ? rule_image(9000 + i, {"CN", "HK"})
                                                     : rule_image(9000 + i, {"US"}));
    }
    put(full);
    EXPECT_EQ(see(0, "CN").reason, MF_DROP_COUNTRY);
}

INSTANTIATE_TEST_SUITE_P(Seed, TableSequence, testing::Values(1U, 2U));

} // namespace
} // namespace meetfence::test
