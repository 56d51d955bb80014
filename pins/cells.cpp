// SPDX-License-Identifier: Apache-2.0
#include "pins/cells.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
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
    for (std::uint32_t reason = 0; reason < MF_REASONS; ++reason) {
        if (bpf_map_lookup_elem(reasons_fd, &reason, by_cpu.data()) != 0) {
            return counter_error("reading", reason);
        }
        for (const auto& cpu : by_cpu) {
            total.at(reason).packets += cpu.packets;
            total.at(reason).bytes += cpu.bytes;
        }
    }
    return total;
}

Result<RuleCounts> read_cell(int cells_fd, std::uint32_t cell)
{
    std::vector<mf_cell> by_cpu(possible_cpus());
    if (bpf_map_lookup_elem(cells_fd, &cell, by_cpu.data()) != 0) {
        return counter_error("reading", cell);
    }
    RuleCounts total;
    for (const auto& cpu : by_cpu) {
        total += RuleCounts{cpu.dropped_packets,  cpu.dropped_bytes,  cpu.would_drop_packets,
                            cpu.would_drop_bytes, cpu.passed_packets, cpu.passed_bytes};
    }
    return total;
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
