/* norms.cl: included where norms over the flat arrays are needed: sums of squares that come out with
 * the same bits on every device, so that all replicas go on alike.
 *
 * A block of elements is added up in 16 lanes, always in this order and without fused operations,
 * however wide the device's vectors are; what a work-group is has no part in it. */
#ifndef NORMS_CL
#define NORMS_CL
#include "vector.cl"

INLINE float fold16(float16 x)
{
    const float8 a = x.lo + x.hi;
    const float4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

INLINE float16 add_square(float16 sum, float16 x)
{
#pragma OPENCL FP_CONTRACT OFF
    const float16 square = x * x;
    return sum + square;
}
#endif
