/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Shows the daemon some of what was dropped, whole, for its running check: of each cell the first packet,
 * then at most one an interval.
 */
#pragma once

/* A global function, so that most packets' stack need not have room for it. */
__noinline int take_sample(const struct packet *packet, const struct finding *finding, __u32 reason)
{
    if (!packet || !finding)
        return 0;
    __u32 index = finding->cell;
    struct mf_cell_times *times = bpf_map_lookup_elem(&cell_times, &index);
    __u64 now = times ? take_turn(&times->sample_ns, sample_interval_ns, finding) : 0;
    struct mf_sample *sample = now ? bpf_ringbuf_reserve(&samples, sizeof(*sample), 0) : NULL;
    if (!sample)
        return 0;
    sample->time_ns = now;
    sample->meeting = finding->meeting_number;
    sample->rule = finding->rule_number;
    sample->participant = finding->participant;
    __builtin_memcpy(sample->remote, packet->remote.bytes, sizeof(sample->remote));
    __builtin_memcpy(sample->local, packet->local.bytes, sizeof(sample->local));
    sample->remote_port = packet->remote_port;
    sample->local_port = packet->local_port;
    sample->protocol = (__u8)packet->l4_protocol;
    sample->country = finding->country;
    sample->reason = (__u8)reason;
    sample->direction = MF_DIRECTION;
    sample->geo_generation = finding->geo_generation;
    sample->dedicated = finding->dedicated;
    __builtin_memset(sample->pad, 0, sizeof(sample->pad));
    bpf_ringbuf_submit(sample, 0);
    return 0;
}

static __always_inline void tell_of_cell(const struct packet *packet, const struct finding *finding,
                                         enum mf_reason reason)
{
    __u32 index = finding->cell;
    struct mf_cell_times *times = bpf_map_lookup_elem(&cell_times, &index);
    if (!times)
        return;
    if (is_due(times->event_ns, event_interval_ns, finding))
        emit_rule_event(times, finding, reason);
    if (reason >= MF_FIRST_DROP && is_due(times->sample_ns, sample_interval_ns, finding))
        take_sample(packet, finding, reason);
}
