/* matmul_direct: the matrix product of matmul_flags.cl in one launch, for CPUs and small or
 * skinny shapes.  Groups of one work-item; the tiles of C are divided evenly into rows x columns,
 * a group has one of these parts.  For one block of k after the other a group packs its panels of
 * B into local memory (k_block times its columns) and runs down its rows with them.  A is read
 * where it lies, the elements of a tile's rows from the nearest cache for all panels but the
 * first.
 * Parameters: MR, VW as in matmul_tile.cl.  Deterministic. */
#undef A_MEM
#undef B_MEM
#undef TILED
#undef ASK
#undef STEPS
#define A_MEM __global
#define B_MEM __local
#define TILED(name) direct_##name
#define ASK(p)
#define STEPS
#include "matmul_tile.cl"

GROUPS_OF_ONE
__kernel void matmul_direct(__global float *restrict c, long c_at, __global float *restrict sums,
                            long sums_at, __global const float *restrict a, long a_at,
                            __global const float *restrict b, long b_at,
                            __global const float *restrict bias, long bias_at,
                            __global const float *restrict mask, long mask_at, long m, long n,
                            long k, long lda, long ldb, long ldc, long stride_a, long stride_b,
                            long stride_c, int flags, long k_block, long rows, long columns,
                            __local float *panels UNITS)
{
    const long batch = get_group_id(0) / (rows * columns);
    const long part = get_group_id(0) - batch * rows * columns;
    const long row = part / columns, column = part - row * columns;
    const long n_tiles = (m + MR - 1) / MR, n_panels = (n + NR - 1) / NR;
    const long i0 = MR * part_begin(n_tiles, row, rows);
    const long i1 = min(m, MR * part_begin(n_tiles, row + 1, rows));
    const long j0 = NR * part_begin(n_panels, column, columns);
    const long j1 = min(n, NR * part_begin(n_panels, column + 1, columns));
    const long a_row = flags & TRANS_A ? 1 : lda, a_step = flags & TRANS_A ? lda : 1;
    target t = {c + c_at + batch * stride_c, bias + bias_at, mask + mask_at + batch * stride_c,
                ldc, 0};
    a += a_at + batch * stride_a;
    b_at += batch * stride_b;
    if (flags & SUMS)
        add_row_sums(sums + sums_at, a, lda, flags & TRANS_A, m, k, part, rows * columns);
    for (long p = 0; p < k; p += k_block) {
        const long deep = min(k_block, k - p);
        t.flags = block_flags(flags, p == 0, p + deep == k);
        if (flags & (B_BF16 | B_F16))
            direct_pack_panels_16(panels, NR * deep, (__global const ushort *)b + b_at, ldb,
                                  flags & B_BF16, p, deep, j0, j1 - j0);
        else
            direct_pack_panels(panels, NR * deep, b + b_at, ldb, flags & TRANS_B, p, deep, j0,
                               j1 - j0);
        for (long i = i0; i < i1; i += MR)
            for (long j = j0; j < j1; j += NR) {
                VEC tile[MR][2];
                tile_expect(&t, i, j, i1 - i);
                direct_multiply(tile, a + i * a_row + p * a_step, a_row, a_step, i1 - i,
                              panels + (j - j0) * deep, deep, 0, 0);
                tile_store(tile, &t, i, j, i1 - i, j1 - j);
            }
    }
}
