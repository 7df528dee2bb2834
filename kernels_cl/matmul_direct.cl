/* matmul_direct: the matrix product of matmul_flags.cl in one launch, for CPUs and small or skinny
 * shapes.  Groups of one work-item; each has row_block rows of C (a multiple of MR) and col_block
 * columns (a multiple of NR).  For one block of k after the other it packs its panels of B into local
 * memory (k_block times col_block floats) and runs down its rows with them.  A is read where it lies,
 * the elements of a tile's rows from the nearest cache for all panels but the first.
 * Parameters: MR, VW as in matmul_tile.cl.  Deterministic. */
#define A_MEM __global
#define B_MEM __local
#include "matmul_tile.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void matmul_direct(__global float *restrict c, long c_at, __global float *restrict sums,
                            long sums_at, __global const float *restrict a, long a_at,
                            __global const float *restrict b, long b_at,
                            __global const float *restrict bias, long bias_at,
                            __global const float *restrict mask, long mask_at, long m, long n,
                            long k, long lda, long ldb, long ldc, long stride_a, long stride_b,
                            long stride_c, int flags, long row_block, long col_block, long k_block,
                            __local float *panels)
{
    const long batch = get_group_id(2);
    const long i0 = (long)get_group_id(1) * row_block, i1 = min(m, i0 + row_block);
    const long j0 = (long)get_group_id(0) * col_block, j1 = min(n, j0 + col_block);
    const long a_row = flags & TRANS_A ? 1 : lda, a_step = flags & TRANS_A ? lda : 1;
    target t = {c + c_at + batch * stride_c, bias + bias_at, mask + mask_at + batch * stride_c, ldc, 0};
    a += a_at + batch * stride_a;
    b += b_at + batch * stride_b;
    if (flags & SUMS)
        sum_rows(sums + sums_at, a, lda, flags & TRANS_A, m, k,
                 (long)(get_group_id(1) * get_num_groups(0) + get_group_id(0)),
                 (long)(get_num_groups(0) * get_num_groups(1)));
    for (long p = 0; p < k; p += k_block) {
        const long deep = min(k_block, k - p);
        t.flags = block_flags(flags, p == 0, p + deep == k);
        for (long j = j0; j < j1; j += NR)
            pack_panel(panels + (j - j0) * deep, b, ldb, flags & TRANS_B, p, deep, j, j1 - j);
        for (long i = i0; i < i1; i += MR)
            for (long j = j0; j < j1; j += NR) {
                VEC tile[MR][2];
                tile_multiply(tile, a + i * a_row + p * a_step, a_row, a_step, i1 - i,
                              panels + (j - j0) * deep, deep);
                tile_store(tile, &t, i, j, i1 - i, j1 - j);
            }
    }
}
