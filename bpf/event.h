/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Tells the daemon of the first drop of a rule in a country and of a participant, then at most once an
 * interval. No address is in an event.
 */
#pragma once

static __always_inline void emit(const struct finding *finding, enum mf_event_kind kind,
                                 enum mf_reason reason, __u64 now_ns)
{
    struct mf_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event)
        return;
    *event = (struct mf_event){
        .time_ns = now_ns,
        .meeting = finding->meeting_number,
        .rule = finding->rule_number,
        .participant = finding->participant,
        .kind = kind,
        .country = finding->country,
        .reason = reason,
        .direction = MF_DIRECTION,
    };
    bpf_ringbuf_submit(event, 0);
}

static __always_inline void emit_rule_event(const struct finding *finding, enum mf_reason reason)
{
    __u32 index = finding->cell;
    __u64 *last = bpf_map_lookup_elem(&cell_events, &index);
    if (!last)
        return;
    __u64 before = *last;
    /* `before` was read from the clock itself, and may be later than what is known of it. */
    if (before && (__s64)(finding->now_ns - before) < (__s64)event_interval_ns)
        return;
    /* Of CPUs that get here together, one tells. */
    __u64 now = bpf_ktime_get_boot_ns();
    if (__sync_val_compare_and_swap(last, before, now) != before)
        return;
    emit(finding, MF_EVENT_RULE, reason, now);
}

/* Who is cut off can be told why, by whoever knows the person: the signalling server. */
static __always_inline void emit_participant_event(const struct finding *finding, enum mf_reason reason)
{
    __u32 index = finding->participant & MF_PARTICIPANT_INDEX;
    struct mf_participant *participant = bpf_map_lookup_elem(&participants, &index);
    if (!finding->participant || !participant || reason < MF_FIRST_DROP)
        return;
    __u32 now = (__u32)(finding->now_ns >> MF_TICK_SHIFT) + 1;
    __u32 before = participant->told;
    if (before && now - before <= (__u32)(event_interval_ns >> MF_TICK_SHIFT))
        return;
    if (__sync_val_compare_and_swap(&participant->told, before, now) != before)
        return;
    emit(finding, MF_EVENT_PARTICIPANT, reason, finding->now_ns);
}
