/* matmul_packed: the matrix product of matmul_flags.cl for CPUs and large shapes, in two launches.
 *
 * matmul_pack    all of op(B) into `panels`, NR columns, k deep, one behind the other.  The grid
 *                divides panels (dimension 0) and k evenly.
 * matmul_packed  groups of one work-item; the grid divides the tiles of C evenly, dimension 0 its
 *                columns.  For one block of k after the other a group packs its rows of op(A) into
 *                local memory as tiles of MR rows (k_block times its rows, 8 floats more at the
 *                end), which stay in the second-level cache while the panels, which fit the first,
 * go by. Parameters: MR up to 8, VW as in matmul_tile.cl.  Deterministic. */
#define A_MEM __local
#define B_MEM __global
#include "matmul_tile.cl"

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void matmul_pack(__global float *restrict panels, long panels_at,
                          __global const float *restrict b, long b_at, long n, long k, long ldb,
                          long stride_b, int flags)
{
    const long n_panels = (n + NR - 1) / NR, batch = get_group_id(2);
    const long j0 = NR * part_begin(n_panels, get_group_id(0), get_num_groups(0));
    const long j1 = min(n, NR * part_begin(n_panels, get_group_id(0) + 1, get_num_groups(0)));
    const long p0 = part_begin(k, get_group_id(1), get_num_groups(1));
    const long p1 = part_begin(k, get_group_id(1) + 1, get_num_groups(1));
    pack_panels(panels + panels_at + (batch * n_panels * NR + j0) * k + p0 * NR, NR * k,
                b + b_at + batch * stride_b, ldb, flags & TRANS_B, p0, p1 - p0, j0, j1 - j0);
}

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void matmul_packed(__global float *restrict c, long c_at, __global float *restrict sums,
                            long sums_at, __global const float *restrict a, long a_at,
                            __global const float *restrict panels, long panels_at,
                            __global const float *restrict bias, long bias_at,
                            __global const float *restrict mask, long mask_at, long m, long n,
                            long k, long lda, long ldb, long ldc, long stride_a, long stride_b,
                            long stride_c, int flags, long k_block, __local float *tiles)
{
    const long batch = get_group_id(2), column = get_group_id(0), columns = get_num_groups(0);
    const long row = get_group_id(1), rows = get_num_groups(1);
    const long n_tiles = (m + MR - 1) / MR, n_panels = (n + NR - 1) / NR;
    const long i0 = MR * part_begin(n_tiles, row, rows);
    const long i1 = min(m, MR * part_begin(n_tiles, row + 1, rows));
    const long j0 = NR * part_begin(n_panels, column, columns);
    const long j1 = min(n, NR * part_begin(n_panels, column + 1, columns));
    target t = {c + c_at + batch * stride_c, bias + bias_at, mask + mask_at + batch * stride_c,
                ldc, 0};
    a += a_at + batch * stride_a;
    panels += panels_at + batch * n_panels * NR * k;
    if (flags & SUMS)
        sum_rows(sums + sums_at, a, lda, flags & TRANS_A, m, k, row * columns + column,
                 rows * columns);
    for (long p = 0; p < k; p += k_block) {
        const long deep = min(k_block, k - p);
        t.flags = block_flags(flags, p == 0, p + deep == k);
        pack_tiles(tiles, a, lda, flags & TRANS_A, i0, i1 - i0, m - i0, p, deep);
        for (long j = j0; j < j1; j += NR)
            for (long i = i0; i < i1; i += MR) {
                VEC tile[MR][2];
                tile_expect(&t, i, j, i1 - i);
                tile_multiply(tile, tiles + (i - i0) * deep, 1, MR, MR, panels + j * k + p * NR,
                              deep);
                tile_store(tile, &t, i, j, i1 - i, j1 - j);
            }
    }
}
