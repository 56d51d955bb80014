/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * Settings the daemon writes before it loads the object; the verifier removes what they switch
 * off. `volatile` keeps clang from folding the defaults in.
 */
#pragma once

/* Frames of several buffers are offered (kernel 5.18 or newer). */
const volatile __u8 multi_buffer = 0;

/* Shortest time between two events of one rule and country. */
const volatile __u64 event_interval_ns = 10ull * 1000 * 1000 * 1000;

/* Shortest time between two samples of one rule and country. */
const volatile __u64 sample_interval_ns = 100ull * 1000 * 1000;
