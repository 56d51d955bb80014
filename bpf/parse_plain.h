/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * The frame that nearly every packet is: untagged Ethernet, no IP options, no extension headers, no
 * fragment, all of it in the first buffer, lengths that agree. Some forty instructions
 * read it as far as the port. Whatever is not plain takes the long way; what is plain is read
 * as parse.h reads it, and tests/bpf holds the two against each other.
 */
#pragma once

/* Longer than an Ethernet frame, shorter than any driver's buffer for frames of several: a longer
 * one may go on in the next buffer, which only a helper call could tell. */
#define MF_PLAIN_BYTES 2048

struct plain {
    const void *ip;
    const struct udphdr *ports; /* TCP has them in the same place */
    __u32 frame_bytes;
    __u16 payload, payload_end; /* offsets in the frame */
    __u8 is_ipv4;
    __u8 l4_protocol;
};

/* `start`: offset of the first port; `bytes` from there to the IP packet's end. */
static __always_inline bool is_plain_l4(struct plain *plain, __u32 start, __u32 bytes, const void *data_end)
{
    if (plain->l4_protocol == IPPROTO_UDP) {
        __u32 length = bpf_ntohs(plain->ports->len);
        plain->payload = (__u16)(start + sizeof(struct udphdr));
        plain->payload_end = (__u16)(start + length);
        return length >= sizeof(struct udphdr) && length <= bytes;
    }
    const __u8 *tcp = (const __u8 *)plain->ports;
    if (plain->l4_protocol != IPPROTO_TCP || (const void *)(tcp + sizeof(struct tcphdr)) > data_end)
        return false;
    __u32 header_bytes = (tcp[12] >> 4) * 4; /* data offset, RFC 9293 */
    plain->payload = (__u16)(start + header_bytes);
    plain->payload_end = (__u16)(start + bytes);
    return header_bytes >= sizeof(struct tcphdr) && header_bytes <= bytes;
}

static __always_inline bool is_plain(MF_CONTEXT *ctx, struct plain *plain)
{
    const void *data = (const void *)(long)ctx->data;
    const void *data_end = (const void *)(long)ctx->data_end;
    const struct iphdr *ip = data + sizeof(struct ethhdr);

    plain->frame_bytes = MF_IS_EGRESS ? frame_bytes(ctx) : (__u32)(data_end - data);
    plain->ip = ip;
    plain->ports = (const void *)(ip + 1);
    if ((const void *)(plain->ports + 1) > data_end || plain->frame_bytes > MF_PLAIN_BYTES)
        return false;
    /* struct ethhdr is packed: its own type would be read byte by byte. */
    __be16 ethertype = *(const __be16 *)(data + 12);
    if (ethertype == bpf_htons(ETH_P_IP)) {
        __u32 length = bpf_ntohs(ip->tot_len);
        plain->is_ipv4 = 1;
        plain->l4_protocol = ip->protocol;
        return *(const __u8 *)ip == 0x45 && length >= sizeof(*ip) &&
               !(ip->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET | IPV4_MORE_FRAGMENTS)) &&
               sizeof(struct ethhdr) + length <= plain->frame_bytes &&
               is_plain_l4(plain, sizeof(struct ethhdr) + sizeof(*ip), length - (__u32)sizeof(*ip), data_end);
    }
    const struct ipv6hdr *ip6 = plain->ip;
    plain->ports = (const void *)(ip6 + 1);
    if (ethertype != bpf_htons(ETH_P_IPV6) || (const void *)(plain->ports + 1) > data_end)
        return false;
    __u32 length = bpf_ntohs(ip6->payload_len);
    plain->is_ipv4 = 0;
    plain->l4_protocol = ip6->nexthdr;
    return ip6->version == 6 && sizeof(struct ethhdr) + sizeof(*ip6) + length <= plain->frame_bytes &&
           is_plain_l4(plain, sizeof(struct ethhdr) + sizeof(*ip6), length, data_end);
}

static __always_inline void read_plain(const struct plain *plain, struct packet *packet)
{
    if (plain->is_ipv4) {
        const struct iphdr *ip = plain->ip;
        set_ipv4_ends(packet, ip->saddr, ip->daddr);
    } else {
        set_ipv6_ends(packet, plain->ip);
    }
    /* One store, as the flow's hash reads them: a load that spans several would wait for them. */
    __u32 remote_port = MF_IS_EGRESS ? plain->ports->dest : plain->ports->source;
    __u32 local_port = MF_IS_EGRESS ? plain->ports->source : plain->ports->dest;
    *(__u64 *)&packet->remote_port = remote_port | local_port << 16 | (__u64)plain->l4_protocol << 32;
    packet->payload = plain->payload;
    packet->payload_end = plain->payload_end;
    packet->asked = 0;
    packet->is_ipv4 = plain->is_ipv4;

    packet->fragment = NOT_A_FRAGMENT;
    packet->fragment_id = 0;
    packet->frame_bytes = plain->frame_bytes;
}
