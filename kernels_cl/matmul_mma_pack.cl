/* matmul_mma_pack: what comes before matmul_mma.cl: operands rounded to tf32 or bf16, in the order in which
 * registers take them (matmul_mma_words.cl).
 *
 * mma_pack   packs both operands into the workspace.  All four forms, odd sizes and the two operands
 *            become alike here.  For the row sums it leaves four sums for each row and SLICE steps
 *            of k, before rounding, in `parts`.
 * mma_sums   adds those up.
 *
 * Why packed: float operands, rounded in each group anew, would come through the second-level cache
 * at twice the bytes, and that is the narrow place; packing costs a few bytes for each of k
 * products.
 * Parameters: BF16 (else tf32); B_STORED, of op(B), as half.cl has it.  Deterministic. */
#include "matmul_mma_words.cl"
#include "half.cl"
#ifndef B_STORED
#define B_STORED 0
#endif
#define CHUNK 16  /* of k, that a lane packs four of */
#define SLICE 128 /* of k, for a group that packs */
#ifdef BF16
#define STEPS_A_CHUNK 1
#else
#define STEPS_A_CHUNK 2
#endif
#define AHEAD 4 /* chunks */
#define PACKERS 256
#define PACKED_ROWS 128 /* of such a group */

/* To the nearest, ties to even for bf16, away from zero for tf32, as the hardware's own
 * conversions; NaN stays NaN. */
#ifdef BF16
INLINE uint rounded(float x)
{
    return bf16_of(x);
}
#else
INLINE uint rounded(float x)
{
    return isnan(x) ? 0x7fc00000u : (as_uint(x) + 0x1000u) & 0xffffe000u;
}
#endif

/* Where a lane reads: its row's part of a slice of k, and as much of the row after next. */
typedef struct part {
    __global const float *from;
#if B_STORED
    __global const ushort *narrow; /* of op(B) in 16 bits; NULL: of op(A) */
#endif
    long row_stride, k_stride;
    long rows, k; /* how many there are, from here on */
    bool whole, aligned;
} part;

/* Four neighbours in k, zeros where there is nothing. */
INLINE float4 four_of(const part *x, long row, long p)
{
    __global const float *from = x->from + row * x->row_stride + p * x->k_stride;
    const long step = x->k_stride, left = x->whole ? 4 : row < x->rows ? x->k - p : 0;
#if B_STORED
    if (x->narrow) {
        __global const ushort *at = x->narrow + row * x->row_stride + p * x->k_stride;
        const int bf16 = B_STORED == STORED_BF16;
        return (float4)(left > 0 ? load_16(at, 0, bf16) : 0.0f,
                        left > 1 ? load_16(at, step, bf16) : 0.0f,
                        left > 2 ? load_16(at, 2 * step, bf16) : 0.0f,
                        left > 3 ? load_16(at, 3 * step, bf16) : 0.0f);
    }
#endif
    if (x->whole && x->aligned)
        return *(__global const float4 *)from;
    return (float4)(left > 0 ? from[0] : 0.0f, left > 1 ? from[step] : 0.0f,
                    left > 2 ? from[2 * step] : 0.0f, left > 3 ? from[3 * step] : 0.0f);
}

/* An instruction takes neighbouring registers: of op(A) both rows' first word, then their second;
 * of op(B), which is two instructions' operands, both words of one and then of the other. */
INLINE uint4 ordered(uint4 v, bool left)
{
    return left ? v.xzyw : v;
}

INLINE void round_into(__global uint4 *words, float4 low, float4 high, bool left)
{
    const uint4 x = (uint4)(rounded(low.x), rounded(low.y), rounded(low.z), rounded(low.w));
    const uint4 y = (uint4)(rounded(high.x), rounded(high.y), rounded(high.z), rounded(high.w));
#ifdef BF16
    words[0] = ordered((uint4)(x.even | x.odd << 16, y.even | y.odd << 16), left);
#else
    words[0] = ordered((uint4)(x.lo, y.lo), left);
    words[STEP / 4] = ordered((uint4)(x.hi, y.hi), left);
#endif
}

/* Called with `whole` and `aligned` known, so that nothing is asked between loads; and several are
 * made before their values are needed. */
INLINE void pack_part(__global uint4 *to, part x, bool whole, bool aligned, int chunks, bool left,
                      float sum[2])
{
    float4 low_sum = 0.0f, high_sum = 0.0f;
    x.whole = whole;
    x.aligned = aligned;
    for (int first = 0; first < chunks; first += AHEAD) {
        float4 low[AHEAD], high[AHEAD];
        _Pragma("unroll")
        for (int c = 0; c < AHEAD; c++) {
            low[c] = four_of(&x, 0, (first + c) * CHUNK);
            high[c] = four_of(&x, 2, (first + c) * CHUNK);
        }
        _Pragma("unroll")
        for (int c = 0; c < AHEAD; c++) {
            if (whole || first + c < chunks)
                round_into(to + (first + c) * (STEPS_A_CHUNK * STEP / 4), low[c], high[c], left);
            low_sum += low[c];
            high_sum += high[c];
        }
    }
    sum[0] = (low_sum.x + low_sum.y) + (low_sum.z + low_sum.w);
    sum[1] = (high_sum.x + high_sum.y) + (high_sum.z + high_sum.w);
}

/* Groups: slices of k, then blocks of rows, those of op(A) before those of op(B), then the batch.
 * The two operands are told apart by their blocks; b_words is where the second one's words
 * begin. */
__attribute__((reqd_work_group_size(PACKERS, 1, 1)))
__kernel void mma_pack(__global uint *restrict words, long words_at, __global float *restrict parts,
                       long parts_at, __global const float *restrict a, long a_at,
                       __global const float *restrict b, long b_at, long m, long n, long k,
                       long steps, long a_row, long a_k, long b_row, long b_k, long stride_a,
                       long stride_b, long b_words, int sums)
{
    const uint me = get_local_id(0), lane = me % 32, t = lane % 4;
    const long a_blocks = (m + PACKED_ROWS - 1) / PACKED_ROWS, batch = get_group_id(2);
    const bool left = (long)get_group_id(1) < a_blocks;
    const long block = (long)get_group_id(1) - (left ? 0 : a_blocks);
    const long rows = left ? m : n, row_stride = left ? a_row : b_row, k_stride = left ? a_k : b_k;
    const long panels = (rows + PANEL - 1) / PANEL, first = (long)get_group_id(0) * SLICE;
    const uint unit = (uint)block * (PACKED_ROWS / 16) + me / 32;
    const long row = (long)unit * 16 + PLACE(lane / 4);
    const long at = left ? a_at + batch * stride_a : b_at + batch * stride_b;
    const long p = first + t * 4, step = first / CHUNK * STEPS_A_CHUNK;
    const long here = at + row * row_stride + p * k_stride;
    const part x = {.from = (left ? a : b) + here,
#if B_STORED
                    .narrow = left ? 0 : (__global const ushort *)b + here,
#endif
                    .row_stride = row_stride,
                    .k_stride = k_stride,
                    .rows = rows - row,
                    .k = k - p};
    const bool whole = ((long)unit + 1) * 16 <= rows && first + SLICE <= k;
    const bool aligned = k_stride == 1 && (at | row_stride) % 4 == 0;
    float sum[2];
    if (unit / 4 >= panels)
        return;
    words += words_at + (left ? 0 : b_words) + ((batch * panels + unit / 4) * steps + step) * STEP;
    __global uint4 *to = (__global uint4 *)words + unit % 4 * (UNIT / 4) + lane;
    const int chunks = (int)((steps - step) / STEPS_A_CHUNK);
    if (whole && aligned)
        pack_part(to, x, true, true, SLICE / CHUNK, left, sum);
    else if (whole)
        pack_part(to, x, true, false, SLICE / CHUNK, left, sum);
    else
        pack_part(to, x, false, false, min(SLICE / CHUNK, chunks), left, sum);
    if (sums && left) {
        const long padded = panels * PANEL;
        parts += parts_at + ((long)get_group_id(0) * 4 + t) * padded + row;
        parts[0] = sum[0];
        parts[2] = sum[1];
    }
}

__kernel void mma_sums(__global float *sums, long sums_at, __global const float *parts,
                       long parts_at, long m, long n_parts, long padded)
{
    const long i = get_global_id(0);
    if (i >= m)
        return;
    float sum = 0.0f;
    for (long p = 0; p < n_parts; p++)
        sum += parts[parts_at + p * padded + i];
    sums[sums_at + i] = sum;
}
