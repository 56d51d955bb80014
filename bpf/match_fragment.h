/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Fragments after the first carry no ports: they follow a first fragment that was dropped, and
 * pass otherwise. Packets that pass never enter the table.
 */
#pragma once

/* Linux keeps an incomplete packet for 30 s (ipfrag_time), but senders send its fragments back to
 * back. The shorter the memory, the smaller the chance that an identification is used again. */
#define FRAGMENT_MEMORY_NS (2ull * 1000 * 1000 * 1000)

static __always_inline void fragment_key(const struct packet *packet, struct mf_fragment_key *key)
{
    __builtin_memcpy(key->remote, packet->remote.bytes, sizeof(key->remote));
    __builtin_memcpy(key->local, packet->local.bytes, sizeof(key->local));
    key->identification = packet->fragment_id;
    key->protocol = packet->is_ipv4 ? packet->l4_protocol : 0;
    key->direction = MF_DIRECTION;
}

/* Global functions, so that most packets' stack need not have room for this. */
__noinline int remember_first_fragment(const struct packet *packet, const struct finding *finding,
                                       __u32 reason)
{
    if (!packet || !finding)
        return 0;
    struct mf_fragment_key key = {};
    fragment_key(packet, &key);
    if (reason < MF_FIRST_DROP) {
        /* The identification is in use again, by a packet that passes. */
        bpf_map_delete_elem(&fragments, &key);
        return 0;
    }
    struct mf_fragment value = {
        .until_ns = finding->now_ns + FRAGMENT_MEMORY_NS,
        .rule_number = finding->rule_number,
        .rule = finding->rule,
        .cell = finding->cell,
        .meeting_number = finding->meeting_number,
        .country = finding->country,
        .geo_generation = finding->geo_generation,
    };
    if (value.until_ns > finding->rule_until_ns)
        value.until_ns = finding->rule_until_ns;
    bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
    return 0;
}

__noinline int match_fragment(const struct packet *packet, struct finding *finding)
{
    if (!packet || !finding)
        return MF_LATER_FRAGMENT;
    struct mf_fragment_key key = {};
    fragment_key(packet, &key);
    const struct mf_fragment *first = bpf_map_lookup_elem(&fragments, &key);
    if (!first)
        return MF_LATER_FRAGMENT;
    finding->now_ns = bpf_ktime_get_boot_ns();
    __u32 index = first->rule;
    const struct mf_rule *rule = bpf_map_lookup_elem(&rules, &index);
    if (finding->now_ns >= first->until_ns || !rule || rule->number != first->rule_number)
        return MF_LATER_FRAGMENT;
    finding->rule = index;
    finding->rule_number = first->rule_number;
    finding->cell = first->cell;
    finding->meeting_number = first->meeting_number;
    finding->country = (__u8)first->country;
    finding->geo_generation = first->geo_generation;
    return MF_DROP_FRAGMENT;
}
