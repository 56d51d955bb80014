/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Tells the daemon of the first drop of a rule in a country, then at most once an interval. No
 * address is in an event.
 */
#pragma once

static __always_inline void emit_event(const struct finding *finding, enum mf_reason reason)
{
    __u32 index = finding->cell;
    __u64 *last = bpf_map_lookup_elem(&cell_events, &index);
    if (!last)
        return;
    __u64 before = *last;
    if (before && finding->now_ns - before < event_interval_ns)
        return;
    /* Of CPUs that get here together, one tells. */
    if (__sync_val_compare_and_swap(last, before, finding->now_ns) != before)
        return;
    struct mf_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event)
        return;
    *event = (struct mf_event){
        .time_ns = finding->now_ns,
        .meeting = finding->meeting_number,
        .rule = finding->rule_number,
        .country = finding->country,
        .reason = reason,
    };
    bpf_ringbuf_submit(event, 0);
}
