/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * The program for what goes out: the same filter, with the ends exchanged.
 */
#define MEETFENCE_EGRESS
#include "bpf/filter.h"

SEC("tc")
int meetfence_egress(struct __sk_buff *ctx)
{
    return filter(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
