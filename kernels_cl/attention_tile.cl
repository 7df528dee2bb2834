/* attention_tile.cl: included by the kernels of attention on GPUs: what a group of ITEMS work-items
 * does with two blocks of rows of one head.
 *
 * OWN rows stay with the group; blocks of OTHER rows pass by.  Both lie in local memory as in global
 * memory, in vectors of four and with one vector of padding, so that neighbouring rows are in other
 * banks.  Everything is made of two products:
 *
 *     s[o][w]    = sum_d other[o][d] own[w][d]     block_scores
 *     sum[w][d] += sum_o x[o][w] other[o][d]       block_add
 *
 * A work-item has RO x RW scores, of rows TO and TW apart, and RA neighbouring rows of `sum`, four
 * elements of each.  Every second work-item has another row, or vector, of one operand, its
 * neighbour the same and another of the second: local memory serves such pairs at once.
 * Parameters: DEPTH 32, 64 or 128, at least `depth`: what is beyond counts as zero; OWN, OTHER:
 * multiples of 16; ITEMS 128; WIDE: vectors in global memory are aligned. */
#ifndef ATTENTION_TILE_CL
#define ATTENTION_TILE_CL
#include "vector.cl"
#ifndef ITEMS
#define ITEMS 128
#endif
#ifndef DEPTH
#define DEPTH 64
#endif
#ifndef OWN
#define OWN 32
#endif
#ifndef OTHER
#define OTHER 32
#endif
#ifndef WIDE
#define WIDE 0
#endif
#define QUADS (DEPTH / 4)
#define PITCH (QUADS + 1)       /* of a row, in vectors */
#define X_PITCH ((OWN + 8) / 4) /* of a row of x */
#if OWN >= 64
#define TW 16
#else
#define TW 8
#endif
#define TO (ITEMS / TW)
#define RW (OWN / TW)
#define RO (OTHER / TO)
#define RA (OWN * QUADS / ITEMS)
#define HELD (OTHER * QUADS / ITEMS) /* vectors of a block that a work-item carries */
#define LOG2E 1.44269504f
#define LN2 0.693147181f

/* The work-item's first row of the others and of its own among the scores; its vector of a row and
 * its first row of the sums. */
#define ATTENTION_PLACE                                                                            \
    const int me = (int)get_local_id(0), team = me / 32;                                           \
    const int wide = me / 2 % 8, high = me % 2 + me / 16 % 2 * 2;                                  \
    const int mine = wide + 8 * (team % (TW / 8)), theirs = high + 4 * (team / (TW / 8));          \
    const int quad = wide + 8 * (team % (QUADS / 8));                                              \
    const int first = RA * (high + 4 * (team / (QUADS / 8)))
#define EACH_SCORE(r, c)                                                                           \
    UNROLL_MORE for (int c = 0; c < RW; c++) UNROLL_MORE for (int r = 0; r < RO; r++)

/* Four elements, of which n are there. */
INLINE float4 attend_load(__global const float *from, int n)
{
    float4 v = 0.0f;
    if (n > 0) {
#if WIDE
        v = *(__global const float4 *)from;
#else
        v.x = from[0];
        v.y = n > 1 ? from[1] : 0.0f;
        v.z = n > 2 ? from[2] : 0.0f;
        v.w = n > 3 ? from[3] : 0.0f;
#endif
    }
    return v;
}

INLINE void attend_store(__global float *to, float4 v, int n)
{
    if (n > 0) {
#if WIDE
        *(__global float4 *)to = v;
#else
        to[0] = v.x;
        if (n > 1)
            to[1] = v.y;
        if (n > 2)
            to[2] = v.z;
        if (n > 3)
            to[3] = v.w;
#endif
    }
}

/* Vector e of a block whose rows are `stride` apart, of which n are there. */
INLINE float4 attend_vector(__global const float *from, int stride, int e, int n, int depth)
{
    const int row = e / QUADS, d = e % QUADS * 4;
    return attend_load(from + row * stride + d, row < n ? depth - d : 0);
}

/* Begin to load the next block, while the one in local memory is still in use. */
INLINE void attend_fetch(float4 *held, __global const float *from, int stride, int n, int depth)
{
    const int row = (int)get_local_id(0) / QUADS, d = (int)get_local_id(0) % QUADS * 4;
    from += row * stride + d;
    UNROLL_MORE
    for (int k = 0; k < HELD; k++) {
        held[k] = attend_load(from, row + k * (ITEMS / QUADS) < n ? depth - d : 0);
        from += ITEMS / QUADS * stride;
    }
}

INLINE void attend_put(__local float4 *to, const float4 *held)
{
    UNROLL_MORE
    for (int k = 0; k < HELD; k++) {
        const int e = (int)get_local_id(0) + k * ITEMS;
        to[e / QUADS * PITCH + e % QUADS] = held[k];
    }
}

INLINE void attend_own(__local float4 *to, __global const float *from, int stride, int n, int depth,
                       float factor)
{
#pragma unroll 1
    for (int e = (int)get_local_id(0); e < OWN * QUADS; e += ITEMS)
        to[e / QUADS * PITCH + e % QUADS] = factor * attend_vector(from, stride, e, n, depth);
}

INLINE void block_scores(float s[RO][RW], __local const float4 *other, __local const float4 *own,
                          int theirs, int mine)
{
    EACH_SCORE(r, c)
        s[r][c] = 0.0f;
#pragma unroll 1
    for (int q = 0; q < QUADS; q++) {
        float4 b[RW];
        UNROLL_MORE
        for (int c = 0; c < RW; c++)
            b[c] = own[(mine + c * TW) * PITCH + q];
        UNROLL_MORE
        for (int r = 0; r < RO; r++) {
            const float4 a = other[(theirs + r * TO) * PITCH + q];
            UNROLL_MORE
            for (int c = 0; c < RW; c++) {
                s[r][c] += a.x * b[c].x;
                s[r][c] += a.y * b[c].y;
                s[r][c] += a.z * b[c].z;
                s[r][c] += a.w * b[c].w;
            }
        }
    }
}

INLINE void block_add(float4 *sum, __local const float4 *x, __local const float4 *other, int first,
                       int quad)
{
#pragma unroll 2
    for (int o = 0; o < OTHER; o++) {
        const float4 v = other[o * PITCH + quad];
        UNROLL_MORE
        for (int k = 0; k < RA; k += 4) {
            const float4 w = x[o * X_PITCH + (first + k) / 4];
            sum[k] += w.x * v;
            sum[k + 1] += w.y * v;
            sum[k + 2] += w.z * v;
            sum[k + 3] += w.w * v;
        }
    }
}

INLINE void attend_leave(__global float *to, int stride, const float4 *sum, int first, int quad,
                         int n, int depth, float factor)
{
    UNROLL_MORE
    for (int k = 0; k < RA; k++)
        attend_store(to + (first + k) * stride + 4 * quad, factor * sum[k],
                     first + k < n ? depth - 4 * quad : 0);
}

/* Of a block of others that begins at o and of own rows that begin at w: are there pairs that do not
 * count?  `keys` are the rows that must not lie behind the queries. */
#define HAS_EDGE(o, others, key_last, query_first)                                                 \
    ((o) + OTHER > (others) || (causal && (key_last) > (query_first)))
/* How many of the first keys count for a query. */
#define KEYS_OF(query) (causal ? min(keys, (query) + 1) : keys)
#endif
