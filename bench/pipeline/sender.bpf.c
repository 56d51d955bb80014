/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * The sender: BPF_PROG_TEST_RUN hands the same frame to this program again and again
 * (BPF_F_TEST_XDP_LIVE_FRAMES), which puts the next source into it and sends it over a veth pair.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, struct in6_addr);
    __uint(max_entries, 1); /* set before it is loaded */
} sources SEC(".maps");

/* Written by sender.py. */
struct {
    __u32 ifindex; /* the sending end */
    __u32 mask;    /* number of sources - 1, a power of two */
    __u32 next;
} state;

SEC("xdp")
int send_next(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    struct ipv6hdr *ip = data + sizeof(struct ethhdr);
    if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    __u32 key = state.next++ & state.mask;
    const struct in6_addr *source = bpf_map_lookup_elem(&sources, &key);
    if (!source)
        return XDP_ABORTED;
    ip->saddr = *source;
    return bpf_redirect(state.ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
