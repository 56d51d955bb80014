/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * What time is it? CLOCK_BOOTTIME for rules, and ticks of the coarse clock for flows.
 */
#pragma once

/* Longer than the coarse clock stands still, also where the CPU that moves it is held up. */
#define LONGEST_STANDSTILL_NS (1000ull * 1000 * 1000)

static __always_inline __u64 coarse_ns(struct finding *finding)
{
    if (!finding->coarse_ns)
        finding->coarse_ns = bpf_ktime_get_coarse_ns();
    return finding->coarse_ns;
}

static __always_inline __u32 tick(struct finding *finding)
{
    return (__u32)(coarse_ns(finding) >> MF_TICK_SHIFT) + 1;
}

/* The boot clock as it was when the coarse clock moved last: one timer interrupt behind. Whoever
 * comes in between writes `boot_ns` first, so that a pair that does not match is read again. */
static __always_inline __u64 recent_boot_ns(struct finding *finding)
{
    __u32 zero = 0;
    __u64 coarse = coarse_ns(finding);
    volatile struct clock *clock = bpf_map_lookup_elem(&clocks, &zero);
    if (clock && clock->coarse_ns == coarse)
        return clock->boot_ns;
    __u64 now = bpf_ktime_get_boot_ns();
    if (clock) {
        clock->boot_ns = now;
        clock->coarse_ns = coarse;
    }
    return now;
}

/* Whether a moment may lie between the boot clock and what is known of it. */
static __always_inline bool is_close(__u64 moment_ns, __u64 recent_ns)
{
    return moment_ns - recent_ns < LONGEST_STANDSTILL_NS;
}
