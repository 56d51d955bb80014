// SPDX-License-Identifier: Apache-2.0
// The kernel's tables as the table writer sees them: arrays in memory, and the few things that only
// a system call can do. Unit tests give it ordinary memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "kernel-headers/abi.h"
#include "model/ip.h"
#include "model/result.h"
#include "model/rule.h"
#include "pins/mapped_array.h"

namespace meetfence::dataplane {

struct KernelTables {
    pins::MappedArray<mf_control> control;
    pins::MappedArray<std::uint32_t> ports;
    pins::MappedArray<mf_endpoint> endpoints;
    pins::MappedArray<mf_meeting> meetings;
    pins::MappedArray<mf_policy> policies;
    pins::MappedArray<mf_rule> rules;
    pins::MappedArray<mf_cell_times> cell_times;

    std::function<Result<CountryCounts>(std::uint32_t cell)> read_cell;
    std::function<Result<>(std::uint32_t cell)> zero_cell;
    std::function<Result<>(std::uint32_t set, const IpPrefix&)> add_prefix;
    std::function<void(std::uint32_t set, const IpPrefix&)> remove_prefix;
    std::function<Result<std::map<std::uint32_t, std::vector<IpPrefix>>>()> list_prefixes;
    /// Returns when no packet can see anything that was unlinked before the call.
    std::function<Result<>()> wait_for_packets;
};

/// Stores one word that packets read: what was written before is visible to whoever sees it.
inline void publish(std::uint32_t& word, std::uint32_t value)
{
    std::atomic_ref(word).store(value, std::memory_order_release);
}

} // namespace meetfence::dataplane
