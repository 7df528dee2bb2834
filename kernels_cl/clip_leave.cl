/* clip_leave.cl: included by clip_norm.cl and clip_norm_lanes.cl: the divisor, once the sum of squares is
 * known. */
#include "vector.cl"

INLINE void clip_leave(__global float *out, float square, float samples, float most)
{
    const float part = most / (sqrt(square) / samples + 1e-6f);
    out[0] = part < 1.0f ? samples / part : samples;
    out[1] = out[2] = out[3] = 0.0f;
}
