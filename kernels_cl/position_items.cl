/* position_items: position.cl on GPUs: y = x + w, one work-item for W of the n elements of w, the
 * range's first dimension along these, its second over the samples.  With W 4 n is a multiple of 4,
 * and all begin at one. */
#include "piece.cl"

__kernel void position_items(__global float *y, long y_at, __global const float *x, long x_at,
                             __global const float *w, long w_at, long samples, long n)
{
    const long i = (long)get_global_id(0) * W;
    if (i >= n)
        return;
    const PIECE own = *(__global const PIECE *)(w + w_at + i);
    for (long sample = get_global_id(1); sample < samples; sample += (long)get_global_size(1))
        *(__global PIECE *)(y + y_at + sample * n + i) =
            *(__global const PIECE *)(x + x_at + sample * n + i) + own;
}
