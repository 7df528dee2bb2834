/* dropout: y = keep ? x / (1-p) : 0, where keep = uniform >= p and the uniform number depends only on
 * (seed, step, layer, position of the sample in the global batch, element), so that the result does
 * not depend on who computes the sample.  Applied to dy it is its own gradient.
 * x is `rows` samples of `row` elements each.  Element e of a sample takes word e % 4 of
 * philox(key = seed, counter = {e / 4, sample, step, stream}).  In place is allowed.
 * plain   one work-item for four elements; runs anywhere; what the others are tested against.
 * vector  32 elements at once; `blocks` pieces of 32 a group. */
#include "philox.cl"
#include "shuffle.cl"

/* Positions in the scalars; see runtime/base/op.h. */
#define STEP 0
#define FIRST_SAMPLE 1
#define SEED_LO 2
#define SEED_HI 3

__kernel void dropout_plain(__global float *y, long y_at, __global const float *x, long x_at,
                            __global const uint *scalars, long scalars_at, long rows, long row,
                            uint stream, float p, float scale)
{
    const long quads = (row + 3) / 4;
    const long sample = (long)get_global_id(0) / quads, quad = get_global_id(0) - sample * quads;
    if (sample >= rows)
        return;
    scalars += scalars_at;
    const uint4 word = philox((uint2)(scalars[SEED_LO], scalars[SEED_HI]),
                              (uint4)((uint)quad, scalars[FIRST_SAMPLE] + (uint)sample,
                                      scalars[STEP], stream));
    const uint words[4] = {word.x, word.y, word.z, word.w};
    for (int i = 0; i < 4 && quad * 4 + i < row; i++) {
        const long at = sample * row + quad * 4 + i;
        y[y_at + at] = philox_uniform(words[i]) >= p ? x[x_at + at] * scale : 0.0f;
    }
}

/* Factors (scale or 0) of elements 4*quad .. 4*quad+31, in order. */
void dropout_factors(float8 out[4], uint2 key, uint quad, uint sample, uint step, uint stream,
                     float p, float scale)
{
    uint8 c[4] = {quad + (uint8)(0, 1, 2, 3, 4, 5, 6, 7), (uint8)sample, (uint8)step,
                  (uint8)stream};
    float8 f[4];
    philox8(key, c);
    for (int i = 0; i < 4; i++)
        f[i] = select((float8)0.0f, (float8)scale,
                      convert_float8(as_int8(c[i] >> 8)) * 0x1p-24f >= p);
    /* f[i] holds word i of eight quads; turn to eight times four words. */
    const float8 a = PAIRS(f[0], f[1], s0, s1, s4, s5), b = PAIRS(f[0], f[1], s2, s3, s6, s7);
    const float8 d = PAIRS(f[2], f[3], s0, s1, s4, s5), e = PAIRS(f[2], f[3], s2, s3, s6, s7);
    const float8 q04 = FOURS(a, d, s0, s1, s4, s5), q15 = FOURS(a, d, s2, s3, s6, s7);
    const float8 q26 = FOURS(b, e, s0, s1, s4, s5), q37 = FOURS(b, e, s2, s3, s6, s7);
    out[0] = HALVES(q04, q15, s0, s1, s2, s3);
    out[1] = HALVES(q26, q37, s0, s1, s2, s3);
    out[2] = HALVES(q04, q15, s4, s5, s6, s7);
    out[3] = HALVES(q26, q37, s4, s5, s6, s7);
}

__kernel void dropout_vector(__global float *y, long y_at, __global const float *x, long x_at,
                             __global const uint *scalars, long scalars_at, long rows, long row,
                             uint stream, float p, float scale, long blocks)
{
    const long row_blocks = (row + 31) / 32;
    const long first = ((long)get_global_id(0)) * blocks, last = min(first + blocks, rows * row_blocks);
    long sample = first / row_blocks, block = first - sample * row_blocks;
    y += y_at;
    x += x_at;
    scalars += scalars_at;
    const uint2 key = (uint2)(scalars[SEED_LO], scalars[SEED_HI]);
    const uint step = scalars[STEP], first_sample = scalars[FIRST_SAMPLE];
    for (long i = first; i < last; i++) {
        float8 factor[4];
        dropout_factors(factor, key, (uint)block * 8, first_sample + (uint)sample, step, stream, p,
                        scale);
        __global float *to = y + sample * row + block * 32;
        __global const float *from = x + sample * row + block * 32;
        const long left = row - block * 32;
        if (left >= 32) {
            /* A zero factor times infinity would be NaN: choose, do not multiply. */
            for (int j = 0; j < 4; j++)
                vstore8(select((float8)0.0f, vload8(j, from) * scale, factor[j] != 0.0f), j, to);
        } else {
            float tail[32];
            for (int j = 0; j < 4; j++)
                vstore8(factor[j], j, tail);
            for (int j = 0; j < left; j++)
                to[j] = tail[j] != 0.0f ? from[j] * scale : 0.0f;
        }
        if (++block == row_blocks) {
            block = 0;
            sample++;
        }
    }
}
