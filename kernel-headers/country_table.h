/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * Reads a country table (abi.h, map `geo`). Compiled into the kernel program and into the daemon, so
 * that what the daemon checks is what packets meet. Whoever includes it defines before
 *
 *   const struct mf_geo_chunk *mf_geo_chunk(mf_geo_table_t *table, __u32 index)
 *
 * for its way to a chunk, NULL behind the end. Whatever the table's words say, nothing outside its
 * chunks is read, and the walk ends: a table can be wrong, and not dangerous.
 */
#ifndef MEETFENCE_COUNTRY_TABLE_H
#define MEETFENCE_COUNTRY_TABLE_H

#include "kernel-headers/abi.h"

static inline __attribute__((always_inline)) __u32 mf_geo_entry(const struct mf_geo_chunk *chunk, __u32 node,
                                                                __u32 entry, __u32 wide)
{
    if (wide)
        return chunk->words[(node + entry) & (MF_GEO_CHUNK_WORDS - 1)];
    __u32 byte = (node * 4 + entry) & (sizeof(*chunk) - 1);
    return ((const __u8 *)chunk->words)[byte];
}

/* How many stretches end before `value`. All are compared: they share a cache line, and twelve
 * subtractions side by side cost less than four jumps, half of them mispredicted. */
static inline __attribute__((always_inline)) __u32 mf_geo_search(const struct mf_geo_chunk *chunk, __u32 node,
                                                                 __u32 value)
{
    const __u32 *ends = &chunk->words[node & (MF_GEO_CHUNK_WORDS - MF_GEO_LINE_WORDS)];
    __u64 before = 0;
#pragma GCC unroll 12
    for (__u32 i = 0; i < MF_GEO_ENDS; i++) {
        __u64 distance = (__u64)ends[i] - value; /* negative where it ends before */
        __asm__("" : "+r"(distance));            /* or clang makes a jump of it again */
        before += distance >> 63;
    }
    return (__u32)before;
}

/* From one node to the next: what stands in its entry, and fewer bits. */
static inline __attribute__((always_inline)) __u32 mf_geo_step(mf_geo_table_t *table, __u32 reference,
                                                               __u64 *bits)
{
    __u32 node = reference & MF_GEO_NODE;
    const struct mf_geo_chunk *chunk = mf_geo_chunk(table, node / MF_GEO_CHUNK_WORDS);
    if (!chunk)
        return 0;
    __u32 entry;
    if (reference & MF_GEO_SORTED) {
        entry = mf_geo_search(chunk, node, (__u32)(*bits >> 32));
        node += MF_GEO_ENDS;
        *bits <<= 32;
    } else {
        __u32 stride = reference >> MF_GEO_STRIDE_SHIFT & MF_GEO_STRIDE;
        entry = (__u32)(*bits >> 1 >> (63 - stride)); /* a shift by 64 is undefined */
        *bits <<= stride;
    }
    return mf_geo_entry(chunk, node, entry, reference & MF_GEO_WIDE);
}

/* The country below `reference`. `bits`: what of the address is not used yet, first ones on top; `low`:
 * the second half of an IPv6 address. Host order. (By pointer: a copy of a number is the same number to
 * the verifier, and it then follows every way through the loop by itself.) */
static inline __attribute__((always_inline)) __u32 mf_geo_walk(mf_geo_table_t *table, __u32 reference,
                                                               __u64 bits, const __u64 *low)
{
    for (__u32 i = 0; i < MF_GEO_MOST_NODES; i++) {
        if (reference < 256)
            return reference;
        if (reference & MF_GEO_LOW)
            bits = *low;
        reference = mf_geo_step(table, reference, &bits);
    }
    return 0;
}

/* Starts at the root: `bits` begins with the address, IPv4 in the upper half. */
static inline __attribute__((always_inline)) __u32 mf_geo_start(mf_geo_table_t *table, __u32 root, __u64 bits)
{
    const struct mf_geo_chunk *chunk = mf_geo_chunk(table, root);
    return chunk ? chunk->words[bits >> 48] : 0;
}

#endif
