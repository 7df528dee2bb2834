/* dropout: y = keep ? x / (1-p) : 0, where keep = uniform >= p and the uniform number depends only
 * on (seed, step, layer, position of the sample in the global batch, element), so that the result
 * does not depend on who computes the sample.  Applied to dy it is its own gradient.
 * x is `rows` samples of `row` elements each.  Element e of a sample takes word e % 4 of
 * philox(key = seed, counter = {e / 4, sample, step, stream}).  In place is allowed.
 * plain   one work-item for four elements; runs anywhere; what the others are tested against.
 * vector  32 elements at once; `blocks` pieces of 32 a group. */
#include "vector.cl"
#include "philox.cl"

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

/* Masks (all bits or none) of elements 4*quad .. 4*quad+31, in order: kept where the upper 24 bits
 * of the word are at least `least`.  For processors that store the low half of a long first. */
INLINE void dropout_masks(int8 out[4], uint2 key, uint quad, uint sample, uint step, uint stream,
                          int least)
{
    ulong8 c[4] = {(ulong)quad + (ulong8)(0, 1, 2, 3, 4, 5, 6, 7), (ulong8)sample, (ulong8)step,
                   (ulong8)stream};
    philox8(key, c);
    /* Words 0 and 1, and 2 and 3, of each quad side by side; then all four. */
    const ulong8 a = (c[0] & 0xFFFFFFFFul) | c[1] << 32, b = (c[2] & 0xFFFFFFFFul) | c[3] << 32;
    out[0] = as_int8((ulong4)(a.s0, b.s0, a.s1, b.s1));
    out[1] = as_int8((ulong4)(a.s2, b.s2, a.s3, b.s3));
    out[2] = as_int8((ulong4)(a.s4, b.s4, a.s5, b.s5));
    out[3] = as_int8((ulong4)(a.s6, b.s6, a.s7, b.s7));
#pragma unroll
    for (int i = 0; i < 4; i++)
        out[i] = as_int8(as_uint8(out[i]) >> 8) >= least;
}

__kernel void dropout_vector(__global float *y, long y_at, __global const float *x, long x_at,
                             __global const uint *scalars, long scalars_at, long rows, long row,
                             uint stream, float p, float scale, long blocks UNITS)
{
    const long row_blocks = (row + 31) / 32;
    const long first = (long)get_global_id(0) * blocks;
    const long last = min(first + blocks, rows * row_blocks);
    long sample = first / row_blocks, block = first - sample * row_blocks;
    y += y_at;
    x += x_at;
    scalars += scalars_at;
    const uint2 key = (uint2)(scalars[SEED_LO], scalars[SEED_HI]);
    const uint step = scalars[STEP], first_sample = scalars[FIRST_SAMPLE];
    const int least = (int)ceil(p * 0x1p24f); /* exact: p * 2^24 has no more bits than p */
    for (long i = first; i < last; i++) {
        int8 mask[4];
        dropout_masks(mask, key, (uint)block * 8, first_sample + (uint)sample, step, stream, least);
        __global float *to = y + sample * row + block * 32;
        __global const float *from = x + sample * row + block * 32;
        const long left = row - block * 32;
        if (left >= 32) {
#pragma unroll
            for (int j = 0; j < 4; j++)
                vstore8(select((float8)0.0f, vload8(j, from) * scale, mask[j]), j, to);
        } else {
            int tail[32];
#pragma unroll
            for (int j = 0; j < 4; j++)
                vstore8(mask[j], j, tail);
            for (int j = 0; j < left; j++)
                to[j] = tail[j] ? from[j] * scale : 0.0f;
        }
        if (++block == row_blocks) {
            block = 0;
            sample++;
        }
    }
}
