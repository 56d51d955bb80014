// SPDX-License-Identifier: Apache-2.0
#include "pins/cells.h"

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
    const auto counts = [](const mf_counts& from) {
        return RuleCounts{from.dropped_packets,  from.dropped_bytes,  from.would_drop_packets,
                          from.would_drop_bytes, from.passed_packets, from.passed_bytes};
    };
    CountryCounts total;
    for (const auto& cpu : by_cpu) {
        total.ingress += counts(cpu.by_direction[MF_INGRESS]);
        total.egress += counts(cpu.by_direction[MF_EGRESS]);
    }
    return total;
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
