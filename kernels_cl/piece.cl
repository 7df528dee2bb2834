/* piece.cl: included by kernels for GPUs that read W floats at a time: 4 where rows are whole vectors and
 * aligned, else 1. */
#ifndef PIECE_CL
#define PIECE_CL
#include "inline.cl"
#ifndef W
#define W 4
#endif
#if W == 4
#define PIECE float4
INLINE float piece_sum(float4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}
#else
#define PIECE float
INLINE float piece_sum(float v)
{
    return v;
}
#endif
#endif
