/* conv2d_gemm: y or dx for GPUs, as a matrix product whose right operand is never stored ("implicit
 * GEMM"): rows are the outs of a group, columns the pixels of all samples, depth what the window
 * sees.
 *
 * With phases, the pixels of each are a product of their own.
 *
 * conv2d_gemm_pack  w in the order in which conv2d_gemm reads it: (group, phase, row block, depth,
 *                   BM), with zeros around; and for each phase a table of what the rows of depth
 *                   are.  Depth is channel by channel of a tap.
 * conv2d_gemm       a group has BM rows and BN columns, a work-item 8 x TN of them; STEP rows of
 *                   depth are staged at a time, while those before are multiplied.  Pixels that lie
 *                   outside are staged as zero.
 * Parameters: BM, BN; TN 4 or 8; SHARE: so many channels at a time are looked up together, a
 * divisor of the channels of a group: 1, 2, 4 or 8.  Deterministic. */
#include "conv2d_taps.cl"
#include "inline.cl"
#ifndef BM
#define BM 64
#endif
#ifndef BN
#define BN 128
#endif
#ifndef TN
#define TN 8
#endif
#ifndef SHARE
#define SHARE 8
#endif
#define STEP 8
#define ITEMS (BM * BN / (8 * TN))

/* w has `channels` of w_channel elements for each out, of w_out, in a group, of w_group; taps
 * follow each other by w_tap from w_first on.  `depth` is the most that a phase has. */
__kernel void conv2d_gemm_pack(__global float *to, long to_at, __global int *table, long table_at,
                               __global const float *w, long w_at, long w_group, long w_out,
                               long w_channel, long w_first, long w_tap, int channels, int in_y,
                               int in_x, int outs, int kernel_y, int kernel_x, int phases_y,
                               int phases_x, int first_y, int first_x, int step_y, int step_x,
                               int every_y, int every_x, int depth, int row_blocks, long n)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const int m = (int)(i % BM), k = (int)(i / BM % depth);
    const int row_block = (int)(i / BM / depth % row_blocks);
    const int z = (int)(i / BM / depth / row_blocks);
    const int phase_x = z % phases_x, phase_y = z / phases_x % phases_y;
    const int group = z / phases_x / phases_y;
    const int t_y = first_tap(phase_y, first_y, step_y, phases_y, every_y);
    const int t_x = first_tap(phase_x, first_x, step_x, phases_x, every_x);
    const int taps_x = taps_from(t_x, kernel_x, every_x);
    const int taps = taps_from(t_y, kernel_y, every_y) * taps_x;
    const int tap = k / channels, c = k % channels, o = row_block * BM + m;
    const bool there = tap < taps;
    const int y = there ? t_y + tap / taps_x * every_y : 0;
    const int x = there ? t_x + tap % taps_x * every_x : 0;
    w += w_at + group * w_group + w_first;
    to[to_at + i] =
        there && o < outs ? w[o * w_out + c * w_channel + (y * kernel_x + x) * w_tap] : 0.0f;
    if (o == 0 && group == 0 && k % SHARE == 0) {
        const int down = (phase_y + first_y + y * step_y) / phases_y;
        const int right = (phase_x + first_x + x * step_x) / phases_x;
        const long entry = (z * (long)depth + k) / SHARE;
        ((__global int4 *)(table + table_at))[entry] =
            there ? (int4)((c * in_y + down) * in_x + right, down, right, 0)
                  : (int4)(0, NOWHERE, 0, 0);
    }
}

/* Columns are staged by LANES work-items, some columns each, ROWS rows of depth. */
#define LANES (BN < ITEMS ? BN : ITEMS)
#define COLUMNS (BN / LANES)
#define ROWS (STEP * LANES / ITEMS)

/* How 32 work-items lie on the block: what they read of local memory together is to be little; and
 * neighbours share a row, every other one a column, in which order NVIDIA's local memory answers
 * float4 fastest. */
#define PY (BM / 8 < 4 ? BM / 8 : 4)
#define PX (32 / PY)
#define ACROSS (BN / TN / PX)

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void conv2d_gemm(__global float *restrict y, long y_at, __global const float *restrict x,
                          long x_at, __global const float *restrict w, long w_at,
                          __global const int *restrict table, long table_at,
                          __global const float *restrict b, long b_at,
                          __global const float *restrict h, long h_at, long samples, int groups,
                          int channels, int in_y, int in_x, int outs, int out_y, int out_x,
                          int kernel_y, int kernel_x, int source_y, int source_x, int phases_y,
                          int phases_x, int first_y, int first_x, int step_y, int step_x,
                          int every_y, int every_x, int depth, int row_blocks, int flags)
{
    __local float4 left[2][STEP][BM / 4], right[2][STEP][BN / 4];
    const int me = (int)get_local_id(0);
    const int row_block = (int)get_group_id(0) % row_blocks;
    const int j0 = (int)get_group_id(0) / row_blocks * BN;
    const int z = (int)get_group_id(1);
    const int phase_x = z % phases_x, phase_y = z / phases_x % phases_y;
    const int group = z / phases_x / phases_y;
    const int pixels_y = (out_y - phase_y + phases_y - 1) / phases_y;
    const int pixels_x = (out_x - phase_x + phases_x - 1) / phases_x;
    const int pixels = pixels_y * pixels_x, n = (int)samples * pixels;
    const int plane = in_y * in_x;
    const int taps =
        taps_from(first_tap(phase_y, first_y, step_y, phases_y, every_y), kernel_y, every_y) *
        taps_from(first_tap(phase_x, first_x, step_x, phases_x, every_x), kernel_x, every_x);
    const int n_deep = taps * channels;
    if (j0 >= n)
        return;

    /* What this work-item stages: pixels, each with a pointer and two coordinates, and weights. */
    const int lane = me % LANES, row0 = me / LANES * ROWS;
    __global const float *from[COLUMNS];
    int at_y[COLUMNS], at_x[COLUMNS];
    float seen[COLUMNS][ROWS];
    float4 weight = 0.0f;
    __global const float4 *weights =
        (__global const float4 *)(w + w_at + ((long)z * row_blocks + row_block) * depth * BM) + me;
    __global const int4 *rows =
        (__global const int4 *)(table + table_at) + z % (phases_y * phases_x) * (depth / SHARE);
    UNROLL_MORE
    for (int s = 0; s < COLUMNS; s++) {
        const int j = j0 + s * LANES + lane;
        const int p = j % pixels, sample = j / pixels;
        at_y[s] = j < n ? p / pixels_x * source_y : NOWHERE;
        at_x[s] = j < n ? p % pixels_x * source_x : 0;
        from[s] = x + x_at + ((long)sample * groups + group) * channels * plane;
        if (j < n)
            from[s] += row0 % SHARE * plane + at_y[s] * in_x + at_x[s];
    }
#define FETCH(k0)                                                                                  \
    {                                                                                              \
        int4 e;                                                                                    \
        if (BM * STEP / 4 == ITEMS || me < BM * STEP / 4)                                          \
            weight = weights[(k0) * (BM / 4)];                                                     \
        UNROLL_MORE for (int r = 0; r < ROWS; r++)                                                 \
        {                                                                                          \
            if (r % SHARE == 0)                                                                    \
                e = rows[((k0) + row0 + r) / SHARE];                                               \
            UNROLL_MORE for (int s = 0; s < COLUMNS; s++)                                          \
            {                                                                                      \
                const bool inside = (uint)(at_y[s] + e.y) < (uint)in_y &&                          \
                                    (uint)(at_x[s] + e.z) < (uint)in_x;                            \
                seen[s][r] = inside ? from[s][e.x + r % SHARE * plane] : 0.0f;                     \
            }                                                                                      \
        }                                                                                          \
    }

    const int patch = me / 32, within = me % 32;
    const int i = patch / ACROSS * PY + (within / 2 % 2 + within / (4 * PX / 2) * 2) % PY;
    const int j = patch % ACROSS * PX + within % 2 + within / 4 % (PX / 2) * 2;
    float4 sum[8][TN / 4];
    UNROLL_MORE
    for (int r = 0; r < 8; r++)
        UNROLL_MORE
        for (int s = 0; s < TN / 4; s++)
            sum[r][s] = 0.0f;
    if (n_deep > 0)
        FETCH(0)
    int turn = 0;
    for (int k0 = 0; k0 < n_deep; k0 += STEP) {
        __local float *stage = (__local float *)right[turn];
        if (BM * STEP / 4 == ITEMS || me < BM * STEP / 4)
            left[turn][me / (BM / 4)][me % (BM / 4)] = weight;
        UNROLL_MORE
        for (int r = 0; r < ROWS; r++)
            UNROLL_MORE
            for (int s = 0; s < COLUMNS; s++)
                stage[(row0 + r) * BN + s * LANES + lane] = seen[s][r];
        barrier(CLK_LOCAL_MEM_FENCE);
        if (k0 + STEP < n_deep)
            FETCH(k0 + STEP)
        UNROLL_MORE
        for (int p = 0; p < STEP; p++) {
            float4 v[TN / 4];
            const float4 u0 = left[turn][p][i], u1 = left[turn][p][BM / 8 + i];
            const float u[8] = {u0.x, u0.y, u0.z, u0.w, u1.x, u1.y, u1.z, u1.w};
            UNROLL_MORE
            for (int s = 0; s < TN / 4; s++)
                v[s] = right[turn][p][s * (BN / TN) + j];
            UNROLL_MORE
            for (int r = 0; r < 8; r++)
                UNROLL_MORE
                for (int s = 0; s < TN / 4; s++)
                    sum[r][s] += u[r] * v[s];
        }
        turn ^= 1;
    }

    /* Four pixels side by side are written at once where they lie so. */
    const long out_plane = (long)out_y * out_x;
    const bool whole = phases_y * phases_x == 1 && out_plane % 4 == 0 && y_at % 4 == 0;
    y += y_at + (long)group * outs * out_plane;
    h += h_at + (long)group * outs * out_plane;
    b += b_at + (long)group * outs;
    UNROLL_MORE
    for (int s = 0; s < TN / 4; s++) {
        const int column = j0 + (s * (BN / TN) + j) * 4;
        UNROLL_MORE
        for (int q = 0; q < 4; q++) {
            const int p = (column + q) % pixels;
            const long place = (long)((column + q) / pixels) * groups * outs * out_plane +
                               (long)(p / pixels_x * phases_y + phase_y) * out_x +
                               p % pixels_x * phases_x + phase_x;
            if (column + q >= n || (whole && q > 0))
                break;
            UNROLL_MORE
            for (int r = 0; r < 8; r++) {
                const int o = row_block * BM + r / 4 * (BM / 2) + i * 4 + r % 4;
                const long to = place + o * out_plane;
                const float bias = o < outs && (flags & BIAS) ? b[o] : 0.0f;
                const float4 t = sum[r][s];
                if (o >= outs)
                    break;
                if (whole)
                    *(__global float4 *)(y + to) =
                        (float4)(conv_finish(t.x, flags, bias, h + to),
                                 conv_finish(t.y, flags, bias, h + to + 1),
                                 conv_finish(t.z, flags, bias, h + to + 2),
                                 conv_finish(t.w, flags, bias, h + to + 3));
                else
                    y[to] = conv_finish(q == 0   ? t.x
                                        : q == 1 ? t.y
                                        : q == 2 ? t.z
                                                 : t.w,
                                        flags, bias, h + to);
            }
        }
    }
}
