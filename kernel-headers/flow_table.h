/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * Where a flow stands in the table of flows; the kernel programs and the daemon ask alike. Why no
 * kernel hash: docs/decisions/0008.
 */
#ifndef MEETFENCE_FLOW_TABLE_H
#define MEETFENCE_FLOW_TABLE_H

#include "kernel-headers/abi.h"

/*
 * Multilinear hashing with secret multipliers: nobody outside can choose addresses that meet in one
 * place. The multiplications do not wait for one another.
 */
static inline __u64 mf_flow_hash(const struct mf_flow_key *key, const __u64 *secret)
{
    const __u64 *words = (const __u64 *)key;
    __u64 hash = words[0] * secret[0] + words[1] * secret[1] + words[2] * secret[2] + words[3] * secret[3] +
                 words[4] * secret[4];
    hash ^= hash >> 32; /* the low bits of a product know only the low bits of its factors */
    hash *= secret[0];
    return hash ^ hash >> 29;
}

/* A ufrag, told from others in 32 bits; odd. */
static inline __u32 mf_ufrag_tag(const struct mf_ufrag_key *key)
{
    const __u64 *words = (const __u64 *)key->ufrag;
    __u64 sum = key->port_slot;
    for (int i = 0; i < 4; i++)
        sum = (sum ^ words[i]) * 0x9E3779B97F4A7C15ull; /* 2^64 by the golden ratio */
    return (__u32)(sum >> 32) | 1;
}

/* The slot of each probe; the step is odd, so that no slot comes twice. */
static inline __u32 mf_flow_slot(__u64 hash, __u32 probe, __u32 slots)
{
    return ((__u32)hash + probe * ((__u32)(hash >> 32) | 1)) & (slots - 1);
}

#endif
