/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Counters. Plain additions are enough: the maps are per CPU, and XDP runs with preemption off.
 */
#pragma once

static __always_inline void count_reason(enum mf_reason reason, __u32 frame_bytes)
{
    __u32 index = reason;
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
    if (reason >= MF_FIRST_DROP) {
        cell->dropped_packets++;
        cell->dropped_bytes += frame_bytes;
    } else if (reason == MF_MONITORED) {
        cell->would_drop_packets++;
        cell->would_drop_bytes += frame_bytes;
    } else {
        cell->passed_packets++;
        cell->passed_bytes += frame_bytes;
    }
}
