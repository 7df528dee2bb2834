/* softmax_row.cl: included by softmax and softmax_xent: the passes over one row, by one work-item
 * with vectors of VW (row_*) or by a whole work-group (group_*; `scratch` holds a float for each
 * work-item, the local size is a power of two). */
#ifndef SOFTMAX_ROW_CL
#define SOFTMAX_ROW_CL
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

float exp_single(float x)
{
    EXP_STEPS(float, as_int, as_float);
}

float row_max(__global const float *x, long n)
{
    const long whole = n / VW * VW;
    VEC most = -INFINITY;
    for (long i = 0; i < whole; i += VW)
        most = VLOAD(x + i) > most ? VLOAD(x + i) : most;
    float result = vec_max(most);
    for (long i = whole; i < n; i++)
        result = fmax(result, x[i]);
    return result;
}

float row_exp_sum(__global const float *x, float most, long n)
{
    const long whole = n / VW * VW;
    VEC sum = 0.0f;
    for (long i = 0; i < whole; i += VW)
        sum += exp_vector(VLOAD(x + i) - most);
    float result = vec_sum(sum);
    for (long i = whole; i < n; i++)
        result += exp_single(x[i] - most);
    return result;
}

/* The same, keeping the exponentials in `to`, which may be x.  While this computes, the next row is
 * on its way. */
float row_exp_store(__global float *to, __global const float *x, float most, long n)
{
    const long whole = n / VW * VW;
    VEC sum = 0.0f;
    for (long i = 0; i < whole; i += VW) {
        PREFETCH(x + i + n);
        const VEC e = exp_vector(VLOAD(x + i) - most);
        sum += e;
        VSTORE(e, to + i);
    }
    float result = vec_sum(sum);
    for (long i = whole; i < n; i++) {
        const float e = exp_single(x[i] - most);
        result += e;
        to[i] = e;
    }
    return result;
}

void row_scale(__global float *to, float factor, long n)
{
    const long whole = n / VW * VW;
    for (long i = 0; i < whole; i += VW)
        VSTORE(VLOAD(to + i) * factor, to + i);
    for (long i = whole; i < n; i++)
        to[i] *= factor;
}

/* Is x[label] the first of the largest elements? */
float row_correct(__global const float *x, float most, long label)
{
    if (x[label] != most)
        return 0.0f;
    for (long i = 0; i < label; i++)
        if (x[i] == most)
            return 0.0f;
    return 1.0f;
}

/* The same value for all work-items: barriers before reading and before scratch is used again. */
float group_tree(float mine, int largest, __local float *scratch)
{
    const int me = (int)get_local_id(0);
    scratch[me] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int reach = (int)get_local_size(0) / 2; reach > 0; reach /= 2) {
        if (me < reach)
            scratch[me] = largest ? fmax(scratch[me], scratch[me + reach])
                                  : scratch[me] + scratch[me + reach];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float result = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return result;
}

float group_max(__global const float *x, long n, __local float *scratch)
{
    float most = -INFINITY;
    for (long i = get_local_id(0); i < n; i += (long)get_local_size(0))
        most = fmax(most, x[i]);
    return group_tree(most, 1, scratch);
}

float group_exp_sum(__global const float *x, float most, long n, __local float *scratch)
{
    float sum = 0.0f;
    for (long i = get_local_id(0); i < n; i += (long)get_local_size(0))
        sum += exp_single(x[i] - most);
    return group_tree(sum, 0, scratch);
}
#endif
