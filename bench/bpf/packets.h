/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * What the bench and its kernel program share: who sends the next packet, and whereto.
 */
#pragma once

#include <linux/types.h>

#define BENCH_MOST_PACKETS 262144u

#define BENCH_LOCAL_V4 0xC6120000u /* 198.18.0.0 */

struct bench_packet {
    __u8 remote[16];  /* network order, IPv4 as ::ffff:a.b.c.d */
    __u16 local_port; /* network order, as the other */
    __u16 remote_port;
    __u8 local_number; /* last byte of the local address */
    __u8 ufrag[3];     /* in a STUN request: behind BENCH_UFRAG */
};

/* What a program returns that has nothing to send: neither verdict of the filter's, in either direction. */
#define BENCH_NO_PACKET 0

/* Where in the STUN message, whose first attribute is USERNAME. */
#define BENCH_STUN_TRANSACTION 8
#define BENCH_STUN_UFRAG 24
#define BENCH_UFRAG 'm'

struct bench_settings {
    __u32 mask;       /* number of packets in turn, a power of two, less one */
    __u32 geo_active; /* as control has it: the look-ups alone do not pay for reading that */
};

/* One a CPU. */
struct bench_cursor {
    __u32 next;
    __u32 pad;
    __u64 sum; /* of what look-ups found: nothing is measured that is not used */
};
