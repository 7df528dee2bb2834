/* exp.cl: included by other kernels: the exponential that they share, for one number and a vector. */
#ifndef EXP_CL
#define EXP_CL
#include "vector.cl"

/* exp for arguments up to 0, to 2 units in the last place, the same on every device: 2^n p(r) with
 * x = n log 2 + r, p the Taylor polynomial to r^6 and |r| <= 0.35.  0 below -87; NaN stays NaN.
 * Adding 1.5 * 2^23 rounds to a whole number, which then lies in the lowest bits. */
#define EXP_STEPS(REAL, AS_INT, AS_REAL)                                                           \
    const REAL t = x * 1.44269504f + 12582912.0f, n = t - 12582912.0f;                             \
    const REAL r = (x - n * 0.693359375f) - n * -2.12194440e-4f;                                   \
    REAL p = r * (1.0f / 720) + 1.0f / 120;                                                        \
    p = p * r + 1.0f / 24;                                                                         \
    p = p * r + 1.0f / 6;                                                                          \
    p = p * r + 0.5f;                                                                              \
    p = p * (r * r) + r + 1.0f;                                                                    \
    p *= AS_REAL((AS_INT(t) << 23) + 0x3F800000);                                                  \
    return x < -87.0f ? (REAL)0.0f : p

VEC exp_vector(VEC x)
{
    EXP_STEPS(VEC, VEC_JOIN(as_int, VW), VEC_JOIN(as_float, VW));
}

TWIN_VEC exp_twin(TWIN_VEC x)
{
    EXP_STEPS(TWIN_VEC, VEC_JOIN(as_int, TWIN), VEC_JOIN(as_float, TWIN));
}

float exp_single(float x)
{
    EXP_STEPS(float, as_int, as_float);
}
#endif
