/* adam: one step of Adam over flat arrays, as PyTorch's Adam with L2 weight decay:
 * g = grad / sums[0] + weight_decay w;  m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2;
 * w -= lr / bias1 * m / (sqrt(v / bias2) + eps), with bias_i = 1 - beta_i^t from the scalars and
 * rest_i = 1 - beta_i from the host: 1.0f - 0.999f is off by 5e-5, which shows after 50 steps.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl).
 * Source: Kingma & Ba 2015. */
#include "vector.cl"

/* Positions in the scalars; see runtime/base/op.h. */
#define LR 4
#define BIAS1 5
#define BIAS2 6

__kernel void adam_plain(__global float *param, long param_at, __global float *m, long m_at,
                         __global float *v, long v_at, __global const float *grad, long grad_at,
                         __global const float *sums, long sums_at, __global const uint *scalars,
                         long scalars_at, long n, float beta1, float rest1, float beta2,
                         float rest2, float eps, float weight_decay)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    scalars += scalars_at;
    const float step = as_float(scalars[LR]) / as_float(scalars[BIAS1]);
    const float g = grad[grad_at + i] / sums[sums_at] + weight_decay * param[param_at + i];
    const float m1 = beta1 * m[m_at + i] + rest1 * g;
    const float v1 = beta2 * v[v_at + i] + rest2 * g * g;
    m[m_at + i] = m1;
    v[v_at + i] = v1;
    param[param_at + i] -= step * m1 / (sqrt(v1 / as_float(scalars[BIAS2])) + eps);
}

__kernel void adam_vector(__global float *restrict param, long param_at, __global float *restrict m,
                          long m_at, __global float *restrict v, long v_at,
                          __global const float *restrict grad, long grad_at,
                          __global const float *restrict sums, long sums_at,
                          __global const uint *restrict scalars, long scalars_at, long n,
                          float beta1, float rest1, float beta2, float rest2, float eps,
                          float weight_decay, long chunk UNITS)
{
    scalars += scalars_at;
    const float step = as_float(scalars[LR]) / as_float(scalars[BIAS1]);
    const float root = 1.0f / sqrt(as_float(scalars[BIAS2])), factor = 1.0f / sums[sums_at];
    param += param_at;
    m += m_at;
    v += v_at;
    grad += grad_at;
    PART(n, chunk);
    EACH_VECTOR (i) {
        const VEC w = VLOAD(param + i);
        const VEC g = VLOAD(grad + i) * factor + weight_decay * w;
        const VEC m1 = beta1 * VLOAD(m + i) + rest1 * g;
        const VEC v1 = beta2 * VLOAD(v + i) + rest2 * (g * g);
        VSTORE(m1, m + i);
        VSTORE(v1, v + i);
        VSTORE(w - step * m1 / (sqrt(v1) * root + eps), param + i);
    }
    EACH_SINGLE (i) {
        const float g = grad[i] * factor + weight_decay * param[i];
        const float m1 = beta1 * m[i] + rest1 * g;
        const float v1 = beta2 * v[i] + rest2 * (g * g);
        m[i] = m1;
        v[i] = v1;
        param[i] -= step * m1 / (sqrt(v1) * root + eps);
    }
}
