/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Is the local address registered?
 */
#pragma once

static __always_inline bool endpoint_covers(const struct mf_endpoint *endpoint, const struct packet *packet)
{
    const union address *local = (const union address *)endpoint->local;
    if (local->halves[0] == 0 && local->halves[1] == 0)
        return true;
    return local->halves[0] == packet->local.halves[0] && local->halves[1] == packet->local.halves[1];
}

/* First endpoint on the port, or 0: most packets of a host end here. */
static __always_inline __u32 endpoints_on(__be16 port, __u8 l4_protocol)
{
    __u32 slot = bpf_ntohs(port) | (l4_protocol == IPPROTO_TCP ? MF_PORT_SLOTS / 2 : 0);
    const volatile __u32 *head = bpf_map_lookup_elem(&ports, &slot);
    return head ? *head : 0;
}

/* The endpoint the packet's local address is, or NULL. */
static __always_inline const struct mf_endpoint *match_endpoint(__u32 index, const struct packet *packet)
{
    for (__u32 i = 0; i < MF_ENDPOINTS_PER_PORT && index; i++) {
        const struct mf_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &index);
        if (!endpoint)
            break;
        if (endpoint_covers(endpoint, packet))
            return endpoint;
        index = *(const volatile __u32 *)&endpoint->next;
    }
    return NULL;
}
