// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/counter_carrier.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "pins/cells.h"
#include "pins/unique_fd.h"

namespace meetfence::dataplane {
namespace {

using pins::Access;
using pins::MappedArray;

constexpr std::uint32_t kOldestLayout = 3; // of what is read here, nothing has changed since

template <class T> void copy_element(int from_fd, std::uint32_t from, int to_fd, std::uint32_t to)
{
    std::vector<T> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    if (bpf_map_lookup_elem(from_fd, &from, by_cpu.data()) == 0) {
        bpf_map_update_elem(to_fd, &to, by_cpu.data(), BPF_ANY);
    }
}

} // namespace

void carry_counters(const pins::Path& old_maps, TableWriter& tables, int reasons_fd, int cells_fd)
{
    const auto get = [&](const char* name) { return UniqueFd(bpf_obj_get((old_maps / name).c_str())); };
    const auto control_fd = get("control");
    const auto rules_fd = get("rules");
    const auto old_reasons = get("reasons");
    const auto old_cells = get("cells");
    if (!control_fd || !rules_fd || !old_reasons || !old_cells) {
        return;
    }
    const auto control = MappedArray<mf_control>::map(control_fd.get(), 1, Access::read_only, "control");
    if (!control || (*control)[0].layout < kOldestLayout || (*control)[0].layout > MF_LAYOUT) {
        return;
    }
    const auto rules =
        MappedArray<mf_rule>::map(rules_fd.get(), (*control)[0].rules, Access::read_only, "rules");
    if (!rules) {
        return;
    }
    for (std::uint32_t reason = 0; reason < MF_REASON_ENTRIES; ++reason) {
        copy_element<mf_traffic>(old_reasons.get(), reason, reasons_fd, reason);
    }
    std::map<std::uint64_t, const LinkedRule*> now;
    for (const auto& [number, meeting] : tables.meetings()) {
        for (const auto& rule : meeting.rules) {
            now.emplace(rule.image.number, &rule);
        }
    }
    tables.control().retired_drops = (*control)[0].retired_drops;
    tables.control().outside_scope = (*control)[0].outside_scope; // 0 in layout 3
    for (std::size_t i = 1; i < rules->size(); ++i) {
        const auto& old = (*rules)[i];
        const auto it = now.find(old.number);
        for (std::uint32_t cell = 0; old.number != 0 && cell < old.cell_count; ++cell) {
            if (it != now.end()) {
                copy_element<mf_cell>(old_cells.get(), old.cells + cell, cells_fd, it->second->cells + cell);
            } else if (const auto counts = pins::read_cell(old_cells.get(), old.cells + cell)) {
                tables.control().retired_drops += counts->total().dropped_packets;
            }
        }
    }
}

} // namespace meetfence::dataplane
