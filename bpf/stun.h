/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * STUN (RFC 8489) as ICE speaks it (RFC 8445), alone, behind RFC 4571's length on TCP, or in TURN's
 * ChannelData and indications (RFC 8656). Here is only how it is read.
 */
#pragma once

#define STUN_COOKIE 0x2112A442 /* RFC 8489 section 5 */
#define STUN_HEADER_BYTES 20
/* RFC 8489 section 5; the top two bits are not of the type, and some servers do not look at them. */
#define STUN_METHOD 0x3EEF
#define STUN_CLASS 0x0110
#define STUN_BINDING 0x0001
#define STUN_REQUEST 0x0000
#define STUN_SUCCESS 0x0100
#define STUN_ERROR 0x0110
#define TURN_SEND_INDICATION 0x0016 /* RFC 8656 section 17 */
#define TURN_DATA_INDICATION 0x0017

#define STUN_USERNAME 0x0006
#define STUN_MESSAGE_INTEGRITY 0x0008
#define TURN_DATA 0x0013

/* Real stacks send up to ten, and USERNAME among the first four. */
#define STUN_MOST_ATTRIBUTES 32
/* A client's ufrag and the colon, before the server's, in a check that the server sends. */
#define STUN_MOST_CLIENT_UFRAG 63

struct stun_header {
    __be16 type;
    __be16 length; /* of the attributes */
    __be32 cookie;
    __u32 transaction[3];
};

struct stun_attribute {
    __be16 type;
    __be16 length; /* without padding */
};

/* A message, and what was found out about it. */
struct stun {
    struct mf_ufrag_key key; /* of the last USERNAME; first, for its alignment */
    __u32 at, end;           /* offsets in the frame: of the next attribute, of the message's end */
    __u64 owner;             /* the participant that was named first; 0 = none known */
    __u64 strongest;         /* the one that `reason` is about */
    struct stun_header header;
    __u32 value, value_bytes; /* of the attribute at hand */
    __u32 tag;                /* of the ufrag of the last USERNAME */
    __u32 reason;             /* strongest word of the rules on those named; MF_UNDECIDED = not asked */
    __u8 named;               /* there was a USERNAME */
    __u8 names;               /* enum mf_names */
    __u8 unreadable;
    __u8 pad[5];
};

/*
 * Two for each CPU: a question that the daemon asks can be interrupted by a packet, a packet by none.
 * Not on the stack, which has 512 bytes for all functions together; and before Linux 6.3 what a global
 * function is handed cannot be the key of a map.
 */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32);
    __type(value, struct stun);
    __uint(max_entries, 2);
} messages SEC(".maps");

static __always_inline struct stun *message_of(const struct packet *packet)
{
    __u32 index = packet->asked;
    return bpf_map_lookup_elem(&messages, &index);
}

/* As `pull` of parse.h, without moving on. */
static __always_inline const void *peek(MF_CONTEXT *ctx, __u32 offset, void *scratch, __u32 length)
{
    struct cursor cursor = {.ctx = ctx, .offset = offset};
    return pull(&cursor, scratch, length);
}

/* Offset of the STUN message that the packet carries, or 0. The first byte alone does not tell: some
 * servers take messages with any of the top bits set. */
static __always_inline __u32 find_stun(MF_CONTEXT *ctx, const struct packet *packet, __u8 endpoint_flags)
{
    __u32 offset = packet->payload;
    bool turn = endpoint_flags & MF_ENDPOINT_TURN;
    if (packet->l4_protocol == IPPROTO_TCP && !turn)
        offset += 2; /* RFC 4571 */
    if (!packet->payload || offset + STUN_HEADER_BYTES > packet->payload_end)
        return 0;
    __be32 scratch[3];
    const __be32 *words = peek(ctx, offset, scratch, sizeof(scratch));
    if (!words)
        return 0;
    if (words[1] == bpf_htonl(STUN_COOKIE))
        return offset;
    /* Channel numbers begin with 0b01 (RFC 8656 section 12). */
    if (turn && (bpf_ntohl(words[0]) >> 30) == 1 && words[2] == bpf_htonl(STUN_COOKIE))
        return offset + 4;
    return 0;
}

/* Reads the header at `offset`; false where the message is not all there. */
static __always_inline bool read_header(MF_CONTEXT *ctx, struct stun *stun, __u32 offset, __u32 end)
{
    struct stun_header scratch;
    const struct stun_header *header = peek(ctx, offset, &scratch, sizeof(scratch));
    if (!header || offset + STUN_HEADER_BYTES > end || header->cookie != bpf_htonl(STUN_COOKIE))
        return false;
    stun->header = *header;
    stun->at = offset + STUN_HEADER_BYTES;
    /* What stands behind the message is nobody's; what says it is longer than it is, is cut. */
    stun->end = stun->at + bpf_ntohs(header->length);
    if (stun->end > end)
        stun->end = end;
    return true;
}

/* Where in the text a colon stands: bytes before it, or 32. Of little-endian words the first byte is the
 * lowest; subtracting one from each byte borrows out of the first zero byte at the earliest. */
static __always_inline __u32 find_colon(const __u64 *words)
{
#pragma unroll
    for (__u32 i = 0; i < MF_UFRAG_BYTES / 8; i++) {
        __u64 zero_where_colon = words[i] ^ 0x3A3A3A3A3A3A3A3Aull;
        __u64 found = (zero_where_colon - 0x0101010101010101ull) & ~zero_where_colon & 0x8080808080808080ull;
        if (found) {
            __u64 before = ((found & -found) >> 7) - 1; /* ones in every bit before the byte */
            __u32 bytes = 0;
#pragma unroll
            for (__u32 byte = 0; byte < 7; byte++)
                bytes += before >> (8 * byte) & 1;
            return 8 * i + bytes;
        }
    }
    return MF_UFRAG_BYTES;
}

/* XDP has no helper for copying from a frame before Linux 5.18: no USERNAME is read there. */
static __always_inline bool load_text(MF_CONTEXT *ctx, __u32 offset, __u32 bytes, __u8 *text)
{
    __u64 *words = (__u64 *)text;
    words[0] = words[1] = words[2] = words[3] = 0;
    if (!bytes)
        return false;
    if (bytes > MF_UFRAG_BYTES)
        bytes = MF_UFRAG_BYTES;
    /* Old verifiers do not conclude from `!bytes` that it is one or more. */
    bytes--;
    asm volatile("" : "+r"(bytes));
    bytes = (bytes & (MF_UFRAG_BYTES - 1)) + 1;
    return load_bytes(ctx, offset, text, bytes);
}

static __always_inline void cut_text(__u8 *text, __u32 bytes)
{
    __u64 *words = (__u64 *)text;
#pragma unroll
    for (__u32 i = 0; i < MF_UFRAG_BYTES / 8; i++) {
        if (bytes <= 8 * i)
            words[i] = 0;
        else if (bytes < 8 * (i + 1))
            words[i] &= (1ull << (8 * (bytes - 8 * i))) - 1;
    }
}

/*
 * The server's ufrag in the USERNAME at hand (RFC 8445 section 7.2.2: whoever is asked comes first): before
 * the first colon in what a client sends, behind it in what the server sends. False where it is longer
 * than any that can be registered.
 */
static __always_inline bool read_ufrag(MF_CONTEXT *ctx, struct stun *stun)
{
    __u8 *text = stun->key.ufrag;
    __u32 at = stun->value;
    __u32 bytes = stun->value_bytes;
    if (!load_text(ctx, at, bytes, text))
        return false;
    __u32 colon = find_colon((const __u64 *)text);
    if (!MF_IS_EGRESS) {
        if (colon == MF_UFRAG_BYTES && bytes > MF_UFRAG_BYTES) {
            __u8 scratch;
            const __u8 *next = peek(ctx, at + MF_UFRAG_BYTES, &scratch, 1);
            return next && *next == ':';
        }
        cut_text(text, colon);
        return true;
    }
    if (colon == MF_UFRAG_BYTES) {
        if (bytes <= MF_UFRAG_BYTES || !load_text(ctx, at + MF_UFRAG_BYTES, bytes - MF_UFRAG_BYTES, text))
            return false;
        colon += find_colon((const __u64 *)text);
    }
    if (colon > STUN_MOST_CLIENT_UFRAG || colon + 1 >= bytes || bytes - colon - 1 > MF_UFRAG_BYTES)
        return false;
    return load_text(ctx, at + colon + 1, bytes - colon - 1, text);
}
