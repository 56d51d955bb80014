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
#include "bpf/maps.h"
#include "bpf/packet.h"

#include "bpf/parse.h"
#include "bpf/parse_plain.h"

#include "bpf/geo.h"
#include "bpf/match_endpoint.h"
#include "bpf/match_fragment.h"
#include "bpf/match_prefix_set.h"
#include "bpf/match_rule.h"

#include "bpf/count.h"
#include "bpf/event.h"

/* `endpoint`: the first one on the packet's port. */
static __always_inline enum mf_reason judge(__u32 endpoint, const struct packet *packet,
                                            struct finding *finding)
{
    __u32 index = match_endpoint(endpoint, packet);
    const struct mf_meeting *meeting = index ? bpf_map_lookup_elem(&meetings, &index) : NULL;
    if (!meeting)
        return MF_OTHER_TRAFFIC;
    finding->meeting_number = meeting->number;

    __u32 zero = 0;
    const volatile struct mf_control *now = bpf_map_lookup_elem(&control, &zero);
    if (!now)
        return MF_OTHER_TRAFFIC;
    if (in_prefix_set(now->exempt_set, packet))
        return MF_EXEMPT;

    finding->country = geo_lookup(packet, now->geo_active);
    if (!finding->country)
        return MF_UNPLACED;

    __u32 policy_index = *(const volatile __u32 *)&meeting->policy;
    const struct mf_policy *policy = bpf_map_lookup_elem(&policies, &policy_index);
    if (!policy || !names_country(policy->countries, finding->country))
        return MF_COUNTRY_NOT_CONCERNED;
    return match_rules(policy_index, packet, finding);
}

/* The daemon's question, told from a packet of the wire by its metadata; NULL for the latter. */
static __always_inline struct mf_explain *explanation(const struct xdp_md *ctx)
{
    struct mf_explain *explain = (void *)(long)ctx->data_meta;
    if ((void *)(explain + 1) > (void *)(long)ctx->data || explain->magic != MF_EXPLAIN_MAGIC)
        return NULL;
    return explain;
}

static __always_inline void fill(struct mf_explain *explain, const struct packet *packet,
                                 struct finding *finding, enum mf_reason reason)
{
    __u32 zero = 0;
    const volatile struct mf_control *now = bpf_map_lookup_elem(&control, &zero);
    /* The question is also where an address lies, whether or not the verdict needs to know. */
    bool has_address = reason >= MF_OTHER_PROTOCOL;
    if (now && has_address && !finding->country)
        finding->country = geo_lookup(packet, now->geo_active);
    explain->reason = reason;
    explain->country = finding->country;
    explain->meeting = finding->meeting_number;
    explain->rule = finding->rule_number;
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
        if (reason >= MF_MONITORED)
            emit_event(finding, reason);
    }
    return reason >= MF_FIRST_DROP ? XDP_DROP : XDP_PASS;
}

/* The long way, for whatever is not plain, and for questions. */
static __always_inline int filter_any(struct xdp_md *ctx)
{
    struct packet packet = {};
    struct finding finding = {};

    enum mf_reason reason = parse_packet(ctx, &packet);
    if (reason == MF_UNDECIDED && packet.fragment == FURTHER_FRAGMENT)
        reason = match_fragment(&packet, &finding);
    else if (reason == MF_UNDECIDED)
        reason = judge(endpoints_on(packet.local_port, packet.l4_protocol), &packet, &finding);

    struct mf_explain *explain = explanation(ctx);
    if (explain) {
        fill(explain, &packet, &finding, reason);
        return reason >= MF_FIRST_DROP ? XDP_DROP : XDP_PASS;
    }
    return finish(&packet, &finding, reason);
}

static __always_inline int filter(struct xdp_md *ctx)
{
    struct plain plain;
    if (explanation(ctx) || !is_plain(ctx, &plain))
        return filter_any(ctx);

    __u32 endpoint = endpoints_on(plain.ports->dest, plain.l4_protocol);
    if (!endpoint) {
        count_reason(MF_OTHER_TRAFFIC, plain.frame_bytes);
        return XDP_PASS;
    }
    struct packet packet;
    struct finding finding = {};
    read_plain(&plain, &packet);
    return finish(&packet, &finding, judge(endpoint, &packet, &finding));
}
