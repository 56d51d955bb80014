// SPDX-License-Identifier: Apache-2.0
// Random changes of small tables, beside the model of what they shall mean; some are watched store by store.
#pragma once

#include <array>
#include <gtest/gtest.h>
#include <random>

#include "tests/unit/daemon/dataplane/in_flight.h"
#include "tests/unit/daemon/dataplane/in_steps.h"
#include "tests/unit/daemon/dataplane/table_fixture.h"
#include "tests/unit/daemon/dataplane/table_model.h"

namespace meetfence::test {

inline constexpr TableSizes kSizes{.meetings = 11, .policies = 8, .rules = 14, .endpoints = 25, .cells = 24};
inline constexpr std::uint32_t kPorts = 5;
inline constexpr std::array kCodes{"CN", "HK", "MO", "TW", "US"};
inline constexpr std::array kPlaces{"CN", "HK", "MO", "TW", "US", "DE", "--"};
inline constexpr std::array kLocals{"*", "198.18.0.1", "198.18.0.2", "2001:db8::1"};
inline constexpr std::array kRemotes{"203.0.113.10", "203.0.113.200", "2001:db8:c::10"};
inline constexpr std::array kPrefixes{"203.0.113.0/28", "203.0.113.128/25", "2001:db8:c::/48",
                                      "203.0.113.0/24"};

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

    RuleImage new_rule(std::uint64_t meeting)
    {
        const auto number = ++last_rule;
        auto rule = rule_image(number, {});
        while (std::ranges::all_of(rule.countries, [](auto word) { return word == 0; }) || dice(2) == 0) {
            const auto one = country(kCodes.at(dice(kCodes.size())));
            rule.countries.at(one.number() / 64U) |= 1ULL << one.number() % 64U;
        }
        const auto whom = dice(6);
        if (whom == 0) {
            rule = all_but_image(number, {kCodes.at(dice(kCodes.size()))});
        } else if (whom == 1) {
            rule = participant_image(number, owner_word(meeting));
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
            image.rules.push_back(new_rule(image.number));
        } else if (what == 1 && !image.rules.empty()) {
            image.rules.erase(image.rules.begin() + dice(image.rules.size()));
        } else if (what == 2 && !image.rules.empty()) {
            vary(image.rules.at(dice(image.rules.size())));
        }
        return image;
    }

    TableChange random_change()
    {
        TableChange change;
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
        }
        while (dice(3) == 0) {
            constexpr std::uint32_t kFlags[] = {0, 0, MF_ENDPOINT_LEARNS,
                                                MF_ENDPOINT_LEARNS | MF_ENDPOINT_TURN};
            change.named[on_port(dice(kPorts), kLocals.at(dice(kLocals.size())))] = kFlags[dice(4)];
        }
        drop_taken_endpoints(change.images);
        return change;
    }

    // Two meetings of one change may have taken the same free endpoint.
    static void drop_taken_endpoints(Images& images)
    {
        TableModel taken;
        for (auto& image : images) {
            std::erase_if(image.endpoints,
                          [&](const auto& endpoint) { return !taken.is_free(endpoint, image.number); });
            taken.meetings[image.number] = image;
        }
    }

    [[nodiscard]] Result<Staged> stage(const TableChange& change)
    {
        Named named;
        for (const auto& [at, flags] : change.named) {
            named.push_back({at, flags});
        }
        return writer->stage(change.images, change.removed, named);
    }

    void make_change()
    {
        const auto change = random_change();
        auto staged = stage(change);
        if (!staged) {
            ++refusals;
            expect_full(change, staged.error());
            return;
        }
        const auto fate = dice(10);
        if (fate == 0) {
            writer->discard(std::move(*staged));
            return;
        }
        if (fate == 1) {
            take_over(); // died in between
            return;
        }
        if (steps_to_watch > 0 && dice(40) == 0) {
            --steps_to_watch;
            watch_step_by_step(change, *staged);
        }
        writer->publish(std::move(*staged));
        model.apply(change);
    }

    void take_over()
    {
        in_flight.forget();
        adopt();
        bring_up_to_date();
    }

    // As the service does that starts, but one endpoint after the other: the tables are small.
    void bring_up_to_date()
    {
        Numbers unknown;
        for (const auto& [number, meeting] : writer->meetings()) {
            if (!model.meetings.contains(number)) {
                unknown.push_back(number);
            }
        }
        put({}, unknown);
        auto named = model.named;
        for (const auto& [at, flags] : writer->named()) {
            named.try_emplace(at, 0);
        }
        for (const auto& [at, flags] : named) {
            put({}, {}, {{at, flags}});
        }
        ASSERT_EQ(writer->named(), model.named);
    }

    /// Before or after; whom no rule touches may be booked as somebody of no meeting meanwhile.
    static bool is_like(const Seen& seen, const Seen& state)
    {
        return seen == state ||
               (seen.rule == 0 && state.rule == 0 && (seen.meeting == 0 || state.meeting == 0));
    }

    void expect_before_or_after(const TableModel& after)
    {
        const PacketView view(tables);
        for (const auto& [packet, whose] : everybody()) {
            if (whose != 0 && !model.may_have_flow(packet, whose)) {
                continue;
            }
            const auto seen = view.judge(packet);
            EXPECT_TRUE(is_like(seen, model.judge(packet, whose)) ||
                        is_like(seen, after.judge(packet, whose)))
                << seen << " on port " << packet.port_slot << " of " << packet.local.text() << ", "
                << packet.country.code() << ", of meeting " << whose
                << "; before: " << model.judge(packet, whose) << ", after: " << after.judge(packet, whose);
        }
    }

    void watch_step_by_step(const TableChange& change, const Staged& staged)
    {
        auto after = model;
        after.apply(change);
        const auto before = tables.snapshot();
        const auto prefixes = tables.prefixes;
        const auto stops = in_steps(
            tables, [&] { writer->publish(staged); }, [&] { expect_before_or_after(after); });
        for (const auto& stop : stops) {
            MemoryTables rest(kSizes);
            rest.restore(stop);
            rest.prefixes = prefixes;
            rest.cells = tables.cells;
            expect_to_be_taken_over(rest, change);
        }
        tables.restore(before);
    }

    /// Killed there, it leaves what the next writer goes on with, or what is found to be unfinished: then
    /// the data plane makes new tables.
    static void expect_to_be_taken_over(MemoryTables& rest, const TableChange& change)
    {
        std::map<std::uint64_t, int> slots, shared_slots;
        for (std::size_t i = 1; i < rest.meetings.memory.size(); ++i) {
            const auto& meeting = rest.meetings.memory[i];
            if (meeting.number != 0 && meeting.retired == 0) {
                ++(meeting.shared != 0 ? shared_slots : slots)[meeting.number];
            }
        }
        const bool in_two_slots = std::ranges::any_of(slots, [](const auto& one) { return one.second > 1; });
        auto writer = dataplane::TableWriter::adopt(rest.open());
        EXPECT_EQ(writer.has_value(), !in_two_slots) << error_of(writer);
        if (!writer) {
            EXPECT_EQ(writer.error().code, ErrorCode::conflict) << error_of(writer);
            return;
        }
        for (const auto& [number, meeting] : writer->meetings()) {
            const auto& shared = rest.meetings.memory[meeting.shared_slot];
            EXPECT_EQ(shared.number, number);
            EXPECT_EQ(shared.policy, meeting.policy);
        }
        if (auto staged = writer->stage(change.images, change.removed)) {
            writer->publish(std::move(*staged));
            for (const auto& image : change.images) {
                EXPECT_EQ(writer->meetings().at(image.number).endpoints, image.endpoints);
                EXPECT_TRUE(writer->meetings().at(image.number).has_rules_of(image));
            }
        }
    }

    // Refused only where it really cannot be done.
    void expect_full(const TableChange& change, const Error& error)
    {
        ASSERT_EQ(error.code, ErrorCode::exhausted) << error.message;
        const auto needed = model.needed(change);
        if (mentions(error.message, "prefixes")) {
            EXPECT_GT(tables.prefix_count() + change.images.size() * 8 * kPrefixes.size(),
                      tables.prefix_room);
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

    struct Sent {
        Packet packet;
        std::uint64_t whose = 0; // the meeting its flow is known to belong to
    };

    /// Every packet from everywhere, with and without a flow; only where flows are known there is one.
    std::vector<Sent> everybody()
    {
        std::vector<std::uint64_t> numbers{0};
        for (const auto& [number, meeting] : model.meetings) {
            numbers.push_back(number);
        }
        std::vector<Sent> all;
        for (auto packet : packets) {
            for (const auto* code : kPlaces) {
                packet.country = std::string_view(code) == "--" ? Country() : country(code);
                all.push_back({packet, 0});
                const auto whose = numbers.at(dice(numbers.size()));
                if (whose != 0 && model.is_named(packet)) {
                    auto sent = packet;
                    sent.shared_slot = writer->meetings().at(whose).shared_slot;
                    sent.participant = dice(3) == 0 ? 0 : owner_word(whose, 1 + dice(2));
                    all.push_back({sent, whose});
                }
            }
        }
        return all;
    }

    void send_packets()
    {
        const PacketView view(tables);
        for (const auto& [packet, whose] : everybody()) {
            const auto seen = view.judge(packet);
            if (seen.reason >= MF_FIRST_DROP && dice(8) == 0) {
                ++tables.cells[view.cell_of(seen.rule, packet.country)].egress.dropped_packets;
                ++model.drops[seen.rule][model.counted_for(seen.rule, packet.country)];
                ++model.all_drops;
            }
        }
    }

    void expect_as_the_model_says()
    {
        const PacketView view(tables);
        for (const auto& [packet, whose] : everybody()) {
            ASSERT_EQ(view.judge(packet), model.judge(packet, whose))
                << "port " << packet.port_slot << " of " << packet.local.text() << ", "
                << packet.country.code() << ", of meeting " << whose;
        }
        ASSERT_EQ(concerned(), model.concerned());
        ASSERT_EQ(view.accounted_drops(), model.all_drops);
        ASSERT_EQ(writer->meetings().size(), model.meetings.size());
        for (const auto& [number, meeting] : model.meetings) {
            const auto slot = writer->meetings().at(number).shared_slot;
            ASSERT_EQ(slots.try_emplace(number, slot).first->second, slot) << "participants lead elsewhere";
            for (const auto& rule : meeting.rules) {
                const auto* linked = writer->find_rule(number, rule.number);
                ASSERT_NE(linked, nullptr);
                for (const auto& counts : value_of(writer->counts(*linked))) {
                    ASSERT_EQ(counts.egress.dropped_packets, model.drops[rule.number][counts.country]);
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
    std::map<std::uint64_t, std::uint32_t> slots; // shared, by meeting
    std::uint64_t last_meeting = 0, last_rule = 0;
    std::size_t refusals = 0, steps_to_watch = 30;
};

} // namespace meetfence::test
