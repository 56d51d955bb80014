/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Programs for BPF_PROG_TEST_RUN, which sends one packet again and again: each run writes the next
 * sender into it first. `empty` does that and nothing else; every other program does one thing more,
 * so that the difference is what that thing costs.
 */
#include "bpf/filter.h"

#include "bench/bpf/sender.h"

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

SEC("xdp.frags")
int empty_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    return from ? found(from->local_number) : BENCH_NO_PACKET;
}

SEC("xdp.frags")
int empty_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    return from ? found(from->local_number) : BENCH_NO_PACKET;
}

SEC("xdp.frags")
int filter_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    if (!from)
        return BENCH_NO_PACKET;
    found(from->local_number);
    return filter(ctx);
}

SEC("xdp.frags")
int filter_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    if (!from)
        return BENCH_NO_PACKET;
    found(from->local_number);
    return filter(ctx);
}

SEC("xdp.frags")
int stun_empty_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    if (!from || !write_stun(ctx, from, sizeof(struct iphdr)))
        return BENCH_NO_PACKET;
    return found(from->local_number);
}

SEC("xdp.frags")
int stun_empty_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    if (!from || !write_stun(ctx, from, sizeof(struct ipv6hdr)))
        return BENCH_NO_PACKET;
    return found(from->local_number);
}

SEC("xdp.frags")
int stun_filter_v4(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v4(ctx);
    if (!from || !write_stun(ctx, from, sizeof(struct iphdr)))
        return BENCH_NO_PACKET;
    found(from->local_number);
    return filter(ctx);
}

SEC("xdp.frags")
int stun_filter_v6(struct xdp_md *ctx)
{
    const struct bench_packet *from = write_v6(ctx);
    if (!from || !write_stun(ctx, from, sizeof(struct ipv6hdr)))
        return BENCH_NO_PACKET;
    found(from->local_number);
    return filter(ctx);
}

static __always_inline int look_up(const struct bench_packet *from, bool is_ipv4)
{
    const struct bench_settings *settings = settings_of_the_bench();
    if (!from || !settings)
        return BENCH_NO_PACKET;
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
        return BENCH_NO_PACKET;
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
        return BENCH_NO_PACKET;
    struct bench_lpm_key key = {.prefix_bits = 128};
    __builtin_memcpy(key.address, from->remote, 16);
    const __u32 *country = bpf_map_lookup_elem(&bench_lpm_v6, &key);
    return found(country ? *country : 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
