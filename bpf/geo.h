/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Where does the database place the remote address? The one function everything else asks; what
 * stands behind it may change without anybody noticing.
 */
#pragma once

static __always_inline struct mf_place geo_lookup(const struct packet *packet, __u32 geo_active)
{
    const struct mf_place *place = NULL;

    if (packet->is_ipv4) {
        void *trie = bpf_map_lookup_elem(&geo_v4, &geo_active);
        struct mf_geo_key_v4 key = {.prefix_bits = 32};
        __builtin_memcpy(key.address, &packet->remote.words[3], sizeof(key.address));
        if (trie)
            place = bpf_map_lookup_elem(trie, &key);
    } else {
        void *trie = bpf_map_lookup_elem(&geo_v6, &geo_active);
        struct mf_geo_key_v6 key = {.prefix_bits = 128};
        __builtin_memcpy(key.address, packet->remote.bytes, sizeof(key.address));
        if (trie)
            place = bpf_map_lookup_elem(trie, &key);
    }
    struct mf_place nowhere = {};
    return place ? *place : nowhere;
}
