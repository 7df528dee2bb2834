/* matmul_tiled: the matrix product of matmul_flags.cl for GPUs: blocks of op(A) and op(B) in local
 * memory, a tile of C in the registers of each work-item.
 *
 * A group has a block of ROWS x COLUMNS of C, a work-item ITEM_ROWS x ITEM_COLUMNS of them, in
 * squares of 4 x 4 that lie apart, so that neighbours read, as float4, and write neighbours.  STEP
 * elements of k are staged at a time, in one of two buffers: the next step's are fetched into
 * registers before the arithmetic on the present one and stored behind it, with one barrier a step.
 *
 * The loop does not check lines: those behind the matrix are read as the last ones, for what comes
 * of them is not stored.  Of k each read checks that it is below the step's limit, else it gives
 * zero: the first step's is what k leaves over of whole steps, behind the last step it is 0.
 * WIDE_A, WIDE_B: rows of the operand in memory begin at multiples of four floats and are as long.
 *
 * 32 work-items side by side are a rectangle of LANE_ROWS x LANE_COLUMNS in the order in which
 * NVIDIA's local memory answers float4 fastest: neighbours share a column, every other one a row.
 * Groups that run at the same time have a nearly square part of C, whose operands a cache then
 * holds ("swizzle").
 *
 * The k-range may be in parts ("split-K"), group id 1: then C is that part's in the workspace,
 * matmul_ends.cl.
 * Parameters: ROWS, COLUMNS, ITEM_ROWS and ITEM_COLUMNS (4 or 8), STEP (a multiple of 8), FORM
 * (TRANS_A | TRANS_B), WIDE_A, WIDE_B, B_STORED (half.cl), SUMMED (there are row sums).
 * Deterministic.
 * Source: the arrangement is that of CUTLASS' SIMT kernels. */
#include "matmul_finish.cl"
#include "half.cl"
#include "inline.cl"
#ifndef ROWS
#define ROWS 128
#define COLUMNS 128
#define ITEM_ROWS 8
#define ITEM_COLUMNS 8
#define STEP 8
#endif
#ifndef FORM
#define FORM 0
#endif
#ifndef B_STORED
#define B_STORED 0
#endif
#ifndef WIDE_A
#define WIDE_A 0
#endif
#ifndef WIDE_B
#define WIDE_B 0
#endif
#define WIDE_C 128 /* of flags: C and mask as WIDE_A */

#define ITEMS_UP (ROWS / ITEM_ROWS)
#define ITEMS_ACROSS (COLUMNS / ITEM_COLUMNS)
#define THREADS (ITEMS_UP * ITEMS_ACROSS)
#define LANE_COLUMNS (ITEMS_ACROSS < 8 ? ITEMS_ACROSS : 8)
#define LANE_ROWS (32 / LANE_COLUMNS)
#define WARPS_ACROSS (ITEMS_ACROSS / LANE_COLUMNS)
#define PAD 4 /* so that what is stored across lies in different banks */

/* An operand as it is staged: `lines` of op(A)'s rows or op(B)'s columns, STEP deep.  A work-item
 * fetches it as so many times four floats, in one read where it is wide, else in four. */
#define DEEP_A (!(FORM & TRANS_A)) /* k lies along memory's rows */
#define DEEP_B (FORM & TRANS_B ? 1 : 0)
#define WIDTH(wide) ((wide) ? 4 : 1)
#define READS(wide) ((wide) ? 1 : 4)
#define PIECES(lines, wide) ((lines) * STEP / WIDTH(wide)) /* a piece is one read */
#define FOURS(lines) (((lines) * STEP / 4 + THREADS - 1) / THREADS)

/* Piece i of this work-item: which line and which k.  Neighbours take neighbours in memory; eight
 * floats of a deep line at a time, so that stores hit different banks. */
INLINE int piece_of(int i)
{
    return (int)get_local_id(0) + i * THREADS;
}

INLINE int has_piece(int i, int lines, int wide)
{
    return (i + 1) * THREADS <= PIECES(lines, wide) || piece_of(i) < PIECES(lines, wide);
}

INLINE int line_of(int i, int lines, int deep, int wide)
{
    const int width = WIDTH(wide);
    return deep ? piece_of(i) / (8 / width) % lines : piece_of(i) % (lines / width) * width;
}

INLINE int depth_of(int i, int lines, int deep, int wide)
{
    const int across = 8 / WIDTH(wide);
    return deep ? piece_of(i) % across * WIDTH(wide) + piece_of(i) / (across * lines) * 8
                : piece_of(i) / (lines / WIDTH(wide));
}

/* Where the pieces are in memory; `here` lines of the matrix are left. */
INLINE void place(uint *at, int lines, int deep, int wide, long here, uint ld)
{
    UNROLL
    for (int i = 0; i < FOURS(lines) * READS(wide); i++) {
        const uint last = here < lines ? (uint)here - (deep ? 1u : (uint)WIDTH(wide)) : (uint)lines;
        const uint line = min((uint)line_of(i, lines, deep, wide), last);
        const uint depth = (uint)depth_of(i, lines, deep, wide);
        at[i] = deep ? line * ld + depth : depth * ld + line;
    }
}

/* Those with k below `limit`; the others are zero. */
INLINE int is_there(int i, int lines, int deep, int wide, int limit)
{
    return has_piece(i, lines, wide) && depth_of(i, lines, deep, wide) < limit;
}

/* Where an operand is stored in 16 bits, B_STORED of half.cl. */
#if B_STORED
#define ELEMENT_B ushort
INLINE float4 four_16(__global const ushort *x)
{
    return B_STORED == STORED_BF16 ? as_float4(convert_uint4(*(__global const ushort4 *)x) << 16)
                                   : vload_half4(0, (__global const half *)x);
}

INLINE float fetch_one_16(__global const ushort *from, const uint *at, int i, int lines, int deep,
                          int limit)
{
    return is_there(i, lines, deep, 0, limit) ? load_16(from, at[i], B_STORED == STORED_BF16) : 0.0f;
}

INLINE void fetch_b(float4 *held, __global const ushort *from, const uint *at, int lines, int deep,
                    int wide, int limit)
{
    UNROLL
    for (int i = 0; i < FOURS(lines); i++)
        if (wide)
            held[i] = is_there(i, lines, deep, 1, limit) ? four_16(from + at[i]) : (float4)(0.0f);
        else
            held[i] = (float4)(fetch_one_16(from, at, 4 * i, lines, deep, limit),
                               fetch_one_16(from, at, 4 * i + 1, lines, deep, limit),
                               fetch_one_16(from, at, 4 * i + 2, lines, deep, limit),
                               fetch_one_16(from, at, 4 * i + 3, lines, deep, limit));
}
#else
#define ELEMENT_B float
#define fetch_b fetch
#endif

INLINE float fetch_one(__global const float *from, const uint *at, int i, int lines, int deep,
                       int limit)
{
    return is_there(i, lines, deep, 0, limit) ? from[at[i]] : 0.0f;
}

INLINE void fetch(float4 *held, __global const float *from, const uint *at, int lines, int deep,
                  int wide, int limit)
{
    UNROLL
    for (int i = 0; i < FOURS(lines); i++)
        if (wide)
            held[i] = is_there(i, lines, deep, 1, limit) ? *(__global const float4 *)(from + at[i])
                                                         : (float4)(0.0f);
        else
            held[i] = (float4)(fetch_one(from, at, 4 * i, lines, deep, limit),
                               fetch_one(from, at, 4 * i + 1, lines, deep, limit),
                               fetch_one(from, at, 4 * i + 2, lines, deep, limit),
                               fetch_one(from, at, 4 * i + 3, lines, deep, limit));
}

INLINE __local float *place_of(__local float *to, int i, int lines, int deep, int wide)
{
    return to + depth_of(i, lines, deep, wide) * (lines + PAD) + line_of(i, lines, deep, wide);
}

INLINE void store_one(__local float *to, float value, int i, int lines, int deep)
{
    if (has_piece(i, lines, 0))
        *place_of(to, i, lines, deep, 0) = value;
}

INLINE void store(__local float *to, const float4 *held, int lines, int deep, int wide)
{
    UNROLL
    for (int i = 0; i < FOURS(lines); i++)
        if (!wide) {
            store_one(to, held[i].x, 4 * i, lines, deep);
            store_one(to, held[i].y, 4 * i + 1, lines, deep);
            store_one(to, held[i].z, 4 * i + 2, lines, deep);
            store_one(to, held[i].w, 4 * i + 3, lines, deep);
        } else if (has_piece(i, lines, 1)) {
            __local float *place = place_of(to, i, lines, deep, 1);
            if (deep) {
                place[0] = held[i].x;
                place[lines + PAD] = held[i].y;
                place[2 * (lines + PAD)] = held[i].z;
                place[3 * (lines + PAD)] = held[i].w;
            } else
                *(__local float4 *)place = held[i];
        }
}

/* The arithmetic of one step. */
OUT_OF_LINE void multiply(float4 tile[ITEM_ROWS][ITEM_COLUMNS / 4], __local const float *left,
                          __local const float *right)
{
    UNROLL_MORE
    for (int p = 0; p < STEP; p++) {
        float u[ITEM_ROWS];
        float4 v[ITEM_COLUMNS / 4];
        UNROLL
        for (int r = 0; r < ITEM_ROWS / 4; r++) {
            const float4 four =
                *(__local const float4 *)(left + p * (ROWS + PAD) + r * LANE_ROWS * 4);
            u[4 * r] = four.x;
            u[4 * r + 1] = four.y;
            u[4 * r + 2] = four.z;
            u[4 * r + 3] = four.w;
        }
        UNROLL
        for (int s = 0; s < ITEM_COLUMNS / 4; s++)
            v[s] = *(__local const float4 *)(right + p * (COLUMNS + PAD) + s * LANE_COLUMNS * 4);
        UNROLL
        for (int r = 0; r < ITEM_ROWS; r++)
            UNROLL
            for (int s = 0; s < ITEM_COLUMNS / 4; s++)
                tile[r][s] += u[r] * v[s];
    }
}

/* Bands of eight rows of blocks, each gone through column by column. */
INLINE void block_of(long *i0, long *j0, long m, long n)
{
    const int rows = (int)((m + ROWS - 1) / ROWS), columns = (int)((n + COLUMNS - 1) / COLUMNS);
    const int group = (int)get_group_id(0), high = 8;
    const int first = group / (high * columns) * high, here = min(high, rows - first);
    const int rest = group - first * columns;
    *j0 = (long)(rest / here) * COLUMNS;
    *i0 = (long)(first + rest % here) * ROWS;
}

OUT_OF_LINE void store_four(float4 value, __global float *c, __global const float *bias,
                            __global const float *mask, long i, long j, long n, long ldc, int flags)
{
    const long at = i * ldc + j;
    if (flags & WIDE_C && j < n) {
        if (flags & ACCUMULATE)
            value += *(__global const float4 *)(c + at);
        if (flags & BIAS)
            value += vload4(0, bias + j);
        if (flags & RELU)
            value = select(value, (float4)(0.0f), value < 0.0f);
        if (flags & MASK)
            value = select((float4)(0.0f), value, *(__global const float4 *)(mask + at) > 0.0f);
        *(__global float4 *)(c + at) = value;
    } else {
        const float each[4] = {value.x, value.y, value.z, value.w};
        UNROLL
        for (int s = 0; s < 4; s++)
            if (j + s < n) {
                const float old = flags & ACCUMULATE ? c[at + s] : 0.0f;
                c[at + s] = finish(each[s] + old, bias, mask, j + s, at + s, flags);
            }
    }
}

__attribute__((reqd_work_group_size(THREADS, 1, 1)))
__kernel void matmul_tiled(__global float *restrict c, long c_at, __global float *restrict sums,
                           long sums_at, __global const float *restrict a, long a_at,
                           __global const ELEMENT_B *restrict b, long b_at,
                           __global const float *restrict bias, long bias_at,
                           __global const float *restrict mask, long mask_at, long m, long n,
                           long k, long lda, long ldb, long ldc, long stride_a, long stride_b,
                           long stride_c, int flags, long k_part, long part_c, long part_sums)
{
    __local float left[2][STEP * (ROWS + PAD)] __attribute__((aligned(16)));
    __local float right[2][STEP * (COLUMNS + PAD)] __attribute__((aligned(16)));
    const int me = (int)get_local_id(0), lane = me % 32, warp = me / 32;
    const int y = (warp / WARPS_ACROSS * LANE_ROWS * (ITEM_ROWS / 4) +
                   lane / (2 * LANE_COLUMNS) * 2 + lane % 2) * 4;
    const int x =
        (warp % WARPS_ACROSS * LANE_COLUMNS * (ITEM_COLUMNS / 4) + lane / 2 % LANE_COLUMNS) * 4;
    const long batch = get_group_id(2), part = get_group_id(1);
    long i0, j0;
    float4 tile[ITEM_ROWS][ITEM_COLUMNS / 4];
    float4 held_a[FOURS(ROWS)], held_b[FOURS(COLUMNS)];
    uint at_a[FOURS(ROWS) * READS(WIDE_A)], at_b[FOURS(COLUMNS) * READS(WIDE_B)];
    block_of(&i0, &j0, m, n);

    /* This part's range of k: the first step has what is left over of whole ones. */
    const int length = (int)min(k_part, k - part * k_part);
    const int steps = (length + STEP - 1) / STEP, first = length - (steps - 1) * STEP;
    a += a_at + batch * stride_a + (DEEP_A ? i0 * lda + part * k_part : part * k_part * lda + i0);
    b += b_at + batch * stride_b + (DEEP_B ? j0 * ldb + part * k_part : part * k_part * ldb + j0);
    place(at_a, ROWS, DEEP_A, WIDE_A, m - i0, (uint)lda);
    place(at_b, COLUMNS, DEEP_B, WIDE_B, n - j0, (uint)ldb);
    fetch(held_a, a, at_a, ROWS, DEEP_A, WIDE_A, first);
    fetch_b(held_b, b, at_b, COLUMNS, DEEP_B, WIDE_B, first);
    a += DEEP_A ? first : first * lda;
    b += DEEP_B ? first : first * ldb;
    UNROLL
    for (int r = 0; r < ITEM_ROWS; r++)
        UNROLL
        for (int s = 0; s < ITEM_COLUMNS / 4; s++)
            tile[r][s] = (float4)(0.0f);
    store(left[0], held_a, ROWS, DEEP_A, WIDE_A);
    store(right[0], held_b, COLUMNS, DEEP_B, WIDE_B);
#ifdef SUMMED
    float4 total[FOURS(ROWS)];
    UNROLL
    for (int i = 0; i < FOURS(ROWS); i++)
        total[i] = held_a[i];
#endif
    barrier(CLK_LOCAL_MEM_FENCE);

    for (int step = 1; step <= steps; step++) {
        const int now = (step - 1) & 1, limit = step < steps ? STEP : 0;
        fetch(held_a, a, at_a, ROWS, DEEP_A, WIDE_A, limit);
        fetch_b(held_b, b, at_b, COLUMNS, DEEP_B, WIDE_B, limit);
        a += DEEP_A ? STEP : STEP * lda;
        b += DEEP_B ? STEP : STEP * ldb;
        multiply(tile, left[now] + y, right[now] + x);
        store(left[1 - now], held_a, ROWS, DEEP_A, WIDE_A);
        store(right[1 - now], held_b, COLUMNS, DEEP_B, WIDE_B);
#ifdef SUMMED
        UNROLL
        for (int i = 0; i < FOURS(ROWS); i++)
            total[i] += held_a[i];
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#ifdef SUMMED
    /* What each has fetched lies in the same places as the elements did.  All wait, though it concerns
     * few: pocl 3.1 makes wrong numbers of a barrier that depends on a condition. */
    if (j0 == 0)
        store(left[0], total, ROWS, DEEP_A, WIDE_A);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j0 == 0)
        for (int i = me; i < ROWS && i0 + i < m; i += THREADS) {
            float sum = 0.0f;
            for (int p = 0; p < STEP; p++)
                sum += left[0][p * (ROWS + PAD) + i];
            sums[sums_at + part * part_sums + i0 + i] = sum;
        }
#endif
    c += c_at + part * part_c + batch * stride_c;
    mask += mask_at + batch * stride_c;
    UNROLL
    for (int r = 0; r < ITEM_ROWS; r++) {
        const long i = i0 + y + r / 4 * (LANE_ROWS * 4) + r % 4;
        if (i < m)
            UNROLL
            for (int s = 0; s < ITEM_COLUMNS / 4; s++)
                store_four(tile[r][s], c, bias + bias_at, mask, i, j0 + x + s * LANE_COLUMNS * 4,
                           n, ldc, flags);
    }
}
