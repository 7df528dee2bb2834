/* matmul_packed: the matrix product of matmul_flags.cl for CPUs and large shapes, in two launches
 * of groups of one work-item.
 *
 * matmul_pack    all of op(B) into `panels`, NR columns, k deep, one behind the other.  Panels and
 *                k are divided evenly into across x along, a group has one of these parts.
 * matmul_packed  the tiles of C are divided evenly into rows x columns.  For one block of k after
 *                the other a group packs its rows of op(A) into local memory as tiles of MR rows
 *                (k_block times its rows, 8 floats more at the end), which stay in the second-level
 *                cache while the panels, which fit the first, go by.
 * Parameters: MR up to 8, VW as in matmul_tile.cl.  Deterministic. */
#undef A_MEM
#undef B_MEM
#undef TILED
#undef ASK
#undef STEPS
#define A_MEM __local
#define B_MEM __global
#define TILED(name) packed_##name
#define ASK(p) PREFETCH(p)
#define STEPS _Pragma("unroll 4")
#include "matmul_tile.cl"

GROUPS_OF_ONE
__kernel void matmul_pack(__global float *restrict panels, long panels_at,
                          __global const float *restrict b, long b_at, long n, long k, long ldb,
                          long stride_b, int flags, long across, long along UNITS)
{
    const long n_panels = (n + NR - 1) / NR, batch = get_group_id(0) / (across * along);
    const long part = get_group_id(0) - batch * across * along;
    const long x = part % across, y = part / across;
    const long j0 = NR * part_begin(n_panels, x, across);
    const long j1 = min(n, NR * part_begin(n_panels, x + 1, across));
    const long p0 = part_begin(k, y, along), p1 = part_begin(k, y + 1, along);
    panels += panels_at + (batch * n_panels * NR + j0) * k + p0 * NR;
    b_at += batch * stride_b;
    if (flags & (B_BF16 | B_F16))
        packed_pack_panels_16(panels, NR * k, (__global const ushort *)b + b_at, ldb,
                              flags & B_BF16, p0, p1 - p0, j0, j1 - j0);
    else
        packed_pack_panels(panels, NR * k, b + b_at, ldb, flags & TRANS_B, p0, p1 - p0, j0,
                           j1 - j0);
}

GROUPS_OF_ONE
__kernel void matmul_packed(__global float *restrict c, long c_at, __global float *restrict sums,
                            long sums_at, __global const float *restrict a, long a_at,
                            __global const float *restrict panels, long panels_at,
                            __global const float *restrict bias, long bias_at,
                            __global const float *restrict mask, long mask_at, long m, long n,
                            long k, long lda, long ldb, long ldc, long stride_a, long stride_b,
                            long stride_c, int flags, long k_block, long rows, long columns,
                            __local float *tiles UNITS)
{
    const long batch = get_group_id(0) / (rows * columns);
    const long part = get_group_id(0) - batch * rows * columns;
    const long row = part / columns, column = part - row * columns;
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
        add_row_sums(sums + sums_at, a, lda, flags & TRANS_A, m, k, part, rows * columns);
    for (long p = 0; p < k; p += k_block) {
        const long deep = min(k_block, k - p);
        t.flags = block_flags(flags, p == 0, p + deep == k);
        packed_pack_tiles(tiles, a, lda, flags & TRANS_A, i0, i1 - i0, m - i0, p, deep);
        /* The tiles of a panel ask for the next one, each for its part. */
        const long every = (NR * MR + i1 - i0 - 1) / (i1 - i0);
        for (long j = j0; j < j1; j += NR)
            for (long i = i0; i < i1; i += MR) {
                __global const float *panel = panels + j * k + p * NR;
                __global const float *soon = panel + NR * k + (i - i0) / MR * deep * every;
                VEC tile[MR][2];
                tile_expect(&t, i, j, i1 - i);
                packed_multiply(tile, tiles + (i - i0) * deep, 1, MR, MR, panel, deep, soon, every);
                tile_store(tile, &t, i, j, i1 - i, j1 - j);
            }
    }
}
