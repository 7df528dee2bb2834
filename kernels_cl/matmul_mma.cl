/* matmul_mma: the matrix product of matmul_flags.cl on NVIDIA's tensor cores: operands that
 * matmul_mma_pack.cl has rounded to tf32 or bf16, sums in float.
 *
 * Only built where devices/matmul_mma.c has found that the device takes PTX, for it has some
 * inside.  Run on other devices with EMULATED, which does in OpenCL C what PTX's manual says of its
 * instructions.
 *
 * A group is HIGH x WIDE warps, each with ROWS x 64 of C: with 64 rows 32 instructions a step, of 8
 * loads of 16 bytes.  STAGES > 1: the group's panels come into local memory that many steps ahead;
 * else each warp reads its own from global memory, and what its neighbours read too is in the
 * first-level cache.  The next step's registers are loaded meanwhile.
 *
 * Parameters: BF16 (else tf32), ROWS (32, with HIGH even, or 64), HIGH, WIDE, STAGES; EMULATED.
 * Deterministic.  Source: PTX ISA 8.0, "Matrix fragments for mma.m16n8k8 / m16n8k16". */
#include "matmul_flags.cl"
#include "matmul_mma_words.cl"
#ifndef ROWS
#define ROWS 64
#endif
#ifndef HIGH
#define HIGH 2
#endif
#ifndef WIDE
#define WIDE 2
#endif
#ifndef STAGES
#define STAGES 1
#endif
#define THREADS (HIGH * WIDE * 32)
#define UNITS (ROWS / 16)              /* of op(A), for a warp */
#define A_PANELS (HIGH * ROWS / PANEL) /* of a group; of op(B) it has WIDE */
#ifdef EMULATED
#define UNROLL _Pragma("unroll 1") /* else its barriers are a strain on compilers */
#define ROLLED
#endif
#include "matmul_order.cl"

/* ---- one instruction: c (16,8) += a (16, 8 words) b (8 words, 8) ----
 * Lane 4g+t holds of a: words t of rows g and g+8, then words t+4 of these; of b: words t and t+4
 * of column g; of c: columns 2t and 2t+1 of row g, then of row g+8. */
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

/* What a lane gets, of what all lanes of its warp have put down. */
OUT_OF_LINE void add_products(float c[4], __local const uint *lanes, uint lane)
{
    for (int i = 0; i < 4; i++) {
        const uint high = i / 2, column = lane % 4 * 2 + i % 2;
        for (int w = 0; w < 8; w++)
            c[i] += word_product(lanes[(lane / 4 * 4 + w % 4) * 6 + high + w / 4 * 2],
                                 lanes[(column * 4 + w % 4) * 6 + 4 + w / 4]);
    }
}

void multiply_add(float c[4], uint4 a, uint b0, uint b1 LANES)
{
    const uint me = get_local_id(0), lane = me % 32;
    const uint mine[6] = {a.x, a.y, a.z, a.w, b0, b1};
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < 6; i++)
        lanes[me * 6 + i] = mine[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    add_products(c, lanes + (me - lane) * 6, lane);
}
#else
#define LANES
#define PASS_LANES
#ifdef BF16
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
#else
#define MMA "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
#endif
/* Volatile, as the loads are: compilers would move those of the next step to where they are
 * used. */
INLINE void multiply_add(float c[4], uint4 a, uint b0, uint b1)
{
    __asm__ volatile(MMA " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}
#endif

/* ---- a step of a warp: UNITS of op(A), 4 units of op(B), which are twice 8 columns each ---- */
#if STAGES > 1
#define WHERE __local
#else
#define WHERE __global
#endif

INLINE uint4 load(WHERE const uint *from)
{
#ifdef EMULATED
    return *(WHERE const uint4 *)from;
#else
    uint x, y, z, w;
#if STAGES > 1
    __asm__ volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];"
                     : "=r"(x), "=r"(y), "=r"(z), "=r"(w)
                     : "r"((uint)(size_t)from));
#else
    __asm__ volatile("ld.global.nc.v4.u32 {%0,%1,%2,%3}, [%4];"
                     : "=r"(x), "=r"(y), "=r"(z), "=r"(w)
                     : "l"(from));
#endif
    return (uint4)(x, y, z, w);
#endif
}

/* The u-th units of both. */
INLINE void load_units(uint4 f[UNITS + 4], WHERE const uint *left, WHERE const uint *right, int u)
{
    if (u < UNITS)
        f[u] = load(left + u * UNIT);
    f[UNITS + u] = load(right + u * UNIT);
}

INLINE void load_step(uint4 f[UNITS + 4], WHERE const uint *left, WHERE const uint *right)
{
    UNROLL
    for (int u = 0; u < 4; u++)
        load_units(f, left, right, u);
}

/* The products with the s-th unit of op(B). */
INLINE void multiply_unit(float sum[UNITS][8][4], const uint4 f[UNITS + 4], int s LANES)
{
    UNROLL
    for (int r = 0; r < UNITS; r++) {
        multiply_add(sum[r][2 * s], f[r], f[UNITS + s].x, f[UNITS + s].y PASS_LANES);
        multiply_add(sum[r][2 * s + 1], f[r], f[UNITS + s].z, f[UNITS + s].w PASS_LANES);
    }
}

/* And meanwhile the next step's units come. */
INLINE void multiply_step(float sum[UNITS][8][4], const uint4 f[UNITS + 4], uint4 next[UNITS + 4],
                          WHERE const uint *left, WHERE const uint *right LANES)
{
    UNROLL
    for (int u = 0; u < 4; u++) {
        load_units(next, left, right, u);
        multiply_unit(sum, f, u PASS_LANES);
    }
}

/* ---- into local memory ---- */
#if STAGES > 1
#define PANELS (A_PANELS + WIDE)
#define STAGE (PANELS * STEP)
#define COPIES (STAGE / 4 / THREADS) /* of 16 bytes, for each work-item */
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

INLINE void copy_stage(__local uint *stage, __global const uint *from[COPIES])
{
    UNROLL
    for (int i = 0; i < COPIES; i++) {
        COPY(stage + (i * THREADS + (int)get_local_id(0)) * 4, from[i]);
        from[i] += STEP;
    }
}
#endif

/* ---- out of registers ---- */

/* Of four neighbours those that are there; for others element 0 is read, which always is.  With
 * `fours` there are all or none. */
INLINE float4 read_four(__global const float *from, int at, int there, bool fours)
{
    if (fours)
        return *(__global const float4 *)(from + (there > 0 ? at : 0));
    return (float4)(from[there > 0 ? at : 0], from[there > 1 ? at + 1 : 0],
                    from[there > 2 ? at + 2 : 0], from[there > 3 ? at + 3 : 0]);
}

INLINE void write_four(__global float *to, float4 v, int there, bool fours)
{
    if (fours) {
        if (there > 0)
            *(__global float4 *)to = v;
        return;
    }
    if (there > 0)
        to[0] = v.x;
    if (there > 1)
        to[1] = v.y;
    if (there > 2)
        to[2] = v.z;
    if (there > 3)
        to[3] = v.w;
}

/* A lane's sums, from (i0,j0) on: of each unit two rows, four times four columns.  What several
 * fours need is asked for before the first of it is used. */
OUT_OF_LINE void mma_finish(float sum[UNITS][8][4], __global float *c, __global const float *bias,
                            __global const float *mask, long i0, int j0, long m, int n, long ldc,
                            int flags, bool fours)
{
    const float4 zero = 0.0f;
    int there[4];
    UNROLL
    for (int e = 0; e < 4; e++)
        there[e] = clamp(n - j0 - e * 16, 0, 4);
    UNROLL
    for (int r = 0; r < UNITS * 2; r++) {
        const long i = i0 + r / 2 * 16 + r % 2 * 2, at = min(i, m - 1) * ldc;
        float4 v[4], x[4];
        UNROLL
        for (int e = 0; e < 4; e++) {
            const float *low = sum[r / 2][2 * e], *high = sum[r / 2][2 * e + 1];
            v[e] = r % 2 ? (float4)(low[2], low[3], high[2], high[3])
                         : (float4)(low[0], low[1], high[0], high[1]);
        }
        if (flags & ACCUMULATE) {
            UNROLL
            for (int e = 0; e < 4; e++)
                x[e] = read_four(c + at, j0 + e * 16, there[e], fours);
            UNROLL
            for (int e = 0; e < 4; e++)
                v[e] += x[e];
        }
        if (flags & BIAS) {
            UNROLL
            for (int e = 0; e < 4; e++)
                x[e] = read_four(bias, j0 + e * 16, there[e], fours);
            UNROLL
            for (int e = 0; e < 4; e++)
                v[e] += x[e];
        }
        if (flags & RELU) {
            UNROLL
            for (int e = 0; e < 4; e++)
                v[e] = v[e] < zero ? zero : v[e];
        }
        if (flags & MASK) {
            UNROLL
            for (int e = 0; e < 4; e++)
                x[e] = read_four(mask + at, j0 + e * 16, there[e], fours);
            UNROLL
            for (int e = 0; e < 4; e++)
                v[e] = x[e] > zero ? v[e] : zero;
        }
        if (i < m) {
            UNROLL
            for (int e = 0; e < 4; e++)
                write_four(c + at + j0 + e * 16, v[e], there[e], fours);
        }
    }
}

/* `steps` is even. */
__attribute__((reqd_work_group_size(THREADS, 1, 1)))
__kernel void matmul_mma(__global float *restrict c, long c_at, __global const uint *restrict words,
                         long words_at, __global const float *restrict bias, long bias_at,
                         __global const float *restrict mask, long mask_at, long m, long n,
                         long steps_of_k, long ldc, long stride_c, long b_words, int flags)
{
#ifdef EMULATED
    __local uint lanes[THREADS * 6];
#endif
    const uint me = get_local_id(0), lane = me % 32, warp = me / 32, batch = get_group_id(1);
    const uint a_panels = (uint)((m + PANEL - 1) / PANEL);
    const uint b_panels = (uint)((n + PANEL - 1) / PANEL);
    const uint unit = warp % HIGH * UNITS; /* its first one of op(A), in the group's panels */
    const int steps = (int)steps_of_k;
    uint row, column; /* of the first panels */
    float sum[UNITS][8][4];
    uint4 f[2][UNITS + 4];
    group_place((a_panels + A_PANELS - 1) / A_PANELS, (b_panels + WIDE - 1) / WIDE, 32 / A_PANELS,
                &row, &column);
    row *= A_PANELS;
    column *= WIDE;
    words += words_at;
    UNROLL
    for (int e = 0; e < UNITS * 32; e++)
        sum[e / 32][e / 4 % 8][e % 4] = 0.0f;

    /* Panels behind the last one are the last one again; what comes of them is not stored. */
#define A_PANEL(i) (((long)batch * a_panels + min(row + (i), a_panels - 1)) * steps * STEP)
#define B_PANEL(i)                                                                                 \
    (((long)batch * b_panels + min(column + (i), b_panels - 1)) * steps * STEP + b_words)
#if STAGES > 1
    __local uint tiles[STAGES][STAGE] __attribute__((aligned(16)));
    __global const uint *from[COPIES];
    const uint left = unit * UNIT + lane * 4, right = (A_PANELS + warp / HIGH) * STEP + lane * 4;
    int now = 0;
    UNROLL
    for (int i = 0; i < COPIES; i++) {
        const uint at = i * THREADS + me, panel = at / (STEP / 4);
        from[i] = words + at % (STEP / 4) * 4 +
                  (panel < A_PANELS ? A_PANEL(panel) : B_PANEL(panel - A_PANELS));
    }
    for (int p = 0; p < STAGES; p++) {
        if (p < steps)
            copy_stage(tiles[p], from);
        COMMIT;
    }
    WAIT(STAGES - 1);
    barrier(CLK_LOCAL_MEM_FENCE);
    load_step(f[0], tiles[0] + left, tiles[0] + right);
    for (int p = 0; p < steps; p += 2) {
        UNROLL
        for (int i = 0; i < 2; i++) {
            WAIT(STAGES - 2);
            barrier(CLK_LOCAL_MEM_FENCE); /* and all have loaded what is overwritten next */
            if (p + i + STAGES < steps)
                copy_stage(tiles[now], from);
            COMMIT;
            /* Behind the last step come its own words again. */
            if (p + i + 1 < steps)
                now = now + 1 < STAGES ? now + 1 : 0;
            multiply_step(sum, f[i], f[1 - i], tiles[now] + left, tiles[now] + right PASS_LANES);
        }
    }
#else
    __global const uint *left = words + A_PANEL(unit / 4) + unit % 4 * UNIT + lane * 4;
    __global const uint *right = words + B_PANEL(warp / HIGH) + lane * 4;
    load_step(f[0], left, right);
    for (int p = 0; p < steps; p += 2) {
        UNROLL
        for (int i = 0; i < 2; i++) {
            const int next = min(p + i + 1, steps - 1) * STEP;
            multiply_step(sum, f[i], f[1 - i], left + next, right + next PASS_LANES);
        }
    }
#endif

    const long i0 = (long)row * PANEL + unit * 16 + PLACE(lane / 4);
    const int j0 = (int)(column + warp / HIGH) * PANEL + lane % 4 * 4;
    c_at += batch * stride_c;
    mask_at += batch * stride_c;
    c += c_at;
    bias += bias_at;
    mask += mask_at;
    if ((c_at | bias_at | mask_at | ldc | n) % 4 == 0)
        mma_finish(sum, c, bias, mask, i0, j0, m, (int)n, ldc, flags, true);
    else
        mma_finish(sum, c, bias, mask, i0, j0, m, (int)n, ldc, flags, false);
}
