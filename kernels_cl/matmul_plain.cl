/* matmul_plain: C = epilogue(op(A) op(B) [+ C]) for every matrix of a batch, row-major.
 * One work-item an element of C; any form, any size; runs anywhere; what the others are tested
 * against.  The epilogue and the flags are in matmul_flags.cl. */
#include "half.cl"
#include "matmul_flags.cl"

float element_of_b(__global const float *b, long i, int flags)
{
    return flags & (B_BF16 | B_F16) ? load_16((__global const ushort *)b, i, flags & B_BF16) : b[i];
}

__kernel void matmul_plain(__global float *c, long c_at, __global float *sums, long sums_at,
                           __global const float *a, long a_at, __global const float *b, long b_at,
                           __global const float *bias, long bias_at, __global const float *mask,
                           long mask_at, long m, long n, long k, long lda, long ldb, long ldc,
                           long stride_a, long stride_b, long stride_c, int flags, long batches)
{
    const long e = get_global_id(0), row = e / n, j = e - row * n;
    const long batch = row / m, i = row - batch * m;
    const long a_row = flags & TRANS_A ? 1 : lda, a_step = flags & TRANS_A ? lda : 1;
    const long b_col = flags & TRANS_B ? ldb : 1, b_step = flags & TRANS_B ? 1 : ldb;
    if (batch >= batches)
        return;
    a += a_at + batch * stride_a + i * a_row;
    b_at += batch * stride_b + j * b_col;
    c += c_at + batch * stride_c + i * ldc + j;
    float value = 0.0f, sum = 0.0f;
    for (long p = 0; p < k; p++) {
        value += a[p * a_step] * element_of_b(b, b_at + p * b_step, flags);
        sum += a[p * a_step];
    }
    if (flags & ACCUMULATE)
        value += *c;
    if (flags & BIAS)
        value += bias[bias_at + j];
    if (flags & RELU)
        value = value < 0.0f ? 0.0f : value;
    if (flags & MASK)
        value = mask[mask_at + i * ldc + j] > 0.0f ? value : 0.0f;
    *c = value;
    if (flags & SUMS && j == 0)
        sums[sums_at + i] = sum;
}
