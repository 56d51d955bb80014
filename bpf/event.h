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

/* Whether it is time again for what was `last` done at, which was read from the clock itself and may be
 * later than what is known of it. */
static __always_inline bool is_due(__u64 last, __u64 interval_ns, const struct finding *finding)
{
    return !last || (__s64)(finding->now_ns - last) >= (__s64)interval_ns;
}

/* Now, for the one CPU of those that get here together that shall tell; 0 for the others. */
static __always_inline __u64 take_turn(__u64 *last, __u64 interval_ns, const struct finding *finding)
{
    __u64 before = *last;
    __u64 now = bpf_ktime_get_boot_ns();
    bool is_ours =
        is_due(before, interval_ns, finding) && __sync_val_compare_and_swap(last, before, now) == before;
    return is_ours ? now : 0;
}

static __always_inline void emit_rule_event(struct mf_cell_times *times, const struct finding *finding,
                                            enum mf_reason reason)
{
    __u64 now = take_turn(&times->event_ns, event_interval_ns, finding);
    if (now)
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
