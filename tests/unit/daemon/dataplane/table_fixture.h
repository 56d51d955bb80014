// SPDX-License-Identifier: Apache-2.0
// A table writer over tables in memory, and packets that meet them.
#pragma once

#include <array>
#include <gtest/gtest.h>
#include <optional>

#include "daemon/dataplane/table_writer.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/dataplane/images.h"
#include "tests/unit/daemon/dataplane/packet_view.h"

namespace meetfence::test {

class TableFixture : public testing::Test {
protected:
    using Images = std::vector<MeetingImage>;
    using Numbers = std::vector<std::uint64_t>;
    using Staged = dataplane::TableWriter::Staged;

    explicit TableFixture(TableSizes sizes = {}) : tables(sizes) { adopt(); }

    /// A new writer takes over, as after a restart.
    void adopt()
    {
        writer.reset();
        auto adopted = dataplane::TableWriter::adopt(tables.open());
        ASSERT_TRUE(adopted) << error_of(adopted);
        writer.emplace(std::move(*adopted));
    }

    using Named = std::vector<policy::NamedEndpoint>;

    [[nodiscard]] Result<Staged> stage(const Images& images, const Numbers& removed = {},
                                       const Named& named = {})
    {
        return writer->stage(images, removed, named);
    }

    void put(const Images& images, const Numbers& removed = {}, const Named& named = {})
    {
        auto staged = stage(images, removed, named);
        ASSERT_TRUE(staged) << error_of(staged);
        writer->publish(std::move(*staged));
    }

    void expect_refused(ErrorCode code, const Images& images, const Numbers& removed = {})
    {
        const auto staged = stage(images, removed);
        ASSERT_FALSE(staged);
        EXPECT_EQ(staged.error().code, code) << staged.error().message;
    }

    [[nodiscard]] Seen see(std::uint32_t port, std::string_view code, std::string_view local = "198.18.0.1",
                           std::string_view remote = "203.0.113.10", std::uint64_t now_ns = 1) const
    {
        return PacketView(tables).judge({port, value_of(IpAddress::parse(local)),
                                         value_of(IpAddress::parse(remote)),
                                         code == "--" ? Country() : country(code), now_ns});
    }

    /// What a packet of one of the meeting's participants meets. Person 0: one of several.
    [[nodiscard]] Seen see_person(std::uint32_t port, std::string_view code, std::uint64_t meeting,
                                  std::uint64_t person = 1, std::string_view local = "198.18.0.1") const
    {
        return PacketView(tables).judge({.port_slot = port,
                                         .local = value_of(IpAddress::parse(local)),
                                         .remote = value_of(IpAddress::parse("203.0.113.10")),
                                         .country = code == "--" ? Country() : country(code),
                                         .shared_slot = writer->meetings().at(meeting).shared_slot,
                                         .participant = person == 0 ? 0 : owner_word(meeting, person)});
    }

    /// Countries that some linked rule names; bit 0 for no country.
    [[nodiscard]] std::array<std::uint64_t, MF_COUNTRY_WORDS> named_by_rules() const
    {
        std::array<std::uint64_t, MF_COUNTRY_WORDS> all{};
        for (const auto& [number, meeting] : writer->meetings()) {
            for (const auto& rule : meeting.rules) {
                for (std::size_t word = 0; word < MF_COUNTRY_WORDS; ++word) {
                    all.at(word) |= rule.image.countries.at(word);
                }
            }
        }
        return all;
    }

    [[nodiscard]] std::array<std::uint64_t, MF_COUNTRY_WORDS> concerned() const
    {
        std::array<std::uint64_t, MF_COUNTRY_WORDS> all{};
        std::ranges::copy(tables.control.memory[0].concerned, all.begin());
        return all;
    }

    /// Counts one dropped packet where the kernel would.
    void count_drop(std::uint64_t rule, std::string_view code)
    {
        ++tables.cells[PacketView(tables).cell_of(rule, country(code))].ingress.dropped_packets;
    }

    static Seen passes(std::uint64_t meeting) { return {MF_COUNTRY_NOT_CONCERNED, meeting, 0}; }
    static Seen dropped(std::uint64_t meeting, std::uint64_t rule)
    {
        return {MF_DROP_COUNTRY, meeting, rule};
    }

    static constexpr Seen kOther{};
    MemoryTables tables;
    std::optional<dataplane::TableWriter> writer;
};

} // namespace meetfence::test
