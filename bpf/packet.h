/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * A parsed packet: the only thing the matching code sees. "Remote" is the participant's side,
 * "local" the edge host's, so that ingress and egress can share what follows.
 */
#pragma once

enum fragment_kind { NOT_A_FRAGMENT, FIRST_FRAGMENT, FURTHER_FRAGMENT };

union address {
    __u8 bytes[16]; /* network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2) */
    __be32 words[4];
    __u64 halves[2];
};

struct packet {
    /* As in struct mf_flow_key: a packet is its flow's key. */
    union address remote, local;
    __be16 remote_port, local_port;
    __u32 l4_protocol;

    __u8 is_ipv4;
    __u8 fragment;     /* enum fragment_kind */
    __u8 asked;        /* a question, not a packet of the wire: nothing is learned from it */
    __u32 fragment_id; /* as on the wire */
    __u32 frame_bytes;
    __u32 payload, payload_end; /* offsets in the frame, of what UDP or TCP carries */
};

_Static_assert(offsetof(struct packet, l4_protocol) == offsetof(struct mf_flow_key, protocol),
               "a packet begins with its flow's key");

/* What the evaluation found out on its way; read by counting, events and explanation. */
struct finding {
    __u64 meeting_number;
    __u64 rule_number;
    __u64 rule_until_ns;
    __u64 participant; /* owner; 0 = not known */
    __u64 now_ns;      /* CLOCK_BOOTTIME; 0 until a rule had to be judged */
    __u32 reason;      /* enum mf_reason, while rules are compared */
    __u32 rule;        /* 0 = none */
    __u32 cell;        /* valid where rule is set */
    __u8 country;      /* 0 = none, or not asked */
    __u8 concerned;    /* some rule may name the country */
    __u8 endpoint_flags;
    __u8 endpoint_any;    /* the endpoint was named without a local address */
    __u8 dedicated;       /* the endpoint says which meeting it is */
    __u32 meeting;        /* index; 0 = not known yet */
    __u64 coarse_ns;      /* CLOCK_MONOTONIC_COARSE; 0 = not asked yet */
    __u32 geo_generation; /* of the table that knows the country */
};
