/* relu: y = max(x, 0); relu_grad: dx = y > 0 ? dy : 0.  NaN stays NaN.  In place is allowed.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "vector.cl"

__kernel void relu_plain(__global float *y, long y_at, __global const float *x, long x_at, long n)
{
    const long i = get_global_id(0);
    if (i < n)
        y[y_at + i] = x[x_at + i] < 0.0f ? 0.0f : x[x_at + i];
}

__kernel void relu_vector(__global float *y, long y_at, __global const float *x, long x_at, long n,
                          long chunk UNITS)
{
    y += y_at;
    x += x_at;
    PART(n, chunk);
    EACH_VECTOR (i) {
        const VEC v = VLOAD(x + i);
        VSTORE(select(v, (VEC)0.0f, v < 0.0f), y + i);
    }
    EACH_SINGLE (i)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

__kernel void relu_grad_plain(__global float *dx, long dx_at, __global const float *dy, long dy_at,
                              __global const float *y, long y_at, long n)
{
    const long i = get_global_id(0);
    if (i < n)
        dx[dx_at + i] = y[y_at + i] > 0.0f ? dy[dy_at + i] : 0.0f;
}

__kernel void relu_grad_vector(__global float *dx, long dx_at, __global const float *dy, long dy_at,
                               __global const float *y, long y_at, long n, long chunk UNITS)
{
    dx += dx_at;
    dy += dy_at;
    y += y_at;
    PART(n, chunk);
    EACH_VECTOR (i)
        VSTORE(select((VEC)0.0f, VLOAD(dy + i), VLOAD(y + i) > 0.0f), dx + i);
    EACH_SINGLE (i)
        dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}
