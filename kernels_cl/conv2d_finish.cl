/* conv2d_finish.cl: included by convolution's kernels: the epilogue of one element; the flags are
 * those of matmul_flags.cl. */
#ifndef CONV2D_FINISH_CL
#define CONV2D_FINISH_CL
#include "matmul_flags.cl"

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
