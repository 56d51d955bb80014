/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Counters. Plain additions are enough: the maps are per CPU, ingress and egress have elements of their
 * own, and neither program is interrupted by itself.
 */
#pragma once

static __always_inline void count_reason(enum mf_reason reason, __u32 frame_bytes)
{
    __u32 index = MF_REASONS * MF_DIRECTION + reason;
    struct mf_traffic *traffic = bpf_map_lookup_elem(&reasons, &index);
    if (!traffic)
        return;
    traffic->packets++;
    traffic->bytes += frame_bytes;
}

static __always_inline void count_rule(const struct finding *finding, enum mf_reason reason,
                                       __u32 frame_bytes)
{
    __u32 index = finding->cell;
    struct mf_cell *cell = bpf_map_lookup_elem(&cells, &index);
    if (!cell)
        return;
    struct mf_counts *counts = &cell->by_direction[MF_DIRECTION];
    if (reason >= MF_FIRST_DROP) {
        counts->dropped_packets++;
        counts->dropped_bytes += frame_bytes;
    } else if (reason == MF_MONITORED) {
        counts->would_drop_packets++;
        counts->would_drop_bytes += frame_bytes;
    } else {
        counts->passed_packets++;
        counts->passed_bytes += frame_bytes;
    }
}

static __always_inline void tally(enum mf_tally what)
{
    __u32 index = what;
    __u64 *count = bpf_map_lookup_elem(&tallies, &index);
    if (count)
        ++*count;
}
