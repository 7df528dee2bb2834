/* squares.cl: included where norms over the flat arrays are needed: sums of squares that come out with
 * the same bits on every device, so that all replicas go on alike.
 *
 * A block of elements is added up in 16 lanes, or 8 where a GPU's registers would not hold the rest,
 * always in this order and without fused operations, however wide the device's vectors are; what a
 * work-group is has no part in it. */
#ifndef SQUARES_CL
#define SQUARES_CL
#include "vector.cl"

INLINE float fold8(float8 x)
{
    const float4 b = x.lo + x.hi;
    return (b.x + b.z) + (b.y + b.w);
}

INLINE float fold16(float16 x)
{
    return fold8(x.lo + x.hi);
}

INLINE float8 add_square8(float8 sum, float8 x)
{
    EXACT
    const float8 square = x * x;
    return sum + square;
}

INLINE float16 add_square16(float16 sum, float16 x)
{
    EXACT
    const float16 square = x * x;
    return sum + square;
}
#endif
