/* dropout: y = keep ? scale * x : 0, where keep = number >= least, and the random number of 16 bits
 * depends only on (seed, step, layer, position of the sample in the global batch, element), so that
 * the result does not depend on who computes the sample.  Applied to dy it is its own gradient.
 * x is `rows` samples of `row` elements each.  Element e of a sample takes half e % 8, counted from
 * the lowest, of philox(key = seed, counter = {e / 8, sample, step, stream}).  In place is allowed.
 * plain   one work-item for eight elements; runs anywhere; what the others are tested against.
 * vector  64 elements at once; `blocks` pieces of 64 a group.
 * items   on GPUs: dropout_items.cl. */
#include "vector.cl"
#include "philox.cl"
#include "scalars.cl"

__kernel void dropout_plain(__global float *y, long y_at, __global const float *x, long x_at,
                            __global const uint *scalars, long scalars_at, long rows, long row,
                            uint stream, uint least, float scale)
{
    const long eights = (row + 7) / 8;
    const long sample = (long)get_global_id(0) / eights, eight = get_global_id(0) - sample * eights;
    if (sample >= rows)
        return;
    scalars += scalars_at;
    const uint4 word = philox((uint2)(scalars[SCALAR_SEED_LO], scalars[SCALAR_SEED_HI]),
                              (uint4)((uint)eight, scalars[SCALAR_FIRST_SAMPLE] + (uint)sample,
                                      scalars[SCALAR_STEP], stream));
    const uint words[4] = {word.x, word.y, word.z, word.w};
    for (int i = 0; i < 8 && eight * 8 + i < row; i++) {
        const long at = sample * row + eight * 8 + i;
        const uint number = words[i / 2] >> (i % 2 * 16) & 0xFFFF;
        y[y_at + at] = number >= least ? x[x_at + at] * scale : 0.0f;
    }
}

/* Masks (all bits or none) of elements 8*eight .. 8*eight+63, in order.  For processors that store
 * the low half of a number first. */
INLINE void dropout_masks(int16 out[4], uint2 key, uint eight, uint sample, uint step, uint stream,
                          ushort least)
{
    ulong8 c[4] = {(ulong)eight + (ulong8)(0, 1, 2, 3, 4, 5, 6, 7), (ulong8)sample, (ulong8)step,
                   (ulong8)stream};
    philox8(key, c);
    /* Words 0 and 1, and 2 and 3, of each counter side by side; then all four. */
    const ulong8 a = (c[0] & 0xFFFFFFFFul) | c[1] << 32, b = (c[2] & 0xFFFFFFFFul) | c[3] << 32;
    const ushort16 numbers[4] = {as_ushort16((ulong4)(a.s0, b.s0, a.s1, b.s1)),
                                 as_ushort16((ulong4)(a.s2, b.s2, a.s3, b.s3)),
                                 as_ushort16((ulong4)(a.s4, b.s4, a.s5, b.s5)),
                                 as_ushort16((ulong4)(a.s6, b.s6, a.s7, b.s7))};
#pragma unroll
    for (int i = 0; i < 4; i++)
        out[i] = convert_int16(numbers[i] >= least);
}

__kernel void dropout_vector(__global float *y, long y_at, __global const float *x, long x_at,
                             __global const uint *scalars, long scalars_at, long rows, long row,
                             uint stream, uint least, float scale, long blocks UNITS)
{
    const long row_blocks = (row + 63) / 64;
    const long first = (long)get_global_id(0) * blocks;
    const long last = min(first + blocks, rows * row_blocks);
    long sample = first / row_blocks, block = first - sample * row_blocks;
    y += y_at;
    x += x_at;
    scalars += scalars_at;
    const uint2 key = (uint2)(scalars[SCALAR_SEED_LO], scalars[SCALAR_SEED_HI]);
    const uint step = scalars[SCALAR_STEP], first_sample = scalars[SCALAR_FIRST_SAMPLE];
    for (long i = first; i < last; i++) {
        int16 mask[4];
        dropout_masks(mask, key, (uint)block * 8, first_sample + (uint)sample, step, stream,
                      (ushort)least);
        __global float *to = y + sample * row + block * 64;
        __global const float *from = x + sample * row + block * 64;
        const long left = row - block * 64;
        if (left >= 64) {
#pragma unroll
            for (int j = 0; j < 4; j++)
                vstore16(select((float16)0.0f, vload16(j, from) * scale, mask[j]), j, to);
        } else {
            int tail[64];
#pragma unroll
            for (int j = 0; j < 4; j++)
                vstore16(mask[j], j, tail);
            for (int j = 0; j < left; j++)
                to[j] = tail[j] ? from[j] * scale : 0.0f;
        }
        if (++block == row_blocks) {
            block = 0;
            sample++;
        }
    }
}
