// SPDX-License-Identifier: Apache-2.0
// What this kernel can do of what the filter needs: tried with programs of a few instructions, on a loopback
// interface of a network namespace that lives as long as the attempt. A version number would tell less:
// distributions move features, and configurations, lockdown and containers take them away.
#pragma once

#include <array>
#include <cstddef>

namespace meetfence::host {

enum class Feature : std::size_t {
    xdp_program,
    tc_program,
    jit,
    global_function, // BTF of a program's functions is read
    boot_clock,
    coarse_clock,
    test_run,
    frags,
    array,
    percpu_array,
    hash,
    lru_hash,
    lpm_trie,
    array_of_maps,
    ring_buffer,
    xdp_link, // on an interface, from here on
    tcx,
    clsact,
    count
};

inline constexpr auto kFeatures = static_cast<std::size_t>(Feature::count);
inline constexpr int kNotTried = -1;

/// An errno for each: 0 where it works.
struct KernelFeatures {
    std::array<int, kFeatures> errors;

    [[nodiscard]] int error(Feature feature) const { return errors.at(static_cast<std::size_t>(feature)); }
    [[nodiscard]] bool works(Feature feature) const { return error(feature) == 0; }
};

/// In a child process, so that neither the namespace nor a program is left behind.
[[nodiscard]] KernelFeatures try_kernel_features();

} // namespace meetfence::host
