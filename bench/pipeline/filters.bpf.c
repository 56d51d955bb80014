/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * The XDP programs meetfence is compared with: one that accepts and one that drops everything, and
 * the one that is usually written: port and address of the meeting, then the country from an LPM
 * trie.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int accept_everything(struct xdp_md *ctx)
{
    (void)ctx;
    return XDP_PASS;
}

SEC("xdp.frags")
int drop_everything(struct xdp_md *ctx)
{
    (void)ctx;
    return XDP_DROP;
}

struct prefix {
    __u32 length;
    struct in6_addr address;
};

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct prefix);
    __type(value, __u32);
    __uint(max_entries, 1); /* set before it is loaded */
} countries SEC(".maps");

/* Written by filters.py before the program is loaded. */
volatile const struct {
    __u64 address[2];
    __u32 country; /* the blocked one */
    __u16 port;    /* network order */
} meeting;

SEC("xdp.frags")
int lpm_xdp(struct xdp_md *ctx)
{
    struct ethhdr *ethernet = (void *)(long)ctx->data;
    struct ipv6hdr *ip = (void *)(ethernet + 1);
    struct udphdr *udp = (void *)(ip + 1);
    if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
        return XDP_PASS;
    if (ethernet->h_proto != bpf_htons(ETH_P_IPV6) || ip->nexthdr != IPPROTO_UDP)
        return XDP_PASS;
    __u64 to[2];
    __builtin_memcpy(to, &ip->daddr, sizeof(to));
    if (udp->dest != meeting.port || to[0] != meeting.address[0] || to[1] != meeting.address[1])
        return XDP_PASS;
    struct prefix key = {.length = 128, .address = ip->saddr};
    const __u32 *country = bpf_map_lookup_elem(&countries, &key);
    return country && *country == meeting.country ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
