// SPDX-License-Identifier: Apache-2.0
// Programs for the egress of an interface: drop IPv4 UDP to one port, say nothing of the rest.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 blocked_port = 0;

static __always_inline int judge(struct __sk_buff* packet)
{
    const int ethernet = 14, ipv4_without_options = 20, to_port = 2;
    __u16 port = 0;
    if (packet->protocol != bpf_htons(0x0800) ||
        bpf_skb_load_bytes(packet, ethernet + ipv4_without_options + to_port, &port, sizeof(port)) != 0) {
        return TC_ACT_UNSPEC;
    }
    return bpf_ntohs(port) == blocked_port ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc") int ours(struct __sk_buff* packet)
{
    return judge(packet);
}

// Somebody else's.
SEC("tc") int foreign(struct __sk_buff* packet)
{
    return judge(packet);
}

// Somebody else's that ends a packet's way through the programs.
SEC("tc") int foreign_accept(struct __sk_buff* packet)
{
    (void)packet;
    return TC_ACT_OK;
}
