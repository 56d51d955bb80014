/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Whose is a STUN message? What it names, or what the request named that it answers. Such a message is
 * judged by what it says and not by its flow, which another may have claimed.
 */
#pragma once

/* As the endpoint was named first; it may have been named both ways. */
static __always_inline __u64 look_ufrag_up(struct mf_ufrag_key *key, const struct packet *packet,
                                           const struct finding *finding)
{
    __u64 *local = (__u64 *)key->local;
    bool any = finding->endpoint_any;
#pragma unroll
    for (int turn = 0; turn < 2; turn++) {
        local[0] = any ? 0 : packet->local.halves[0];
        local[1] = any ? 0 : packet->local.halves[1];
        const __u64 *owner = bpf_map_lookup_elem(&ufrags, key);
        if (owner)
            return *owner;
        any = !any;
    }
    return 0;
}

/* The participant, where it is one of this meeting's. */
static __always_inline __u64 in_meeting(__u64 owner, __u64 meeting_number)
{
    __u32 index = meeting_of(owner);
    const struct mf_meeting *meeting = bpf_map_lookup_elem(&meetings, &index);
    return index && meeting && meeting->number == meeting_number ? owner : 0;
}

/* What the rules say to this participant's packet on a shared endpoint. */
static __always_inline enum mf_reason judge_owner(__u64 owner, const struct packet *packet,
                                                  struct finding *finding)
{
    finding->participant = owner;
    finding->meeting = meeting_of(owner);
    return judge_by_rules(finding->meeting, packet, finding);
}

/* One USERNAME. Which of several a server takes differs: any that is kept out keeps the packet out. A
 * global function: the verifier judges it once, not once for each attribute. */
__noinline int consider_username(MF_CONTEXT *ctx, const struct packet *packet, struct finding *finding)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !finding || !stun)
        return 0;
    if (stun->named)
        stun->names |= MF_NAMES_SEVERAL;
    stun->named = 1;
    if (!read_ufrag(ctx, stun)) {
        cut_text(stun->key.ufrag, 0);
        stun->tag = 1;
        return 0;
    }
    stun->key.port_slot =
        bpf_ntohs(packet->local_port) | (packet->l4_protocol == IPPROTO_TCP ? MF_PORT_SLOTS / 2 : 0);
    stun->tag = mf_ufrag_tag(&stun->key);
    __u64 owner = look_ufrag_up(&stun->key, packet, finding);
    if (!meeting_of(owner))
        return 0;
    if (stun->owner && stun->owner != owner)
        stun->names |= MF_NAMES_TWO_PARTICIPANTS;
    if (!stun->owner)
        stun->owner = owner;
    if (!finding->concerned || finding->dedicated)
        return 0;
    enum mf_reason reason = judge_owner(owner, packet, finding);
    if (reason > stun->reason) {
        stun->reason = reason;
        stun->strongest = owner;
    }
    return 0;
}

/* Every USERNAME up to MESSAGE-INTEGRITY, behind which no server reads on but for what it ignores; or, in
 * TURN's indications, the DATA, where `at` and `end` are left. Returns whether that was found. */
__noinline int walk_attributes(MF_CONTEXT *ctx, const struct packet *packet, struct finding *finding)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !finding || !stun)
        return 0;
    bool indication = stun->header.type == bpf_htons(TURN_SEND_INDICATION) ||
                      stun->header.type == bpf_htons(TURN_DATA_INDICATION);
    for (__u32 i = 0; i < STUN_MOST_ATTRIBUTES; i++) {
        if (stun->at + sizeof(struct stun_attribute) > stun->end)
            return 0;
        struct stun_attribute scratch;
        const struct stun_attribute *attribute = peek(ctx, stun->at, &scratch, sizeof(scratch));
        if (!attribute)
            break;
        __u16 type = bpf_ntohs(attribute->type);
        stun->value = stun->at + (__u32)sizeof(*attribute);
        stun->value_bytes = bpf_ntohs(attribute->length);
        if (stun->value + stun->value_bytes > stun->end)
            break;
        if (type == TURN_DATA && indication) {
            stun->at = stun->value;
            stun->end = stun->value + stun->value_bytes;
            return 1;
        }
        if (type == STUN_USERNAME && !indication)
            consider_username(ctx, packet, finding);
        if (type == STUN_MESSAGE_INTEGRITY)
            return 0;
        stun->at = stun->value + ((stun->value_bytes + 3) & ~3u);
    }
    stun->unreadable = stun->at + sizeof(struct stun_attribute) <= stun->end;
    return 0;
}

/* An answer belongs to whom the request named, and to nobody where that is nobody known: the flow may be
 * somebody else's claim. A success proves the flow, dropped or not. */
static __always_inline enum mf_reason judge_answer(const struct packet *packet, struct finding *finding,
                                                   struct stun *stun, bool success)
{
    if (!recall_request(packet))
        return MF_UNDECIDED;
    if (stun->owner && !meeting_of(stun->owner))
        return MF_UNDECIDED; /* who has left */
    if (!stun->owner)        /* handed over meanwhile? */
        stun->owner = look_ufrag_up(&stun->key, packet, finding);
    enum mf_reason reason = MF_UNDECIDED;
    if (finding->concerned && !finding->dedicated && stun->owner)
        reason = judge_owner(stun->owner, packet, finding);
    else if (finding->concerned && !finding->dedicated && !is_handed_over(packet))
        reason = MF_UNKNOWN_UFRAG;
    if (success && !packet->asked) {
        claim_flow(packet, finding);
        if (!stun->owner)
            note_sighting(packet, finding);
    }
    return reason;
}

/* What a request says of the flow it comes by, before it is answered. Returns whether its answer would say
 * nothing new. A global function, so that fewer registers are needed around it. */
__noinline int compare_with_flow(const struct packet *packet, struct finding *finding)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    const volatile struct mf_control *settings = control_now();
    if (!packet || !stun || !finding || !settings || !stun->owner || stun->names)
        return 0;
    struct mf_flow *flow = find_flow(flow_of(packet));
    if (!flow || flow->owner != stun->owner)
        return 0;
    if (is_recent(flow->contested, tick(finding)) || is_recent(flow->rivalled, tick(finding))) {
        /* The ufrag that contested it has turned out to be the owner's own, handed over late. */
        if (flow->contested_by == stun->tag && !packet->asked)
            flow->contested = flow->rivalled = 0;
        return 0;
    }
    return flow->proven == MF_TICK_ALWAYS || tick(finding) - flow->proven < settings->flow_idle / 4;
}

static __always_inline enum mf_reason judge_request(const struct packet *packet, struct finding *finding,
                                                    struct stun *stun, bool request)
{
    bool known = compare_with_flow(packet, finding);
    /* Somebody kept out whose media runs all the same, since nothing proved the flow yet: let the other
     * side say whether the request is genuine. */
    if (request && stun->reason >= MF_FIRST_DROP && !known &&
        match_flow(packet, finding) == MF_UNATTRIBUTED && is_running(packet, finding)) {
        stun->reason = MF_PROVING;
        finding->rule = 0;
        finding->rule_number = 0;
    }
    if (stun->named && request && !known && !packet->asked && stun->reason < MF_FIRST_DROP)
        remember_request(packet);
    if (finding->dedicated) {
        finding->participant = in_meeting(stun->owner, finding->meeting_number);
        return MF_UNDECIDED;
    }
    if (!finding->concerned)
        return MF_UNDECIDED;
    if (stun->reason == MF_PROVING)
        return MF_PROVING;
    if (stun->reason) /* of several, others may have been judged after the strongest */
        return judge_owner(stun->strongest, packet, finding);
    if (stun->named && !stun->unreadable)
        return is_handed_over(packet) ? MF_UNDECIDED : MF_UNKNOWN_UFRAG;
    if (stun->unreadable && match_flow(packet, finding) == MF_UNATTRIBUTED)
        return MF_STUN_UNREADABLE;
    return MF_UNDECIDED;
}

/* MF_UNDECIDED: whose it is, the flow must say. */
__noinline int judge_stun(MF_CONTEXT *ctx, const struct packet *packet, struct finding *finding, __u32 offset)
{
    struct stun *stun = packet ? message_of(packet) : NULL;
    if (!packet || !finding || !stun)
        return MF_UNDECIDED;
    *stun = (struct stun){};
    if (!read_header(ctx, stun, offset, packet->payload_end))
        return MF_UNDECIDED;
    bool turn = finding->endpoint_flags & MF_ENDPOINT_TURN;
    __u16 type = bpf_ntohs(stun->header.type);
    if (turn && (type == TURN_SEND_INDICATION || type == TURN_DATA_INDICATION)) {
        if (!walk_attributes(ctx, packet, finding) || !read_header(ctx, stun, stun->at, stun->end))
            return MF_UNDECIDED;
        type = bpf_ntohs(stun->header.type);
    }
    /* The user name of TURN's own requests is an account's. */
    if (turn && (type & STUN_METHOD) != STUN_BINDING)
        return MF_UNDECIDED;
    __u16 class = type & STUN_CLASS;
    if (class == STUN_SUCCESS || class == STUN_ERROR)
        return judge_answer(packet, finding, stun, class == STUN_SUCCESS);
    walk_attributes(ctx, packet, finding);
    return judge_request(packet, finding, stun, class == STUN_REQUEST);
}
