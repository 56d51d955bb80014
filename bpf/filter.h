/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * The packet's whole way on one screen (docs/packet-path.md tells it in words). Order: the
 * cheapest question first, and the one that lets most packets go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel-headers/abi.h"

#include "bpf/config.h"
#include "bpf/context.h"
#include "bpf/maps.h"
#include "bpf/packet.h"

#include "bpf/clock.h"

#include "bpf/parse.h"
#include "bpf/parse_plain.h"

#include "bpf/geo.h"
#include "bpf/match_endpoint.h"
#include "bpf/match_fragment.h"
#include "bpf/match_prefix_set.h"
#include "bpf/match_rule.h"

#include "bpf/count.h"
#include "bpf/event.h"
#include "bpf/sample.h"

#include "bpf/flow.h"
#include "bpf/stun.h"

#include "bpf/learn.h"
#include "bpf/match_participant.h"

/* Packets of a dedicated endpoint belong to its meeting; who in it sent them matters only to rules about a
 * participant. */
static __always_inline enum mf_reason judge_dedicated(const struct packet *packet, struct finding *finding)
{
    __u32 index = finding->meeting;
    if ((finding->endpoint_flags & MF_ENDPOINT_LEARNS) && !finding->participant) {
        match_flow(packet, finding);
        finding->participant = in_meeting(finding->participant, finding->meeting_number);
    }
    return judge_by_rules(index, packet, finding);
}

/* What most packets are is settled first: those of countries that no rule names. `head`: the first endpoint
 * on the packet's port. */
static __always_inline enum mf_reason judge(MF_CONTEXT *ctx, __u32 head, const struct packet *packet,
                                            struct finding *finding)
{
    const struct mf_endpoint *endpoint = match_endpoint(head, packet);
    const volatile struct mf_control *now = control_now();
    if (!endpoint || !now)
        return MF_OTHER_TRAFFIC;
    const struct mf_meeting *meeting = NULL;
    finding->endpoint_flags = (__u8)endpoint->flags;
    finding->meeting = endpoint->meeting;
    if (finding->meeting) {
        meeting = bpf_map_lookup_elem(&meetings, &finding->meeting);
        if (!meeting)
            return MF_OTHER_TRAFFIC;
        finding->meeting_number = meeting->number;
        finding->dedicated = 1;
    }
    if (in_prefix_set(now->exempt_set, packet))
        return MF_EXEMPT;

    finding->geo_generation = *(const volatile __u32 *)&now->geo_active;
    finding->country = geo_lookup(packet, finding->geo_generation);
    if (meeting) {
        __u32 policy_index = *(const volatile __u32 *)&meeting->policy;
        const struct mf_policy *policy = bpf_map_lookup_elem(&policies, &policy_index);
        finding->concerned = policy && names_country(policy->countries, finding->country);
    } else {
        finding->concerned = names_country((const __u64 *)now->concerned, finding->country);
    }

    if (finding->endpoint_flags & MF_ENDPOINT_LEARNS) {
        __u32 stun = find_stun(ctx, packet, finding->endpoint_flags);
        if (stun) {
            const __u64 *local = (const __u64 *)endpoint->local;
            finding->endpoint_any = !(local[0] | local[1]);
            enum mf_reason reason = judge_stun(ctx, packet, finding, stun);
            if (reason)
                return reason;
        }
    }
    if (!finding->concerned)
        return not_concerned(finding->country);
    if (finding->dedicated)
        return judge_dedicated(packet, finding);
    enum mf_reason reason = match_flow(packet, finding);
    if (reason == MF_UNATTRIBUTED && !packet->asked)
        mark_running(packet, finding);
    return reason ? reason : judge_by_rules(finding->meeting, packet, finding);
}

/* The daemon's question, told from a packet of the wire by its metadata; NULL for the latter. */
static __always_inline struct mf_explain *explanation(const MF_CONTEXT *ctx)
{
#ifdef MEETFENCE_EGRESS
    (void)ctx;
    return NULL; /* what is asked about comes from outside */
#else
    struct mf_explain *explain = (void *)(long)ctx->data_meta;
    if ((void *)(explain + 1) > (void *)(long)ctx->data || explain->magic != MF_EXPLAIN_MAGIC)
        return NULL;
    return explain;
#endif
}

static __always_inline void fill(struct mf_explain *explain, const struct packet *packet,
                                 struct finding *finding, enum mf_reason reason)
{
    const volatile struct mf_control *now = control_now();
    /* The question is also where an address lies, whether or not the verdict needs to know. */
    bool has_address = reason >= MF_OTHER_PROTOCOL;
    if (now && has_address && !finding->country)
        finding->country = geo_lookup(packet, now->geo_active);
    explain->reason = reason;
    explain->country = finding->country;
    explain->meeting = finding->meeting_number;
    explain->rule = finding->rule_number;
    explain->participant = finding->participant;
}

/* The single exit of every packet: counts it, tells of it, turns the reason into the verdict. */
static __always_inline int finish(const struct packet *packet, const struct finding *finding,
                                  enum mf_reason reason)
{
    count_reason(reason, packet->frame_bytes);
    if (packet->fragment == FIRST_FRAGMENT)
        remember_first_fragment(packet, finding, reason);
    if (finding->rule) {
        count_rule(finding, reason, packet->frame_bytes);
        if (reason >= MF_MONITORED) {
            tell_of_cell(packet, finding, reason);
            emit_participant_event(finding, reason);
        }
    }
    return reason >= MF_FIRST_DROP ? MF_VERDICT_DROP : MF_VERDICT_PASS;
}

/* The long way to the endpoints on the packet's port, for whatever is not plain, and for questions. */
static __always_inline enum mf_reason read_any(MF_CONTEXT *ctx, struct packet *packet,
                                               struct finding *finding, __u32 *endpoint)
{
    *packet = (struct packet){.asked = explanation(ctx) != NULL};
    *endpoint = 0;
    enum mf_reason reason = parse_packet(ctx, packet);
    if (reason)
        return reason;
    if (packet->fragment == FURTHER_FRAGMENT)
        return match_fragment(packet, finding);
    *endpoint = endpoints_on(packet->local_port, packet->l4_protocol);
    return *endpoint ? MF_UNDECIDED : MF_OTHER_TRAFFIC;
}

static __always_inline int filter(MF_CONTEXT *ctx)
{
    struct packet packet;
    struct finding finding;
    struct plain plain;
    enum mf_reason reason = MF_UNDECIDED;
    __u32 endpoint;
    if (!explanation(ctx) && is_plain(ctx, &plain)) {
        endpoint = endpoints_on(local_port_of(plain.ports), plain.l4_protocol);
        if (!endpoint) {
            count_reason(MF_OTHER_TRAFFIC, plain.frame_bytes);
            return MF_VERDICT_PASS;
        }
        finding = (struct finding){};
        read_plain(&plain, &packet);
    } else {
        finding = (struct finding){};
        reason = read_any(ctx, &packet, &finding, &endpoint);
    }
    if (!reason)
        reason = judge(ctx, endpoint, &packet, &finding);
    if (!packet.asked)
        return finish(&packet, &finding, reason);

    struct mf_explain *explain = explanation(ctx);
    if (explain)
        fill(explain, &packet, &finding, reason);
    return reason >= MF_FIRST_DROP ? MF_VERDICT_DROP : MF_VERDICT_PASS;
}
