/* conv2d_taps.cl: included by convolution's kernels for GPUs: which taps of the window a pixel sees, and
 * the epilogue.
 *
 * A pixel's coordinate times `source`, plus first + t * step for tap t, is where it looks, in units of
 * `phases`; see devices/conv2d.h.  Of the pixels of a phase every `every`-th tap sees something. */
#ifndef CONV2D_TAPS_CL
#define CONV2D_TAPS_CL
#include "matmul_flags.cl"

/* The first tap that a pixel of `phase` sees anything with; `every` if there is none. */
int first_tap(int phase, int first, int step, int phases, int every)
{
    int t = 0;
    while (t < every && (phase + first + t * step) % phases != 0)
        t++;
    return t;
}

/* How many taps do, if t is the first. */
int taps_from(int t, int kernel_size, int every)
{
    return t < every && t < kernel_size ? (kernel_size - t + every - 1) / every : 0;
}

/* h: of this element; read if the flags say so. */
float conv_finish(float value, int flags, float b, __global const float *h)
{
    if (flags & BIAS)
        value += b;
    if ((flags & RELU) && value < 0.0f)
        value = 0.0f;
    return (flags & MASK) && !(*h > 0.0f) ? 0.0f : value;
}
#endif
