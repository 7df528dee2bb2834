/* position: y = x + w for `samples` samples of n elements and one w of n elements; and its gradient
 * dw = sum of dy over the samples, in their order.  x and y may be the same.
 * plain   one work-item an element of the result; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk of the n elements a group (vector.cl), which goes through all
 *         samples.
 * items   on GPUs: position_items.cl. */
#include "vector.cl"

__kernel void position_plain(__global float *y, long y_at, __global const float *x, long x_at,
                             __global const float *w, long w_at, long samples, long n)
{
    const long i = get_global_id(0);
    if (i < samples * n)
        y[y_at + i] = x[x_at + i] + w[w_at + i % n];
}

__kernel void position_vector(__global float *y, long y_at, __global const float *x, long x_at,
                              __global const float *w, long w_at, long samples, long n,
                              long chunk UNITS)
{
    PART(n, chunk);
    w += w_at;
    for (long sample = 0; sample < samples; sample++) {
        __global float *to = y + y_at + sample * n;
        __global const float *from = x + x_at + sample * n;
        EACH_VECTOR (i)
            VSTORE(VLOAD(from + i) + VLOAD(w + i), to + i);
        EACH_SINGLE (i)
            to[i] = from[i] + w[i];
    }
}

__kernel void position_dweight_plain(__global float *dw, long dw_at, __global const float *dy,
                                     long dy_at, long samples, long n)
{
    const long i = get_global_id(0);
    float sum = 0.0f;
    if (i >= n)
        return;
    for (long sample = 0; sample < samples; sample++)
        sum += dy[dy_at + sample * n + i];
    dw[dw_at + i] = sum;
}

__kernel void position_dweight_vector(__global float *dw, long dw_at, __global const float *dy,
                                      long dy_at, long samples, long n, long chunk UNITS)
{
    PART(n, chunk);
    dw += dw_at;
    dy += dy_at;
    EACH_VECTOR (i) {
        VEC sum = 0.0f;
        for (long sample = 0; sample < samples; sample++)
            sum += VLOAD(dy + sample * n + i);
        VSTORE(sum, dw + i);
    }
    EACH_SINGLE (i) {
        float sum = 0.0f;
        for (long sample = 0; sample < samples; sample++)
            sum += dy[sample * n + i];
        dw[i] = sum;
    }
}
