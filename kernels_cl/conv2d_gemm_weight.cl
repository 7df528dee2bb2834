/* conv2d_gemm_weight: dw and db for GPUs, as a matrix product whose depth is the places of all
 * samples: rows are the outs of a group, columns its channels, padded to quads, of every tap.
 *
 * conv2d_gemm_weight      a group has BM rows and BN columns of the sums over `chunk` places, a
 *                         work-item TM x TN of them.  STEP places are staged at a time, while those
 *                         before are multiplied: neighbours take neighbouring places, and four rows
 *                         or channels each, so that they write local memory without conflicts.
 *                         db is the sums of what is staged of dy.
 * conv2d_weight_sum.cl adds up the parts.
 * Parameters: BM, BN, TM, TN; BM*BN/(TM*TN) is a multiple of STEP.  Deterministic. */
#include "conv2d_taps.cl"
#include "inline.cl"
#ifndef BM
#define BM 64
#endif
#ifndef BN
#define BN 64
#endif
#ifndef TM
#define TM 8
#endif
#ifndef TN
#define TN 4
#endif
#define STEP 16
#define ITEMS (BM * BN / (TM * TN))
#define LINES (ITEMS / STEP)
#define LEFT ((BM / 4 + LINES - 1) / LINES) /* quads that a work-item stages */
#define RIGHT ((BN / 4 + LINES - 1) / LINES)

/* The first of four in a row of n; the last four overlap those before rather than end outside: who
 * writes leaves out what is below 4 * quad. */
int first_of(int quad, int n)
{
    return min(quad * 4, max(n - 4, 0));
}

/* A part holds dw of all groups, then db. */
__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void conv2d_gemm_weight(__global float *restrict parts, long parts_at,
                                 __global const float *restrict dy, long dy_at,
                                 __global const float *restrict x, long x_at, long part_floats,
                                 int chunk, int samples, int groups, int channels, int in_y,
                                 int in_x, int outs, int out_y, int out_x, int kernel_y,
                                 int kernel_x, int stride_y, int stride_x, int pad_y, int pad_x,
                                 int step_y, int step_x, int row_blocks, int column_blocks,
                                 int flags)
{
    /* A quad more than needed, so that a row's places lie in different banks. */
    __local float4 left[2][STEP][BM / 4 + 1], right[2][STEP][BN / 4 + 1];
    const int me = (int)get_local_id(0), k = me % STEP, line = me / STEP;
    const int column_block = (int)get_group_id(0) % column_blocks;
    const int row_block = (int)get_group_id(0) / column_blocks % row_blocks;
    const int part = (int)get_group_id(0) / column_blocks / row_blocks;
    const int group = (int)get_group_id(1);
    const int places = out_y * out_x, plane = in_y * in_x, quads = (channels + 3) / 4;
    const int first = part * chunk, taps = kernel_y * kernel_x;
    const int n = samples * places - first < chunk ? samples * places - first : chunk;

    /* The rows and columns that this work-item stages stay; the place goes on. */
    int row[LEFT], column[RIGHT], down[RIGHT], across[RIGHT];
    float4 a[LEFT], b[RIGHT], total[LEFT];
    UNROLL_MORE
    for (int q = 0; q < LEFT; q++) {
        row[q] = first_of(row_block * (BM / 4) + q * LINES + line, outs) * places;
        total[q] = 0.0f;
    }
    UNROLL_MORE
    for (int q = 0; q < RIGHT; q++) {
        const int at = column_block * (BN / 4) + q * LINES + line;
        const int tap = at / quads, c = first_of(at % quads, channels);
        down[q] = tap < taps ? tap / kernel_x * step_y : NOWHERE;
        across[q] = tap % kernel_x * step_x;
        column[q] = tap < taps ? c * plane + down[q] * in_x + across[q] : 0;
    }
    const int row1 = min(1, outs - 1) * places, plane1 = min(1, channels - 1) * plane;
    const int row2 = min(2, outs - 1) * places, plane2 = min(2, channels - 1) * plane;
    const int row3 = min(3, outs - 1) * places, plane3 = min(3, channels - 1) * plane;
    const int place = first + k;
    WALK(place, STEP);
    dy += dy_at + (long)group * outs * places;
    x += x_at + (long)group * channels * plane;
#define FETCH(k0)                                                                                  \
    {                                                                                              \
        const bool there = (k0) + k < n;                                                           \
        const int iy = there ? oy * stride_y - pad_y : NOWHERE, ix = ox * stride_x - pad_x;        \
        __global const float *d = dy + (long)sample * (groups * outs * places) + oy * out_x + ox;  \
        __global const float *i = x + (long)sample * (groups * channels * plane) +                 \
                                  ((oy * stride_y - pad_y) * in_x + ix);                           \
        UNROLL_MORE for (int q = 0; q < LEFT; q++)                                                 \
        {                                                                                          \
            a[q].x = there ? d[row[q]] : 0.0f;                                                     \
            a[q].y = there ? d[row[q] + row1] : 0.0f;                                              \
            a[q].z = there ? d[row[q] + row2] : 0.0f;                                              \
            a[q].w = there ? d[row[q] + row3] : 0.0f;                                              \
        }                                                                                          \
        UNROLL_MORE for (int q = 0; q < RIGHT; q++)                                                \
        {                                                                                          \
            const bool inside = (uint)(iy + down[q]) < (uint)in_y &&                               \
                                (uint)(ix + across[q]) < (uint)in_x;                               \
            b[q].x = inside ? i[column[q]] : 0.0f;                                                 \
            b[q].y = inside ? i[column[q] + plane1] : 0.0f;                                        \
            b[q].z = inside ? i[column[q] + plane2] : 0.0f;                                        \
            b[q].w = inside ? i[column[q] + plane3] : 0.0f;                                        \
        }                                                                                          \
        WALK_ON                                                                                    \
    }

    /* Neighbours share a row, every other one a column, in which order NVIDIA's local memory
     * answers float4 fastest. */
    const int i = me / 2 % (BM / TM), j = me % 2 + me / (2 * (BM / TM)) * 2;
    float4 sum[TM][TN / 4];
    UNROLL_MORE
    for (int r = 0; r < TM; r++)
        UNROLL_MORE
        for (int s = 0; s < TN / 4; s++)
            sum[r][s] = 0.0f;
    FETCH(0)
    int turn = 0;
    for (int k0 = 0; k0 < n; k0 += STEP) {
        UNROLL_MORE
        for (int q = 0; q < LEFT; q++) {
            if (BM / 4 % LINES == 0 || q * LINES + line < BM / 4)
                left[turn][k][q * LINES + line] = a[q];
            total[q] += a[q];
        }
        UNROLL_MORE
        for (int q = 0; q < RIGHT; q++)
            if (BN / 4 % LINES == 0 || q * LINES + line < BN / 4)
                right[turn][k][q * LINES + line] = b[q];
        barrier(CLK_LOCAL_MEM_FENCE);
        if (k0 + STEP < n)
            FETCH(k0 + STEP)
        UNROLL_MORE
        for (int p = 0; p < STEP; p++) {
            float4 u[TM / 4], v[TN / 4];
            UNROLL_MORE
            for (int r = 0; r < TM / 4; r++)
                u[r] = left[turn][p][r * (BM / TM) + i];
            UNROLL_MORE
            for (int s = 0; s < TN / 4; s++)
                v[s] = right[turn][p][s * (BN / TN) + j];
            UNROLL_MORE
            for (int r = 0; r < TM / 4; r++)
                UNROLL_MORE
                for (int s = 0; s < TN / 4; s++) {
                    sum[4 * r][s] += u[r].x * v[s];
                    sum[4 * r + 1][s] += u[r].y * v[s];
                    sum[4 * r + 2][s] += u[r].z * v[s];
                    sum[4 * r + 3][s] += u[r].w * v[s];
                }
        }
        turn ^= 1;
    }

    __global float *to = parts + parts_at + part * part_floats;
    UNROLL_MORE
    for (int s = 0; s < TN / 4; s++) {
        const int at = column_block * (BN / 4) + s * (BN / TN) + j;
        const int tap = at / quads, c4 = at % quads * 4, c = first_of(at % quads, channels);
        UNROLL_MORE
        for (int r = 0; r < TM; r++) {
            const int quad = row_block * (BM / 4) + r / 4 * (BM / TM) + i;
            const int o = first_of(quad, outs) + r % 4;
            const float t[4] = {sum[r][s].x, sum[r][s].y, sum[r][s].z, sum[r][s].w};
            __global float *w = to + (((long)group * outs + o) * channels + c) * taps + tap;
            if (o >= quad * 4 && o < outs && tap < taps)
                UNROLL_MORE
                for (int q = 0; q < 4; q++)
                    if (c + q >= c4 && c + q < channels)
                        w[q * taps] = t[q];
        }
    }
    /* All wait, though it concerns few; see matmul_tiled.cl. */
    const bool leaves_sums = column_block == 0 && flags & SUMS;
    to += (long)groups * outs * channels * taps + group * outs;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (leaves_sums)
        UNROLL_MORE
        for (int q = 0; q < LEFT; q++)
            if (q * LINES + line < BM / 4)
                left[0][k][q * LINES + line] = total[q];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int m = leaves_sums ? me : BM; m < BM; m += ITEMS) {
        const int quad = row_block * (BM / 4) + m / 4, o = first_of(quad, outs) + m % 4;
        float all = 0.0f;
        for (int p = 0; p < STEP; p++)
            all += ((__local const float *)left[0][p])[m];
        if (o >= quad * 4 && o < outs)
            to[o] = all;
    }
}
