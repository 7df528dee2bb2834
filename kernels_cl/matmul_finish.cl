/* matmul_finish.cl: included by matrix products: the epilogue of one element, matmul_flags.cl. */
#include "matmul_flags.cl"

/* `value` is the product, with the old C where that is to be added; `at` where it goes in C. */
static inline float finish(float value, __global const float *bias, __global const float *mask, long j,
                           long at, int flags)
{
    if (flags & BIAS)
        value += bias[j];
    if (flags & RELU)
        value = value < 0.0f ? 0.0f : value;
    if (flags & MASK)
        value = mask[at] > 0.0f ? value : 0.0f;
    return value;
}
