/* matmul_tiled: the matrix product of matmul_flags.cl for GPUs: blocks of op(A) and op(B) in local
 * memory, a tile of C in the registers of each work-item.
 *
 * A group of SIDE x SIDE work-items has a block of SIDE*ITEM rows and columns of C; a work-item has
 * ITEM x ITEM of them, SIDE apart in both directions, so that neighbours read and write neighbours.
 * STEP elements of k are staged at a time; what lies outside the matrices is staged as zero.
 * matmul_epilogue and matmul_sums finish what a library's product has left in C.
 * Parameters: SIDE, ITEM, STEP; SIDE*SIDE is a multiple of STEP.  Deterministic. */
#include "matmul_flags.cl"
#ifndef SIDE
#define SIDE 16
#endif
#ifndef ITEM
#define ITEM 4
#endif
#ifndef STEP
#define STEP 16
#endif
#define BLOCK (SIDE * ITEM)

float finish(float value, __global const float *bias, __global const float *mask, long i, long j,
             long ldc, int flags)
{
    if (flags & BIAS)
        value += bias[j];
    if (flags & RELU)
        value = value < 0.0f ? 0.0f : value;
    if (flags & MASK)
        value = mask[i * ldc + j] > 0.0f ? value : 0.0f;
    return value;
}

/* One more column than needed, so that a column's elements lie in different banks. */
void stage(__local float to[STEP][BLOCK + 1], __global const float *from, long along, long across,
           long first, long limit, long p0, long k)
{
    const int me = (int)(get_local_id(1) * SIDE + get_local_id(0));
    for (int e = me; e < BLOCK * STEP; e += SIDE * SIDE) {
        /* Neighbours take neighbours in memory, whichever way the matrix lies. */
        const int p = across == 1 ? e / BLOCK : e % STEP;
        const int x = across == 1 ? e % BLOCK : e / STEP;
        to[p][x] = first + x < limit && p0 + p < k ? from[(first + x) * across + (p0 + p) * along]
                                                   : 0.0f;
    }
}

__attribute__((reqd_work_group_size(SIDE, SIDE, 1)))
__kernel void matmul_tiled(__global float *restrict c, long c_at, __global float *restrict sums,
                           long sums_at, __global const float *restrict a, long a_at,
                           __global const float *restrict b, long b_at,
                           __global const float *restrict bias, long bias_at,
                           __global const float *restrict mask, long mask_at, long m, long n,
                           long k, long lda, long ldb, long ldc, long stride_a, long stride_b,
                           long stride_c, int flags)
{
    __local float left[STEP][BLOCK + 1], right[STEP][BLOCK + 1];
    const long batch = get_group_id(2);
    const long i0 = (long)get_group_id(1) * BLOCK, j0 = (long)get_group_id(0) * BLOCK;
    const int y = (int)get_local_id(1), x = (int)get_local_id(0);
    const int first = j0 == 0 && x == 0 && (flags & SUMS);
    float tile[ITEM][ITEM], total[ITEM];
    a += a_at + batch * stride_a;
    b += b_at + batch * stride_b;
    c += c_at + batch * stride_c;
    mask += mask_at + batch * stride_c;
    for (int r = 0; r < ITEM; r++) {
        total[r] = 0.0f;
        for (int s = 0; s < ITEM; s++)
            tile[r][s] = 0.0f;
    }
    for (long p0 = 0; p0 < k; p0 += STEP) {
        stage(left, a, flags & TRANS_A ? lda : 1, flags & TRANS_A ? 1 : lda, i0, m, p0, k);
        stage(right, b, flags & TRANS_B ? 1 : ldb, flags & TRANS_B ? ldb : 1, j0, n, p0, k);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int p = 0; p < STEP; p++) {
            float u[ITEM], v[ITEM];
#pragma unroll
            for (int r = 0; r < ITEM; r++) {
                u[r] = left[p][y + r * SIDE];
                v[r] = right[p][x + r * SIDE];
                total[r] += first ? u[r] : 0.0f;
            }
#pragma unroll
            for (int r = 0; r < ITEM; r++)
#pragma unroll
                for (int s = 0; s < ITEM; s++)
                    tile[r][s] += u[r] * v[s];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int r = 0; r < ITEM; r++) {
        const long i = i0 + y + r * SIDE;
        if (i < m && first)
            sums[sums_at + i] = total[r];
        for (int s = 0; s < ITEM; s++) {
            const long j = j0 + x + s * SIDE;
            if (i < m && j < n) {
                const float old = flags & ACCUMULATE ? c[i * ldc + j] : 0.0f;
                c[i * ldc + j] = finish(tile[r][s] + old, bias + bias_at, mask, i, j, ldc, flags);
            }
        }
    }
}

__kernel void matmul_epilogue(__global float *c, long c_at, __global const float *bias,
                              long bias_at, __global const float *mask, long mask_at, long m, long n, long ldc,
                              long stride_c, int flags)
{
    const long j = get_global_id(0), i = get_global_id(1);
    if (i >= m || j >= n)
        return;
    c += c_at + (long)get_global_id(2) * stride_c;
    mask += mask_at + (long)get_global_id(2) * stride_c;
    c[i * ldc + j] = finish(c[i * ldc + j], bias + bias_at, mask, i, j, ldc, flags);
}

__kernel void matmul_sums(__global float *sums, long sums_at, __global const float *a, long a_at,
                          long m, long k, long lda, int flags)
{
    const long i = get_global_id(0);
    if (i >= m)
        return;
    float sum = 0.0f;
    for (long p = 0; p < k; p++)
        sum += flags & TRANS_A ? a[a_at + p * lda + i] : a[a_at + i * lda + p];
    sums[sums_at + i] = sum;
}
