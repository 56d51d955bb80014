// SPDX-License-Identifier: Apache-2.0
#include "pins/cells.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <vector>

namespace meetfence::pins {
namespace {

std::size_t possible_cpus()
{
    static const auto count = static_cast<std::size_t>(libbpf_num_possible_cpus());
    return count;
}

auto counter_error(const char* verb, std::uint32_t index)
{
    return fail(ErrorCode::internal,
                std::string(verb) + " counter " + std::to_string(index) + ": " + std::strerror(errno));
}

RuleCounts to_counts(const mf_counts& from)
{
    return {from.dropped_packets,  from.dropped_bytes,  from.would_drop_packets,
            from.would_drop_bytes, from.passed_packets, from.passed_bytes};
}

// One after the other, where the kernel cannot do it at once (before 5.13).
Result<> read_singly(int cells_fd, std::uint32_t first, std::uint32_t count, std::vector<RuleCounts>& cells)
{
    for (auto cell = first; cell < first + count; ++cell) {
        cells.push_back(TRY(read_cell(cells_fd, cell)).total());
    }
    return {};
}

} // namespace

Result<Traffic> read_reasons(int reasons_fd)
{
    Traffic total{};
    std::vector<mf_traffic> by_cpu(possible_cpus());
    for (std::uint32_t index = 0; index < MF_REASON_ENTRIES; ++index) {
        if (bpf_map_lookup_elem(reasons_fd, &index, by_cpu.data()) != 0) {
            return counter_error("reading", index);
        }
        auto& traffic = total.at(index / MF_REASONS).at(index % MF_REASONS);
        for (const auto& cpu : by_cpu) {
            traffic.packets += cpu.packets;
            traffic.bytes += cpu.bytes;
        }
    }
    return total;
}

Result<CountryCounts> read_cell(int cells_fd, std::uint32_t cell)
{
    std::vector<mf_cell> by_cpu(possible_cpus());
    if (bpf_map_lookup_elem(cells_fd, &cell, by_cpu.data()) != 0) {
        return counter_error("reading", cell);
    }
    CountryCounts total;
    for (const auto& cpu : by_cpu) {
        total.ingress += to_counts(cpu.by_direction[MF_INGRESS]);
        total.egress += to_counts(cpu.by_direction[MF_EGRESS]);
    }
    return total;
}

// A system call for each of thousands of cells would take longer than all the rest of a scrape.
Result<std::vector<RuleCounts>> read_cells(int cells_fd, std::uint32_t first, std::uint32_t count)
{
    constexpr std::size_t kBufferBytes = 1U << 20;
    const auto cpus = possible_cpus();
    const auto at_once =
        static_cast<std::uint32_t>(std::max<std::size_t>(1, kBufferBytes / sizeof(mf_cell) / cpus));
    std::vector<mf_cell> by_cpu(std::min(count, at_once) * cpus);
    std::vector<std::uint32_t> keys(std::min(count, at_once));
    std::vector<RuleCounts> cells;
    cells.reserve(count);
    while (cells.size() < count) {
        const auto next = first + static_cast<std::uint32_t>(cells.size());
        const auto wanted = std::min(at_once, first + count - next);
        auto before = next - 1; // the kernel goes on behind this one
        std::uint32_t last = 0;
        auto got = wanted;
        if (bpf_map_lookup_batch(cells_fd, next == 0 ? nullptr : &before, &last, keys.data(), by_cpu.data(),
                                 &got, nullptr) != 0 &&
            errno != ENOENT) { // the end of the table
            TRY(read_singly(cells_fd, next, wanted, cells));
            continue;
        }
        if (got == 0) {
            return fail(ErrorCode::internal, "reading counter " + std::to_string(next) + ": there is none");
        }
        for (std::size_t i = 0; i < got * cpus; ++i) {
            if (i % cpus == 0) {
                cells.emplace_back();
            }
            cells.back() += to_counts(by_cpu[i].by_direction[MF_INGRESS]);
            cells.back() += to_counts(by_cpu[i].by_direction[MF_EGRESS]);
        }
    }
    return cells;
}

Result<std::uint64_t> read_tally(int tallies_fd, mf_tally what)
{
    const std::uint32_t index = what;
    std::vector<std::uint64_t> by_cpu(possible_cpus());
    if (bpf_map_lookup_elem(tallies_fd, &index, by_cpu.data()) != 0) {
        return counter_error("reading", index);
    }
    return std::accumulate(by_cpu.begin(), by_cpu.end(), std::uint64_t{0});
}

Result<> zero_cell(int cells_fd, std::uint32_t cell)
{
    const std::vector<mf_cell> zero(possible_cpus());
    if (bpf_map_update_elem(cells_fd, &cell, zero.data(), BPF_ANY) != 0) {
        return counter_error("zeroing", cell);
    }
    return {};
}

} // namespace meetfence::pins
