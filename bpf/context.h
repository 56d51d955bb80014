/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * What ingress and egress do differently; all else is the same source, compiled twice. Ingress is XDP;
 * XDP has no hook for sending, so egress is a tc program, and sees socket buffers.
 */
#pragma once

#ifdef MEETFENCE_EGRESS

#define MF_CONTEXT struct __sk_buff
#define MF_DIRECTION MF_EGRESS
#define MF_VERDICT_DROP 2    /* TC_ACT_SHOT, TCX_DROP */
#define MF_VERDICT_PASS (-1) /* TC_ACT_UNSPEC, TCX_NEXT: others' programs have their say */

#else

#define MF_CONTEXT struct xdp_md
#define MF_DIRECTION MF_INGRESS
#define MF_VERDICT_DROP XDP_DROP
#define MF_VERDICT_PASS XDP_PASS

#endif

#define MF_IS_EGRESS (MF_DIRECTION == MF_EGRESS)

/* The whole frame, all its buffers. */
static __always_inline __u32 frame_bytes(MF_CONTEXT *ctx)
{
#ifdef MEETFENCE_EGRESS
    return ctx->len;
#else
    if (multi_buffer)
        return (__u32)bpf_xdp_get_buff_len(ctx);
    return (__u32)((void *)(long)ctx->data_end - (void *)(long)ctx->data);
#endif
}

/* Copies bytes wherever in the frame they are; false where the frame ends before, or the kernel cannot
 * (XDP before 5.18). */
static __always_inline bool load_bytes(MF_CONTEXT *ctx, __u32 offset, void *to, __u32 length)
{
#ifdef MEETFENCE_EGRESS
    return bpf_skb_load_bytes(ctx, offset, to, length) == 0;
#else
    return multi_buffer && bpf_xdp_load_bytes(ctx, offset, to, length) == 0;
#endif
}
