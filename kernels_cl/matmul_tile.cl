/* matmul_tile.cl: included by matmul_direct and matmul_packed: one tile of C in registers.
 *
 * A tile is MR rows of two vectors of VW floats; NR = 2 VW.  It is summed over k by outer products:
 * two vectors of B, one element of A for each row.  B comes as a panel, k times NR floats, one
 * behind the other (zeros where C has no column), A from anywhere: element (i,p) at a[i a_row + p
 * a_step]. With MR and VW such that 2 MR + 3 vectors fit the registers: 6 rows and VW 8 for 16
 * registers of AVX2, 8 rows and VW 16 for AVX-512.
 * Edges: rows beyond the last read the last row again and are not stored; columns beyond the last
 * are zeros in the panel and are not stored.
 * A_MEM, B_MEM: address space of A and of the panel; TILED(x): the name of function x for these;
 * ASK(p): PREFETCH, or nothing; STEPS: what stands before the loop over k.
 * Source: Goto & van de Geijn 2008; Van Zee & van de Geijn 2015 (BLIS). */
#include "half_vector.cl"
#include "matmul_flags.cl"
#include "shuffle.cl"
#ifndef MATMUL_TILE_CL
#define MATMUL_TILE_CL
#ifndef MR
#define MR 6
#endif
#define NR (2 * VW)

typedef struct {
    __global float *c; /* of the tile's matrix, row 0, column 0 */
    __global const float *bias, *mask;
    long ldc;
    int flags;
} target;

float store_single(float value, const target *t, long i, long j)
{
    if (t->flags & ACCUMULATE)
        value += t->c[i * t->ldc + j];
    if (t->flags & BIAS)
        value += t->bias[j];
    if (t->flags & RELU)
        value = value < 0.0f ? 0.0f : value;
    if (t->flags & MASK)
        value = t->mask[i * t->ldc + j] > 0.0f ? value : 0.0f;
    return value;
}

VEC store_vector(VEC value, const target *t, long i, long j)
{
    if (t->flags & ACCUMULATE)
        value += VLOAD(t->c + i * t->ldc + j);
    if (t->flags & BIAS)
        value += VLOAD(t->bias + j);
    if (t->flags & RELU)
        value = select(value, (VEC)0.0f, value < 0.0f);
    if (t->flags & MASK)
        value = select((VEC)0.0f, value, VLOAD(t->mask + i * t->ldc + j) > 0.0f);
    return value;
}

/* The tile at row i, column j, of which `rows` and `columns` exist.  Whole rows with nothing to be
 * done to them go straight to memory, the others through a copy. */
INLINE void tile_store(VEC c[MR][2], const target *t, long i, long j, long rows, long columns)
{
    __global float *to = t->c + i * t->ldc + j;
    if (columns >= NR && !(t->flags & (BIAS | RELU | MASK))) {
        const int more = t->flags & ACCUMULATE;
#pragma unroll
        for (int r = 0; r < MR; r++, to += t->ldc)
            if (r < rows) {
                VSTORE(more ? c[r][0] + VLOAD(to) : c[r][0], to);
                VSTORE(more ? c[r][1] + VLOAD(to + VW) : c[r][1], to + VW);
            }
        return;
    }
    float tile[MR * NR];
#pragma unroll
    for (int r = 0; r < MR; r++) {
        VSTORE(c[r][0], tile + r * NR);
        VSTORE(c[r][1], tile + r * NR + VW);
    }
    for (int r = 0; r < rows && r < MR; r++, to += t->ldc) {
        int x = 0;
        for (; x + VW <= columns && x < NR; x += VW)
            VSTORE(store_vector(VLOAD(tile + r * NR + x), t, i + r, j + x), to + x);
        for (; x < columns && x < NR; x++)
            to[x] = store_single(tile[r * NR + x], t, i + r, j + x);
    }
}

/* Have the place of a tile in C at hand when the tile is done. */
INLINE void tile_expect(const target *t, long i, long j, long rows)
{
    __global float *to = t->c + i * t->ldc + j;
#pragma unroll
    for (int r = 0; r < MR; r++, to += t->ldc)
        if (r < rows) {
            PREFETCH(to);
            PREFETCH(to + NR - 1);
        }
}

/* Flags for one of several blocks of k: sums go on, and what comes after them waits for the
 * last. */
int block_flags(int flags, int first, int last)
{
    if (!first)
        flags |= ACCUMULATE;
    return last ? flags : flags & (TRANS_A | TRANS_B | ACCUMULATE);
}

/* sums[i] = sum over p of op(A)(i,p), for this group's part of the m rows. */
void add_row_sums(__global float *sums, __global const float *a, long lda, int trans, long m, long k,
              long group, long groups)
{
    const long chunk = ((m + groups - 1) / groups + VW - 1) / VW * VW;
    const long last = min(m, (group + 1) * chunk);
    long i = group * chunk;
    if (trans)
        for (; i + VW <= last; i += VW) {
            VEC sum = 0.0f;
            for (long p = 0; p < k; p++)
                sum += VLOAD(a + p * lda + i);
            VSTORE(sum, sums + i);
        }
    for (; i < last; i++) {
        float sum = 0.0f;
        for (long p = 0; p < k; p++)
            sum += trans ? a[p * lda + i] : a[i * lda + p];
        sums[i] = sum;
    }
}
#endif

/* ---- what comes once for each pair of address spaces ---- */

/* With every step ASK is told what will be needed soon: at `soon`, and `every` floats further. */
INLINE void TILED(multiply)(VEC c[MR][2], A_MEM const float *a, long a_row, long a_step, long rows,
                            B_MEM const float *b, long k, B_MEM const float *soon, long every)
{
    A_MEM const float *row[MR];
#pragma unroll
    for (int i = 0; i < MR; i++) {
        row[i] = a + min((long)i, rows - 1) * a_row;
        c[i][0] = 0.0f;
        c[i][1] = 0.0f;
    }
    STEPS
    for (long p = 0; p < k; p++) {
        const VEC b0 = VLOAD(b + p * NR), b1 = VLOAD(b + p * NR + VW);
        ASK(soon + p * every);
#pragma unroll
        for (int i = 0; i < MR; i++) {
            const VEC x = row[i][p * a_step];
            c[i][0] = x * b0 + c[i][0];
            c[i][1] = x * b1 + c[i][1];
        }
    }
}

/* Panels of op(B), one every `apart` floats: rows p0 .. p0+k, columns j .. j+columns, filled up
 * with zeros to whole panels.  Reads along the rows of B, whichever way it lies. */
void TILED(pack_panels)(B_MEM float *panels, long apart, __global const float *b, long ldb,
                        int trans, long p0, long k, long j, long columns)
{
    const long whole = trans ? columns / 8 * 8 : columns / NR * NR;
    b += trans ? j * ldb + p0 : p0 * ldb + j;
    if (trans) {
        for (long x = 0; x < whole; x += 8) {
            B_MEM float *to = panels + x / NR * apart + x % NR;
            long p = 0;
            for (; p + 8 <= k; p += 8) {
                float8 block[8];
#pragma unroll
                for (int y = 0; y < 8; y++)
                    block[y] = vload8(0, b + (x + y) * ldb + p);
                transpose8(block);
#pragma unroll
                for (int y = 0; y < 8; y++)
                    vstore8(block[y], 0, to + (p + y) * NR);
            }
            for (; p < k; p++)
                for (long y = 0; y < 8; y++)
                    to[p * NR + y] = b[(x + y) * ldb + p];
        }
    } else {
        for (long p = 0; p < k; p++)
            for (long x = 0; x < whole; x += NR) {
                B_MEM float *to = panels + x / NR * apart + p * NR;
                VSTORE(VLOAD(b + p * ldb + x), to);
                VSTORE(VLOAD(b + p * ldb + x + VW), to + VW);
            }
    }
    for (long x = whole; x < (columns + NR - 1) / NR * NR; x++)
        for (long p = 0; p < k; p++)
            panels[x / NR * apart + p * NR + x % NR] = x >= columns ? 0.0f
                                                       : trans      ? b[x * ldb + p]
                                                                    : b[p * ldb + x];
}

/* The same from a B of 16 bits, which is not transposed. */
void TILED(pack_panels_16)(B_MEM float *panels, long apart, __global const ushort *b, long ldb,
                           int is_bf16, long p0, long k, long j, long columns)
{
    const long whole = columns / VW * VW;
    b += p0 * ldb + j;
    for (long p = 0; p < k; p++) {
        for (long x = 0; x < whole; x += VW)
            VSTORE(is_bf16 ? load_bf16_vec(b + p * ldb + x) : load_f16_vec(b + p * ldb + x),
                   panels + x / NR * apart + p * NR + x % NR);
        for (long x = whole; x < (columns + NR - 1) / NR * NR; x++)
            panels[x / NR * apart + p * NR + x % NR] =
                x < columns ? load_16(b, p * ldb + x, is_bf16) : 0.0f;
    }
}

/* Tiles of MR rows of op(A), one behind the other: rows i .. i+rows, steps first .. first+k;
 * element (r,p) of a tile at [p * MR + r].  `left` rows are in A from i on; those beyond are the
 * last again.  Reads along the rows of A, whichever way it lies.  Whole vectors of 8 are written,
 * the next one over the end of the one before, and 8 - MR floats behind the last tile are lost. */
void TILED(pack_tiles)(A_MEM float *tiles, __global const float *a, long lda, int trans, long i,
                       long rows, long left, long first, long k)
{
    a += trans ? first * lda + i : i * lda + first;
    if (trans) {
        /* Eight steps at a time: tiles lie apart by what may be a bad stride for the cache. */
        for (long p0 = 0; p0 < k; p0 += 8)
            for (long r = 0; r < rows; r += MR) {
                const long p1 = min(p0 + 8, k), whole = left - r >= 8 ? min(p1, k - 1) : p0;
                A_MEM float *to = tiles + r * k;
                for (long p = p0; p < whole; p++)
                    vstore8(vload8(0, a + p * lda + r), 0, to + p * MR);
                for (long p = whole; p < p1; p++)
                    for (long x = 0; x < MR; x++)
                        to[p * MR + x] = a[p * lda + min(r + x, left - 1)];
            }
        return;
    }
    for (long r = 0; r < rows; r += MR) {
        A_MEM float *to = tiles + r * k;
        long p = 0;
        for (; p + 8 <= k; p += 8) {
            float8 block[8];
#pragma unroll
            for (int x = 0; x < 8; x++)
                block[x] = vload8(0, a + min(r + x, left - 1) * lda + p);
            transpose8(block);
#pragma unroll
            for (int x = 0; x < 8; x++)
                vstore8(block[x], 0, to + (p + x) * MR);
        }
        for (; p < k; p++)
            for (long x = 0; x < MR; x++)
                to[p * MR + x] = a[min(r + x, left - 1) * lda + p];
    }
}
