/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Is the remote address in this set of prefixes? Asked only where a set exists.
 */
#pragma once

/* A global function, so that most packets' stack need not have room for it. */
__noinline int search_prefix_set(__u32 set, const struct packet *packet)
{
    if (!packet)
        return 0;
    struct mf_prefix_key key = {.prefix_bits = 64 + 128, .set = set, .family = packet->is_ipv4 ? 4 : 6};
    __builtin_memcpy(key.address, packet->remote.bytes, sizeof(key.address));
    return bpf_map_lookup_elem(&prefix_sets, &key) != NULL;
}

static __always_inline bool in_prefix_set(__u32 set, const struct packet *packet)
{
    return set && search_prefix_set(set, packet);
}
