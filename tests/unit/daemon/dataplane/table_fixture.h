// SPDX-License-Identifier: Apache-2.0
// A table writer over tables in memory, and packets that meet them.
#pragma once

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

    [[nodiscard]] Result<Staged> stage(const Images& images, const Numbers& removed = {})
    {
        return writer->stage(images, removed);
    }

    void put(const Images& images, const Numbers& removed = {})
    {
        auto staged = stage(images, removed);
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

    /// Counts one dropped packet where the kernel would.
    void count_drop(std::uint64_t rule, std::string_view code)
    {
        ++tables.cells[PacketView(tables).cell_of(rule, country(code))].dropped_packets;
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
