/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Every map of the programs; meaning and layout of the elements stand in kernel-headers/abi.h.
 * max_entries of 1 are set by the daemon before loading, from `limits` of its configuration.
 * Unless a line says otherwise the daemon writes, the program reads.
 */
#pragma once

#define MF_ARRAY(name_, type_, entries_)                                                                     \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_ARRAY);                                                                    \
        __uint(map_flags, BPF_F_MMAPABLE);                                                                   \
        __type(key, __u32);                                                                                  \
        __type(value, type_);                                                                                \
        __uint(max_entries, entries_);                                                                       \
    } name_ SEC(".maps")

MF_ARRAY(control, struct mf_control, 1);
MF_ARRAY(ports, __u32, MF_PORT_SLOTS);
MF_ARRAY(endpoints, struct mf_endpoint, 1);
MF_ARRAY(meetings, struct mf_meeting, 1);
MF_ARRAY(policies, struct mf_policy, 1);
MF_ARRAY(rules, struct mf_rule, 1);

/* The program writes `told`. */
MF_ARRAY(participants, struct mf_participant, 1);
/* Both write. */
MF_ARRAY(flows, struct mf_flow, 1);

/* The program writes. */
MF_ARRAY(cell_times, struct mf_cell_times, 1);

/* The program counts; the daemon zeroes a cell before it gives it to a rule. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct mf_cell);
    __uint(max_entries, 1);
} cells SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct mf_traffic);
    __uint(max_entries, MF_REASON_ENTRIES);
} reasons SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, MF_TALLIES);
} tallies SEC(".maps");

/* Without BPF_F_NO_PREALLOC the memory for every participant that `limits` allow would be taken at once. */
#define MF_HASH(name_, key_, value_)                                                                         \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_HASH);                                                                     \
        __uint(map_flags, BPF_F_NO_PREALLOC);                                                                \
        __type(key, key_);                                                                                   \
        __type(value, value_);                                                                               \
        __uint(max_entries, 1);                                                                              \
    } name_ SEC(".maps")

MF_HASH(participant_ids, __u32, struct mf_participant_id);
MF_HASH(ufrags, struct mf_ufrag_key, __u64);

/* The program alone writes and reads. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, struct mf_pending);
    __uint(max_entries, MF_PENDING);
} pending SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, MF_RUNNING);
} running SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, struct mf_stranger);
    __uint(max_entries, MF_STRANGERS);
} strangers SEC(".maps");

/* The boot clock is expensive to read, and the coarse one moves with each timer interrupt only. */
struct clock {
    __u64 coarse_ns, boot_ns;
};
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct clock);
    __uint(max_entries, 1);
} clocks SEC(".maps");

/* The program writes. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __type(key, struct mf_ufrag_key);
    __type(value, struct mf_sighting);
    __uint(max_entries, MF_SIGHTINGS);
} sightings SEC(".maps");

/* Sizes, not types: clang 14 writes only a forward declaration of an inner map's key to BTF.
 * BPF_F_INNER_MAP (kernel 5.10): tables differ in their number of chunks. */
struct geo_table {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct mf_geo_chunk));
    __uint(max_entries, 1);
};

/* A new table is built aside, put into the idle slot, and control's geo_active moves on by one. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __type(key, __u32);
    __uint(max_entries, MF_GEO_SLOTS);
    __array(values, struct geo_table);
} geo SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct mf_prefix_key);
    __type(value, __u32);
    __uint(max_entries, 65536);
} prefix_sets SEC(".maps");

/* The program alone writes and reads. When full, the oldest entry leaves: its later fragments
 * pass, and without their first one no host can reassemble them. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __type(key, struct mf_fragment_key);
    __type(value, struct mf_fragment);
    __uint(max_entries, MF_FRAGMENTS);
} fragments SEC(".maps");

/* The program writes, the daemon reads. When full, events and samples are lost, never packets. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, MF_EVENT_RING_BYTES);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, MF_SAMPLE_RING_BYTES);
} samples SEC(".maps");
