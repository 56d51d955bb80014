/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * How a flow becomes a participant's. A request alone proves nothing: its sender may have written any
 * address on it. It is remembered, and counts when the other side answers the same transaction on the
 * same addresses: a server answers only whoever knows the password behind the ufrag.
 */
#pragma once

#define HASH_FACTOR 0x9E3779B97F4A7C15ull /* 2^64 by the golden ratio */

/* Of a request that went in this direction. */
static __always_inline struct mf_pending *pending_slot(const struct mf_flow_key *flow,
                                                       const struct stun *stun, __u32 direction)
{
    __u64 hash = hash_flow(flow);
    const __u32 *transaction = stun->header.transaction;
    hash = ((hash + direction) ^ transaction[0] ^ (__u64)transaction[1] << 32) * HASH_FACTOR;
    hash = (hash ^ hash >> 32 ^ transaction[2]) * HASH_FACTOR;
    __u32 index = (__u32)(hash >> 40) & (MF_PENDING - 1);
    return bpf_map_lookup_elem(&pending, &index);
}

/* Global functions, here and below, so that the verifier judges each once. */
__noinline int remember_request(const struct packet *packet)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !stun)
        return 0;
    const struct mf_flow_key *flow = flow_of(packet);
    struct mf_pending *slot = pending_slot(flow, stun, MF_DIRECTION);
    if (!slot)
        return 0;
    /* Of CPUs that meet in one slot, one writes; the other's sender will ask again. */
    __u64 before = *(volatile __u64 *)&slot->sequence;
    if ((before & 1) || __sync_val_compare_and_swap(&slot->sequence, before, before + 1) != before)
        return 0;
    slot->flow = *flow;
    __builtin_memcpy(slot->transaction, stun->header.transaction, sizeof(slot->transaction));
    slot->tag = stun->tag;
    if (!stun->owner)
        slot->ufrag = stun->key;
    slot->owner = stun->owner;
    slot->names = stun->names;
    slot->direction = MF_DIRECTION;
    __sync_lock_test_and_set(&slot->sequence, before + 2);
    tally(MF_TALLY_PENDING);
    return 0;
}

/* Finds the request that the message answers, and says what it named; false where there was none. */
__noinline int recall_request(const struct packet *packet)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !stun)
        return 0;
    const struct mf_flow_key *flow = flow_of(packet);
    struct mf_pending *slot = pending_slot(flow, stun, !MF_DIRECTION);
    if (!slot)
        return 0;
    __u64 before = *(volatile __u64 *)&slot->sequence;
    const __u32 *transaction = (const __u32 *)slot->transaction;
    if (!before || (before & 1) || slot->direction == MF_DIRECTION || !same_flow(&slot->flow, flow) ||
        ((transaction[0] ^ stun->header.transaction[0]) | (transaction[1] ^ stun->header.transaction[1]) |
         (transaction[2] ^ stun->header.transaction[2])))
        return 0;
    stun->key = slot->ufrag;
    stun->tag = slot->tag;
    stun->owner = slot->owner;
    stun->names = slot->names;
    /* With a barrier, which a plain load is not everywhere. */
    return __sync_fetch_and_add(&slot->sequence, 0) == before;
}

static __always_inline struct mf_flow *add_flow(const struct mf_flow_key *key, __u64 owner, __u32 now)
{
    const volatile struct mf_control *settings = control_now();
    if (!settings)
        return NULL;
    __u64 hash = mf_flow_hash(key, (const __u64 *)settings->flow_secret);
    __u32 slots = settings->flow_slots;
    for (__u32 probe = 0; probe < MF_FLOW_PROBES; probe++) {
        __u32 slot = mf_flow_slot(hash, probe, slots);
        struct mf_flow *flow = bpf_map_lookup_elem(&flows, &slot);
        if (!flow)
            return NULL;
        __u64 before = *(volatile __u64 *)&flow->owner;
        if ((before != MF_FLOW_NEVER && before != MF_FLOW_FREED) ||
            __sync_val_compare_and_swap(&flow->owner, before, MF_FLOW_BUSY) != before)
            continue;
        flow->key = *key;
        flow->proven = now;
        flow->contested = 0;
        flow->rivalled = 0;
        flow->contested_by = 0;
        __sync_lock_test_and_set(&flow->owner, owner);
        tally(MF_TALLY_LEARNED);
        return flow;
    }
    tally(MF_TALLY_NO_ROOM);
    return NULL;
}

/* Somebody else's proof, by the ufrag with this tag. */
static __always_inline void blame(struct mf_flow *flow, __u32 tag, __u32 now)
{
    bool again = is_recent(flow->contested, now) || is_recent(flow->rivalled, now);
    flow->contested_by = !again || flow->contested_by == tag ? tag : 0;
}

static __always_inline void contest(struct mf_flow *flow, __u64 owner, __u32 tag, __u32 now)
{
    __u32 meeting = meeting_of(owner);
    const struct mf_meeting *claimed = bpf_map_lookup_elem(&meetings, &meeting);
    bool is_new = !is_recent(flow->contested, now);
    blame(flow, tag, now);
    *(volatile __u32 *)&flow->contested = now;
    tally(MF_TALLY_CONTESTED);
    if (!is_new || !claimed)
        return;
    struct finding alarm = {.meeting_number = claimed->number};
    emit(&alarm, MF_EVENT_CONTESTED, MF_CONTESTED, bpf_ktime_get_boot_ns());
}

static __always_inline void note_stranger(const struct packet *packet, __u32 ufrag, __u32 now)
{
    __u32 tag = 0;
    struct mf_stranger *slot = stranger_slot(packet, &tag);
    if (!slot)
        return;
    if (slot->flow == tag && slot->ufrag != ufrag && is_recent(slot->tick, now))
        ufrag = MF_STRANGERS_SEVERAL;
    slot->flow = tag;
    slot->ufrag = ufrag;
    slot->tick = now;
}

/* The ufrag's tag of a stranger who was answered here and is not this one, or 0. */
static __always_inline __u32 find_stranger(const struct packet *packet, __u32 ufrag, __u32 now)
{
    __u32 tag = 0;
    const struct mf_stranger *slot = stranger_slot(packet, &tag);
    bool met = slot && slot->flow == tag && slot->ufrag != ufrag && is_recent(slot->tick, now);
    return met ? slot->ufrag : 0;
}

/* One more proof by the flow's owner. */
static __always_inline void renew(struct mf_flow *flow, const struct stun *stun, __u32 now)
{
    if (flow->proven != MF_TICK_ALWAYS)
        *(volatile __u32 *)&flow->proven = now;
    if (stun->names == MF_NAMES_ONE && flow->contested_by == stun->tag) {
        /* It was the participant's own transport that contested, handed over late. */
        flow->contested = 0;
        flow->rivalled = 0;
    }
}

/* The flow of nobody's, or of somebody's who has not proven it for long. */
static __always_inline bool take_over(struct mf_flow *flow, __u64 from, __u64 owner, __u32 now)
{
    if (!owner || __sync_val_compare_and_swap(&flow->owner, from, owner) != from)
        return false;
    flow->proven = now;
    flow->contested = 0;
    flow->rivalled = 0;
    return true;
}

/* A flow that is the participant's from now on may be a stranger's, too. */
static __always_inline void begin_flow(struct mf_flow *flow, const struct packet *packet,
                                       const struct stun *stun, __u32 now)
{
    __u32 stranger = find_stranger(packet, stun->tag, now);
    if (stranger)
        contest(flow, stun->owner, stranger, now);
}

/* The flow was proven to be the participant's; owner 0: somebody's who was not handed over. */
__noinline int claim_flow(const struct packet *packet, struct finding *finding)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !stun || !finding)
        return 0;
    __u32 now = tick(finding);
    if (!stun->owner)
        note_stranger(packet, stun->tag, now);
    struct mf_flow *flow = find_flow(flow_of(packet));
    __u64 owner = flow ? *(volatile __u64 *)&flow->owner : stun->owner;
    __u32 meeting = meeting_of(owner);
    if (!flow) {
        flow = owner ? add_flow(flow_of(packet), owner, now) : NULL;
        if (!flow)
            return 0;
        begin_flow(flow, packet, stun, now);
    } else if (owner == stun->owner) {
        renew(flow, stun, now);
    } else if (!meeting || !is_proven(flow, now)) {
        if (!take_over(flow, owner, stun->owner, now))
            return 0;
        begin_flow(flow, packet, stun, now);
    } else if (stun->owner && meeting_of(stun->owner) == meeting) {
        blame(flow, stun->tag, now);
        *(volatile __u32 *)&flow->rivalled = now;
    } else if (stun->owner || flow->proven != MF_TICK_ALWAYS) {
        contest(flow, owner, stun->tag, now);
    }
    if (stun->owner == flow->owner && (stun->names & MF_NAMES_TWO_PARTICIPANTS))
        contest(flow, stun->owner, 0, now);
    return 0;
}

/* Keeps in mind where somebody is who may be handed over in a moment. */
__noinline int note_sighting(const struct packet *packet, struct finding *finding)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !stun || !finding || !stun->key.ufrag[0])
        return 0;
    struct mf_sighting sighting = {.flow = *flow_of(packet), .seen = tick(finding)};
    __u64 *local = (__u64 *)stun->key.local;
    local[0] = local[1] = 0;
    stun->key.local[15] = packet->is_ipv4 ? 4 : 6;
    bpf_map_update_elem(&sightings, &stun->key, &sighting, BPF_ANY);
    return 0;
}
