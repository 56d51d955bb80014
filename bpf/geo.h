/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Where does the database place the remote address? The one function everything else asks; what
 * stands behind it may change without anybody noticing.
 */
#pragma once

typedef void mf_geo_table_t;

static __always_inline const struct mf_geo_chunk *mf_geo_chunk(mf_geo_table_t *table, __u32 index)
{
    return bpf_map_lookup_elem(table, &index);
}

#include "kernel-headers/country_table.h"

/* A global function: the verifier judges its loop once, not once for every way to reach it. It cannot
 * be handed a map, only find it again. */
__noinline int geo_walk(__u32 slot, __u32 reference, __u64 bits, const __u64 *low)
{
    void *table = bpf_map_lookup_elem(&geo, &slot);
    return table && low ? (int)mf_geo_walk(table, reference, bits, low) : 0;
}

/* The country, 0 = none. Many IPv4 addresses are known from the root. */
static __always_inline __u8 geo_lookup(const struct packet *packet, __u32 geo_active)
{
    __u32 slot = geo_active & MF_GEO_SLOT;
    void *table = bpf_map_lookup_elem(&geo, &slot);
    if (!table)
        return 0;
    __u64 bits, low = 0;
    __u32 root = MF_GEO_ROOT_V4;
    if (packet->is_ipv4) {
        bits = (__u64)bpf_ntohl(packet->remote.words[3]) << 32;
    } else {
        bits = bpf_be64_to_cpu(packet->remote.halves[0]);
        low = bpf_be64_to_cpu(packet->remote.halves[1]);
        root = MF_GEO_ROOT_V6;
    }
    __u32 reference = mf_geo_start(table, root, bits);
    bits <<= 16;
    /* Half of all IPv4 networks are known from here, and pay for no call. */
    if (reference >= 256 && !(reference & (MF_GEO_SORTED | MF_GEO_LOW)))
        reference = mf_geo_step(table, reference, &bits);
    return (__u8)(reference < 256 ? reference : (__u32)geo_walk(slot, reference, bits, &low));
}
