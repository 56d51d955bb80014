/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Longer than 400 lines: one contract, read as one.
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

#define MF_LAYOUT 4u

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
#define MF_SAMPLE_RING_BYTES (256u * 1024u)
#define MF_GEO_SLOTS 3u /* two generations, and one element written only to wait for RCU */
#define MF_GEO_BARRIER_SLOT 2u
#define MF_GEO_SLOT 1u /* the bit of control.geo_active */
#define MF_NO_END (~0ull)

/* Which way a packet goes. */
enum mf_direction { MF_INGRESS = 0, MF_EGRESS = 1, MF_DIRECTIONS = 2 };

/* Ages of flows are told in ticks of 2^30 ns (1.07 s) of CLOCK_MONOTONIC_COARSE: a shift where
 * seconds would take a division for each packet. 0 = never. */
#define MF_TICK_SHIFT 30

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

    /* On a shared endpoint, from a country that some rule names. */
    MF_UNATTRIBUTED = 24,    /* no confirmed flow says whose it is */
    MF_CONTESTED = 25,       /* two meetings claim the flow */
    MF_UNKNOWN_UFRAG = 26,   /* a STUN request that names nobody who was handed over */
    MF_STUN_UNREADABLE = 27, /* a STUN request whose attributes cannot be read, and no confirmed flow */
    MF_PROVING = 28,         /* a STUN request of somebody kept out whose media runs unattributed: its
                                answer proves the flow, and is dropped */

    /* A rule names the country, and yet the packet passes; a higher number wins. */
    MF_RULE_ENDED = 30,
    MF_RULE_NOT_STARTED = 31,
    MF_EXCEPTED = 32,  /* remote address is in the rule's `except` */
    MF_MONITORED = 33, /* would be dropped if the rule were enforced */

    MF_FIRST_DROP = 64,
    MF_DROP_COUNTRY = 64,     /* an enforced rule names the country */
    MF_DROP_FRAGMENT = 65,    /* a later fragment of a packet whose first fragment was dropped */
    MF_DROP_NOT_ALLOWED = 66, /* an enforced rule lets in other countries only */
    MF_DROP_PARTICIPANT = 67, /* an enforced rule names the participant */

    MF_REASONS = 80,
};

/* Words of a flow's key, and of the secret it is hashed with (kernel-headers/flow_table.h). */
#define MF_FLOW_KEY_WORDS 5u

/* Map `control` (mmap), one element: what one set of pinned maps is, and its moving indices. What most
 * packets need stands in the first cache line. */
struct mf_control {
    __u32 layout;     /* MF_LAYOUT; first, and at offset 0 in every layout */
    __u32 geo_active; /* generation of the country table packets read; its lowest bit is the geo slot */
    __u32 exempt_set; /* prefix set never filtered; 0 = none */
    __u32 flow_slots; /* a power of two */
    __u32 flow_idle;  /* ticks after which a flow that was not proven again is none */
    __u32 pad;
    /* Countries that a rule of any meeting names, bit 0 for no country: on a shared endpoint only
     * their packets are asked whose they are. */
    __u64 concerned[MF_COUNTRY_WORDS];
    __u64 outside_scope;                  /* drops that the running check could not account for */
    __u64 flow_secret[MF_FLOW_KEY_WORDS]; /* random and odd; as old as the table of flows */
    __u32 meetings, policies, rules, endpoints, cells, participants; /* max_entries of the maps */
    __u64 last_participant;                                          /* number given out last */
    __u64 geo_generation;
    __u64 geo_build_s; /* Unix time the newest database was built */
    __u64 geo_prefixes_v4, geo_prefixes_v6;
    __u64 geo_bytes;      /* of the country table in force */
    __u64 retired_drops;  /* packets dropped by rules whose cells have been given back */
    __s64 wall_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME by which the rules' times were set */
};
MF_ABI_SIZE(struct mf_control, 192);

/* Map `ports` (mmap): index (protocol, port) → first endpoint of the chain, 0 = none. */

/* Participants are known here, by ufrag or by flow: STUN is read, flows are learned and looked up. */
#define MF_ENDPOINT_LEARNS 1u
/* TURN's ChannelData and indications stand around what matters (RFC 8656). */
#define MF_ENDPOINT_TURN 2u

/* Map `endpoints` (mmap), from 1. Immutable while linked, but for `next`. */
struct mf_endpoint {
    __u8 local[16]; /* network order, IPv4 as ::ffff:a.b.c.d; all zero = any local address */
    __u32 meeting;  /* index into `meetings`; 0 = shared by several */
    __u32 next;     /* next endpoint on this port, 0 = end */
    __u32 flags;    /* MF_ENDPOINT_… */
    __u32 pad;
};
MF_ABI_SIZE(struct mf_endpoint, 32);

/* Map `meetings` (mmap), from 1. A meeting has two elements: one that its dedicated endpoints lead to,
 * which a change of endpoints and rules together replaces, and one that its participants lead to, which
 * stays. */
struct mf_meeting {
    __u64 number;  /* the daemon's own number of the meeting; 0 = free */
    __u32 policy;  /* index into `policies`; 0 = no rule. The one word that publishes a change. */
    __u16 retired; /* no port leads here any more; only packets on their way still read it */
    __u16 shared;  /* the element that participants lead to */
};
MF_ABI_SIZE(struct mf_meeting, 16);

/* Map `policies` (mmap), from 1. Immutable while a meeting points at it. */
struct mf_policy {
    __u64 countries[MF_COUNTRY_WORDS]; /* union of the rules' countries; bit 0 = no country */
    __u32 rule_count;
    __u32 pad;
    __u32 rules[MF_RULES_PER_MEETING]; /* indices into `rules` */
};
MF_ABI_SIZE(struct mf_policy, 104);

enum mf_mode { MF_ENFORCE = 0, MF_MONITOR = 1 };

/* Whom a rule keeps out. */
enum mf_whom {
    MF_WHOM_COUNTRIES = 0,
    MF_WHOM_ALL_BUT = 1,     /* `countries` are those kept out: all but the ones people named */
    MF_WHOM_PARTICIPANT = 2, /* while placed in one of `countries`; every bit set, bit 0 too: wherever */
};

/* Map `rules` (mmap), from 1. Immutable while a policy points at it. */
struct mf_rule {
    __u64 number; /* the daemon's own number of the rule; 0 = free */
    __u64 countries[MF_COUNTRY_WORDS];
    __u64 from_ns;     /* CLOCK_BOOTTIME, inclusive */
    __u64 until_ns;    /* CLOCK_BOOTTIME, exclusive; MF_NO_END = none */
    __u64 participant; /* whom MF_WHOM_PARTICIPANT means */
    __u32 cells;       /* first counter cell; one for each country, in order of country number, and a
                          single one where the rule names none to be kept out */
    __u32 cell_count;
    __u32 except_set; /* prefix set the rule leaves alone; 0 = none */
    __u8 mode;        /* enum mf_mode */
    __u8 whom;        /* enum mf_whom */
    __u8 pad[2];
};
MF_ABI_SIZE(struct mf_rule, 80);

/* Map `cells` (per CPU): what one rule did to one country's packets. Bytes are whole frames. */
struct mf_counts {
    __u64 dropped_packets, dropped_bytes;
    __u64 would_drop_packets, would_drop_bytes;
    __u64 passed_packets, passed_bytes; /* not started, ended or excepted */
};
struct mf_cell {
    struct mf_counts by_direction[MF_DIRECTIONS];
};
MF_ABI_SIZE(struct mf_cell, 96);

/* Map `cell_times` (mmap): when a cell last made an event and a sample; 0 = never. The program writes. */
struct mf_cell_times {
    __u64 event_ns, sample_ns; /* CLOCK_BOOTTIME */
};
MF_ABI_SIZE(struct mf_cell_times, 16);

/* Map `reasons` (per CPU), index MF_REASONS * enum mf_direction + enum mf_reason. */
#define MF_REASON_ENTRIES 160u /* of both directions */
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
 * Who takes part. A participant is called by one word, its `owner`: a number that is never given out
 * again in the upper 40 bits, and the index of its element in `participants` in the lower 24. Whoever
 * holds such a word checks it against the element: a participant who left is gone with one store.
 */
#define MF_PARTICIPANT_INDEX 0x00FFFFFFull
#define MF_PARTICIPANT_SHIFT 24

/* Map `participants` (mmap), from 1. */
struct mf_participant {
    __u64 owner;   /* 0 = nobody */
    __u32 meeting; /* index into `meetings`, of the shared element */
    __u32 told;    /* tick of the last event about this participant; the program writes */
};
MF_ABI_SIZE(struct mf_participant, 16);

/* Map `participant_ids` (hash), key: index into `participants`. Only the daemon reads it. */
#define MF_BY_RULE_ONLY (1ull << 63) /* beside the owner: signalling has not handed it over */
struct mf_participant_id {
    __u64 owner;
    char id[128]; /* the platform's; NUL only where it is shorter */
};
MF_ABI_SIZE(struct mf_participant_id, 136);

/* Map `ufrags` (hash) → owner. What the media server calls its own half of a transport. */
#define MF_UFRAG_BYTES 32u
struct mf_ufrag_key {
    __u8 ufrag[MF_UFRAG_BYTES]; /* NUL behind; ice-char (RFC 8839 section 5.4) has no NUL */
    __u8 local[16];             /* as the endpoint was named: all zero = any local address */
    __u32 port_slot;            /* as in `ports` */
};
MF_ABI_SIZE(struct mf_ufrag_key, 52);

struct mf_flow_key {
    __u8 remote[16];
    __u8 local[16];
    __be16 remote_port, local_port;
    __u32 protocol; /* IPPROTO_UDP or IPPROTO_TCP */
};
MF_ABI_SIZE(struct mf_flow_key, 40);

/*
 * Map `flows` (mmap): one open-addressing table of control.flow_slots elements, a cache line each
 * (kernel-headers/flow_table.h). The program adds flows and proves them again, the daemon adds those that
 * it is told of, and alone takes flows away: MF_FLOW_DEAD, an RCU grace period, the key zeroed,
 * MF_FLOW_FREED. So an element never gets another key while a packet looks at it.
 */
#define MF_FLOW_NEVER 0ull /* never used: nothing was ever put behind it */
#define MF_FLOW_BUSY 1ull  /* being written */
#define MF_FLOW_DEAD 2ull
#define MF_FLOW_FREED 3ull
#define MF_FLOW_FIRST_OWNER (1ull << MF_PARTICIPANT_SHIFT)
#define MF_FLOW_PROBES 16u
#define MF_TICK_ALWAYS 0xFFFFFFFFu /* proven by the API: until the API takes it back */

struct mf_flow {
    __u64 owner; /* written last, and alone says whether the element counts */
    struct mf_flow_key key;
    __u32 proven;       /* tick of the last proof by its owner's own handshake, or MF_TICK_ALWAYS */
    __u32 contested;    /* tick of the last proof for another meeting, or for nobody known */
    __u32 rivalled;     /* tick of the last proof for another participant of the same meeting */
    __u32 contested_by; /* tag of the ufrag of that proof; 0 = of several, which nothing makes good */
};
MF_ABI_SIZE(struct mf_flow, 64);

/* Whom a request names, as flags. Honest ones have one USERNAME. */
enum mf_names { MF_NAMES_ONE = 0, MF_NAMES_SEVERAL = 1, MF_NAMES_TWO_PARTICIPANTS = 2 };

/*
 * Map `pending` (array): STUN requests that were seen and not answered yet, one slot for each hash of
 * flow and transaction. The newest stays. Odd `sequence`: being written.
 */
#define MF_PENDING 8192u
struct mf_pending {
    __u64 sequence;
    struct mf_flow_key flow;
    __u8 transaction[12];
    __u32 tag;                 /* of the ufrag */
    __u64 owner;               /* 0 = nobody who was handed over yet */
    struct mf_ufrag_key ufrag; /* of nobody's */
    __u8 direction;            /* of the request */
    __u8 names;                /* enum mf_names */
    __u8 pad[2];
};
MF_ABI_SIZE(struct mf_pending, 128);

/* Map `running` (array): where media passes unattributed, a slot for each hash of flow: tag in the upper
 * half, tick in the lower one. */
#define MF_RUNNING 32768u

/* Map `strangers` (array), a slot for each hash of flow: where somebody was answered who was not handed over.
 * Whoever proves such a flow next has a rival. */
#define MF_STRANGERS 8192u
#define MF_STRANGERS_SEVERAL 2u /* no ufrag's tag is even */
struct mf_stranger {
    __u32 flow;  /* tag, as in `running` */
    __u32 ufrag; /* tag; MF_STRANGERS_SEVERAL where they were several */
    __u32 tick;
    __u32 pad;
};
MF_ABI_SIZE(struct mf_stranger, 16);

/* Map `sightings` (LRU hash), key mf_ufrag_key with the address family (4 or 6) as last byte of an otherwise
 * empty local address: where somebody who was not handed over yet was last answered. Whoever is handed over
 * late has a flow at once. */
#define MF_SIGHTINGS 16384u
struct mf_sighting {
    struct mf_flow_key flow;
    __u32 seen; /* tick */
    __u32 pad;
};
MF_ABI_SIZE(struct mf_sighting, 48);

/* Map `tallies` (per CPU): what happened to flows. */
enum mf_tally {
    MF_TALLY_PENDING = 0,   /* requests remembered */
    MF_TALLY_LEARNED = 1,   /* flows added by proof */
    MF_TALLY_CONTESTED = 2, /* proofs for a meeting while another one's was fresh */
    MF_TALLY_NO_ROOM = 3,   /* flows proven that found no room */
    MF_TALLIES = 4,
};

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
    __u8 direction;       /* enum mf_direction */
    __u8 pad[2];
};
MF_ABI_SIZE(struct mf_fragment_key, 40);

struct mf_fragment {
    __u64 until_ns;    /* CLOCK_BOOTTIME */
    __u64 rule_number; /* the entry counts only while `rule` still carries this number */
    __u32 rule;
    __u32 cell;
    __u64 meeting_number;
    __u32 country;
    __u32 geo_generation; /* of the table that said so */
};
MF_ABI_SIZE(struct mf_fragment, 40);

/* Ring buffer `events`. */
enum mf_event_kind {
    MF_EVENT_RULE = 0,        /* the first drop of a rule in a country, then one at most per interval */
    MF_EVENT_PARTICIPANT = 1, /* the same for a participant */
    MF_EVENT_CONTESTED = 2,   /* a flow of this meeting is claimed by another one */
};
struct mf_event {
    __u64 time_ns;     /* CLOCK_BOOTTIME */
    __u64 meeting;     /* number */
    __u64 rule;        /* number; 0 in MF_EVENT_CONTESTED */
    __u64 participant; /* owner; 0 = none known */
    __u8 kind;
    __u8 country;
    __u8 reason; /* enum mf_reason: a drop, or MF_MONITORED */
    __u8 direction;
    __u8 pad[4];
};
MF_ABI_SIZE(struct mf_event, 40);

/*
 * Ring buffer `samples`: dropped packets for the running check, of each cell the first and then one at most
 * per interval. The only place where addresses leave the program; the daemon judges and forgets them.
 */
struct mf_sample {
    __u64 time_ns;     /* CLOCK_BOOTTIME */
    __u64 meeting;     /* number */
    __u64 rule;        /* number */
    __u64 participant; /* owner; 0 = none known */
    __u8 remote[16];
    __u8 local[16];
    __be16 remote_port, local_port; /* 0 in a later fragment */
    __u8 protocol;                  /* IPPROTO_UDP or IPPROTO_TCP; of a later fragment as on the wire */
    __u8 country;
    __u8 reason; /* enum mf_reason: a drop */
    __u8 direction;
    __u32 geo_generation; /* of the country table that judged it, low 32 bits */
    __u8 dedicated;       /* the endpoint alone said which meeting it is; 0 in a later fragment */
    __u8 pad[3];
};
MF_ABI_SIZE(struct mf_sample, 80);

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
    __u64 meeting;     /* number, 0 = none */
    __u64 rule;        /* number, 0 = none */
    __u64 participant; /* owner, 0 = none */
};
MF_ABI_SIZE(struct mf_explain, 32);

#endif
