/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * The contract between the kernel programs and the daemon: every map's key and value, every fixed
 * number. Compiled as BPF C and as C++20. Plain <linux/types.h> types only; padding is explicit
 * and zero (hash keys compare it). A change of any size, offset or number raises MF_LAYOUT.
 *
 * How a change becomes visible to packets: the daemon maps the arrays marked (mmap) into its own
 * memory, fills elements no packet can reach yet, and then stores ONE aligned 32-bit index that
 * leads to them. A packet therefore sees the whole change or nothing of it. Elements that are
 * unlinked are reused only after an RCU grace period.
 */
#ifndef MEETFENCE_ABI_H
#define MEETFENCE_ABI_H

#include <linux/types.h>

#define MF_LAYOUT 2u

#ifdef __cplusplus
#define MF_ABI_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define MF_ABI_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

/* UDP ports at [0, 65536), TCP ports at [65536, 131072). */
#define MF_PORT_SLOTS 131072u
/* Longest chain of endpoints on one port: distinct local addresses of a host, both families. */
#define MF_ENDPOINTS_PER_PORT 16u
#define MF_RULES_PER_MEETING 16u
#define MF_COUNTRY_WORDS 4u /* 256 country numbers as a bitmap of 64-bit words */
#define MF_MAX_VLAN_TAGS 4u
#define MF_MAX_EXTENSIONS 8u
/* Dropped first fragments remembered at once; least recently used ones leave first. */
#define MF_FRAGMENTS 4096u
#define MF_EVENT_RING_BYTES (256u * 1024u)
#define MF_GEO_SLOTS 3u /* two generations, and one element written only to wait for RCU */
#define MF_GEO_BARRIER_SLOT 2u
#define MF_NO_END (~0ull)

/*
 * Why a packet got its verdict. Every packet is counted under exactly one reason, so that the
 * counters sum to the packets seen. Numbers are fixed for ever; from MF_FIRST_DROP on they drop.
 */
enum mf_reason {
    MF_UNDECIDED = 0, /* internal: evaluation goes on; never counted */

    MF_NOT_IP = 1,               /* EtherType is neither IPv4 nor IPv6 */
    MF_TRUNCATED_ETHERNET = 2,   /* frame ends inside the Ethernet header */
    MF_TRUNCATED_VLAN = 3,       /* frame ends inside a VLAN tag */
    MF_VLAN_TOO_DEEP = 4,        /* more than MF_MAX_VLAN_TAGS tags */
    MF_TRUNCATED_IPV4 = 5,       /* frame ends inside the IPv4 header or its options */
    MF_BAD_IPV4 = 6,             /* nonsense version or header length, or the frame is shorter than it says */
    MF_TRUNCATED_IPV6 = 7,       /* frame ends inside the IPv6 header */
    MF_BAD_IPV6 = 8,             /* nonsense version, or the frame is shorter than it says */
    MF_TRUNCATED_EXTENSION = 9,  /* packet ends inside an IPv6 extension header */
    MF_TOO_MANY_EXTENSIONS = 10, /* more than MF_MAX_EXTENSIONS extension headers */
    MF_OTHER_PROTOCOL = 11,      /* next header is neither UDP nor TCP, nor one we walk */
    MF_TRUNCATED_L4 = 12,        /* packet ends inside the UDP or TCP header */
    MF_BAD_L4 = 13,              /* UDP length or TCP data offset is nonsense */
    MF_LATER_FRAGMENT = 14,      /* a later fragment whose first one was not dropped, or not seen */

    MF_OTHER_TRAFFIC = 20,         /* local address is no registered endpoint */
    MF_EXEMPT = 21,                /* remote address is own infrastructure */
    MF_UNPLACED = 22,              /* no country for the remote address */
    MF_COUNTRY_NOT_CONCERNED = 23, /* no rule of this meeting names the country */

    /* A rule names the country, and yet the packet passes; a higher number wins. */
    MF_RULE_ENDED = 30,
    MF_RULE_NOT_STARTED = 31,
    MF_EXCEPTED = 32,  /* remote address is in the rule's `except` */
    MF_MONITORED = 33, /* would be dropped if the rule were enforced */

    MF_FIRST_DROP = 64,
    MF_DROP_COUNTRY = 64,  /* an enforced rule names the country */
    MF_DROP_FRAGMENT = 65, /* a later fragment of a packet whose first fragment was dropped */

    MF_REASONS = 80,
};

/* Map `control` (mmap), one element: what one set of pinned maps is, and its moving indices. */
struct mf_control {
    __u32 layout;                                      /* MF_LAYOUT; first, and at offset 0 in every layout */
    __u32 meetings, policies, rules, endpoints, cells; /* max_entries the maps were made with */
    __u32 geo_active;                                  /* which of the two geo slots packets read */
    __u32 exempt_set;                                  /* prefix set never filtered; 0 = none */
    __u64 geo_generation;
    __u64 geo_build_s; /* Unix time the newest database was built */
    __u64 geo_prefixes_v4, geo_prefixes_v6;
    __u64 geo_bytes;      /* of the country table in force */
    __u64 retired_drops;  /* packets dropped by rules whose cells have been given back */
    __s64 wall_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME by which the rules' times were set */
};
MF_ABI_SIZE(struct mf_control, 88);

/* Map `ports` (mmap): index (protocol, port) → first endpoint of the chain, 0 = none. */

/* Map `endpoints` (mmap), from 1. Immutable while linked, but for `next`. */
struct mf_endpoint {
    __u8 local[16]; /* network order, IPv4 as ::ffff:a.b.c.d; all zero = any local address */
    __u32 meeting;  /* index into `meetings` */
    __u32 next;     /* next endpoint on this port, 0 = end */
};
MF_ABI_SIZE(struct mf_endpoint, 24);

/* Map `meetings` (mmap), from 1. */
struct mf_meeting {
    __u64 number;  /* the daemon's own number of the meeting; 0 = free */
    __u32 policy;  /* index into `policies`; 0 = no rule. The one word that publishes a change. */
    __u32 retired; /* no port leads here any more; only packets on their way still read it */
};
MF_ABI_SIZE(struct mf_meeting, 16);

/* Map `policies` (mmap), from 1. Immutable while a meeting points at it. */
struct mf_policy {
    __u64 countries[MF_COUNTRY_WORDS]; /* union of the rules' countries */
    __u32 rule_count;
    __u32 pad;
    __u32 rules[MF_RULES_PER_MEETING]; /* indices into `rules` */
};
MF_ABI_SIZE(struct mf_policy, 104);

enum mf_mode { MF_ENFORCE = 0, MF_MONITOR = 1 };

/* Map `rules` (mmap), from 1. Immutable while a policy points at it. */
struct mf_rule {
    __u64 number; /* the daemon's own number of the rule; 0 = free */
    __u64 countries[MF_COUNTRY_WORDS];
    __u64 from_ns;  /* CLOCK_BOOTTIME, inclusive */
    __u64 until_ns; /* CLOCK_BOOTTIME, exclusive; MF_NO_END = none */
    __u32 cells;    /* first counter cell; one for each country, in order of country number */
    __u32 cell_count;
    __u32 except_set; /* prefix set the rule leaves alone; 0 = none */
    __u8 mode;        /* enum mf_mode */
    __u8 pad[3];
};
MF_ABI_SIZE(struct mf_rule, 72);

/* Map `cells` (per CPU): what one rule did to one country's packets. Bytes are whole frames. */
struct mf_cell {
    __u64 dropped_packets, dropped_bytes;
    __u64 would_drop_packets, would_drop_bytes;
    __u64 passed_packets, passed_bytes; /* not started, ended or excepted */
};
MF_ABI_SIZE(struct mf_cell, 48);

/* Map `reasons` (per CPU), index enum mf_reason. */
struct mf_traffic {
    __u64 packets, bytes;
};
MF_ABI_SIZE(struct mf_traffic, 16);

/*
 * Map `geo` (array of maps): a slot holds one country table, an array of chunks. Nodes lie in it by
 * the index of their first word, none across the end of a chunk. What stands in a root or a node
 * is a reference: below 256 the answer, a country (model/country.h; 0 = none); else a node.
 * kernel-headers/country_table.h reads it, daemon/geo/country_table.h makes it.
 */
#define MF_GEO_CHUNK_WORDS 65536u
struct mf_geo_chunk {
    __u32 words[MF_GEO_CHUNK_WORDS];
};
MF_ABI_SIZE(struct mf_geo_chunk, 262144);

/* The first two chunks are the roots: a reference for each value of an address's first 16 bits. */
#define MF_GEO_ROOT_V4 0u
#define MF_GEO_ROOT_V6 1u
#define MF_GEO_FIRST_NODE 131072u /* behind them */

#define MF_GEO_NODE 0x00FFFFFFu /* index of its first word */
/* An indexed node has 2^stride entries, chosen by as many next bits of the address. */
#define MF_GEO_STRIDE_SHIFT 24
#define MF_GEO_STRIDE 0x1Fu
#define MF_GEO_LOW 0x20000000u  /* go on with the low 64 bits of an IPv6 address */
#define MF_GEO_WIDE 0x40000000u /* entries are references; else bytes, which are countries */
/* A sorted node cuts the next 32 bits of the address into up to 13 stretches: 12 words with the last
 * value of each but the last one, ascending; then an entry for each. It begins at a cache line, and
 * with bytes for entries it is one. Stretches that are not needed repeat the last one, and end at
 * all ones. */
#define MF_GEO_SORTED 0x80000000u
#define MF_GEO_ENDS 12u
#define MF_GEO_STRETCHES 13u
#define MF_GEO_LINE_WORDS 16u
/* Nodes on the longest way: each uses 3 bits or more, but for the last one of each half. */
#define MF_GEO_MOST_NODES 40u

/* Map `prefix_sets`: every exemption and exception, one longest-prefix trie; the set comes first. */
struct mf_prefix_key {
    __u32 prefix_bits; /* 64 for set and family, then the address bits, IPv4 counted from 96 */
    __u32 set;         /* any non-zero number; compared whole, so its byte order is of no account */
    __u32 family;      /* 4 or 6: ::/0 is not about ::ffff:a.b.c.d */
    __u8 address[16];
};
MF_ABI_SIZE(struct mf_prefix_key, 28);

/*
 * Map `fragments` (LRU hash): first fragments that were dropped. Reassembly is by (source,
 * destination, protocol, identification) in IPv4 (RFC 791) and without the protocol in IPv6
 * (RFC 8200 section 4.5).
 */
struct mf_fragment_key {
    __u8 remote[16];
    __u8 local[16];
    __u32 identification; /* as on the wire */
    __u8 protocol;        /* 0 in IPv6 */
    __u8 pad[3];
};
MF_ABI_SIZE(struct mf_fragment_key, 40);

struct mf_fragment {
    __u64 until_ns;    /* CLOCK_BOOTTIME */
    __u64 rule_number; /* the entry counts only while `rule` still carries this number */
    __u32 rule;
    __u32 cell;
    __u64 meeting_number;
    __u32 country;
    __u32 pad;
};
MF_ABI_SIZE(struct mf_fragment, 40);

/* Ring buffer `events`: the first drop of a rule in a country, then one at most per interval. */
struct mf_event {
    __u64 time_ns; /* CLOCK_BOOTTIME */
    __u64 meeting; /* number */
    __u64 rule;    /* number */
    __u8 country;
    __u8 reason; /* enum mf_reason: a drop, or MF_MONITORED */
    __u8 pad[6];
};
MF_ABI_SIZE(struct mf_event, 32);

/*
 * Asking the loaded program for a verdict: BPF_PROG_TEST_RUN with this struct as XDP metadata in
 * front of the packet. The program fills it and leaves every counter, event and table alone.
 * Senders cannot reach metadata. The kernel takes at most 32 bytes, a multiple of 4.
 */
#define MF_EXPLAIN_MAGIC 0x4d46584cu
struct mf_explain {
    __u32 magic;
    __u8 reason;
    __u8 country;
    __u8 pad[2];
    __u64 meeting; /* number, 0 = none */
    __u64 rule;    /* number, 0 = none */
};
MF_ABI_SIZE(struct mf_explain, 24);

#endif
