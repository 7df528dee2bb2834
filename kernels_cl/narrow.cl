/* narrow: n floats to 16 bits, as `stored` says (half.cl); widen: back.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "half_vector.cl"

__kernel void narrow_plain(__global ushort *y, long y_at, __global const float *x, long x_at, long n,
                           int stored)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    if (stored == STORED_BF16)
        y[y_at + i] = bf16_of(x[x_at + i]);
    else
        vstore_half_rte(x[x_at + i], y_at + i, (__global half *)y);
}

__kernel void narrow_vector(__global ushort *restrict y, long y_at, __global const float *restrict x,
                            long x_at, long n, int stored, long chunk UNITS)
{
    y += y_at;
    x += x_at;
    PART(n, chunk);
    if (stored == STORED_BF16) {
        EACH_VECTOR (i)
            VSTORE(bf16_of_vec(VLOAD(x + i)), y + i);
        EACH_SINGLE (i)
            y[i] = bf16_of(x[i]);
        return;
    }
    EACH_VECTOR (i)
        VSTORE_HALF(VLOAD(x + i), 0, (__global half *)(y + i));
    EACH_SINGLE (i)
        vstore_half_rte(x[i], i, (__global half *)y);
}

__kernel void widen_plain(__global float *y, long y_at, __global const ushort *x, long x_at, long n,
                          int stored)
{
    const long i = get_global_id(0);
    if (i < n)
        y[y_at + i] = stored == STORED_BF16 ? load_bf16(x, x_at + i) : load_f16(x, x_at + i);
}

__kernel void widen_vector(__global float *restrict y, long y_at, __global const ushort *restrict x,
                           long x_at, long n, int stored, long chunk UNITS)
{
    y += y_at;
    x += x_at;
    PART(n, chunk);
    if (stored == STORED_BF16) {
        EACH_VECTOR (i)
            VSTORE(load_bf16_vec(x + i), y + i);
        EACH_SINGLE (i)
            y[i] = load_bf16(x, i);
        return;
    }
    EACH_VECTOR (i)
        VSTORE(load_f16_vec(x + i), y + i);
    EACH_SINGLE (i)
        y[i] = load_f16(x, i);
}
