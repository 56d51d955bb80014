// SPDX-License-Identifier: Apache-2.0
// What the parts of LoadedProgram share: calls that throw where the kernel refuses.
#pragma once

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/result.h"

namespace meetfence::test {

[[noreturn]] inline void refused(const std::string& what)
{
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

inline void check(int result, const char* what)
{
    if (result < 0) {
        errno = -result;
        refused(what);
    }
}

template <class T> T value_of(Result<T> result)
{
    if (!result) {
        throw std::invalid_argument(result.error().message);
    }
    return *std::move(result);
}

// Tables in tests are small on purpose.
inline std::uint32_t next_in(std::uint32_t& last, std::size_t capacity, const char* table)
{
    if (last + 1 >= capacity) {
        throw std::length_error(std::string("no room left in ") + table);
    }
    return ++last;
}

// All elements of a per-CPU array in one system call; only what is not 0, summed over the CPUs.
template <class T> std::map<std::uint32_t, T> read_per_cpu(int fd, std::uint32_t entries)
{
    constexpr std::size_t kNumbers = sizeof(T) / sizeof(std::uint64_t);
    const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
    std::vector<std::uint32_t> keys(entries);
    std::vector<std::uint64_t> values(entries * cpus * kNumbers);
    std::uint32_t position = 0;
    std::uint32_t count = entries;
    const int result =
        bpf_map_lookup_batch(fd, nullptr, &position, keys.data(), values.data(), &count, nullptr);
    if ((result != 0 && errno != ENOENT) || count != entries) {
        refused("reading counters");
    }
    std::map<std::uint32_t, T> totals;
    for (std::size_t i = 0; i < entries; ++i) {
        std::array<std::uint64_t, kNumbers> total{};
        for (std::size_t n = 0; n < cpus * kNumbers; ++n) {
            total.at(n % kNumbers) += values[i * cpus * kNumbers + n];
        }
        if (std::ranges::any_of(total, [](auto number) { return number != 0; })) {
            std::memcpy(&totals[keys[i]], total.data(), sizeof(T));
        }
    }
    return totals;
}

} // namespace meetfence::test
