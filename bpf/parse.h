/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Bytes → struct packet. Every function returns MF_UNDECIDED to go on, or the reason why the
 * packet passes unjudged. Lengths are judged as Linux's own receive path judges them, so that no
 * packet a socket would accept escapes as nonsense.
 */
#pragma once

#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88A8
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD

#define IPV4_FRAGMENT_OFFSET 0x1FFF /* RFC 791 */
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV6_FRAGMENT_OFFSET 0xFFF8 /* RFC 8200 section 4.5 */
#define IPV6_MORE_FRAGMENTS 0x0001

#define NEXTHDR_MOBILITY 135 /* RFC 6275; linux/in6.h knows the others */

/* No chain of headers we walk reaches further: 18 + 4 * 4 + 40 + 8 * 2048 bytes. */
#define MAX_HEADER_OFFSET 0x5FFF

struct vlan_tag {
    __be16 tci;
    __be16 ethertype;
};

struct ipv6_extension {
    __u8 next_header;
    __u8 length; /* unit and bias depend on the header */
};

struct ipv6_fragment {
    __u8 next_header;
    __u8 reserved;
    __be16 offset_and_flags;
    __be32 identification;
};

struct cursor {
    MF_CONTEXT *ctx;
    __u32 offset; /* from the start of the frame */
};

/* What a walk over headers remembers between two of them. */
struct position {
    __u32 offset;
    union {
        __u32 ip_end;     /* offset where the IP packet ends */
        __be32 ethertype; /* of what follows the VLAN tags */
    };
};

/* Returns the next `length` bytes and moves on, or NULL where the frame ends before. Bytes beyond
 * the first buffer of a frame are copied to `scratch`. */
static __always_inline const void *pull(struct cursor *cursor, void *scratch, __u32 length)
{
    __u32 offset = cursor->offset;
    if (offset > MAX_HEADER_OFFSET)
        return NULL;
    const void *start = (void *)(long)cursor->ctx->data + offset;
    cursor->offset = offset + length;
    if (start + length <= (void *)(long)cursor->ctx->data_end)
        return start;
    return load_bytes(cursor->ctx, offset, scratch, length) ? scratch : NULL;
}

static __always_inline bool is_vlan(__be16 ethertype)
{
    return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* Written as they are read later, in halves: a load that spans two stores waits for both. */
static __always_inline void set_ipv4(union address *address, __be32 value)
{
    union address mapped = {.words = {0, 0, bpf_htonl(0xFFFF), value}};
    address->halves[0] = 0;
    address->halves[1] = mapped.halves[1];
}

static __always_inline void set_ipv6(union address *address, const struct in6_addr *value)
{
    const __u64 *halves = (const __u64 *)value;
    address->halves[0] = halves[0];
    address->halves[1] = halves[1];
}

/* Which end is the participant's. */
static __always_inline void set_ipv4_ends(struct packet *packet, __be32 source, __be32 destination)
{
    set_ipv4(&packet->remote, MF_IS_EGRESS ? destination : source);
    set_ipv4(&packet->local, MF_IS_EGRESS ? source : destination);
}

static __always_inline void set_ipv6_ends(struct packet *packet, const struct ipv6hdr *ip)
{
    set_ipv6(&packet->remote, MF_IS_EGRESS ? &ip->daddr : &ip->saddr);
    set_ipv6(&packet->local, MF_IS_EGRESS ? &ip->saddr : &ip->daddr);
}

static __always_inline __be16 local_port_of(const struct udphdr *ports)
{
    return MF_IS_EGRESS ? ports->source : ports->dest;
}

static __always_inline void set_ports(struct packet *packet, const struct udphdr *ports)
{
    packet->remote_port = MF_IS_EGRESS ? ports->dest : ports->source;
    packet->local_port = local_port_of(ports);
}

/* UDP (RFC 768) or TCP (RFC 9293) header; `ip_end` is where the IP packet ends in the frame. */
static __always_inline enum mf_reason parse_l4(struct cursor *cursor, struct packet *packet, __u32 ip_end)
{
    __u32 start = cursor->offset;
    bool whole = packet->fragment == NOT_A_FRAGMENT;

    if (packet->l4_protocol == IPPROTO_UDP) {
        struct udphdr scratch;
        const struct udphdr *udp = pull(cursor, &scratch, sizeof(*udp));
        if (!udp || cursor->offset > ip_end)
            return MF_TRUNCATED_L4;
        __u32 length = bpf_ntohs(udp->len);
        /* In a fragment the length is the whole datagram's; 0 is a jumbogram (RFC 2675), IPv6 only. */
        bool jumbo = length == 0 && !packet->is_ipv4;
        if (!jumbo && (length < sizeof(*udp) || (whole && start + length > ip_end)))
            return MF_BAD_L4;
        set_ports(packet, udp);
        packet->payload = cursor->offset;
        packet->payload_end = jumbo || start + length > ip_end ? ip_end : start + length;
        return MF_UNDECIDED;
    }
    if (packet->l4_protocol != IPPROTO_TCP)
        return MF_OTHER_PROTOCOL;

    /* A first fragment may end after 8 bytes (RFC 791); the ports are in them. */
    struct udphdr scratch;
    const struct udphdr *ports = pull(cursor, &scratch, sizeof(*ports));
    if (!ports || cursor->offset > ip_end)
        return MF_TRUNCATED_L4;
    set_ports(packet, ports);
    if (!whole)
        return MF_UNDECIDED;
    __be32 rest_scratch[3];
    const __be32 *rest = pull(cursor, rest_scratch, sizeof(rest_scratch));
    if (!rest || cursor->offset > ip_end)
        return MF_TRUNCATED_L4;
    __u32 header_bytes = (bpf_ntohl(rest[1]) >> 28) * 4; /* data offset: top 4 bits of byte 12 */
    if (header_bytes < sizeof(struct tcphdr) || start + header_bytes > ip_end)
        return MF_BAD_L4;
    packet->payload = start + header_bytes;
    packet->payload_end = ip_end;
    return MF_UNDECIDED;
}

static __always_inline enum mf_reason parse_ipv4(struct cursor *cursor, struct packet *packet)
{
    __u32 start = cursor->offset;
    struct iphdr scratch;
    const struct iphdr *ip = pull(cursor, &scratch, sizeof(*ip));
    if (!ip)
        return MF_TRUNCATED_IPV4;
    __u32 header_bytes = ip->ihl * 4;
    __u32 ip_end = start + bpf_ntohs(ip->tot_len);
    if (ip->version != 4 || header_bytes < sizeof(*ip) || ip_end < start + header_bytes)
        return MF_BAD_IPV4;
    set_ipv4_ends(packet, ip->saddr, ip->daddr);
    packet->is_ipv4 = 1;
    packet->l4_protocol = ip->protocol;
    packet->fragment_id = ip->id;
    __u16 fragment = bpf_ntohs(ip->frag_off);

    cursor->offset = start + header_bytes;
    if (ip_end > packet->frame_bytes)
        return cursor->offset > packet->frame_bytes ? MF_TRUNCATED_IPV4 : MF_BAD_IPV4;
    if (fragment & IPV4_FRAGMENT_OFFSET) {
        packet->fragment = FURTHER_FRAGMENT;
        return MF_UNDECIDED;
    }
    if (fragment & IPV4_MORE_FRAGMENTS)
        packet->fragment = FIRST_FRAGMENT;
    return parse_l4(cursor, packet, ip_end);
}

static __always_inline bool is_extension(__u8 next_header)
{
    switch (next_header) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_DSTOPTS:
    case IPPROTO_AH:
    case IPPROTO_FRAGMENT:
    case NEXTHDR_MOBILITY:
        return true;
    default:
        return false;
    }
}

/* One extension header (RFC 8200 section 4); `packet->l4_protocol` says which, and then the next.
 * A global function: the verifier judges it once, not once for every way to reach it. */
__noinline int parse_extension(MF_CONTEXT *ctx, struct position *position, struct packet *packet)
{
    if (!position || !packet)
        return MF_TRUNCATED_EXTENSION;
    struct cursor cursor = {.ctx = ctx, .offset = position->offset};
    __u8 type = packet->l4_protocol;
    __u32 start = cursor.offset;
    struct ipv6_fragment scratch; /* as long as the shortest extension header */
    const struct ipv6_fragment *header = pull(&cursor, &scratch, sizeof(*header));
    if (!header || cursor.offset > position->ip_end)
        return MF_TRUNCATED_EXTENSION;

    __u32 bytes = (header->reserved + 1) * 8;
    if (type == IPPROTO_AH) {
        bytes = (header->reserved + 2) * 4; /* RFC 4302 section 2.2 */
    } else if (type == IPPROTO_FRAGMENT) {
        bytes = sizeof(*header);
        __u16 flags = bpf_ntohs(header->offset_and_flags);
        packet->fragment_id = header->identification;
        if (flags & IPV6_FRAGMENT_OFFSET)
            packet->fragment = FURTHER_FRAGMENT;
        else if (flags & IPV6_MORE_FRAGMENTS)
            packet->fragment = FIRST_FRAGMENT;
    }
    packet->l4_protocol = header->next_header;
    position->offset = start + bytes;
    return position->offset > position->ip_end ? MF_TRUNCATED_EXTENSION : MF_UNDECIDED;
}

/* Up to UDP, TCP or a later fragment. */
static __always_inline enum mf_reason parse_extensions(struct cursor *cursor, struct packet *packet,
                                                       __u32 ip_end)
{
    struct position position = {.offset = cursor->offset, .ip_end = ip_end};
    for (__u32 i = 0; i < MF_MAX_EXTENSIONS && is_extension(packet->l4_protocol); i++) {
        enum mf_reason reason = parse_extension(cursor->ctx, &position, packet);
        if (reason || packet->fragment == FURTHER_FRAGMENT)
            return reason;
    }
    cursor->offset = position.offset;
    return is_extension(packet->l4_protocol) ? MF_TOO_MANY_EXTENSIONS : MF_UNDECIDED;
}

static __always_inline enum mf_reason parse_ipv6(struct cursor *cursor, struct packet *packet)
{
    struct ipv6hdr scratch;
    const struct ipv6hdr *ip = pull(cursor, &scratch, sizeof(*ip));
    if (!ip)
        return MF_TRUNCATED_IPV6;
    if (ip->version != 6)
        return MF_BAD_IPV6;
    __u32 payload = bpf_ntohs(ip->payload_len);
    __u32 ip_end = cursor->offset + payload;
    __u8 next = ip->nexthdr;
    set_ipv6_ends(packet, ip);

    if (ip_end > packet->frame_bytes)
        return MF_BAD_IPV6;
    /* Jumbogram (RFC 2675): its length is an option; the frame's end is as good a bound. */
    if (payload == 0 && next == IPPROTO_HOPOPTS)
        ip_end = packet->frame_bytes;
    packet->l4_protocol = next;
    if (is_extension(next)) {
        enum mf_reason reason = parse_extensions(cursor, packet, ip_end);
        if (reason || packet->fragment == FURTHER_FRAGMENT)
            return reason;
    }
    return parse_l4(cursor, packet, ip_end);
}

/* A global function for the verifier's sake, as parse_extension. */
__noinline int parse_vlan_tags(MF_CONTEXT *ctx, struct position *position)
{
    if (!position)
        return MF_TRUNCATED_VLAN;
    struct cursor cursor = {.ctx = ctx, .offset = position->offset};
    __be16 ethertype = (__be16)position->ethertype;
#pragma unroll
    for (__u32 i = 0; i < MF_MAX_VLAN_TAGS && is_vlan(ethertype); i++) {
        struct vlan_tag scratch;
        const struct vlan_tag *tag = pull(&cursor, &scratch, sizeof(*tag));
        if (!tag)
            return MF_TRUNCATED_VLAN;
        ethertype = tag->ethertype;
    }
    position->offset = cursor.offset;
    position->ethertype = ethertype;
    return is_vlan(ethertype) ? MF_VLAN_TOO_DEEP : MF_UNDECIDED;
}

/* A global function, so that most packets' stack need not have room for it. */
__noinline int parse_packet(MF_CONTEXT *ctx, struct packet *packet)
{
    if (!packet)
        return MF_TRUNCATED_ETHERNET;
    struct cursor cursor = {.ctx = ctx};
    packet->frame_bytes = frame_bytes(ctx);

    struct ethhdr scratch;
    const struct ethhdr *eth = pull(&cursor, &scratch, sizeof(*eth));
    if (!eth)
        return MF_TRUNCATED_ETHERNET;
    __be16 ethertype = eth->h_proto;
    if (is_vlan(ethertype)) {
        struct position position = {.offset = cursor.offset, .ethertype = ethertype};
        enum mf_reason reason = parse_vlan_tags(ctx, &position);
        if (reason)
            return reason;
        cursor.offset = position.offset;
        ethertype = (__be16)position.ethertype;
    }
    if (ethertype == bpf_htons(ETH_P_IP))
        return parse_ipv4(&cursor, packet);
    if (ethertype == bpf_htons(ETH_P_IPV6))
        return parse_ipv6(&cursor, packet);
    return MF_NOT_IP;
}
