/* dropout_items: dropout.cl on GPUs: one work-item for eight elements of a sample, the range's first
 * dimension along the samples, its second over them.  With WIDE samples are whole eights that begin
 * at multiples of 4 elements. */
#include "philox.cl"
#include "scalars.cl"
#ifndef WIDE
#define WIDE 1
#endif

__kernel void dropout_items(__global float *y, long y_at, __global const float *x, long x_at,
                            __global const uint *scalars, long scalars_at, long rows, long row,
                            uint stream, uint least, float scale)
{
    const long eight = get_global_id(0);
    if (eight * 8 >= row)
        return;
    scalars += scalars_at;
    const uint2 key = (uint2)(scalars[SCALAR_SEED_LO], scalars[SCALAR_SEED_HI]);
    for (long sample = get_global_id(1); sample < rows; sample += (long)get_global_size(1)) {
        const uint number = scalars[SCALAR_FIRST_SAMPLE] + (uint)sample;
        const uint4 word = philox(key, (uint4)((uint)eight, number, scalars[SCALAR_STEP], stream));
        const uint4 low = word & 0xFFFFu, high = word >> 16;
        __global float *to = y + y_at + sample * row + eight * 8;
        __global const float *from = x + x_at + sample * row + eight * 8;
#if WIDE
        const float4 none = 0.0f;
        const float4 a = ((__global const float4 *)from)[0];
        const float4 b = ((__global const float4 *)from)[1];
        ((__global float4 *)to)[0] = (uint4)(low.x, high.x, low.y, high.y) >= least ? a * scale : none;
        ((__global float4 *)to)[1] = (uint4)(low.z, high.z, low.w, high.w) >= least ? b * scale : none;
#else
        const uint draw[8] = {low.x, high.x, low.y, high.y, low.z, high.z, low.w, high.w};
        const int n = (int)min(row - eight * 8, (long)8);
#pragma unroll
        for (int i = 0; i < 8; i++)
            if (i < n)
                to[i] = draw[i] >= least ? from[i] * scale : 0.0f;
#endif
    }
}
