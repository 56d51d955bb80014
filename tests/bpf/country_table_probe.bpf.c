/* SPDX-License-Identifier: Apache-2.0
 * Asks the program's own geo_lookup for one address after another, one each run: BPF_PROG_TEST_RUN
 * repeats it without a packet being built for each.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel-headers/abi.h"

#include "bpf/maps.h"
#include "bpf/packet.h"

#include "bpf/geo.h"

struct question {
    union address remote;
    __u64 is_ipv4;
};

/* The test makes them as large as it wants. */
MF_ARRAY(questions, struct question, 1);
MF_ARRAY(answers, __u32, 1);

__u32 next_question;

SEC("xdp")
int country_table_probe(struct xdp_md* ctx)
{
    (void)ctx;
    __u32 zero = 0;
    __u32 index = next_question++;
    const volatile struct mf_control* now = bpf_map_lookup_elem(&control, &zero);
    const struct question* question = bpf_map_lookup_elem(&questions, &index);
    __u32* answer = bpf_map_lookup_elem(&answers, &index);
    if (!now || !question || !answer)
        return XDP_ABORTED;
    struct packet packet = {.remote = question->remote, .is_ipv4 = question->is_ipv4 != 0};
    *answer = geo_lookup(&packet, now->geo_active);
    return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
