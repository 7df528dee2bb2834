/* matmul_mma: the matrix product of matmul_flags.cl on NVIDIA's tensor cores: operands rounded to tf32
 * or bf16, sums in float.
 *
 * Only built where devices/matmul_mma.c has found that the device takes PTX, for it has some inside.
 * Compiled for sm_80 and sm_90 and looked at; run on other devices with EMULATED, which does in OpenCL
 * C what PTX's manual says of its instructions; not run on NVIDIA's hardware by those who wrote it.
 *
 * mma_pack   rounds an operand into the workspace, as tiles of ROWS rows of op(A), or columns of
 *            op(B), times DEPTH steps of k, filled up with zeros: all four forms and odd sizes end
 *            here.  A row of a tile is WORDS words, of one tf32 or two bf16 each.  For the row sums it
 *            leaves the sums of each tile's rows, before rounding, in `parts`; mma_sums adds those.
 * matmul_mma a group of four warps has ROWS x ROWS of C, a warp a quarter of them.  Tiles come into
 *            local memory STAGES-1 steps before they are needed.  An instruction multiplies 16 rows by
 *            8 columns, 8 words deep; which 8 is free as long as both operands agree, so each lane
 *            takes four words that lie together, and two instructions use them up.
 * Why packed: float operands, rounded in each group anew, would come through the second-level cache at
 * twice the bytes, and that is the narrow place; packing costs a few bytes for each of k products.
 * Parameters: BF16 (else tf32); ASYNC copies past the registers, else through them; EMULATED.
 * Deterministic.  Source: PTX ISA 8.0, "Matrix fragments for mma.m16n8k8 / m16n8k16". */
#include "matmul_flags.cl"
#ifndef ASYNC
#define ASYNC 0
#endif
#ifndef STAGES
#define STAGES (2 + ASYNC)
#endif
#define ROWS 128
#define WORDS 16
#ifdef BF16
#define DEPTH 32
#else
#define DEPTH 16
#endif
#define TILE (ROWS * WORDS)
#define PACKERS 256
#define THREADS 128
#define FOURS_EACH (TILE / 4 / THREADS) /* uint4 of a tile for each work-item */
#define INLINE static inline __attribute__((always_inline))
#ifdef EMULATED
#define UNROLL _Pragma("unroll 1") /* else its barriers are a strain on compilers */
#else
#define UNROLL _Pragma("unroll")
#endif

/* To the nearest, ties to even for bf16, away from zero for tf32, as the hardware's own conversions;
 * NaN stays NaN. */
#ifdef BF16
uint rounded(float x)
{
    const uint bits = as_uint(x);
    return isnan(x) ? 0x7fc0u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
#define WORD(p) (rounded((p)[0]) | rounded((p)[1]) << 16)
#else
uint rounded(float x)
{
    return isnan(x) ? 0x7fc00000u : (as_uint(x) + 0x1000u) & 0xffffe000u;
}
#define WORD(p) rounded((p)[0])
#endif

__attribute__((reqd_work_group_size(PACKERS, 1, 1)))
__kernel void mma_pack(__global uint *restrict words, long words_at, __global float *restrict parts,
                       long parts_at, __global const float *restrict from, long from_at, long rows,
                       long k, long row_stride, long k_stride, long stride, int sums)
{
    __local float tile[ROWS][DEPTH + 1];
    const uint me = get_local_id(0);
    const long steps = get_num_groups(0), blocks = get_num_groups(1), batch = get_group_id(2);
    const long x0 = (long)get_group_id(1) * ROWS, p0 = (long)get_group_id(0) * DEPTH;
    from += from_at + batch * stride + x0 * row_stride + p0 * k_stride;
    for (uint e = me; e < ROWS * DEPTH; e += PACKERS) {
        /* Neighbours take neighbours in memory, whichever way the matrix lies. */
        const uint p = k_stride == 1 ? e % DEPTH : e / ROWS;
        const uint x = k_stride == 1 ? e / DEPTH : e % ROWS;
        tile[x][p] = x0 + x < rows && p0 + p < k ? from[x * row_stride + p * k_stride] : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    words += words_at +
             ((batch * blocks + (long)get_group_id(1)) * steps + (long)get_group_id(0)) * TILE;
    for (uint e = me; e < TILE; e += PACKERS)
        words[e] = WORD(tile[e / WORDS] + e % WORDS * (DEPTH / WORDS));
    if (sums && me < ROWS) {
        float sum = 0.0f;
        for (int p = 0; p < DEPTH; p++)
            sum += tile[me][p];
        parts[parts_at + (long)get_group_id(0) * blocks * ROWS + x0 + me] = sum;
    }
}

__kernel void mma_sums(__global float *sums, long sums_at, __global const float *parts, long parts_at,
                       long m, long steps, long padded)
{
    const long i = get_global_id(0);
    if (i >= m)
        return;
    float sum = 0.0f;
    for (long p = 0; p < steps; p++)
        sum += parts[parts_at + p * padded + i];
    sums[sums_at + i] = sum;
}

/* ---- one instruction: c (16,8) += a (16, 8 words) b (8 words, 8) ----
 * Lane 4g+t holds of a: words t of rows g and g+8, then words t+4 of these; of b: words t and t+4 of
 * column g; of c: columns 2t and 2t+1 of row g, then of row g+8. */
#ifdef EMULATED
#define LANES , __local uint *lanes
#define PASS_LANES , lanes
float word_product(uint a, uint b)
{
#ifdef BF16
    return as_float(a << 16) * as_float(b << 16) +
           as_float(a & 0xffff0000u) * as_float(b & 0xffff0000u);
#else
    return as_float(a) * as_float(b);
#endif
}

void multiply_add(float c[4], uint a0, uint a1, uint a2, uint a3, uint b0, uint b1 LANES)
{
    const uint me = get_local_id(0), lane = me % 32;
    const uint mine[6] = {a0, a1, a2, a3, b0, b1};
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < 6; i++)
        lanes[me * 6 + i] = mine[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    lanes += (me - lane) * 6;
    for (int i = 0; i < 4; i++) {
        const uint high = i / 2, column = lane % 4 * 2 + i % 2;
        for (int w = 0; w < 8; w++)
            c[i] += word_product(lanes[(lane / 4 * 4 + w % 4) * 6 + high + w / 4 * 2],
                                 lanes[(column * 4 + w % 4) * 6 + 4 + w / 4]);
    }
}
#else
#define LANES
#define PASS_LANES
#ifdef BF16
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
#else
#define MMA "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
#endif
INLINE void multiply_add(float c[4], uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
{
    __asm__(MMA " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
#endif

/* A warp's quarter of one step: 4 x 8 instructions, twice. */
INLINE void multiply_tile(float sum[4][8][4], __local const uint *left, __local const uint *right LANES)
{
    const uint lane = get_local_id(0) % 32, warp = get_local_id(0) / 32;
    const uint at = lane / 4 * WORDS + lane % 4 * 4;
    uint4 a[8];
    left += warp % 2 * (TILE / 2) + at;
    right += warp / 2 * (TILE / 2) + at;
    UNROLL
    for (int r = 0; r < 8; r++)
        a[r] = vload4(0, left + r * 8 * WORDS);
    UNROLL
    for (int s = 0; s < 8; s++) {
        const uint4 b = vload4(0, right + s * 8 * WORDS);
        UNROLL
        for (int r = 0; r < 4; r++)
            multiply_add(sum[r][s], a[2 * r].x, a[2 * r + 1].x, a[2 * r].y, a[2 * r + 1].y, b.x,
                         b.y PASS_LANES);
        UNROLL
        for (int r = 0; r < 4; r++)
            multiply_add(sum[r][s], a[2 * r].z, a[2 * r + 1].z, a[2 * r].w, a[2 * r + 1].w, b.z,
                         b.w PASS_LANES);
    }
}

/* ---- tiles into local memory ---- */
#if ASYNC
#ifdef EMULATED
#define WAIT(n)
#define COMMIT
#define COPY(to, from) vstore4(vload4(0, (from)), 0, (to))
#else
#define WAIT(n) __asm__ volatile("cp.async.wait_group %0;" : : "n"(n) : "memory")
#define COMMIT __asm__ volatile("cp.async.commit_group;" : : : "memory")
#define COPY(to, from)                                                                             \
    __asm__ volatile("cp.async.cg.shared.global [%0], [%1], 16;"                                   \
                     :                                                                             \
                     : "l"(to), "l"(from)                                                          \
                     : "memory")
#endif

INLINE void copy_tile(__local uint *to, __global const uint *from)
{
    const int at = (int)get_local_id(0) * 4;
    UNROLL
    for (int i = 0; i < FOURS_EACH; i++)
        COPY(to + at + i * THREADS * 4, from + at + i * THREADS * 4);
}
#endif

/* Groups that run at the same time are put into squares of C, whose operands the cache then holds. */
void place_of(long *i, long *j, long rows, long columns)
{
    const long high = 16, group = get_group_id(0);
    const long first = group / (high * columns) * high, here = min(high, rows - first);
    const long rest = group - first * columns;
    *j = rest / here;
    *i = first + rest - *j * here;
}

INLINE void store(float value, __global float *c, __global const float *bias,
                  __global const float *mask, long i, long j, long m, long n, long ldc, int flags)
{
    if (i >= m || j >= n)
        return;
    const long at = i * ldc + j;
    if (flags & ACCUMULATE)
        value += c[at];
    if (flags & BIAS)
        value += bias[j];
    if (flags & RELU)
        value = value < 0.0f ? 0.0f : value;
    if (flags & MASK)
        value = mask[at] > 0.0f ? value : 0.0f;
    c[at] = value;
}

__attribute__((reqd_work_group_size(THREADS, 1, 1)))
__kernel void matmul_mma(__global float *restrict c, long c_at, __global const uint *restrict a,
                         long a_at, __global const uint *restrict b, long b_at,
                         __global const float *restrict bias, long bias_at,
                         __global const float *restrict mask, long mask_at, long m, long n,
                         long steps, long ldc, long stride_c, int flags)
{
    __local uint tiles[STAGES][2][TILE] __attribute__((aligned(16)));
#ifdef EMULATED
    __local uint lanes[THREADS * 6];
#endif
    const long rows = (m + ROWS - 1) / ROWS, columns = (n + ROWS - 1) / ROWS;
    const long batch = get_group_id(1);
    long row, column;
    float sum[4][8][4];
    place_of(&row, &column, rows, columns);
    a += a_at + (batch * rows + row) * steps * TILE;
    b += b_at + (batch * columns + column) * steps * TILE;
    UNROLL
    for (int e = 0; e < 128; e++)
        sum[e / 32][e / 4 % 8][e % 4] = 0.0f;

#if ASYNC
    for (int p = 0; p < STAGES - 1; p++) {
        if (p < steps) {
            copy_tile(tiles[p][0], a + p * TILE);
            copy_tile(tiles[p][1], b + p * TILE);
        }
        COMMIT;
    }
    for (long p = 0; p < steps; p++) {
        WAIT(STAGES - 2);
        barrier(CLK_LOCAL_MEM_FENCE); /* and all have done with the stage that is filled next */
        const long next = p + STAGES - 1;
        if (next < steps) {
            copy_tile(tiles[next % STAGES][0], a + next * TILE);
            copy_tile(tiles[next % STAGES][1], b + next * TILE);
        }
        COMMIT;
        multiply_tile(sum, tiles[p % STAGES][0], tiles[p % STAGES][1] PASS_LANES);
    }
#else
    const int me = (int)get_local_id(0);
    uint4 held[2][FOURS_EACH];
    for (long p = -1; p < steps; p++) {
        if (p + 1 < steps) {
            UNROLL
            for (int i = 0; i < FOURS_EACH; i++) {
                held[0][i] = vload4(me + i * THREADS, a + (p + 1) * TILE);
                held[1][i] = vload4(me + i * THREADS, b + (p + 1) * TILE);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (p >= 0)
            multiply_tile(sum, tiles[p & 1][0], tiles[p & 1][1] PASS_LANES);
        if (p + 1 < steps) {
            UNROLL
            for (int i = 0; i < FOURS_EACH; i++) {
                vstore4(held[0][i], me + i * THREADS, tiles[(p + 1) & 1][0]);
                vstore4(held[1][i], me + i * THREADS, tiles[(p + 1) & 1][1]);
            }
        }
    }
#endif

    const uint lane = get_local_id(0) % 32, warp = get_local_id(0) / 32;
    const long i0 = row * ROWS + warp % 2 * (ROWS / 2) + lane / 4;
    const long j0 = column * ROWS + warp / 2 * (ROWS / 2) + lane % 4 * 2;
    c += c_at + batch * stride_c;
    bias += bias_at;
    mask += mask_at + batch * stride_c;
    UNROLL
    for (int e = 0; e < 128; e++)
        store(sum[e / 32][e / 4 % 8][e % 4], c, bias, mask, i0 + e / 32 * 16 + e % 4 / 2 * 8,
              j0 + e / 4 % 8 * 8 + e % 2, m, n, ldc, flags);
}
