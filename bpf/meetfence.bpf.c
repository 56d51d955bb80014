/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * The program for what comes in: what it does stands in filter.h.
 */
#include "bpf/filter.h"

SEC("xdp.frags")
int meetfence_xdp(struct xdp_md *ctx)
{
    return filter(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
