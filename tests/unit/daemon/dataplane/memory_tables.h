// SPDX-License-Identifier: Apache-2.0
// The kernel's tables in ordinary memory, for the table writer. The memory stays when a writer goes, as
// pinned maps do, so that the next writer can adopt it. What only a system call can do are maps and
// counters here; a hook can be made to fail.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "daemon/dataplane/kernel_tables.h"
#include "pins/unique_fd.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {

/// Elements of each table, index 0 included where it means none.
struct TableSizes {
    std::uint32_t meetings = 17, policies = 13, rules = 21, endpoints = 33, cells = 40;
};

template <class T> class MemoryArray {
public:
    explicit MemoryArray(std::size_t size) : fd_(memfd_create("table", MFD_CLOEXEC))
    {
        constexpr auto kStride = pins::MappedArray<T>::kStride;
        if (ftruncate(fd_.get(), static_cast<off_t>(size * kStride)) != 0) {
            throw std::runtime_error("ftruncate");
        }
        memory = map(size);
    }
    [[nodiscard]] pins::MappedArray<T> map(std::size_t size) const
    {
        return value_of(pins::MappedArray<T>::map(fd_.get(), size, pins::Access::read_write, "table"));
    }
    [[nodiscard]] pins::MappedArray<T> map() const { return map(memory.size()); }
    [[nodiscard]] std::vector<std::byte> bytes() const
    {
        std::vector<std::byte> copy(memory.size() * pins::MappedArray<T>::kStride);
        std::memcpy(copy.data(), &memory[0], copy.size());
        return copy;
    }

    void restore(const std::vector<std::byte>& bytes) { std::memcpy(&memory[0], bytes.data(), bytes.size()); }
    [[nodiscard]] bool holds(const std::vector<std::byte>& bytes) const
    {
        return std::memcmp(&memory[0], bytes.data(), bytes.size()) == 0;
    }

    pins::MappedArray<T> memory;

private:
    UniqueFd fd_;
};

class MemoryTables {
public:
    static constexpr std::size_t kPorts = 64;

    explicit MemoryTables(TableSizes size = {})
        : meetings(size.meetings),
          policies(size.policies),
          rules(size.rules),
          endpoints(size.endpoints),
          cell_times(size.cells)
    {
        control.memory[0] = {.layout = MF_LAYOUT,
                             .meetings = size.meetings,
                             .policies = size.policies,
                             .rules = size.rules,
                             .endpoints = size.endpoints,
                             .cells = size.cells};
    }
    MemoryTables(const MemoryTables&) = delete;
    MemoryTables& operator=(const MemoryTables&) = delete;

    /// As a new writer gets them.
    [[nodiscard]] dataplane::KernelTables open()
    {
        dataplane::KernelTables tables;
        tables.control = control.map();
        tables.ports = ports.map();
        tables.endpoints = endpoints.map();
        tables.meetings = meetings.map();
        tables.policies = policies.map();
        tables.rules = rules.map();
        tables.cell_times = cell_times.map();
        tables.read_cell = [this](std::uint32_t cell) { return read_cell(cell); };
        tables.zero_cell = [this](std::uint32_t cell) { return zero_cell(cell); };
        tables.add_prefix = [this](std::uint32_t set, const IpPrefix& prefix) {
            return add_prefix(set, prefix);
        };
        tables.remove_prefix = [this](std::uint32_t set, const IpPrefix& prefix) {
            on_remove_prefix(set);
            prefixes[set].erase(prefix);
            std::erase_if(prefixes, [](const auto& entry) { return entry.second.empty(); });
        };
        tables.list_prefixes = [this]() -> Result<std::map<std::uint32_t, std::vector<IpPrefix>>> {
            std::map<std::uint32_t, std::vector<IpPrefix>> lists;
            for (const auto& [set, list] : prefixes) {
                lists[set].assign(list.rbegin(), list.rend()); // the kernel gives them in no order
            }
            return lists;
        };
        tables.wait_for_packets = [this]() -> Result<> {
            if (fail_waits) {
                return fail(ErrorCode::internal, "no grace period");
            }
            ++waits;
            on_wait();
            return {};
        };
        return tables;
    }

    using Snapshot = std::vector<std::vector<std::byte>>;
    /// Every byte a writer could have written.
    [[nodiscard]] Snapshot snapshot() const
    {
        return {control.bytes(),  ports.bytes(), endpoints.bytes(), meetings.bytes(),
                policies.bytes(), rules.bytes(), cell_times.bytes()};
    }

    void restore(const Snapshot& all)
    {
        control.restore(all.at(0));
        ports.restore(all.at(1));
        endpoints.restore(all.at(2));
        meetings.restore(all.at(3));
        policies.restore(all.at(4));
        rules.restore(all.at(5));
        cell_times.restore(all.at(6));
    }

    [[nodiscard]] bool holds(const Snapshot& all) const
    {
        return control.holds(all.at(0)) && ports.holds(all.at(1)) && endpoints.holds(all.at(2)) &&
               meetings.holds(all.at(3)) && policies.holds(all.at(4)) && rules.holds(all.at(5)) &&
               cell_times.holds(all.at(6));
    }

    [[nodiscard]] std::size_t prefix_count() const
    {
        std::size_t count = 0;
        for (const auto& [set, list] : prefixes) {
            count += list.size();
        }
        return count;
    }

    MemoryArray<mf_control> control{1};
    MemoryArray<std::uint32_t> ports{kPorts};
    MemoryArray<mf_meeting> meetings;
    MemoryArray<mf_policy> policies;
    MemoryArray<mf_rule> rules;
    MemoryArray<mf_endpoint> endpoints;
    MemoryArray<mf_cell_times> cell_times;
    std::map<std::uint32_t, CountryCounts> cells;
    std::map<std::uint32_t, std::set<IpPrefix>> prefixes;

    std::size_t prefix_room = 1000;
    std::size_t waits = 0;
    bool fail_waits = false, fail_zeroing = false;
    std::size_t reads_that_fail = 0, reads_before_failure = 0;
    std::function<void()> on_wait = [] {};
    std::function<void(std::uint32_t)> on_zero_cell = [](std::uint32_t) {};
    std::function<void(std::uint32_t)> on_remove_prefix = [](std::uint32_t) {};

private:
    Result<CountryCounts> read_cell(std::uint32_t cell)
    {
        if (cell >= control.memory[0].cells) {
            return fail(ErrorCode::internal, "no cell " + std::to_string(cell));
        }
        if (reads_before_failure > 0) {
            --reads_before_failure;
        } else if (reads_that_fail > 0) {
            --reads_that_fail;
            return fail(ErrorCode::internal, "reading counter " + std::to_string(cell));
        }
        return cells[cell];
    }
    Result<> zero_cell(std::uint32_t cell)
    {
        if (fail_zeroing || cell >= control.memory[0].cells) {
            return fail(ErrorCode::internal, "zeroing counter " + std::to_string(cell));
        }
        on_zero_cell(cell);
        cells[cell] = {};
        return {};
    }
    Result<> add_prefix(std::uint32_t set, const IpPrefix& prefix)
    {
        if (prefix_count() >= prefix_room) {
            return fail(ErrorCode::exhausted, "no room for prefixes");
        }
        prefixes[set].insert(prefix);
        return {};
    }
};

} // namespace meetfence::test
