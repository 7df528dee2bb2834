/* adam: one step of Adam or AdamW over flat arrays, as PyTorch has them:
 * m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2;
 * w -= lr / bias1 * m / (sqrt(v / bias2) + eps), with bias_i = 1 - beta_i^t from the scalars and
 * rest_i = 1 - beta_i from the host: 1.0f - 0.999f is off by 5e-5, which shows after 50 steps.
 * Adam adds decay w to the gradient g; AdamW (decoupled) takes lr decay w from the weight instead.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (update.cl).
 * Source: Kingma & Ba 2015; Loshchilov & Hutter 2019. */
#include "update.cl"

__kernel void adam_plain(__global float *param, long param_at, __global float *m, long m_at,
                         __global float *v, long v_at, UPDATE_INPUTS, float beta1, float rest1,
                         float beta2, float rest2, float eps, int decoupled)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n)
        return;
    UPDATE_BEGIN;
    const long r = range_of(ranges, n_ranges, i);
    const float lr = RANGE_LR(r), decay = RANGE_DECAY(r), w = param[param_at + i];
    const float g = gradient_one(grad[i], factor, clip) + (decoupled ? 0.0f : decay * w);
    const float m1 = beta1 * m[m_at + i] + rest1 * g;
    const float v1 = beta2 * v[v_at + i] + rest2 * g * g;
    m[m_at + i] = m1;
    v[v_at + i] = v1;
    param[param_at + i] =
        w - (decoupled ? lr * decay * w : 0.0f) -
        lr / as_float(scalars[SCALAR_BIAS1]) * m1 / (sqrt(v1 / as_float(scalars[SCALAR_BIAS2])) + eps);
}

__kernel void adam_vector(__global float *restrict param, long param_at, __global float *restrict m,
                          long m_at, __global float *restrict v, long v_at, UPDATE_INPUTS,
                          float beta1, float rest1, float beta2, float rest2, float eps,
                          int decoupled, long chunk UNITS)
{
    EXACT
    UPDATE_BEGIN;
    const float root = 1.0f / sqrt(as_float(scalars[SCALAR_BIAS2]));
    param += param_at;
    m += m_at;
    v += v_at;
    PART(n, chunk);
    EACH_RANGE (r) {
        const float lr = RANGE_LR(r), step = lr / as_float(scalars[SCALAR_BIAS1]);
        const float decay = decoupled ? 0.0f : RANGE_DECAY(r);
        const float shrink = decoupled ? lr * RANGE_DECAY(r) : 0.0f;
        EACH_OF_RANGE (i, r) {
            const VEC w = VLOAD(param + i);
            const VEC g = gradient_vec(VLOAD(grad + i), factor, clip) + decay * w;
            const VEC m1 = beta1 * VLOAD(m + i) + rest1 * g;
            const VEC v1 = beta2 * VLOAD(v + i) + rest2 * (g * g);
            VSTORE(m1, m + i);
            VSTORE(v1, v + i);
            VSTORE(w - shrink * w - step * m1 / (sqrt(v1) * root + eps), param + i);
        }
    }
}
