/* activation: y = f(x); activation_grad: dx = dy f', from v, which is y where f' follows from it, else
 * x; n elements, f by `kind` (mot_activation).  NaN stays NaN.  In place is allowed.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl).  All but leaky relu and gelu cost one exponential
 *         of an argument up to 0 (exp.cl) and one or two divisions, the same on every device. */
#include "exp.cl"
#include "sigmoid.cl"
#include "vector.cl"

#define ACT_GELU 2
#define ACT_GELU_TANH 3
#define ACT_SILU 4
#define ACT_SIGMOID 5
#define ACT_TANH 6
#define ACT_LEAKY_RELU 7
/* gelu_tanh(x) = x sigmoid(x (ACT_LINEAR + ACT_CUBIC x^2)): 2 sqrt(2/pi), and 0.044715 times that. */
#define ACT_LINEAR 1.59576912f
#define ACT_CUBIC 0.0713548162f
#define ACT_ROOT_HALF 0.707106781f
#define ACT_DENSITY 0.398942280f /* of the normal distribution at 0 */

/* ---- with what the compiler has ---- */

float act_plain_sigmoid(float x)
{
    return 1.0f / (1.0f + exp(-x));
}

__kernel void activation_plain(__global float *y, long y_at, __global const float *x, long x_at,
                               long n, int kind, float slope)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const float v = x[x_at + i];
    float f;
    switch (kind) {
    case ACT_GELU:
        f = 0.5f * v * erfc(-v * ACT_ROOT_HALF);
        break;
    case ACT_GELU_TANH:
        f = v * act_plain_sigmoid(v * (ACT_LINEAR + ACT_CUBIC * v * v));
        break;
    case ACT_SILU:
        f = v * act_plain_sigmoid(v);
        break;
    case ACT_SIGMOID:
        f = act_plain_sigmoid(v);
        break;
    case ACT_TANH:
        f = tanh(v);
        break;
    default: /* leaky relu */
        f = v > 0.0f ? v : slope * v;
    }
    y[y_at + i] = f;
}

__kernel void activation_grad_plain(__global float *dx, long dx_at, __global const float *dy,
                                    long dy_at, __global const float *kept, long kept_at, long n,
                                    int kind, float slope)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    float v = kept[kept_at + i], d, s;
    switch (kind) {
    case ACT_GELU:
        d = 0.5f * erfc(-v * ACT_ROOT_HALF) + v * ACT_DENSITY * exp(-0.5f * v * v);
        break;
    case ACT_GELU_TANH:
        v = v > 16.0f ? 16.0f : v < -16.0f ? -16.0f : v; /* beyond it is 1 or 0; v^3 stays finite */
        s = act_plain_sigmoid(v * (ACT_LINEAR + ACT_CUBIC * v * v));
        d = s + v * s * (1.0f - s) * (ACT_LINEAR + 3.0f * ACT_CUBIC * v * v);
        break;
    case ACT_SILU:
        s = act_plain_sigmoid(v);
        d = s + v * s * (1.0f - s);
        break;
    case ACT_SIGMOID:
        d = v * (1.0f - v);
        break;
    case ACT_TANH:
        d = 1.0f - v * v;
        break;
    default: /* leaky relu */
        d = v > 0.0f ? 1.0f : slope;
    }
    dx[dx_at + i] = dy[dy_at + i] * d;
}

/* ---- vectors ---- */

/* x Phi(x), Phi the normal distribution, within 6e-8: Phi(-a) = 1 / (2 p(a)^8) for a >= 0 (least squares,
 * reweighted towards the largest error of the product; where Phi is far below 1e-8 only its size is right).
 * p^8 may become infinite. */
VEC act_gelu(VEC x)
{
    const VEC a = fabs(x);
    VEC p = 2.84115502e-6f * a - 1.55549600e-5f;
    p = p * a + 9.13032389e-5f;
    p = p * a + 1.28528659e-4f;
    p = p * a + 9.54516997e-4f;
    p = p * a + 8.61353781e-3f;
    p = p * a + 4.47795742e-2f;
    p = p * a + 9.97339748e-2f;
    p = p * a + 1.0f;
    p *= p;
    p *= p;
    const VEC q = 0.5f / (p * p);
    return x * (x > 0.0f ? 1.0f - q : q);
}

/* Its derivative: Phi(-a) - a phi(a) = e (q t - a / sqrt(2 pi)) for a >= 0, where e = exp(-a^2/2),
 * t = 1 / (1 + 0.23 a) and q = q(t) a polynomial, with which e q t is within 2e-7 of Phi(-a) (least squares
 * in the relative error, reweighted towards the largest). */
VEC act_gelu_slope(VEC x)
{
    const VEC a = fabs(x), t = 1.0f / (1.0f + 0.23f * a);
    VEC q = -7.37024741e-2f * t + 2.68063840e-1f;
    q = q * t - 2.33555880e-1f;
    q = q * t + 2.52196455e-1f;
    q = q * t + 6.52549808e-5f;
    q = q * t + 1.05839816e-1f;
    q = q * t + 8.91887254e-2f;
    q = q * t + 9.19043331e-2f;
    q = (q * t - ACT_DENSITY * a) * exp_vector(x * x * -0.5f);
    return x > 0.0f ? 1.0f - q : q;
}

VEC act_value(VEC x, int kind, float slope)
{
    VEC other;
    switch (kind) {
    case ACT_GELU:
        return act_gelu(x);
    case ACT_GELU_TANH:
        return x * act_sigmoid(x * (ACT_LINEAR + ACT_CUBIC * (x * x)), &other);
    case ACT_SILU:
        return x * act_sigmoid(x, &other);
    case ACT_SIGMOID:
        return act_sigmoid(x, &other);
    case ACT_TANH:
        return act_tanh(x);
    default: /* leaky relu */
        return x > 0.0f ? x : slope * x;
    }
}

VEC act_derivative(VEC v, int kind, float slope)
{
    VEC d, e;
    switch (kind) {
    case ACT_GELU:
        return act_gelu_slope(v);
    case ACT_GELU_TANH:
        v = v > 16.0f ? (VEC)16.0f : v; /* beyond it is 1 or 0; v^3 stays finite */
        v = v < -16.0f ? (VEC)-16.0f : v;
        d = act_sigmoid(v * (ACT_LINEAR + ACT_CUBIC * (v * v)), &e);
        return d + v * e * (ACT_LINEAR + 3.0f * ACT_CUBIC * (v * v));
    case ACT_SILU:
        d = act_sigmoid(v, &e);
        return d + v * e;
    case ACT_SIGMOID:
        return v * (1.0f - v);
    case ACT_TANH:
        return 1.0f - v * v;
    default: /* leaky relu */
        return v > 0.0f ? (VEC)1.0f : (VEC)slope;
    }
}

/* With `kind` a constant, so that the loops have no conditions in them. */
#define EACH_KIND(LOOPS)                                                                           \
    switch (kind) {                                                                                \
    case ACT_GELU:                                                                                 \
        LOOPS(ACT_GELU)                                                                            \
        break;                                                                                     \
    case ACT_GELU_TANH:                                                                            \
        LOOPS(ACT_GELU_TANH)                                                                       \
        break;                                                                                     \
    case ACT_SILU:                                                                                 \
        LOOPS(ACT_SILU)                                                                            \
        break;                                                                                     \
    case ACT_SIGMOID:                                                                              \
        LOOPS(ACT_SIGMOID)                                                                         \
        break;                                                                                     \
    case ACT_TANH:                                                                                 \
        LOOPS(ACT_TANH)                                                                            \
        break;                                                                                     \
    default:                                                                                       \
        LOOPS(ACT_LEAKY_RELU)                                                                      \
    }

#define VALUES(kind)                                                                               \
    EACH_VECTOR (i) {                                                                              \
        PREFETCH(x + i + SOON);                                                                    \
        VSTORE(act_value(VLOAD(x + i), kind, slope), y + i);                                       \
    }                                                                                              \
    EACH_SINGLE (i)                                                                                \
        y[i] = act_value((VEC)x[i], kind, slope).s0;

__kernel void activation_vector(__global float *y, long y_at, __global const float *x, long x_at,
                                long n, int kind, float slope, long chunk UNITS)
{
    y += y_at;
    x += x_at;
    PART(n, chunk);
    EACH_KIND(VALUES)
}

#define SLOPES(kind)                                                                               \
    EACH_VECTOR (i) {                                                                              \
        PREFETCH(kept + i + SOON);                                                                 \
        PREFETCH(dy + i + SOON);                                                                   \
        VSTORE(VLOAD(dy + i) * act_derivative(VLOAD(kept + i), kind, slope), dx + i);              \
    }                                                                                              \
    EACH_SINGLE (i)                                                                                \
        dx[i] = dy[i] * act_derivative((VEC)kept[i], kind, slope).s0;

__kernel void activation_grad_vector(__global float *dx, long dx_at, __global const float *dy,
                                     long dy_at, __global const float *kept, long kept_at, long n,
                                     int kind, float slope, long chunk UNITS)
{
    dx += dx_at;
    dy += dy_at;
    kept += kept_at;
    PART(n, chunk);
    EACH_KIND(SLOPES)
}
