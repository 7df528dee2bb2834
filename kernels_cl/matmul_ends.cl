/* matmul_ends: what is left to do behind a product's own launch, one work-item an element.
 *
 * matmul_epilogue, matmul_sums  behind a library's product: the epilogue in place; the row sums.
 * matmul_join                   behind matmul_tiled in parts of k: adds up the parts, part after part,
 *                               and does the epilogue; the row sums' parts lie behind those of C.
 * Deterministic. */
#include "matmul_finish.cl"

__kernel void matmul_epilogue(__global float *c, long c_at, __global const float *bias,
                              long bias_at, __global const float *mask, long mask_at, long m, long n,
                              long ldc, long stride_c, int flags)
{
    const long j = get_global_id(0), i = get_global_id(1), batch = get_global_id(2);
    if (i >= m || j >= n)
        return;
    const long at = i * ldc + j + batch * stride_c;
    c[c_at + at] = finish(c[c_at + at], bias + bias_at, mask + mask_at, j, at, flags);
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

/* Four sums, so that four reads are on their way. */
static inline float total(__global const float *part, long n_parts, long between)
{
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    long p = 0;
    for (; p + 4 <= n_parts; p += 4)
        for (int i = 0; i < 4; i++)
            sum[i] += part[(p + i) * between];
    for (; p < n_parts; p++)
        sum[0] += part[p * between];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

__kernel void matmul_join(__global float *restrict c, long c_at, __global float *restrict sums,
                          long sums_at, __global const float *restrict parts, long parts_at,
                          __global const float *restrict bias, long bias_at,
                          __global const float *restrict mask, long mask_at, long m, long n, long batch,
                          long ldc, long stride_c, long n_parts, int flags)
{
    const long e = get_global_id(0), all = batch * m * n;
    parts += parts_at;
    if (e < all) {
        const long row = e / n, j = e - row * n, z = row / m;
        const long at = (row - z * m) * ldc + j + z * stride_c;
        float value = total(parts + e, n_parts, all);
        if (flags & ACCUMULATE)
            value += c[c_at + at];
        c[c_at + at] = finish(value, bias + bias_at, mask + mask_at, j, at, flags);
    } else if (flags & SUMS && e < all + m)
        sums[sums_at + e - all] = total(parts + n_parts * all + e - all, n_parts, m);
}
