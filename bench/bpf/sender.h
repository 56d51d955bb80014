/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Writes the next packet of a case into the frame that BPF_PROG_TEST_RUN sends again and again.
 */
#pragma once

#include "bench/bpf/packets.h"

MF_ARRAY(bench_packets, struct bench_packet, BENCH_MOST_PACKETS);
MF_ARRAY(bench_settings, struct bench_settings, 1);

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct bench_cursor);
    __uint(max_entries, 1);
} bench_cursors SEC(".maps");

static __always_inline struct bench_cursor *cursor_of_this_cpu(void)
{
    __u32 zero = 0;
    return bpf_map_lookup_elem(&bench_cursors, &zero);
}

static __always_inline const struct bench_settings *settings_of_the_bench(void)
{
    __u32 zero = 0;
    return bpf_map_lookup_elem(&bench_settings, &zero);
}

static __always_inline const struct bench_packet *next_packet(struct bench_cursor *cursor)
{
    const struct bench_settings *settings = settings_of_the_bench();
    if (!cursor || !settings)
        return NULL;
    __u32 index = cursor->next++ & settings->mask;
    return bpf_map_lookup_elem(&bench_packets, &index);
}

static __always_inline void write_ports(struct udphdr *udp, const struct bench_packet *packet)
{
    udp->source = MF_IS_EGRESS ? packet->local_port : packet->remote_port;
    udp->dest = MF_IS_EGRESS ? packet->remote_port : packet->local_port;
    asm volatile("" ::: "memory"); /* what was written is read again, as from a wire */
}

static __always_inline const struct bench_packet *write_v4(MF_CONTEXT *ctx)
{
    const struct bench_packet *packet = next_packet(cursor_of_this_cpu());
    void *data = (void *)(long)ctx->data;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct udphdr *udp = (void *)(ip + 1);
    if (!packet || (void *)(udp + 1) > (void *)(long)ctx->data_end)
        return NULL;
    __be32 remote = *(const __be32 *)&packet->remote[12];
    __be32 local = bpf_htonl(BENCH_LOCAL_V4 | packet->local_number); /* whole words, as a NIC writes them */
    ip->saddr = MF_IS_EGRESS ? local : remote;
    ip->daddr = MF_IS_EGRESS ? remote : local;
    write_ports(udp, packet);
    return packet;
}

static __always_inline const struct bench_packet *write_v6(MF_CONTEXT *ctx)
{
    const struct bench_packet *packet = next_packet(cursor_of_this_cpu());
    void *data = (void *)(long)ctx->data;
    struct ipv6hdr *ip = data + sizeof(struct ethhdr);
    struct udphdr *udp = (void *)(ip + 1);
    if (!packet || (void *)(udp + 1) > (void *)(long)ctx->data_end)
        return NULL;
    __u64 *remote = (__u64 *)(MF_IS_EGRESS ? &ip->daddr : &ip->saddr);
    __u64 *local = (__u64 *)(MF_IS_EGRESS ? &ip->saddr : &ip->daddr);
    remote[0] = ((const __u64 *)packet->remote)[0];
    remote[1] = ((const __u64 *)packet->remote)[1];
    local[1] = bpf_cpu_to_be64(packet->local_number);
    write_ports(udp, packet);
    return packet;
}

/* A transaction of its own, and the packet's ufrag: the last three of its four characters. */
static __always_inline bool write_stun(MF_CONTEXT *ctx, const struct bench_packet *packet, __u32 ip_bytes)
{
    const struct bench_cursor *cursor = cursor_of_this_cpu();
    __u8 *message = (void *)(long)ctx->data + sizeof(struct ethhdr) + ip_bytes + sizeof(struct udphdr);
    if (!cursor || (void *)(message + BENCH_STUN_UFRAG + 4) > (void *)(long)ctx->data_end)
        return false;
    *(__u64 *)(message + BENCH_STUN_TRANSACTION) = cursor->next * 0x9E3779B97F4A7C15ull;
    *(__u32 *)(message + BENCH_STUN_TRANSACTION + 8) = cursor->next;
    __u32 ufrag = ((const __u32 *)packet)[sizeof(*packet) / 4 - 1];
    *(__u32 *)(message + BENCH_STUN_UFRAG) = (ufrag & bpf_htonl(0x00FFFFFF)) | bpf_htonl(BENCH_UFRAG << 24);
    asm volatile("" ::: "memory");
    return true;
}

static __always_inline int found(__u32 what)
{
    struct bench_cursor *cursor = cursor_of_this_cpu();
    if (cursor)
        cursor->sum += what;
    return MF_VERDICT_PASS;
}
