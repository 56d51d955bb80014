/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * The table of confirmed flows: whose is this one? kernel-headers/abi.h says how it may be changed.
 */
#pragma once

#include "kernel-headers/flow_table.h"

static __always_inline const volatile struct mf_control *control_now(void)
{
    __u32 zero = 0;
    return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline const struct mf_flow_key *flow_of(const struct packet *packet)
{
    return (const struct mf_flow_key *)packet;
}

static __always_inline __u64 hash_flow(const struct mf_flow_key *key)
{
    const volatile struct mf_control *settings = control_now();
    return settings ? mf_flow_hash(key, (const __u64 *)settings->flow_secret) : 0;
}

static __always_inline bool same_flow(const struct mf_flow_key *one, const struct mf_flow_key *other)
{
    const __u64 *a = (const __u64 *)one;
    const __u64 *b = (const __u64 *)other;
    return !((a[1] ^ b[1]) | (a[4] ^ b[4]) | (a[0] ^ b[0]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

/* Slot of the flow from this probe on, or -1. A global function: the verifier judges its loop once. */
__noinline int flow_search(const struct mf_flow_key *key, __u64 hash, __u32 slots, __u32 probe)
{
    if (!key)
        return -1;
    for (__u32 i = 0; i < MF_FLOW_PROBES; i++) {
        __u32 slot = mf_flow_slot(hash, probe + i, slots);
        const volatile struct mf_flow *flow = bpf_map_lookup_elem(&flows, &slot);
        if (!flow || flow->owner == MF_FLOW_NEVER)
            return -1;
        if (flow->owner >= MF_FLOW_FIRST_OWNER && same_flow((const struct mf_flow_key *)&flow->key, key))
            return (int)slot;
    }
    return -1;
}

/* Nearly every flow that is there is where it is looked for first. */
static __always_inline struct mf_flow *find_flow(const struct mf_flow_key *key)
{
    const volatile struct mf_control *now = control_now();
    if (!now)
        return NULL;
    __u64 hash = mf_flow_hash(key, (const __u64 *)now->flow_secret);
    __u32 slots = now->flow_slots;
    __u32 slot = mf_flow_slot(hash, 0, slots);
    struct mf_flow *flow = bpf_map_lookup_elem(&flows, &slot);
    if (!flow || *(volatile __u64 *)&flow->owner == MF_FLOW_NEVER)
        return NULL;
    if (flow->owner >= MF_FLOW_FIRST_OWNER && same_flow(&flow->key, key))
        return flow;
    int found = flow_search(key, hash, slots, 1);
    if (found < 0)
        return NULL;
    slot = (__u32)found;
    return bpf_map_lookup_elem(&flows, &slot);
}

/* The participant's meeting, or 0 where the participant has left. */
static __always_inline __u32 meeting_of(__u64 owner)
{
    __u32 index = owner & MF_PARTICIPANT_INDEX;
    const volatile struct mf_participant *participant = bpf_map_lookup_elem(&participants, &index);
    return participant && participant->owner == owner ? participant->meeting : 0;
}

/* Whether `then` is less than the idle time ago. */
static __always_inline bool is_recent(__u32 then, __u32 now)
{
    const volatile struct mf_control *settings = control_now();
    /* Another CPU's clock may be a tick ahead. */
    return then && settings && (__s32)(now - then) < (__s32)settings->flow_idle;
}

static __always_inline bool is_proven(const struct mf_flow *flow, __u32 now)
{
    __u32 proven = *(const volatile __u32 *)&flow->proven;
    return proven == MF_TICK_ALWAYS || is_recent(proven, now);
}

/* Whether it is proven by the API, which knows better than somebody nobody knows. */
static __always_inline bool is_handed_over(const struct packet *packet)
{
    const struct mf_flow *flow = find_flow(flow_of(packet));
    return flow && flow->proven == MF_TICK_ALWAYS && meeting_of(flow->owner);
}

/* Where media runs that nobody's flow explains. */
static __always_inline __u64 *running_slot(const struct packet *packet, __u32 *tag)
{
    __u64 hash = hash_flow(flow_of(packet));
    __u32 index = (__u32)hash & (MF_RUNNING - 1);
    *tag = (__u32)(hash >> 32);
    return bpf_map_lookup_elem(&running, &index);
}

static __always_inline void mark_running(const struct packet *packet, struct finding *finding)
{
    __u32 tag = 0;
    volatile __u64 *slot = running_slot(packet, &tag);
    __u64 mark = (__u64)tag << 32 | tick(finding);
    if (slot && *slot != mark)
        *slot = mark;
}

static __always_inline bool is_running(const struct packet *packet, struct finding *finding)
{
    __u32 tag = 0;
    const volatile __u64 *slot = running_slot(packet, &tag);
    return slot && (__u32)(*slot >> 32) == tag && is_recent((__u32)*slot, tick(finding));
}

static __always_inline struct mf_stranger *stranger_slot(const struct packet *packet, __u32 *tag)
{
    __u64 hash = hash_flow(flow_of(packet));
    __u32 index = (__u32)hash & (MF_STRANGERS - 1);
    *tag = (__u32)(hash >> 32);
    return bpf_map_lookup_elem(&strangers, &index);
}

/* Whose packet is it, by its flow? Sets the participant and the meeting, or says why it cannot. */
static __always_inline enum mf_reason match_flow(const struct packet *packet, struct finding *finding)
{
    const struct mf_flow *flow = find_flow(flow_of(packet));
    if (!flow)
        return MF_UNATTRIBUTED;
    __u64 owner = *(const volatile __u64 *)&flow->owner;
    __u32 meeting = meeting_of(owner);
    __u32 now = tick(finding);
    if (!meeting || !is_proven(flow, now))
        return MF_UNATTRIBUTED;
    finding->meeting = meeting;
    if (is_recent(flow->contested, now))
        return MF_CONTESTED;
    /* Of two participants of one meeting nobody knows which it is; the meeting is certain. */
    if (!is_recent(flow->rivalled, now))
        finding->participant = owner;
    return MF_UNDECIDED;
}
