/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Programs for BPF_PROG_TEST_RUN, which sends one packet again and again: each run writes the next
 * sender into it first. `empty` does that and nothing else; every other program does one thing more,
 * so that the difference is what that thing costs.
 */
#include "bpf/filter.h"

#include "bench/bpf/packets.h"

MF_ARRAY(bench_packets, struct bench_packet, BENCH_MOST_PACKETS);
MF_ARRAY(bench_settings, struct bench_settings, 1);

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct bench_cursor);
    __uint(max_entries, 1);
} bench_cursors SEC(".maps");

/* A kernel trie with the same database, as everybody else has it. */
struct bench_lpm_key {
    __u32 prefix_bits;
    __u8 address[16];
};
#define BENCH_TRIE(name_, address_bytes_)                                                                    \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_LPM_TRIE);                                                                 \
        __uint(map_flags, BPF_F_NO_PREALLOC);                                                                \
        __uint(key_size, 4 + (address_bytes_));                                                              \
        __uint(value_size, 4);                                                                               \
        __uint(max_entries, 1 << 22);                                                                        \
    } name_ SEC(".maps")
BENCH_TRIE(bench_lpm_v4, 4);
BENCH_TRIE(bench_lpm_v6, 16);

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

static __always_inline const struct bench_packet *write_v4(struct xdp_md *ctx)
{
    const struct bench_packet *packet = next_packet(cursor_of_this_cpu());
    void *data = (void *)(long)ctx->data;
    struct iphdr *ip = data + sizeof(struct ethhdr);
    struct udphdr *udp = (void *)(ip + 1);
    if (!packet || (void *)(udp + 1) > (void *)(long)ctx->data_end)
        return NULL;
    ip->saddr = *(const __be32 *)&packet->remote[12];
    ip->daddr = bpf_htonl(BENCH_LOCAL_V4 | packet->local_number); /* whole words, as a NIC writes them */
    udp->dest = packet->local_port;
    asm volatile("" ::: "memory"); /* what was written is read again, as from a wire */
    return packet;
}

static __always_inline const struct bench_packet *write_v6(struct xdp_md *ctx)
{
    const struct bench_packet *packet = next_packet(cursor_of_this_cpu());
    void *data = (void *)(long)ctx->data;
    struct ipv6hdr *ip = data + sizeof(struct ethhdr);
    struct udphdr *udp = (void *)(ip + 1);
    if (!packet || (void *)(udp + 1) > (void *)(long)ctx->data_end)
        return NULL;
    __u64 *source = (__u64 *)&ip->saddr;
    source[0] = ((const __u64 *)packet->remote)[0];
    source[1] = ((const __u64 *)packet->remote)[1];
    ((__u64 *)&ip->daddr)[1] = bpf_cpu_to_be64(packet->local_number);
    udp->dest = packet->local_port;
    asm volatile("" ::: "memory");
    return packet;
}

static __always_inline int found(__u32 what)
{
    struct bench_cursor *cursor = cursor_of_this_cpu();
    if (cursor)
        cursor->sum += what;
    return XDP_PASS;
}

SEC("xdp.frags")
int empty_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    return from ? found(from->local_number) : XDP_ABORTED;
}

SEC("xdp.frags")
int empty_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    return from ? found(from->local_number) : XDP_ABORTED;
}

SEC("xdp.frags")
int filter_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    if (!from)
        return XDP_ABORTED;
    found(from->local_number);
    return filter(ctx);
}

SEC("xdp.frags")
int filter_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    if (!from)
        return XDP_ABORTED;
    found(from->local_number);
    return filter(ctx);
}

static __always_inline int look_up(const struct bench_packet *from, bool is_ipv4)
{
    const struct bench_settings *settings = settings_of_the_bench();
    if (!from || !settings)
        return XDP_ABORTED;
    struct packet packet;
    packet.is_ipv4 = is_ipv4;
    __builtin_memcpy(&packet.remote, from->remote, sizeof(packet.remote));
    return found(geo_lookup(&packet, settings->geo_active));
}

SEC("xdp.frags")
int geo_lookup_v4(struct xdp_md *ctx)
{
    return look_up(write_v4(ctx), true);
}

SEC("xdp.frags")
int geo_lookup_v6(struct xdp_md *ctx)
{
    return look_up(write_v6(ctx), false);
}

SEC("xdp.frags")
int lpm_lookup_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    if (!from)
        return XDP_ABORTED;
    struct bench_lpm_key key = {.prefix_bits = 32};
    __builtin_memcpy(key.address, &from->remote[12], 4);
    const __u32 *country = bpf_map_lookup_elem(&bench_lpm_v4, &key);
    return found(country ? *country : 0);
}

SEC("xdp.frags")
int lpm_lookup_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    if (!from)
        return XDP_ABORTED;
    struct bench_lpm_key key = {.prefix_bits = 128};
    __builtin_memcpy(key.address, from->remote, 16);
    const __u32 *country = bpf_map_lookup_elem(&bench_lpm_v6, &key);
    return found(country ? *country : 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
