// SPDX-License-Identifier: Apache-2.0
// Counters read in one go say what they say one by one, wherever a read begins and ends.
#include "pins/cells.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include "pins/unique_fd.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

constexpr std::uint32_t kCells = 12'000; // more than one system call takes

UniqueFd made_cells()
{
    UniqueFd fd(bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "cells", sizeof(std::uint32_t), sizeof(mf_cell),
                               kCells, nullptr));
    std::vector<mf_cell> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    for (std::uint32_t cell = 0; cell < kCells; ++cell) {
        for (std::size_t cpu = 0; cpu < by_cpu.size(); ++cpu) {
            const mf_counts counts{cell, cell + 1, cpu, 2 * cell, 3 * cell, 1};
            by_cpu[cpu] = {.by_direction = {counts, {1, 1, 1, 1, 1, 1}}};
        }
        bpf_map_update_elem(fd.get(), &cell, by_cpu.data(), BPF_ANY);
    }
    return fd;
}

auto fields(const RuleCounts& counts)
{
    return std::array{counts.dropped_packets,  counts.dropped_bytes,  counts.would_drop_packets,
                      counts.would_drop_bytes, counts.passed_packets, counts.passed_bytes};
}

TEST(Cells, AreTheSameReadTogetherAndSingly)
{
    const auto fd = made_cells();
    const auto cpus = static_cast<std::uint64_t>(libbpf_num_possible_cpus());
    struct Stretch {
        std::uint32_t first, count;
    };
    for (const auto& [first, count] : std::to_array<Stretch>(
             {{0, kCells}, {0, 1}, {1, 1}, {1, kCells - 1}, {kCells - 1, 1}, {5000, 3}, {7, 0}})) {
        const auto together = pins::read_cells(fd.get(), first, count);
        ASSERT_TRUE(together) << error_of(together);
        ASSERT_EQ(together->size(), count);
        for (std::uint32_t i = 0; i < count; ++i) {
            EXPECT_EQ(together->at(i).dropped_packets, (first + i + 1) * cpus);
            if (i % 997 == 0) {
                EXPECT_EQ(fields(together->at(i)), fields(pins::read_cell(fd.get(), first + i)->total()));
            }
        }
    }
}

TEST(Cells, EndWhereTheTableEnds)
{
    const auto fd = made_cells();
    EXPECT_FALSE(pins::read_cells(fd.get(), kCells - 1, 2));
    EXPECT_FALSE(pins::read_cells(fd.get(), kCells, 1));
    EXPECT_FALSE(pins::read_cells(-1, 0, 1));
}

} // namespace
} // namespace meetfence::test
