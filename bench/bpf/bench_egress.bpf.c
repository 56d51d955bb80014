/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * As bench.bpf.c, for what goes out. The maps are its maps.
 */
#define MEETFENCE_EGRESS
#include "bpf/filter.h"

#include "bench/bpf/sender.h"

SEC("tc")
int egress_empty_v4(struct __sk_buff *ctx)
{
    const struct bench_packet *to = write_v4(ctx);
    return to ? found(to->local_number) : BENCH_NO_PACKET;
}

SEC("tc")
int egress_empty_v6(struct __sk_buff *ctx)
{
    const struct bench_packet *to = write_v6(ctx);
    return to ? found(to->local_number) : BENCH_NO_PACKET;
}

SEC("tc")
int egress_filter_v4(struct __sk_buff *ctx)
{
    const struct bench_packet *to = write_v4(ctx);
    if (!to)
        return BENCH_NO_PACKET;
    found(to->local_number);
    return filter(ctx);
}

SEC("tc")
int egress_filter_v6(struct __sk_buff *ctx)
{
    const struct bench_packet *to = write_v6(ctx);
    if (!to)
        return BENCH_NO_PACKET;
    found(to->local_number);
    return filter(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
